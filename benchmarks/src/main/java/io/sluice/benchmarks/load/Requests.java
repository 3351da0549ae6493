package io.sluice.benchmarks.load;

import static java.nio.charset.StandardCharsets.UTF_8;

/** Requests as bytes for the wire. */
final class Requests {
    private static final String META = "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
            + "\"io.modelcontextprotocol/clientCapabilities\":{}}";

    static final String INITIALIZE = "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{"
            + "\"protocolVersion\":\"2025-11-25\","
            + "\"capabilities\":{},\"clientInfo\":{\"name\":\"load\",\"version\":\"1\"}}}";

    static final String INITIALIZED = "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}";

    private Requests() {}

    /** @param members of {@code params}, besides {@code _meta} */
    static String modernBody(long id, String method, String members) {
        return "{\"jsonrpc\":\"2.0\",\"id\":" + id + ",\"method\":\"" + method + "\",\"params\":{" + members
                + (members.isEmpty() ? "" : ",") + META + "}}";
    }

    static byte[] modern(String path, long id, String method, String members) {
        return post(
                path,
                "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: " + method + "\r\n",
                modernBody(id, method, members));
    }

    static byte[] legacy(String path, String session, String body) {
        return post(path, session.isEmpty() ? "" : session(session), body);
    }

    /** A legacy session's standing stream. */
    static byte[] stream(String path, String session) {
        return ("GET " + path + " HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\nAuthorization: Bearer "
                        + Scenario.TOKEN + "\r\n" + session(session) + "\r\n")
                .getBytes(UTF_8);
    }

    private static String session(String session) {
        return "MCP-Protocol-Version: 2025-11-25\r\nMcp-Session-Id: " + session + "\r\n";
    }

    /** @param head further header lines, each with its line end */
    static byte[] post(String path, String head, String body) {
        return ("POST " + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                        + "Accept: application/json, text/event-stream\r\nAuthorization: Bearer "
                        + Scenario.TOKEN + "\r\n" + head + "Content-Length: " + body.length() + "\r\n\r\n" + body)
                .getBytes(UTF_8);
    }
}
