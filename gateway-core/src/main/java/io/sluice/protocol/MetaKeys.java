package io.sluice.protocol;

/** Keys of {@code _meta} that carry meaning for a gateway (2026-07-28, <em>basic/index</em>). */
public final class MetaKeys {
    public static final String PROTOCOL_VERSION = "io.modelcontextprotocol/protocolVersion";
    public static final String CLIENT_INFO = "io.modelcontextprotocol/clientInfo";
    public static final String CLIENT_CAPABILITIES = "io.modelcontextprotocol/clientCapabilities";
    public static final String LOG_LEVEL = "io.modelcontextprotocol/logLevel";
    public static final String SERVER_INFO = "io.modelcontextprotocol/serverInfo";
    public static final String SUBSCRIPTION_ID = "io.modelcontextprotocol/subscriptionId";

    /** Which task a message belongs to, legacy era. */
    public static final String RELATED_TASK = "io.modelcontextprotocol/related-task";

    /** No key of {@code _meta} but of {@code capabilities.extensions}: tasks of the modern era. */
    public static final String TASKS_EXTENSION = "io.modelcontextprotocol/tasks";

    public static final String PROGRESS_TOKEN = "progressToken";
    public static final String TRACEPARENT = "traceparent";

    /** Our own: what went wrong behind an in-band failure, for programs. */
    public static final String ERROR = "io.sluice/error";

    /** Our own: under which key a legacy backend would like its question put to a modern client. */
    public static final String INPUT_KEY = "io.sluice/inputKey";

    /** Our own: which backends a merged list lacks at the moment. */
    public static final String MISSING = "io.sluice/missing";

    /** Our own: the id of the gateway that answers, so that another one knows it for what it is. */
    public static final String GATEWAY = "io.sluice/gateway";

    private MetaKeys() {}
}
