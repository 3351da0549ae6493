package io.sluice.protocol;

import io.netty.util.AsciiString;

/** Names of the HTTP headers that MCP defines (Streamable HTTP pages of 2025-03-26 to 2026-07-28). Matched without regard to case. */
public final class McpHeaders {
    public static final AsciiString PROTOCOL_VERSION = AsciiString.cached("MCP-Protocol-Version");
    public static final AsciiString SESSION_ID = AsciiString.cached("Mcp-Session-Id");
    public static final AsciiString METHOD = AsciiString.cached("Mcp-Method");
    public static final AsciiString NAME = AsciiString.cached("Mcp-Name");
    public static final AsciiString LAST_EVENT_ID = AsciiString.cached("Last-Event-ID");

    /** Our own: the ids of the gateways that a request has passed, the first one first, separated by commas. */
    public static final AsciiString VIA = AsciiString.cached("Sluice-Via");

    /** Our own: how many milliseconds whoever made a call waits for its answer. */
    public static final AsciiString TIMEOUT = AsciiString.cached("Sluice-Timeout-Ms");

    /** Prefix of the headers that mirror arguments annotated with {@code x-mcp-header}. */
    public static final String PARAM_PREFIX = "Mcp-Param-";

    private McpHeaders() {}
}
