package io.sluice.config;

import io.sluice.registry.Backend;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What the files of MCP clients write otherwise, put into the words of this configuration, each time with a note. A file that starts in such a client starts here; what cannot be carried over is told.
 */
final class ClientForm {
    /** Words of others for what has a key here, in the order in which they are looked at. */
    private static final Map<String, List<String>> SYNONYMS = Map.of(
            "url", List.of("serverUrl", "httpUrl"),
            "type", List.of("transport", "transportType"),
            "excludeTools", List.of("disabledTools"));

    private static final int LONGEST_SECONDS = 1000;

    private final Decoding in;
    private final Set<String> taken = new HashSet<>();

    ClientForm(Node.Mapping servers, Decoding in) {
        this.in = in;
        servers.entries().stream().map(Node.Entry::key).filter(Backend::isName).forEach(taken::add);
    }

    /** The name itself, or a valid one that is like it; one that is like none stays, to be refused. */
    String name(Node.Entry entry) {
        String given = entry.key();
        if (Backend.isName(given)) {
            return given;
        }
        String plain =
                given.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]+", "-").replaceAll("^-+|-+$", "");
        if (!Backend.isName(plain)) {
            return given;
        }
        String free = plain;
        for (int i = 2; !taken.add(free); i++) {
            free = plain + "-" + i;
        }
        in.note(entry.at(), "'" + given + "' is called '" + free + "' here: names are of a-z, 0-9 and '-'");
        return free;
    }

    Node.Mapping server(Node.Mapping given) {
        Node.Mapping server = given;
        for (Map.Entry<String, List<String>> each : SYNONYMS.entrySet()) {
            for (String other : each.getValue()) {
                server = renamed(server, other, each.getKey());
            }
        }
        Optional<Node.Entry> envFile = server.entry("envFile");
        if (envFile.isPresent()) {
            in.note(envFile.get().at(), "'envFile' is not read; what the program needs of it belongs into env");
            server = server.without("envFile");
        }
        return withUnit(server);
    }

    private Node.Mapping renamed(Node.Mapping server, String theirs, String ours) {
        Optional<Node.Entry> found = server.entry(theirs);
        if (found.isEmpty()) {
            return server;
        }
        Node.Mapping rest = server.without(theirs);
        if (rest.entry(ours).isPresent()) {
            in.note(found.get().at(), "'" + theirs + "' is ignored beside '" + ours + "'");
            return rest;
        }
        in.note(found.get().at(), "'" + theirs + "' is read as '" + ours + "'");
        return rest.with(new Node.Entry(ours, found.get().at(), found.get().value()));
    }

    /** Clients write bare numbers: seconds some, milliseconds others. Nobody waits for a quarter of an hour, or for less than a second. */
    private Node.Mapping withUnit(Node.Mapping server) {
        Optional<Node.Entry> timeout = server.entry("timeout");
        if (timeout.isEmpty()
                || !(timeout.get().value() instanceof Node.Text text)
                || !text.text().matches("[1-9]\\d{0,7}")) {
            return server;
        }
        int number = Integer.parseInt(text.text());
        String meant = number + (number < LONGEST_SECONDS ? "s" : "ms");
        in.note(timeout.get().at(), "'timeout' has no unit; " + number + " is taken as " + meant);
        return server.with(
                new Node.Entry("timeout", timeout.get().at(), new Node.Text(meant, Node.Kind.STRING, text.at())));
    }
}
