package io.sluice.config;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * Where settings come from, later ones winning: defaults, files in their order, variables, flags.
 *
 * @param variables the environment
 * @param flags what was given on the command line
 */
public record ConfigSources(List<Path> files, Map<String, String> variables, List<Flag> flags) {

    public ConfigSources {
        files = List.copyOf(files);
        variables = Map.copyOf(variables);
        flags = List.copyOf(flags);
    }

    /**
     * A setting from the command line.
     *
     * @param name as it was typed, {@code --port}
     * @param key the key it stands for, {@code server.port}
     */
    public record Flag(String name, String key, String value) {}
}
