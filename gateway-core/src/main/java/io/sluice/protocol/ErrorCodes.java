package io.sluice.protocol;

/** JSON-RPC error codes: JSON-RPC 2.0's own, the ones MCP assigns (2026-07-28, <em>basic/index</em>), and ours, which lie outside the reserved range. */
public final class ErrorCodes {
    public static final int PARSE_ERROR = -32700;
    public static final int INVALID_REQUEST = -32600;
    public static final int METHOD_NOT_FOUND = -32601;
    public static final int INVALID_PARAMS = -32602;
    public static final int INTERNAL_ERROR = -32603;
    public static final int LEGACY_RESOURCE_NOT_FOUND = -32002;
    public static final int HEADER_MISMATCH = -32020;
    public static final int MISSING_CLIENT_CAPABILITY = -32021;
    public static final int UNSUPPORTED_PROTOCOL_VERSION = -32022;
    public static final int LEGACY_URL_ELICITATION_REQUIRED = -32042;

    /** Ours: the backend could not be reached, answered nonsense, or went away. */
    public static final int BACKEND_UNAVAILABLE = -31001;

    /** Ours: the backend did not answer in time; whether it acted is unknown. */
    public static final int BACKEND_TIMEOUT = -31002;

    /** Ours: a limit of this gateway was reached. */
    public static final int LIMITED = -31003;

    /** Ours: the client and the backend are of different eras and this call needs a conversation the two cannot have yet. */
    public static final int ERAS_DIFFER = -31004;

    private ErrorCodes() {}
}
