package io.sluice.gateway;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Predicate;

/**
 * A modern request that is right until a test makes it wrong. JSON may be written with single quotes, except in what
 * {@link #body} takes. Mutable, and good for one use.
 */
final class ModernRequest {
    static final String VERSION = "'io.modelcontextprotocol/protocolVersion':'2026-07-28'";
    static final String CAPABILITIES = "'io.modelcontextprotocol/clientCapabilities':{}";

    private final List<String> headers = new ArrayList<>();
    private final String method;
    private final String members;
    private String id = "7";
    private String meta = VERSION + "," + CAPABILITIES;
    private String jsonrpc = "2.0";
    private byte[] body = {};

    private ModernRequest(String method, String members) {
        this.method = method;
        this.members = members;
        header("Content-Type", "application/json");
        header("Accept", "application/json, text/event-stream");
        header("MCP-Protocol-Version", "2026-07-28");
        header("Mcp-Method", method);
    }

    /** @param members of {@code params}, besides {@code _meta} */
    static ModernRequest of(String method, String members) {
        return new ModernRequest(method, members);
    }

    static ModernRequest call(String tool, String arguments) {
        return of("tools/call", "'name':'" + tool + "','arguments':" + arguments)
                .header("Mcp-Name", tool);
    }

    static ModernRequest read(String uri) {
        return of("resources/read", "'uri':'" + uri + "'").header("Mcp-Name", uri);
    }

    static ModernRequest prompt(String name) {
        return of("prompts/get", "'name':'" + name + "'").header("Mcp-Name", name);
    }

    /** Sets or replaces a header; the value goes out as ISO-8859-1. */
    ModernRequest header(String name, String value) {
        return without(name).also(name, value);
    }

    ModernRequest without(String name) {
        headers.removeIf(named(name));
        return this;
    }

    /** Adds a header line, whether or not there is one already. */
    ModernRequest also(String name, String value) {
        headers.add(name + ": " + value);
        return this;
    }

    private static Predicate<String> named(String name) {
        return line -> line.toLowerCase(Locale.ROOT).startsWith(name.toLowerCase(Locale.ROOT) + ":");
    }

    ModernRequest id(String json) {
        id = json;
        return this;
    }

    /** Replaces the members of {@code _meta}. */
    ModernRequest meta(String members) {
        meta = members;
        return this;
    }

    ModernRequest alsoMeta(String members) {
        meta = meta + "," + members;
        return this;
    }

    ModernRequest jsonrpc(String version) {
        jsonrpc = version;
        return this;
    }

    ModernRequest accept(String types) {
        return header("Accept", types);
    }

    ModernRequest body(byte[] bytes) {
        body = bytes;
        return this;
    }

    ModernRequest body(String exactly) {
        return body(exactly.getBytes(StandardCharsets.UTF_8));
    }

    byte[] bytes() {
        if (body.length > 0) {
            return body;
        }
        String more = members.isEmpty() ? "" : members + ",";
        String json = "{'jsonrpc':'" + jsonrpc + "','id':" + id + ",'method':'" + method + "','params':{" + more
                + "'_meta':{" + meta + "}}}";
        return json.replace('\'', '"').getBytes(StandardCharsets.UTF_8);
    }

    RawExchange.Got send(TestGateway gateway) {
        return send(gateway, "/mcp");
    }

    RawExchange.Got send(TestGateway gateway, String path) {
        return send(gateway.port(), path);
    }

    RawExchange.Got send(int port, String path) {
        return RawExchange.send(port, "POST", path, headers, bytes());
    }

    /** Sends, and returns with the head of the answer. */
    RawExchange open(TestGateway gateway, String path) throws IOException {
        return RawExchange.open(gateway.port(), "POST", path, headers, bytes());
    }

    RawExchange open(TestGateway gateway) throws IOException {
        return open(gateway, "/mcp");
    }

    /** Sends, and waits for nothing. */
    RawExchange sent(TestGateway gateway) throws IOException {
        return RawExchange.sent(gateway.port(), "POST", "/mcp", headers, bytes());
    }
}
