package io.sluice.demo;

import com.sun.net.httpserver.Headers;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** What a sample backend says to one JSON-RPC message. Its sessions are guarded by its lock. */
final class SampleMcp {
    static final String MODERN_VERSION = "2026-07-28";
    static final List<String> LEGACY_VERSIONS = List.of("2025-11-25", "2025-06-18", "2025-03-26");

    private static final String META = "io.modelcontextprotocol/";
    private static final int MAX_SESSIONS = 1000;
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    private final SampleService service;

    /** The revision agreed on, by session. The least recently used goes first. */
    private final Map<String, String> sessions = new LinkedHashMap<>(16, 0.75f, true);

    SampleMcp(SampleService service) {
        this.service = service;
    }

    /**
     * @param status of HTTP
     * @param message null when the answer has no body
     * @param session the id of a session that begins with this answer, or empty
     */
    record Said(int status, @Nullable ObjectNode message, String session) {
        static Said nothing(int status) {
            return new Said(status, null, "");
        }
    }

    /** A refusal: HTTP status, JSON-RPC code and sentence. */
    private static final class Refused extends Exception {
        private static final long serialVersionUID = 1L;
        private final int status;
        private final transient ObjectNode error;

        Refused(int status, int code, String message) {
            super(message, null, false, false);
            this.status = status;
            this.error = JSON.objectNode().put("code", code).put("message", message);
        }

        Refused with(String member, JsonNode value) {
            error.withObjectProperty("data").set(member, value);
            return this;
        }
    }

    Said answer(JsonNode message, Headers headers) {
        try {
            if (!message.isObject()
                    || !"2.0".equals(message.path("jsonrpc").stringValue(""))
                    || !message.path("method").isString()) {
                throw new Refused(400, -32600, "Not a JSON-RPC 2.0 request or notification");
            }
            if (service.modern() && message.path("params").path("_meta").has(META + "protocolVersion")) {
                return modern(message, headers);
            }
            return legacy(message, headers);
        } catch (Refused refused) {
            ObjectNode answer = JSON.objectNode().put("jsonrpc", "2.0");
            if (message.has("id")) {
                answer.set("id", message.get("id"));
            }
            answer.set("error", refused.error);
            return new Said(refused.status, answer, "");
        }
    }

    /** Ends a session: DELETE. */
    synchronized int end(String session) {
        return service.modern() ? 405 : sessions.remove(session) == null ? 404 : 204;
    }

    // 2026-07-28, Streamable HTTP: everything a request needs is in the request, and the headers mirror the body.
    private Said modern(JsonNode message, Headers headers) throws Refused {
        if (!message.has("id")) {
            return Said.nothing(202);
        }
        JsonNode meta = message.get("params").get("_meta");
        JsonNode version = meta.get(META + "protocolVersion");
        if (!version.isString() || !meta.path(META + "clientCapabilities").isObject()) {
            throw new Refused(400, -32602, "_meta needs protocolVersion and clientCapabilities");
        }
        String method = message.get("method").stringValue();
        mirrored(headers, "MCP-Protocol-Version", version.stringValue());
        mirrored(headers, "Mcp-Method", method);
        if (!version.stringValue().equals(MODERN_VERSION)) {
            throw new Refused(400, -32022, "Unsupported protocol version " + version.stringValue())
                    .with("supported", strings(List.of(MODERN_VERSION)))
                    .with("requested", version);
        }
        ObjectNode result = switch (method) {
            case "server/discover" -> cacheable(discovery());
            case "tools/list" -> cacheable(list());
            case "tools/call" -> {
                mirrored(
                        headers, "Mcp-Name", message.path("params").path("name").stringValue(""));
                yield call(message, true);
            }
            default -> throw new Refused(404, -32601, "Method not found: " + method);
        };
        result.put("resultType", "complete");
        result.putObject("_meta").set(META + "serverInfo", implementation());
        return new Said(200, result(message, result), "");
    }

