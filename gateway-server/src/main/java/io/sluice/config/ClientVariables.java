package io.sluice.config;

import java.io.File;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What <code>${…}</code> means to the clients whose files are read here: places that they know by themselves, and inputs that they ask a person for. Nobody can be asked here; an input is a variable
 * of the environment.
 */
final class ClientVariables {
    /** Directories of a workspace in which clients keep their file. */
    private static final Set<String> OF_CLIENTS =
            Set.of(".vscode", ".cursor", ".roo", ".kilocode", ".gemini", ".amazonq");

    private final Map<String, Input> inputs = new HashMap<>();

    /**
     * What a file's {@code inputs} say of one.
     *
     * @param description empty when there is none
     */
    private record Input(String description, Optional<String> usual) {}

    /** Takes the {@code inputs} of a file of VS Code. What is wrong with them is the client's to say. */
    void take(Node declared) {
        if (!(declared instanceof Node.Sequence sequence)) {
            return;
        }
        for (Node each : sequence.items()) {
            if (each instanceof Node.Mapping input) {
                word(input, "id")
                        .ifPresent(id -> inputs.put(
                                id, new Input(word(input, "description").orElse(""), word(input, "default"))));
            }
        }
    }

    private static Optional<String> word(Node.Mapping input, String key) {
        return input.value(key).filter(Node.Text.class::isInstance).map(node -> ((Node.Text) node).text());
    }

    /** The variable that holds an input. Of a prefix, as there are inputs called {@code path} and {@code user}. */
    private static String variable(String id) {
        return "INPUT_" + id.toUpperCase(Locale.ROOT).replaceAll("[^A-Z0-9]", "_");
    }

    /** An input's value: its variable's, else the default that the file declares. */
    Optional<String> input(String id, Map<String, String> variables) {
        return Optional.ofNullable(variables.get(variable(id)))
                .or(() -> Optional.ofNullable(inputs.get(id)).flatMap(Input::usual));
    }

    /** Why there is no value, and the way out. */
    String missing(String id) {
        String description =
                Optional.ofNullable(inputs.get(id)).map(Input::description).orElse("");
        return "the input '" + id + "'" + (description.isEmpty() ? "" : " (" + description + ")")
                + " is asked for, and nobody can be asked here; set the variable " + variable(id);
    }

    /**
     * A place that clients know by themselves.
     *
     * @param at where it is asked for: the workspace is where the file is, or above when the file is in a client's own directory
     */
    static Optional<String> place(String name, Location at) {
        return switch (name) {
            case "workspaceFolder" -> Optional.of(workspace(at).toString());
            case "workspaceFolderBasename" ->
                Optional.ofNullable(workspace(at).getFileName()).map(Path::toString);
            case "userHome" -> Optional.of(System.getProperty("user.home", ""));
            case "pathSeparator", "/" -> Optional.of(File.separator);
            default -> Optional.empty();
        };
    }

    private static Path workspace(Location at) {
        Path directory = at.base();
        Path parent = directory.getParent();
        Path name = directory.getFileName();
        return parent != null && name != null && OF_CLIENTS.contains(name.toString()) ? parent : directory;
    }
}
