package io.sluice.config;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * One key that may be written, described once for the reader, the schema, the variables and the documentation.
 *
 * @param fallback the value when nothing is written; empty when absence means something of its own
 * @param fallbackWords the same as it would be written, or what absence means
 * @param variables names, besides {@code SLUICE_…}, of variables that give it
 */
record Key<T>(
        String name,
        Shape<T> shape,
        Optional<T> fallback,
        String fallbackWords,
        String description,
        List<String> variables) {

    Key {
        variables = List.copyOf(variables);
    }

    /** A key with a default, in the words of the file. */
    static <T> Key<T> of(String name, Shape<T> shape, String fallback, String description, String... variables) {
        Decoding none = new Decoding(Map.of());
        Optional<T> value = shape.read(new Node.Text(fallback, Node.Kind.STRING, Location.of("default")), name, none);
        if (value.isEmpty()) {
            throw new IllegalStateException("bad default: " + none.faults);
        }
        return new Key<>(name, shape, value, fallback, description, List.of(variables));
    }

    /** A list that is empty when nothing is written. */
    static <T> Key<List<T>> listOf(String name, Shape<T> item, String fallbackWords, String description) {
        return new Key<>(name, Shape.list(item), Optional.of(List.of()), fallbackWords, description, List.of());
    }

    /** A key whose absence means something. */
    static <T> Key<T> optional(String name, Shape<T> shape, String absence, String description, String... variables) {
        return new Key<>(name, shape, Optional.empty(), absence, description, List.of(variables));
    }

    /** A section, which exists whether it is written or not. */
    static <T> Key<T> section(String name, Section<T> section, String description) {
        return new Key<>(name, section, Optional.empty(), "", description, List.of());
    }
}
