package io.sluice.config;

import java.util.regex.Pattern;
import java.util.stream.Collectors;
import tools.jackson.core.io.JsonStringEncoder;

/** A tree as JSON, its numbers spelled as they were written. */
final class JsonText {
    private static final Pattern NUMBER = Pattern.compile("-?(0|[1-9]\\d*)(\\.\\d+)?([eE][+-]?\\d+)?");

    private JsonText() {}

    static String of(Node node) {
        if (node instanceof Node.Mapping mapping) {
            return mapping.entries().stream()
                    .map(e -> quoted(e.key()) + ":" + of(e.value()))
                    .collect(Collectors.joining(",", "{", "}"));
        }
        if (node instanceof Node.Sequence sequence) {
            return sequence.items().stream().map(JsonText::of).collect(Collectors.joining(",", "[", "]"));
        }
        Node.Text text = (Node.Text) node;
        return switch (text.kind()) {
            case NULL -> "null";
            case BOOLEAN -> text.text().toLowerCase(java.util.Locale.ROOT);
            case NUMBER -> NUMBER.matcher(text.text()).matches() ? text.text() : quoted(text.text());
            case STRING -> quoted(text.text());
        };
    }

    private static String quoted(String text) {
        return '"' + new String(JsonStringEncoder.getInstance().quoteAsCharArray(text)) + '"';
    }
}
