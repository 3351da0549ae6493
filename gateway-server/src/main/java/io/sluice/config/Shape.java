package io.sluice.config;

import inet.ipaddr.AddressStringException;
import inet.ipaddr.IPAddressString;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * What a value may look like: reads it, and describes itself to an editor. The built-in ones are the factories here; a
 * mapping with known keys is a {@link Section}.
 */
interface Shape<T> {

    /** The value; empty after adding a fault that names {@code path}. */
    Optional<T> read(Node node, String path, Decoding in);

    /** The same as JSON Schema 2020-12. */
    Map<String, Object> schema();

    /** Whether one variable or flag can hold it. */
    default boolean scalar() {
        return false;
    }

    static Shape<String> text() {
        return new Scalar<>(s -> s, schemaOf("string"));
    }

    /** A text with something in it and nothing around it. */
    static Shape<String> word() {
        return new Scalar<>(
                s -> {
                    if (s.isBlank()) {
                        throw new Unfit("is blank");
                    }
                    return s.strip();
                },
                schemaOf("string"));
    }

    static Shape<Integer> integer(int min, int max) {
        Map<String, Object> whole = schemaOf("integer");
        whole.put("minimum", min);
        whole.put("maximum", max);
        return new Scalar<>(
                s -> {
                    String sentence = "is not a whole number from " + min + " to " + max;
                    try {
                        int value = Integer.parseInt(s);
                        if (value >= min && value <= max) {
                            return value;
                        }
                    } catch (NumberFormatException e) {
                        throw new Unfit(sentence);
                    }
                    throw new Unfit(sentence);
                },
                orPlaceholder(whole));
    }

    static Shape<Boolean> flag() {
        return new Scalar<>(
                s -> switch (s) {
                    case "true" -> true;
                    case "false" -> false;
                    default -> throw new Unfit("is neither true nor false");
                },
                orPlaceholder(schemaOf("boolean")));
    }

    /** {@code 10s}, {@code 1m30s}, {@code 500ms} or ISO-8601 as in {@code PT10S}; at least 1 ms, at most 24 h. */
    static Shape<Duration> duration() {
        return duration("1ms", Duration.ofMillis(1));
    }

    /** As {@link #duration()}, where {@code 0s} means not at all. */
    static Shape<Duration> durationOrNone() {
        return duration("0s", Duration.ZERO);
    }

    private static Shape<Duration> duration(String shortestText, Duration shortest) {
        Map<String, Object> schema = schemaOf("string");
        schema.put("examples", List.of("500ms", "10s", "5m", "PT10S"));
        return new Scalar<>(
                text -> {
                    Duration duration = parseDuration(text);
                    if (duration.compareTo(shortest) < 0 || duration.compareTo(Duration.ofHours(24)) > 0) {
                        throw new Unfit("is out of range: durations go from " + shortestText + " to 24h");
                    }
                    return duration;
                },
                schema);
    }

    /** Bytes, from {@code 65536}, {@code 64KiB}, {@code 1MiB}, {@code 1MB}. */
    static Shape<Integer> size(int min, int max) {
        Map<String, Object> schema = new LinkedHashMap<>();
        schema.put("type", List.of("string", "integer"));
        schema.put("examples", List.of("64KiB", "1MiB"));
        return new Scalar<>(s -> parseSize(s, min, max), schema);
    }

    /** One of a few words, some of which may mean the same. */
    static <T> Shape<T> choice(Map<String, T> words) {
        Map<String, Object> schema = new LinkedHashMap<>();
        schema.put("enum", List.copyOf(words.keySet()));
        return new Scalar<>(
                s -> {
                    T value = words.get(s);
                    if (value == null) {
                        throw new Unfit("is none of " + String.join(", ", words.keySet())
                                + Suggestion.words(s, words.keySet()));
                    }
                    return value;
                },
                schema);
    }

    /** A file, relative to the file that names it; that it can be read is checked. */
    static Shape<Path> file() {
        Shape<String> text = text();
        return new Shape<>() {
            @Override
            public Optional<Path> read(Node node, String path, Decoding in) {
                return text.read(node, path, in).flatMap(name -> {
                    Path file = node.at().base().resolve(name).normalize();
                    return in.bytes(file, node.at(), path).map(bytes -> file);
                });
            }

            @Override
            public Map<String, Object> schema() {
                return text.schema();
            }

            @Override
            public boolean scalar() {
                return true;
            }
        };
    }

