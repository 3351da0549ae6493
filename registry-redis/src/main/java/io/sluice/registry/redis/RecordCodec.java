package io.sluice.registry.redis;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.sluice.protocol.Era;
import io.sluice.protocol.RawJson;
import io.sluice.registry.Backend;
import io.sluice.registry.BackendPart;
import io.sluice.registry.Endpoint;
import io.sluice.registry.Lease;
import io.sluice.registry.RecordKind;
import io.sluice.registry.SharedRecord;
import io.sluice.registry.ToolOverride;
import io.sluice.registry.Transport;
import io.sluice.seal.Keyring;
import io.sluice.seal.Sealer;
import java.net.URI;
import java.time.DateTimeException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Backends and records as text for Redis. Credentials are sealed, bound to the cluster and to the record they belong to,
 * so that one copied to another record does not open.
 */
final class RecordCodec {
    private static final String BACKEND = "backend/";
    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final Sealer sealer;
    private final String cluster;

    RecordCodec(Keyring keyring, String cluster) {
        this.sealer = keyring.sealer("registry-records");
        this.cluster = cluster;
    }

    // Ids

    static String group(String name) {
        return BACKEND + name;
    }

    static String id(String name, String instance) {
        return instance.isEmpty() ? BACKEND + name : BACKEND + name + "/" + instance;
    }

    static String id(RecordKind kind, String id) {
        return kind.word() + "/" + id;
    }

    static boolean isBackend(String id) {
        return id.startsWith(BACKEND);
    }

    /** The name of the backend that the record is a part of. */
    static String name(String id) {
        int slash = id.indexOf('/', BACKEND.length());
        return slash < 0 ? id.substring(BACKEND.length()) : id.substring(BACKEND.length(), slash);
    }

    static String instance(String id) {
        int slash = id.indexOf('/', BACKEND.length());
        return slash < 0 ? "" : id.substring(slash + 1);
    }

    /** Empty for a kind that this version does not know. */
    static Optional<RecordKind> kind(String id) {
        int slash = id.indexOf('/');
        for (RecordKind kind : RecordKind.values()) {
            if (slash > 0 && kind.word().equals(id.substring(0, slash))) {
                return Optional.of(kind);
            }
        }
        return Optional.empty();
    }

    static String recordId(String id) {
        return id.substring(id.indexOf('/') + 1);
    }

    // Backends

    String backend(String id, Backend backend) {
        ObjectNode node = JSON.createObjectNode();
        node.put("v", 1);
        ArrayNode endpoints = node.putArray("endpoints");
        backend.endpoints()
                .forEach(endpoint -> endpoints
                        .addObject()
                        .put("url", endpoint.url().toString())
                        .put("weight", endpoint.weight()));
        backend.era().ifPresent(era -> node.put("era", era.name()));
        node.put("timeout", backend.timeout().toString());
        addAll(node.putArray("include"), backend.includeTools());
        addAll(node.putArray("exclude"), backend.excludeTools());
        addAll(
                node.putArray("fallback"),
                backend.fallbackTools().stream().map(RawJson::toString).toList());
        node.put("aggregated", backend.aggregated());
        node.put("source", backend.source().name());
        node.put("transport", backend.transport().kind());
        ObjectNode overrides = node.putObject("overrides");
        backend.overrides().forEach((tool, override) -> {
            ObjectNode shown = overrides.putObject(tool);
            override.name().ifPresent(name -> shown.put("name", name));
            override.description().ifPresent(text -> shown.put("description", text));
        });
        ObjectNode secrets = JSON.createObjectNode();
        secrets.set("headers", JSON.valueToTree(backend.headers()));
        secrets.put("transport", backend.transport().settings().toString());
        ObjectNode fixed = secrets.putObject("fixed");
        backend.overrides().forEach((tool, override) -> {
            ObjectNode values = fixed.putObject(tool);
            override.fixedArguments().forEach((argument, value) -> values.put(argument, value.toString()));
        });
        node.put("sealed", seal(id, JSON.writeValueAsBytes(secrets)));
        return JSON.writeValueAsString(node);
    }

