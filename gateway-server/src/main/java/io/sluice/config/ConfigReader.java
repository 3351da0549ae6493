package io.sluice.config;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads files, variables and flags into a {@link GatewayConfig}. Trees are merged first (files in order, then
 * variables, then flags) and understood afterwards, so that a fault names the place its value really came from. Blocks
 * on files; not for an event loop.
 */
public final class ConfigReader {
    private static final Pattern PEER = Pattern.compile("MCP_PEER_(.+)_(URL|TOKEN)");

    /** What Kubernetes puts into the environment of every pod for a Service, which may happen to be named like us. */
    private static final Pattern SERVICE_LINK = Pattern.compile("(tcp|udp|sctp)://.*");

    private final ConfigSources sources;
    private final Decoding in;

    private ConfigReader(ConfigSources sources) {
        this.sources = sources;
        this.in = new Decoding(sources.variables());
    }

    /** Never throws for what the sources say; every fault is in the answer. */
    public static Reading read(ConfigSources sources) {
        return new ConfigReader(sources).reading();
    }

    private Reading reading() {
        Node.Mapping merged = Node.Mapping.empty(Location.of("configuration"));
        for (Path file : sources.files()) {
            merged = merge(merged, document(file));
        }
        merged = merge(merged, variables());
        merged = merge(merged, flags());
        Optional<GatewayConfig> config = ConfigKeys.TOP.read(merged, "", in);
        return new Reading(
                in.faults.isEmpty() ? config : Optional.empty(),
                in.faults.stream().sorted(inOrder()).distinct().toList(),
                in.notes.stream().distinct().toList(),
                in.files.asked(),
                in.files.hash());
    }

    private Node.Mapping document(Path file) {
        byte[] bytes;
        try {
            bytes = in.files.read(file);
        } catch (IOException e) {
            in.fault(Location.in(file, 0, 0), "cannot be read: " + Decoding.reason(e));
            return Node.Mapping.empty(Location.in(file, 1, 1));
        }
        return DocumentReader.read(file, bytes, in.faults)
                .map(this::withOneNameForBackends)
                .map(this::withoutInputs)
                .orElseGet(() -> Node.Mapping.empty(Location.in(file, 1, 1)));
    }

    /** VS Code says {@code servers} where everybody else says {@code mcpServers}. */
    private Node.Mapping withOneNameForBackends(Node.Mapping top) {
        Optional<Node.Entry> servers = top.entry("servers");
        if (servers.isEmpty()) {
            return top;
        }
        if (top.entry("mcpServers").isPresent()) {
            in.fault(servers.get().at(), "'servers' and 'mcpServers' mean the same; keep one of them");
            return top.without("servers");
        }
        return top.without("servers")
                .with(new Node.Entry(
                        "mcpServers", servers.get().at(), servers.get().value()));
    }

    /** What VS Code would ask somebody for. */
    private Node.Mapping withoutInputs(Node.Mapping top) {
        top.value("inputs").ifPresent(in.client::take);
        return top.without("inputs");
    }

    /** Lays one tree over another. A backend's new url replaces its endpoints, and the other way round. */
    private static Node.Mapping merge(Node.Mapping under, Node.Mapping over) {
        Node.Mapping base = under;
        if (under.value("mcpServers").orElse(null) instanceof Node.Mapping ours
                && over.value("mcpServers").orElse(null) instanceof Node.Mapping theirs) {
            Node.Mapping cleared = ours;
            for (Node.Entry entry : theirs.entries()) {
                Optional<Node> known = ours.value(entry.key());
                if (known.isPresent()
                        && known.get() instanceof Node.Mapping before
                        && entry.value() instanceof Node.Mapping after) {
                    Node.Mapping kept = after.value("url").isPresent() ? before.without("endpoints") : before;
                    kept = after.value("endpoints").isPresent() ? kept.without("url") : kept;
                    cleared = cleared.with(new Node.Entry(entry.key(), entry.at(), kept));
                }
            }
            base = under.with(new Node.Entry("mcpServers", cleared.at(), cleared));
        }
        return base.overlaid(over);
    }