    /** A file that need not exist yet, relative to the file that names it. */
    static Shape<Path> newFile() {
        Shape<String> text = text();
        return new Shape<>() {
            @Override
            public Optional<Path> read(Node node, String path, Decoding in) {
                return text.read(node, path, in)
                        .map(name -> node.at().base().resolve(name).normalize());
            }

            @Override
            public Map<String, Object> schema() {
                return text.schema();
            }

            @Override
            public boolean scalar() {
                return true;
            }
        };
    }

    /** An absolute URL, still to be checked for what it may name. */
    static Shape<URI> url() {
        Map<String, Object> schema = schemaOf("string");
        schema.put("examples", List.of("https://example.com/mcp"));
        return new Scalar<>(Shape::parseUrl, schema);
    }

    /** An address or a range of addresses, in its canonical spelling. */
    static Shape<String> addressRange() {
        Map<String, Object> schema = schemaOf("string");
        schema.put("examples", List.of("10.0.0.0/8", "192.168.1.7", "fd00::/8"));
        return new Scalar<>(
                s -> {
                    String way = "is not an address or a range such as 10.0.0.0/8";
                    if (s.isBlank() || s.contains("*")) {
                        throw new Unfit(way);
                    }
                    try {
                        return new IPAddressString(s)
                                .toAddress()
                                .toPrefixBlock()
                                .toCanonicalString();
                    } catch (AddressStringException | RuntimeException e) {
                        throw new Unfit(way);
                    }
                },
                schema);
    }

    /** A list; one value alone is a list of one, and in a variable commas separate. */
    static <T> Shape<List<T>> list(Shape<T> item) {
        return new Shape<>() {
            @Override
            public Optional<List<T>> read(Node node, String path, Decoding in) {
                List<T> items = new ArrayList<>();
                boolean whole = true;
                int index = 0;
                for (Node each : items(node)) {
                    Optional<T> value = item.read(each, path + "[" + index++ + "]", in);
                    value.ifPresent(items::add);
                    whole &= value.isPresent();
                }
                return whole ? Optional.of(List.copyOf(items)) : Optional.empty();
            }

            private List<Node> items(Node node) {
                if (node instanceof Node.Sequence sequence) {
                    return sequence.items();
                }
                if (item.scalar() && node.at().literal() && node instanceof Node.Text text) {
                    return Pattern.compile(",")
                            .splitAsStream(text.text())
                            .map(String::strip)
                            .filter(s -> !s.isEmpty())
                            .map(s -> (Node) new Node.Text(s, Node.Kind.STRING, node.at()))
                            .toList();
                }
                return List.of(node);
            }

            @Override
            public Map<String, Object> schema() {
                Map<String, Object> list = schemaOf("array");
                list.put("items", item.schema());
                Map<String, Object> either = new LinkedHashMap<>();
                either.put("anyOf", List.of(item.schema(), list));
                return either;
            }

            @Override
            public boolean scalar() {
                return item.scalar();
            }
        };
    }

    /** Names of the writer's choosing, each with a text. */
    static Shape<Map<String, String>> texts() {
        Shape<String> text = text();
        return new Shape<>() {
            @Override
            public Optional<Map<String, String>> read(Node node, String path, Decoding in) {
                if (!(node instanceof Node.Mapping mapping)) {
                    in.fault(node.at(), path + ": expected a mapping of keys, found " + node.words());
                    return Optional.empty();
                }
                Map<String, String> texts = new LinkedHashMap<>();
                for (Node.Entry entry : mapping.entries()) {
                    text.read(entry.value(), path + "." + entry.key(), in).ifPresent(v -> texts.put(entry.key(), v));
                }
                return texts.size() == mapping.entries().size() ? Optional.of(texts) : Optional.empty();
            }

            @Override
            public Map<String, Object> schema() {
                Map<String, Object> schema = schemaOf("object");
                schema.put("additionalProperties", text.schema());
                return schema;
            }
        };
    }

    static Map<String, Object> schemaOf(String type) {
        Map<String, Object> schema = new LinkedHashMap<>();
        schema.put("type", type);
        return schema;
    }