    private Said legacy(JsonNode message, Headers headers) throws Refused {
        String method = message.get("method").stringValue();
        if (method.equals("initialize")) {
            return initialize(message);
        }
        String version = version(headers);
        if (!message.has("id")) {
            return Said.nothing(202);
        }
        ObjectNode result = switch (method) {
            case "ping" -> JSON.objectNode();
            case "tools/list" -> list();
            case "tools/call" -> call(message, version.compareTo("2025-06-18") >= 0);
            default -> throw new Refused(200, -32601, "Method not found: " + method);
        };
        return new Said(200, result(message, result), "");
    }

    private synchronized Said initialize(JsonNode message) throws Refused {
        JsonNode asked = message.path("params").path("protocolVersion");
        if (!asked.isString() || !message.has("id")) {
            throw new Refused(400, -32602, "initialize needs an id and a protocolVersion");
        }
        String version = LEGACY_VERSIONS.contains(asked.stringValue()) ? asked.stringValue() : LEGACY_VERSIONS.get(0);
        ObjectNode result = JSON.objectNode().put("protocolVersion", version);
        result.set("capabilities", capabilities());
        result.set("serverInfo", implementation());
        String session = "";
        if (!service.modern()) {
            session = UUID.randomUUID().toString();
            sessions.put(session, version);
            if (sessions.size() > MAX_SESSIONS) {
                sessions.remove(sessions.keySet().iterator().next());
            }
        }
        return new Said(200, result(message, result), session);
    }

    /** The revision that counts for a request after {@code initialize}. */
    private synchronized String version(Headers headers) throws Refused {
        String named = headers.getFirst("MCP-Protocol-Version");
        if (named != null && !LEGACY_VERSIONS.contains(named)) {
            throw new Refused(400, -32600, "Unsupported protocol version " + named);
        }
        if (service.modern()) {
            return named == null ? "2025-03-26" : named;
        }
        String session = headers.getFirst("Mcp-Session-Id");
        if (session == null) {
            throw new Refused(400, -32600, "Mcp-Session-Id is needed: begin with initialize");
        }
        String agreed = sessions.get(session);
        if (agreed == null) {
            throw new Refused(404, -32600, "Session not found: begin again with initialize");
        }
        return agreed;
    }

    private ObjectNode call(JsonNode message, boolean structured) throws Refused {
        JsonNode params = message.path("params");
        String name = params.path("name").stringValue("");
        if (!name.equals(service.tool().name())) {
            throw new Refused(200, -32602, "Unknown tool: " + name);
        }
        return service.tool().call(params.path("arguments"), structured);
    }

    private ObjectNode list() {
        ObjectNode list = JSON.objectNode();
        list.putArray("tools").add(service.tool().definition());
        return list;
    }

    private ObjectNode discovery() {
        ObjectNode discovery = JSON.objectNode();
        List<String> versions = new ArrayList<>(List.of(MODERN_VERSION));
        versions.addAll(LEGACY_VERSIONS);
        discovery.set("supportedVersions", strings(versions));
        discovery.set("capabilities", capabilities());
        return discovery;
    }

    private static ObjectNode cacheable(ObjectNode result) {
        return result.put("ttlMs", 60_000).put("cacheScope", "public");
    }

    private static ObjectNode capabilities() {
        ObjectNode capabilities = JSON.objectNode();
        capabilities.putObject("tools");
        return capabilities;
    }

    private ObjectNode implementation() {
        return JSON.objectNode().put("name", service.serverName()).put("version", "1.0.0");
    }

    private static ObjectNode result(JsonNode request, ObjectNode result) {
        ObjectNode answer = JSON.objectNode().put("jsonrpc", "2.0");
        answer.set("id", request.get("id"));
        answer.set("result", result);
        return answer;
    }

    private static JsonNode strings(List<String> texts) {
        var array = JSON.arrayNode();
        texts.forEach(array::add);
        return array;
    }

    private static void mirrored(Headers headers, String name, String inBody) throws Refused {
        List<String> values = headers.getOrDefault(name, List.of());
        if (values.size() != 1 || !values.get(0).strip().equals(inBody)) {
            throw new Refused(400, -32020, "Header " + name + " must be sent once and say what the body says");
        }
    }
}
