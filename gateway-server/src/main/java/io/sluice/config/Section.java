package io.sluice.config;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;

/** A mapping with known keys. Anything else in it is a fault. */
final class Section<T> implements Shape<T> {
    private final List<Key<?>> keys;
    private final Set<String> ignored;
    private final Function<Fields, Optional<T>> build;

    /** @param ignored keys that mean something to other readers of the same file */
    Section(List<Key<?>> keys, Set<String> ignored, Function<Fields, Optional<T>> build) {
        this.keys = List.copyOf(keys);
        this.ignored = Set.copyOf(ignored);
        this.build = build;
    }

    Section(List<Key<?>> keys, Function<Fields, Optional<T>> build) {
        this(keys, Set.of(), build);
    }

    List<Key<?>> keys() {
        return keys;
    }

    Set<String> ignored() {
        return ignored;
    }

    @Override
    public Optional<T> read(Node node, String path, Decoding in) {
        if (!(node instanceof Node.Mapping mapping)) {
            in.fault(node.at(), path + ": expected a mapping of keys, found " + node.words());
            return Optional.empty();
        }
        refuseUnknown(mapping, path, in);
        int before = in.faults.size();
        try {
            Optional<T> built = build.apply(new Fields(mapping, path, in));
            return in.faults.size() == before ? built : Optional.empty();
        } catch (IllegalArgumentException e) {
            // The value types check themselves; what they refuse is worth the same sentence here.
            if (in.faults.size() == before) {
                in.fault(mapping.at(), (path.isEmpty() ? "" : path + ": ") + e.getMessage());
            }
            return Optional.empty();
        }
    }

    private void refuseUnknown(Node.Mapping mapping, String path, Decoding in) {
        Collection<String> known = keys.stream().map(Key::name).toList();
        for (Node.Entry entry : mapping.entries()) {
            String name = entry.key();
            if (known.contains(name)) {
                continue;
            }
            if (ignored.contains(name)) {
                in.note(entry.at(), "'" + name + "' is for MCP clients and means nothing here; it is ignored");
                continue;
            }
            String place = path.isEmpty() ? "" : " in " + path;
            String hint = Suggestion.words(name, known);
            if (hint.isEmpty()) {
                hint = ConfigKeys.elsewhere(name)
                        .map(other -> "; did you mean '" + other + "'?")
                        .orElse("; known here: " + String.join(", ", known));
            }
            in.fault(entry.at(), "unknown key '" + name + "'" + place + hint);
        }
    }

    @Override
    public Map<String, Object> schema() {
        Map<String, Object> properties = new LinkedHashMap<>();
        for (Key<?> key : keys) {
            Map<String, Object> property = new LinkedHashMap<>();
            property.put("description", key.description());
            key.fallback().ifPresent(value -> {
                if (value instanceof Integer || value instanceof Boolean) {
                    property.put("default", key.fallbackWords().equals(value.toString()) ? value : key.fallbackWords());
                } else if (!(value instanceof List)) {
                    property.put("default", key.fallbackWords());
                }
            });
            property.putAll(key.shape().schema());
            properties.put(key.name(), property);
        }
        ignored.stream().sorted().forEach(name -> properties.put(name, Map.of("description", "For MCP clients.")));
        Map<String, Object> schema = Shape.schemaOf("object");
        schema.put("additionalProperties", false);
        schema.put("properties", properties);
        return schema;
    }

    /** What a section is built from: the values of its keys. */
    static final class Fields {
        private final Node.Mapping mapping;
        private final String path;
        private final Decoding in;

        private Fields(Node.Mapping mapping, String path, Decoding in) {
            this.mapping = mapping;
            this.path = path;
            this.in = in;
        }

        Location at() {
            return mapping.at();
        }

        String path() {
            return path;
        }

        Decoding in() {
            return in;
        }

        /** The value written, or the default, which also stands in after a fault so that reading goes on. */
        <T> T value(Key<T> key) {
            return find(key)
                    .or(key::fallback)
                    .orElseThrow(() -> new IllegalArgumentException(key.name() + " is missing"));
        }

        /** The value written. */
        <T> Optional<T> find(Key<T> key) {
            return node(key).flatMap(node -> key.shape().read(node, pathOf(key), in));
        }

        /** The value of a section, built from its defaults when it is not written; empty after a fault in it. */
        <T> Optional<T> section(Key<T> key) {
            Node node = node(key).orElseGet(() -> Node.Mapping.empty(mapping.at()));
            return key.shape().read(node, pathOf(key), in);
        }

        Optional<Node> node(Key<?> key) {
            return mapping.value(key.name());
        }

        /** Where a key's value was written, or the section when it was not. */
        Location at(Key<?> key) {
            return node(key).map(Node::at).orElse(mapping.at());
        }

        String pathOf(Key<?> key) {
            return path.isEmpty() ? key.name() : path + "." + key.name();
        }
    }

    @Override
    public String toString() {
        return keys.stream().map(Key::name).collect(Collectors.joining(", ", "{", "}"));
    }
}
