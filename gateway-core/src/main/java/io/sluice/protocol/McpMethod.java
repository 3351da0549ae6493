package io.sluice.protocol;

import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/** Every method and notification of the protocol that Sluice knows, in which eras a client may send it, and what names its target. */
public enum McpMethod {
    INITIALIZE("initialize", Target.NONE, true, false),
    PING("ping", Target.NONE, true, false),
    DISCOVER("server/discover", Target.NONE, false, true),
    TOOLS_LIST("tools/list", Target.NONE, true, true),
    TOOLS_CALL("tools/call", Target.NAME, true, true),
    PROMPTS_LIST("prompts/list", Target.NONE, true, true),
    PROMPTS_GET("prompts/get", Target.NAME, true, true),
    RESOURCES_LIST("resources/list", Target.NONE, true, true),
    RESOURCE_TEMPLATES_LIST("resources/templates/list", Target.NONE, true, true),
    RESOURCES_READ("resources/read", Target.URI, true, true),
    RESOURCES_SUBSCRIBE("resources/subscribe", Target.URI, true, false),
    RESOURCES_UNSUBSCRIBE("resources/unsubscribe", Target.URI, true, false),
    COMPLETION_COMPLETE("completion/complete", Target.NONE, true, true),
    LOGGING_SET_LEVEL("logging/setLevel", Target.NONE, true, false),
    SUBSCRIPTIONS_LISTEN("subscriptions/listen", Target.NONE, false, true),
    TASKS_GET("tasks/get", Target.TASK_ID, true, true),
    TASKS_UPDATE("tasks/update", Target.TASK_ID, false, true),
    TASKS_CANCEL("tasks/cancel", Target.TASK_ID, true, true),
    TASKS_RESULT("tasks/result", Target.TASK_ID, true, false),
    TASKS_LIST("tasks/list", Target.NONE, true, false),
    SAMPLING_CREATE_MESSAGE("sampling/createMessage", Target.NONE, false, false),
    ELICITATION_CREATE("elicitation/create", Target.NONE, false, false),
    ROOTS_LIST("roots/list", Target.NONE, false, false),
    NOTIFICATION_INITIALIZED("notifications/initialized", Target.NONE, true, false),
    NOTIFICATION_CANCELLED("notifications/cancelled", Target.NONE, true, false),
    NOTIFICATION_PROGRESS("notifications/progress", Target.NONE, true, false),
    NOTIFICATION_MESSAGE("notifications/message", Target.NONE, false, false),
    NOTIFICATION_ROOTS_LIST_CHANGED("notifications/roots/list_changed", Target.NONE, true, false),
    NOTIFICATION_TOOLS_LIST_CHANGED("notifications/tools/list_changed", Target.NONE, false, false),
    NOTIFICATION_PROMPTS_LIST_CHANGED("notifications/prompts/list_changed", Target.NONE, false, false),
    NOTIFICATION_RESOURCES_LIST_CHANGED("notifications/resources/list_changed", Target.NONE, false, false),
    NOTIFICATION_RESOURCES_UPDATED("notifications/resources/updated", Target.NONE, false, false),
    NOTIFICATION_ELICITATION_COMPLETE("notifications/elicitation/complete", Target.NONE, false, false),
    NOTIFICATION_TASKS_STATUS("notifications/tasks/status", Target.NONE, false, false),
    NOTIFICATION_TASKS("notifications/tasks", Target.NONE, false, false),
    NOTIFICATION_SUBSCRIPTIONS_ACKNOWLEDGED("notifications/subscriptions/acknowledged", Target.NONE, false, false);

    private static final Map<String, McpMethod> BY_WIRE =
            Arrays.stream(values()).collect(Collectors.toUnmodifiableMap(McpMethod::wire, Function.identity()));

    private final Optional<McpMethod> found = Optional.of(this);
    private final String wire;
    private final Target target;
    private final boolean legacy;
    private final boolean modern;

    McpMethod(String wire, Target target, boolean legacy, boolean modern) {
        this.wire = wire;
        this.target = target;
        this.legacy = legacy;
        this.modern = modern;
    }

    /** Which member of {@code params} names what the method acts on; in the modern era {@code Mcp-Name} mirrors it. */
    public enum Target {
        NONE,
        NAME,
        URI,
        TASK_ID
    }

    public String wire() {
        return wire;
    }

    public Target target() {
        return target;
    }

    /** Whether a client of this era may send the method at all. */
    public boolean sentByClientsOf(Era era) {
        return era == Era.MODERN ? modern : legacy;
    }

    public static Optional<McpMethod> of(String wire) {
        McpMethod known = BY_WIRE.get(wire);
        return known == null ? Optional.empty() : known.found;
    }

    /** This, as the result of a search. */
    public Optional<McpMethod> found() {
        return found;
    }
}
