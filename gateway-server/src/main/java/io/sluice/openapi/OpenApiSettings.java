package io.sluice.openapi;

import io.sluice.protocol.RawJson;
import io.sluice.registry.Transport;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Where a service's document is, and which of its operations become tools.
 *
 * @param document an absolute http or https URL, a path on the service itself (starting with a slash), or {@code file:} and a path
 * @param interval how often it is read again
 * @param include what an operation must match to become a tool; empty lists match all
 * @param exclude what keeps an operation out
 */
public record OpenApiSettings(String document, Duration interval, Selection include, Selection exclude) {
    public static final String KIND = "openapi";
    public static final Duration INTERVAL = Duration.ofSeconds(60);
    private static final JsonMapper JSON = JsonMapper.shared();

    /**
     * Operations by what they say of themselves.
     *
     * @param operations ids of operations, or names of their tools
     * @param methods in lower case
     */
    public record Selection(List<String> tags, List<String> operations, List<String> methods) {
        public static final Selection EMPTY = new Selection(List.of(), List.of(), List.of());

        public Selection {
            tags = List.copyOf(tags);
            operations = List.copyOf(operations);
            methods = methods.stream()
                    .map(method -> method.toLowerCase(Locale.ROOT))
                    .toList();
        }

        boolean isEmpty() {
            return tags.isEmpty() && operations.isEmpty() && methods.isEmpty();
        }

        /** Whether any of the lists that are not empty names the operation. */
        boolean names(List<String> itsTags, String id, String tool, String method) {
            return itsTags.stream().anyMatch(tags::contains)
                    || operations.contains(id)
                    || operations.contains(tool)
                    || methods.contains(method);
        }

        /** Whether every list that is not empty names the operation. */
        boolean admits(List<String> itsTags, String id, String tool, String method) {
            return (tags.isEmpty() || itsTags.stream().anyMatch(tags::contains))
                    && (operations.isEmpty() || operations.contains(id) || operations.contains(tool))
                    && (methods.isEmpty() || methods.contains(method));
        }
    }

    public static OpenApiSettings of(String document) {
        return new OpenApiSettings(document, INTERVAL, Selection.EMPTY, Selection.EMPTY);
    }

    public Transport transport() {
        ObjectNode json = JSON.createObjectNode();
        json.put("document", document);
        json.put("intervalMs", interval.toMillis());
        write(json.putObject("include"), include);
        write(json.putObject("exclude"), exclude);
        return new Transport(KIND, RawJson.of(JSON.writeValueAsBytes(json)));
    }

    private static void write(ObjectNode json, Selection selection) {
        selection.tags().forEach(json.putArray("tags")::add);
        selection.operations().forEach(json.putArray("operations")::add);
        selection.methods().forEach(json.putArray("methods")::add);
    }

    /** @throws IllegalArgumentException with a sentence when the transport names no document */
    public static OpenApiSettings of(Transport transport) {
        try {
            JsonNode json = JSON.readTree(transport.settings().bytes());
            String document = json.path("document").asString("");
            if (document.isEmpty()) {
                throw new IllegalArgumentException("its settings name no OpenAPI document");
            }
            return new OpenApiSettings(
                    document,
                    Duration.ofMillis(json.path("intervalMs").asLong(INTERVAL.toMillis())),
                    selection(json.path("include")),
                    selection(json.path("exclude")));
        } catch (JacksonException e) {
            throw new IllegalArgumentException("its OpenAPI settings cannot be read: " + e.getOriginalMessage(), e);
        }
    }

    private static Selection selection(JsonNode json) {
        return new Selection(texts(json.path("tags")), texts(json.path("operations")), texts(json.path("methods")));
    }

    private static List<String> texts(JsonNode array) {
        List<String> texts = new ArrayList<>();
        array.forEach(text -> texts.add(text.asString("")));
        return texts;
    }
}