    /** @throws IllegalArgumentException when it is no backend, or was sealed with another key */
    BackendPart part(String id, Kept kept) {
        try {
            JsonNode node = JSON.readTree(kept.body());
            JsonNode secrets = JSON.readTree(open(id, text(node, "sealed")));
            List<Endpoint> endpoints = new ArrayList<>();
            for (JsonNode endpoint : node.path("endpoints")) {
                endpoints.add(new Endpoint(
                        URI.create(text(endpoint, "url")),
                        endpoint.path("weight").asInt(1)));
            }
            Map<String, String> headers = new LinkedHashMap<>();
            secrets.path("headers")
                    .properties()
                    .forEach(each -> headers.put(each.getKey(), each.getValue().asString()));
            Backend backend = new Backend(
                    name(id),
                    endpoints,
                    headers,
                    node.has("era") ? Optional.of(Era.valueOf(text(node, "era"))) : Optional.empty(),
                    Duration.parse(text(node, "timeout")),
                    texts(node.path("include")),
                    texts(node.path("exclude")),
                    texts(node.path("fallback")).stream().map(RawJson::of).toList(),
                    node.path("aggregated").asBoolean(true),
                    Backend.Source.valueOf(text(node, "source")),
                    new Transport(text(node, "transport"), RawJson.of(text(secrets, "transport"))),
                    overrides(node.path("overrides"), secrets.path("fixed")));
            return new BackendPart(
                    backend,
                    kept.revision(),
                    kept.since(),
                    kept.ttlMillis() == 0
                            ? Optional.empty()
                            : Optional.of(new Lease(instance(id), Duration.ofMillis(kept.ttlMillis()))));
        } catch (JacksonException | DateTimeException e) {
            throw new IllegalArgumentException("it is not as this version writes it", e);
        }
    }

    /** The fixed values are sealed with the other secrets: they may be keys. */
    private static Map<String, ToolOverride> overrides(JsonNode shown, JsonNode fixed) {
        Map<String, ToolOverride> overrides = new LinkedHashMap<>();
        shown.properties().forEach(tool -> {
            Map<String, RawJson> values = new LinkedHashMap<>();
            fixed.path(tool.getKey())
                    .properties()
                    .forEach(value -> values.put(
                            value.getKey(), RawJson.of(value.getValue().asString())));
            JsonNode as = tool.getValue();
            overrides.put(
                    tool.getKey(),
                    new ToolOverride(
                            as.has("name") ? Optional.of(as.path("name").asString()) : Optional.empty(),
                            as.has("description")
                                    ? Optional.of(as.path("description").asString())
                                    : Optional.empty(),
                            values));
        });
        return overrides;
    }

    // Records

    String record(RecordKind kind, String id, RawJson body) {
        return kind.secret() ? seal(id, body.bytes()) : body.toString();
    }

    /** @throws IllegalArgumentException when it was sealed with another key */
    SharedRecord record(RecordKind kind, String id, Kept kept) {
        RawJson body = kind.secret() ? RawJson.of(open(id, kept.body())) : RawJson.of(kept.body());
        return new SharedRecord(
                kind,
                recordId(id),
                body,
                kept.revision(),
                kept.since(),
                kept.ttlMillis() == 0 ? Optional.empty() : Optional.of(Duration.ofMillis(kept.ttlMillis())));
    }

    private String seal(String id, byte[] secret) {
        return sealer.seal(secret, (cluster + "|" + id).getBytes(UTF_8));
    }

    private byte[] open(String id, String token) {
        return sealer.open(token, (cluster + "|" + id).getBytes(UTF_8))
                .orElseThrow(() -> new IllegalArgumentException(
                        "its credentials were sealed with another key, or for another record"));
    }

    private static void addAll(ArrayNode array, List<String> texts) {
        texts.forEach(array::add);
    }

    private static List<String> texts(JsonNode array) {
        List<String> texts = new ArrayList<>();
        array.forEach(each -> texts.add(each.asString()));
        return texts;
    }

    private static String text(JsonNode node, String field) {
        JsonNode value = node.get(field);
        if (value == null || !value.isString()) {
            throw new IllegalArgumentException("it has no " + field);
        }
        return value.asString();
    }
}