    private static Map<String, Object> orPlaceholder(Map<String, Object> schema) {
        Map<String, Object> placeholder = schemaOf("string");
        placeholder.put("pattern", "^\\$\\{");
        Map<String, Object> either = new LinkedHashMap<>();
        either.put("anyOf", List.of(schema, placeholder));
        return either;
    }

    /** Why a text is not a value: the rest of a sentence that begins with the text itself. */
    final class Unfit extends IllegalArgumentException {
        private static final long serialVersionUID = 1;

        Unfit(String restOfSentence) {
            super(restOfSentence);
        }
    }

    /** A value written as one text. */
    record Scalar<T>(Function<String, T> parser, Map<String, Object> schema) implements Shape<T> {
        @Override
        public Optional<T> read(Node node, String path, Decoding in) {
            Optional<String> text = in.text(node, path);
            try {
                return text.map(parser);
            } catch (Unfit e) {
                in.fault(node.at(), path + ": " + quoted(node) + " " + e.getMessage());
                return Optional.empty();
            }
        }

        @Override
        public boolean scalar() {
            return true;
        }

        /** As it was written, so that what a variable holds is not shown; nor is what stands before the @ of a URL. */
        private static String quoted(Node node) {
            if (!(node instanceof Node.Text text)) {
                return node.words();
            }
            String shown = text.text().replaceAll("//[^/@]*@", "//…@");
            String clipped = shown.length() > 120 ? shown.substring(0, 120) + "…" : shown;
            return (shown.contains("${") && !node.at().literal() ? "the value of " : "") + "'" + clipped + "'";
        }
    }

    private static Duration parseDuration(String text) {
        String form = "is not a duration; write it like 500ms, 10s, 5m or 1h30m";
        Duration duration = Duration.ZERO;
        if (text.matches("\\d+(\\.\\d+)?")) {
            throw new Unfit("has no unit; write " + text + "s or " + text + "ms");
        }
        try {
            if (text.toUpperCase(Locale.ROOT).startsWith("P")) {
                duration = Duration.parse(text);
            } else if (text.matches("(\\d{1,9}(ms|s|m|h|d))+")) {
                Matcher part = Pattern.compile("(\\d+)(ms|s|m|h|d)").matcher(text);
                while (part.find()) {
                    long amount = Long.parseLong(part.group(1));
                    duration = duration.plus(
                            switch (part.group(2)) {
                                case "ms" -> Duration.ofMillis(amount);
                                case "s" -> Duration.ofSeconds(amount);
                                case "m" -> Duration.ofMinutes(amount);
                                case "h" -> Duration.ofHours(amount);
                                default -> Duration.ofDays(amount);
                            });
                }
            } else {
                throw new Unfit(form);
            }
        } catch (DateTimeParseException | ArithmeticException e) {
            throw new Unfit(form);
        }
        return duration;
    }

    private static int parseSize(String text, int min, int max) {
        Matcher size = Pattern.compile("(\\d{1,10})\\s*(B|KiB|MiB|KB|MB|)").matcher(text);
        if (!size.matches()) {
            throw new Unfit("is not a size; write it like 65536, 64KiB or 1MiB");
        }
        long bytes = Long.parseLong(size.group(1))
                * switch (size.group(2)) {
                    case "KiB" -> 1024;
                    case "MiB" -> 1024 * 1024;
                    case "KB" -> 1000;
                    case "MB" -> 1000 * 1000;
                    default -> 1;
                };
        if (bytes < min || bytes > max) {
            throw new Unfit("is out of range: it goes from " + min + " to " + max + " bytes");
        }
        return (int) bytes;
    }

    private static URI parseUrl(String text) {
        URI url;
        try {
            url = new URI(text.strip());
        } catch (URISyntaxException e) {
            throw new Unfit(
                    "is not a URL: " + e.getReason().toLowerCase(Locale.ROOT) + " at character " + (e.getIndex() + 1));
        }
        if (url.getScheme() == null || !url.getScheme().matches("(?i)https?")) {
            throw new Unfit("is not an http or https URL");
        }
        if (url.getHost() == null) {
            throw new Unfit("names no host");
        }
        if (url.getPort() == 0 || url.getPort() > 65535) {
            throw new Unfit("has a port that is not from 1 to 65535");
        }
        return url;
    }

    /** Several words as they are listed in a sentence. */
    static String words(List<String> words) {
        return words.stream().map(w -> "'" + w + "'").collect(Collectors.joining(", "));
    }
}