    private Node.Mapping variables() {
        Node.Mapping tree = Node.Mapping.empty(Location.of("variables"));
        Map<String, String> given = new TreeMap<>(sources.variables());
        Map<String, ConfigKeys.Scalar> relaxed = new LinkedHashMap<>();
        for (ConfigKeys.Scalar scalar : ConfigKeys.scalars()) {
            relaxed.put(folded(scalar.variable()), scalar);
            List<String> names = new ArrayList<>(scalar.key().variables());
            for (String name : names) {
                if (!given.containsKey(name)) {
                    continue;
                }
                if (isSet(tree, scalar.path())) {
                    in.note(Location.of("variable " + name), "is ignored, as " + names.get(0) + " is set too");
                } else {
                    tree = withVariable(tree, scalar.path(), name, given.getOrDefault(name, ""));
                }
            }
        }
        for (Map.Entry<String, String> variable : given.entrySet()) {
            String name = variable.getKey();
            Matcher peer = PEER.matcher(name);
            if (name.equals("SLUICE_SECRET_KEY_FILE") && !variable.getValue().isBlank()) {
                Location at = Location.of("variable " + name);
                Location read = new Location(at.source(), 0, 0, at.base(), false);
                tree = with(tree, List.of("secretKey"), "${file:" + variable.getValue() + "}", read);
            } else if (peer.matches() && !variable.getValue().isBlank()) {
                String backend = peer.group(1).toLowerCase(Locale.ROOT).replace('_', '-');
                tree = peer.group(2).equals("URL")
                        ? withVariable(tree, List.of("mcpServers", backend, "url"), name, variable.getValue())
                        : withVariable(
                                tree,
                                List.of("mcpServers", backend, "headers", "Authorization"),
                                name,
                                "Bearer " + variable.getValue().strip());
            } else if (name.startsWith("SLUICE_")) {
                ConfigKeys.Scalar scalar = relaxed.get(folded(name));
                if (scalar == null) {
                    noteUnknown(name, relaxed);
                } else if (SERVICE_LINK.matcher(variable.getValue()).matches()) {
                    in.note(
                            Location.of("variable " + name),
                            "looks like what Kubernetes sets for a Service, and is ignored; enableServiceLinks: false"
                                    + " avoids it");
                } else {
                    tree = withVariable(tree, scalar.path(), name, variable.getValue());
                }
            }
        }
        return tree;
    }

    private void noteUnknown(String name, Map<String, ConfigKeys.Scalar> relaxed) {
        Suggestion.closest(folded(name), relaxed.keySet())
                .map(relaxed::get)
                .ifPresent(near -> in.note(
                        Location.of("variable " + name),
                        "means nothing here; did you mean '" + near.variable() + "'?"));
    }

    private Node.Mapping withVariable(Node.Mapping tree, List<String> path, String name, String value) {
        Location at = Location.of("variable " + name);
        if (value.isBlank()) {
            if (path.equals(List.of("auth", "token"))) {
                in.fault(at, "is set but empty, which would leave the gateway open; give it a value or unset it");
            }
            return tree;
        }
        return with(tree, path, value, at);
    }

    private Node.Mapping flags() {
        Node.Mapping tree = Node.Mapping.empty(Location.of("flags"));
        for (ConfigSources.Flag flag : sources.flags()) {
            tree = with(tree, List.of(flag.key().split("\\.")), flag.value(), Location.of("flag " + flag.name()));
        }
        return tree;
    }

    private static boolean isSet(Node.Mapping tree, List<String> path) {
        Node node = tree;
        for (String key : path) {
            Optional<Node> next = node instanceof Node.Mapping m ? m.value(key) : Optional.empty();
            if (next.isEmpty()) {
                return false;
            }
            node = next.get();
        }
        return true;
    }

    private static Node.Mapping with(Node.Mapping tree, List<String> path, String value, Location at) {
        String key = path.get(0);
        if (path.size() == 1) {
            return tree.with(new Node.Entry(key, at, new Node.Text(value, Node.Kind.STRING, at)));
        }
        Node.Mapping inner = tree.value(key).orElse(null) instanceof Node.Mapping m ? m : Node.Mapping.empty(at);
        return tree.with(new Node.Entry(key, at, with(inner, path.subList(1, path.size()), value, at)));
    }

    private static String folded(String variable) {
        return variable.replace("_", "").toLowerCase(Locale.ROOT);
    }

    private Comparator<Fault> inOrder() {
        List<String> order = sources.files().stream().map(Path::toString).toList();
        return Comparator.comparingInt((Fault f) -> {
                    int index = order.indexOf(f.at().source());
                    return index < 0 ? order.size() : index;
                })
                .thenComparingInt(f -> f.at().line())
                .thenComparingInt(f -> f.at().column());
    }
}
