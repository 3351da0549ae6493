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
        server = withoutEnvFile(server);
        server = withType(server);
        server = withTools(server);
        server = withGrant(server);
        return withUnit(server);
    }

    /** Clients have it beside a url too, where it does nothing. */
    private Node.Mapping withoutEnvFile(Node.Mapping server) {
        Optional<Node.Entry> envFile = server.entry("envFile");
        if (envFile.isEmpty() || server.value("command").isPresent()) {
            return server;
        }
        in.note(envFile.get().at(), "'envFile' is for programs, and ignored beside a url");
        return server.without("envFile");
    }

    /** Some say where a server is and not how it is reached. */
    private Node.Mapping withType(Node.Mapping server) {
        Optional<Node.Entry> type = server.entry("type");
        if (type.isEmpty() || !(type.get().value() instanceof Node.Text text)) {
            return server;
        }
        String meant = text.text().equals("local") ? "stdio" : text.text().equals("remote") ? "http" : "";
        if (meant.isEmpty()) {
            return server;
        }
        in.note(type.get().at(), "the type '" + text.text() + "' is read as '" + meant + "'");
        return server.with(new Node.Entry("type", type.get().at(), new Node.Text(meant, Node.Kind.STRING, text.at())));
    }

    /** A list is what may be used; here {@code tools} is how single ones are shown. */
    private Node.Mapping withTools(Node.Mapping server) {
        boolean list =
                server.value("tools").filter(Node.Sequence.class::isInstance).isPresent();
        return list ? renamed(server, "tools", "includeTools") : server;
    }

    /** In clients there is always somebody who can agree. */
    private Node.Mapping withGrant(Node.Mapping server) {
        Optional<Node.Entry> entry = server.entry("oauth");
        if (entry.isEmpty() || !(entry.get().value() instanceof Node.Mapping oauth)) {
            return server;
        }
        Node.Mapping plain = oauth.without("callbackPort").without("enabled");
        if (plain.entries().size() == oauth.entries().size()) {
            return server;
        }
        if (plain.entry("grant").isEmpty()) {
            plain = plain.with(new Node.Entry(
                    "grant", oauth.at(), new Node.Text("authorization_code", Node.Kind.STRING, oauth.at())));
        }
        in.note(entry.get().at(), "'oauth' is read as one where somebody agrees: grant: authorization_code");
        return server.with(new Node.Entry("oauth", entry.get().at(), plain));
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
