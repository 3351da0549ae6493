package io.sluice.envelope;

import io.sluice.protocol.MetaKeys;

/**
 * The members whose place an {@link Envelope} remembers, and the object they are looked for in; those of an inner object
 * are declared after those of the outer one.
 */
enum Member {
    JSONRPC(Parent.MESSAGE, "jsonrpc"),
    ID(Parent.MESSAGE, "id"),
    METHOD(Parent.MESSAGE, "method"),
    PARAMS(Parent.MESSAGE, "params"),
    RESULT(Parent.MESSAGE, "result"),
    ERROR(Parent.MESSAGE, "error"),

    RESULT_TYPE(Parent.RESULT, "resultType"),

    NAME(Parent.PARAMS, "name"),
    URI(Parent.PARAMS, "uri"),
    TASK_ID(Parent.PARAMS, "taskId"),
    CURSOR(Parent.PARAMS, "cursor"),
    ARGUMENTS(Parent.PARAMS, "arguments"),
    META(Parent.PARAMS, "_meta"),
    REQUEST_STATE(Parent.PARAMS, "requestState"),
    INPUT_RESPONSES(Parent.PARAMS, "inputResponses"),
    LEVEL(Parent.PARAMS, "level"),
    REQUEST_ID(Parent.PARAMS, "requestId"),
    PROGRESS_TOKEN(Parent.PARAMS, "progressToken"),
    REF(Parent.PARAMS, "ref"),
    ARGUMENT(Parent.PARAMS, "argument"),
    PROTOCOL_VERSION(Parent.PARAMS, "protocolVersion"),
    CAPABILITIES(Parent.PARAMS, "capabilities"),
    CLIENT_INFO(Parent.PARAMS, "clientInfo"),
    NOTIFICATIONS(Parent.PARAMS, "notifications"),
    TASK(Parent.PARAMS, "task"),

    META_PROTOCOL_VERSION(Parent.META, MetaKeys.PROTOCOL_VERSION),
    META_CLIENT_INFO(Parent.META, MetaKeys.CLIENT_INFO),
    META_CLIENT_CAPABILITIES(Parent.META, MetaKeys.CLIENT_CAPABILITIES),
    META_LOG_LEVEL(Parent.META, MetaKeys.LOG_LEVEL),
    META_PROGRESS_TOKEN(Parent.META, MetaKeys.PROGRESS_TOKEN),
    META_TRACEPARENT(Parent.META, MetaKeys.TRACEPARENT);

    /** The objects that are looked into: the message, its {@code result}, its {@code params}, their {@code _meta}. */
    enum Parent {
        MESSAGE,
        RESULT,
        PARAMS,
        META
    }

    private final Parent parent;
    private final String key;

    Member(Parent parent, String key) {
        this.parent = parent;
        this.key = key;
    }

    Parent parent() {
        return parent;
    }

    String key() {
        return key;
    }
}
