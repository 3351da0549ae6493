package io.sluice.management;

import io.sluice.catalog.Contribution;
import io.sluice.catalog.Definition;
import io.sluice.discovery.Discovery;
import io.sluice.envelope.Envelope;
import io.sluice.envelope.Span;
import io.sluice.protocol.Era;
import io.sluice.protocol.MetaKeys;
import io.sluice.protocol.ProtocolVersion;
import io.sluice.protocol.RawJson;
import io.sluice.registry.Backend;
import io.sluice.registry.Registry;
import io.sluice.upstream.BuiltIn;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The gateway as an MCP server of its own: the built-in backend {@code gateway}, with which an agent that may manage the
 * gateway looks at the servers behind it and has them asked again. Stateless.
 */
public final class GatewayTools implements BuiltIn {
    public static final String NAME = "gateway";

    private static final JsonMapper JSON = new JsonMapper();
    private static final int METHOD_NOT_FOUND = -32601;
    private static final int INVALID_PARAMS = -32602;
    private static final int AT_ONCE = 8;
    private static final String CONFIG = "config://app";
    private static final String HEALTH = "health://system";

    private final Servers servers;
    private final Discovery discovery;
    private final About about;
    private final Readiness readiness;
    private final InstantSource clock;
    private final boolean aggregated;
    private final Map<String, Tool> tools = new LinkedHashMap<>();

    private GatewayTools(
            Registry registry,
            Discovery discovery,
            Predicate<String> needsConsent,
            About about,
            Readiness readiness,
            InstantSource clock,
            boolean aggregated) {
        this.servers = new Servers(registry, discovery, needsConsent, null);
        this.discovery = discovery;
        this.about = about;
        this.readiness = readiness;
        this.clock = clock;
        this.aggregated = aggregated;
        add(
                "list_mcp_servers",
                "List all MCP servers behind this gateway and how each of them is",
                false,
                true,
                n -> list());
        add(
                "reload_mcp_server",
                "Ask one MCP server again what it offers, and connect to it again if it was away",
                true,
                false,
                this::reload);
        add("reload_all_mcp_servers", "Ask every MCP server again what it offers", false, false, name -> reloadAll());
        add("get_mcp_server_functions", "List the tools of one MCP server", true, true, this::functions);
        add(
                "get_available_mcp_servers",
                "List the names of the MCP servers that can be called now",
                false,
                true,
                name -> available());
        add(
                "get_server_capabilities",
                "What this gateway is and can do: its version, its servers, its own tools and resources",
                false,
                true,
                name -> capabilities());
    }

    /**
     * Has discovery serve the gateway's own tools from now on, at {@code /mcp/gateway}.
     *
     * @param needsConsent whether a person has to agree before a backend can be used
     * @param aggregated whether {@code /mcp} shows them to callers with management rights
     */
    public static void host(
            Registry registry,
            Discovery discovery,
            Predicate<String> needsConsent,
            About about,
            Readiness readiness,
            InstantSource clock,
            boolean aggregated) {
        Backend backend = new Backend(
                NAME,
                List.of(),
                Map.of(),
                Optional.of(Era.MODERN),
                Duration.ofSeconds(60),
                List.of(),
                List.of(),
                List.of(),
                aggregated,
                Backend.Source.BUILT_IN);
        discovery.host(
                backend, new GatewayTools(registry, discovery, needsConsent, about, readiness, clock, aggregated));
    }

    /** What a tool does, given the server that its argument names; empty where it takes none. */
    @FunctionalInterface
    private interface Action {
        Mono<Map<String, Object>> run(String server);
    }

    private record Tool(Map<String, Object> definition, boolean named, Action action) {}

    /** Something a model can set right: the text of an {@code isError} result. */
    private static final class Failed extends RuntimeException {
        private static final long serialVersionUID = 1L;

        private Failed(String message) {
            super(message, null, false, false);
        }
    }

    private void add(String name, String description, boolean named, boolean readOnly, Action action) {
        Map<String, Object> schema = new LinkedHashMap<>();
        schema.put("type", "object");
        schema.put(
                "properties",
                named
                        ? Map.of(
                                "server_name",
                                Map.of(
                                        "type",
                                        "string",
                                        "description",
                                        "Name of the server, as list_mcp_servers has it"))
                        : Map.of());
        if (named) {
            schema.put("required", List.of("server_name"));
        }
        schema.put("additionalProperties", false);
        Map<String, Object> definition = new LinkedHashMap<>();
        definition.put("name", name);
        definition.put("description", description);
        definition.put("inputSchema", schema);
        definition.put(
                "annotations",
                Map.of(
                        "readOnlyHint",
                        readOnly,
                        "destructiveHint",
                        false,
                        "idempotentHint",
                        true,
                        "openWorldHint",
                        false));
        tools.put(name, new Tool(definition, named, action));
    }

