package io.sluice.config;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What a file says, before it is understood: a small tree in which everything knows where it was written. */
sealed interface Node {

    Location at();

    /** In words, for a fault: {@code the text 'x'}, {@code a list}. */
    String words();

    /** What a scalar looked like. */
    enum Kind {
        STRING,
        NUMBER,
        BOOLEAN,
        NULL
    }

    /** A scalar, spelled as it was written. */
    record Text(String text, Kind kind, Location at) implements Node {
        @Override
        public String words() {
            return switch (kind) {
                case STRING -> "the text '" + text + "'";
                case NUMBER, BOOLEAN -> text;
                case NULL -> "nothing";
            };
        }

        boolean isNull() {
            return kind == Kind.NULL;
        }
    }

    record Sequence(List<Node> items, Location at) implements Node {
        public Sequence {
            items = List.copyOf(items);
        }

        @Override
        public String words() {
            return "a list";
        }
    }

    /** Keys in the order of the file, each once. */
    record Mapping(List<Entry> entries, Location at) implements Node {
        public Mapping {
            entries = List.copyOf(entries);
        }

        static Mapping empty(Location at) {
            return new Mapping(List.of(), at);
        }

        @Override
        public String words() {
            return "a mapping of keys";
        }

        Optional<Entry> entry(String key) {
            return entries.stream().filter(e -> e.key().equals(key)).findFirst();
        }

        /** The value, unless it is absent or null. */
        Optional<Node> value(String key) {
            return entry(key).map(Entry::value).filter(v -> !(v instanceof Text text && text.isNull()));
        }

        Mapping with(Entry entry) {
            List<Entry> next = new ArrayList<>(entries);
            for (int i = 0; i < next.size(); i++) {
                if (next.get(i).key().equals(entry.key())) {
                    next.set(i, entry);
                    return new Mapping(next, at);
                }
            }
            next.add(entry);
            return new Mapping(next, at);
        }

        Mapping without(String key) {
            return new Mapping(
                    entries.stream().filter(e -> !e.key().equals(key)).toList(), at);
        }

        /** This mapping with another laid over it: mappings merge key by key, anything else is replaced. */
        Mapping overlaid(Mapping over) {
            Mapping merged = this;
            for (Entry theirs : over.entries) {
                Optional<Node> ours = merged.value(theirs.key());
                if (ours.isPresent() && ours.get() instanceof Mapping a && theirs.value() instanceof Mapping b) {
                    merged = merged.with(new Entry(theirs.key(), theirs.at(), a.overlaid(b)));
                } else {
                    merged = merged.with(theirs);
                }
            }
            return merged;
        }
    }

    /** One key of a mapping. */
    record Entry(String key, Location at, Node value) {}
}