    @Override
    public RawJson discoverResult() {
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("resultType", "complete");
        result.put("supportedVersions", List.of(ProtocolVersion.LATEST_MODERN.wire()));
        result.put("capabilities", Map.of("tools", Map.of(), "resources", Map.of()));
        result.put("ttlMs", 60_000);
        result.put("cacheScope", "private");
        result.put("_meta", Map.of(MetaKeys.SERVER_INFO, Map.of("name", "sluice", "version", about.version())));
        return RawJson.of(JSON.writeValueAsString(result));
    }

    @Override
    public Mono<byte[]> answer(Envelope request) {
        return switch (request.method()) {
            case "server/discover" ->
                Mono.just(whole(request, "result", discoverResult().toString()));
            case "tools/list" -> listed(request, "tools", definitions());
            case "resources/list" -> listed(request, "resources", resources());
            case "resources/templates/list" -> listed(request, "resourceTemplates", List.of());
            case "tools/call" -> call(request);
            case "resources/read" -> Mono.fromSupplier(() -> read(request));
            default -> Mono.just(error(request, METHOD_NOT_FOUND, "Method not found: " + request.method()));
        };
    }

    // Protocol

    private List<Map<String, Object>> definitions() {
        return tools.values().stream().map(Tool::definition).toList();
    }

    private static List<Map<String, Object>> resources() {
        return List.of(
                resource(CONFIG, "Configuration", "What this gateway runs with, without any secret"),
                resource(HEALTH, "Health", "How this gateway and the servers behind it are"));
    }

    private static Map<String, Object> resource(String uri, String name, String description) {
        Map<String, Object> resource = new LinkedHashMap<>();
        resource.put("uri", uri);
        resource.put("name", name);
        resource.put("description", description);
        resource.put("mimeType", "application/json");
        return resource;
    }

    private static Mono<byte[]> listed(Envelope request, String member, List<Map<String, Object>> entries) {
        Map<String, Object> result = complete();
        result.put(member, entries);
        result.put("ttlMs", 60_000);
        result.put("cacheScope", "private");
        return Mono.just(result(request, result));
    }

    private Mono<byte[]> call(Envelope request) {
        Tool tool = tools.get(text(request, request.name()));
        if (tool == null) {
            return Mono.just(error(request, INVALID_PARAMS, "Unknown tool: " + text(request, request.name())));
        }
        return Mono.defer(() -> tool.action().run(tool.named() ? serverName(request) : ""))
                .map(found -> result(request, toolResult(JSON.writeValueAsString(found), found, false)))
                .onErrorResume(
                        Failed.class,
                        failed -> Mono.just(
                                result(request, toolResult(String.valueOf(failed.getMessage()), null, true))));
    }

    private static Map<String, Object> toolResult(String text, @Nullable Object structured, boolean isError) {
        Map<String, Object> result = complete();
        result.put("content", List.of(Map.of("type", "text", "text", text)));
        if (structured != null) {
            result.put("structuredContent", structured);
        }
        result.put("isError", isError);
        return result;
    }

    private byte[] read(Envelope request) {
        String uri = text(request, request.uri());
        Map<String, Object> found = switch (uri) {
            case CONFIG -> config();
            case HEALTH -> health();
            default -> Map.of();
        };
        if (found.isEmpty()) {
            return error(request, INVALID_PARAMS, "Resource not found: " + uri);
        }
        Map<String, Object> content = new LinkedHashMap<>();
        content.put("uri", uri);
        content.put("mimeType", "application/json");
        content.put("text", JSON.writeValueAsString(found));
        Map<String, Object> result = complete();
        result.put("contents", List.of(content));
        result.put("ttlMs", 0);
        result.put("cacheScope", "private");
        return result(request, result);
    }

    private String serverName(Envelope request) {
        Span arguments = request.member(request.params(), "arguments");
        String name = text(request, request.member(arguments, "server_name"));
        if (name.isEmpty()) {
            throw new Failed("The argument 'server_name' is missing; " + choice());
        }
        if (!servers.names().contains(name)) {
            throw new Failed("There is no MCP server '" + name + "'; " + choice());
        }
        return name;
    }

    private String choice() {
        List<String> names = servers.names();
        return names.isEmpty() ? "none is registered" : "there are " + String.join(", ", names);
    }

    private static String text(Envelope request, Span span) {
        return request.isString(span) ? request.text(span) : "";
    }

    private static Map<String, Object> complete() {
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("resultType", "complete");
        return result;
    }

    private static byte[] result(Envelope request, Map<String, Object> result) {
        return whole(request, "result", JSON.writeValueAsString(result));
    }

    private static byte[] error(Envelope request, int code, String message) {
        Map<String, Object> error = new LinkedHashMap<>();
        error.put("code", code);
        error.put("message", message);
        return whole(request, "error", JSON.writeValueAsString(error));
    }

    private static byte[] whole(Envelope request, String member, String json) {
        return ("{\"jsonrpc\":\"2.0\",\"id\":" + request.raw(request.idSpan()) + ",\"" + member + "\":" + json + "}")
                .getBytes(java.nio.charset.StandardCharsets.UTF_8);
    }

    // Tools

    private Mono<Map<String, Object>> list() {
        return Mono.fromSupplier(() -> {
            List<Map<String, Object>> all = servers.all();
            Map<String, Object> found = new LinkedHashMap<>();
            found.put("servers", all);
            found.put("count", all.size());
            return found;
        });
    }

    private Mono<Map<String, Object>> reload(String name) {
        return discovery
                .refresh(name)
                .switchIfEmpty(Mono.error(() -> new Failed("The MCP server '" + name + "' was removed a moment ago")))
                .map(found -> {
                    if (Servers.Status.of(Optional.of(found)) != Servers.Status.CONNECTED) {
                        throw new Failed(Servers.reason(Optional.of(found)));
                    }
                    return reloaded(name, found);
                });
    }

    private static Map<String, Object> reloaded(String name, Contribution found) {
        Servers.Status status = Servers.Status.of(Optional.of(found));
        Map<String, Object> reloaded = new LinkedHashMap<>();
        reloaded.put("success", status == Servers.Status.CONNECTED);
        reloaded.put("server_name", name);
        reloaded.put("status", status.word());
        reloaded.put("function_count", Servers.functions(Optional.of(found)).size());
        if (status != Servers.Status.CONNECTED) {
            reloaded.put("reason", Servers.reason(Optional.of(found)));
        }
        return reloaded;
    }

    private Mono<Map<String, Object>> reloadAll() {
        return Flux.fromIterable(servers.names())
                .flatMapSequential(name -> discovery.refresh(name).map(found -> reloaded(name, found)), AT_ONCE)
                .collectList()
                .map(all -> {
                    long connected = all.stream()
                            .filter(one -> Boolean.TRUE.equals(one.get("success")))
                            .count();
                    Map<String, Object> found = new LinkedHashMap<>();
                    found.put("success", connected == all.size());
                    found.put("reloaded", connected);
                    found.put("servers", all);
                    return found;
                });
    }

    private Mono<Map<String, Object>> functions(String name) {
        return Mono.fromSupplier(() -> {
            List<JsonNode> functions = new ArrayList<>();
            for (Definition tool : Servers.functions(discovery.state().contribution(name))) {
                functions.add(JSON.readTree(tool.json().bytes()));
            }
            Map<String, Object> found = new LinkedHashMap<>();
            found.put("server_name", name);
            found.put("functions", functions);
            found.put("count", functions.size());
            return found;
        });
    }

    private Mono<Map<String, Object>> available() {
        return Mono.fromSupplier(() -> {
            List<String> available = servers.available();
            Map<String, Object> found = new LinkedHashMap<>();
            found.put("servers", available);
            found.put("count", available.size());
            return found;
        });
    }

    private Mono<Map<String, Object>> capabilities() {
        return Mono.fromSupplier(() -> {
            Map<String, Object> found = config();
            found.put("tools", List.copyOf(tools.keySet()));
            found.put("resources", List.of(CONFIG, HEALTH));
            found.put("available_servers", servers.available());
            return found;
        });
    }

    // Resources

    private Map<String, Object> config() {
        Map<String, Object> config = new LinkedHashMap<>();
        config.put("name", "sluice");
        config.put("version", about.version());
        config.put("environment", about.environment());
        config.put("protocol_versions", ProtocolVersion.supported());
        config.put("gateway_tools_on_mcp", aggregated);
        config.put("servers", servers.names());
        return config;
    }

    private Map<String, Object> health() {
        Map<String, Object> health = new LinkedHashMap<>();
        health.put("status", readiness.draining() ? "draining" : "healthy");
        health.put("ready", readiness.ready());
        health.put("environment", about.environment());
        health.put("version", about.version());
        health.put("timestamp", clock.instant().toString());
        health.put("active_clients", about.activeClients().getAsInt());
        List<String> names = servers.names();
        List<String> available = servers.available();
        health.put("servers", Map.of("registered", names.size(), "available", available.size()));
        health.put(
                "unavailable",
                names.stream().filter(name -> !available.contains(name)).toList());
        return health;
    }
}
