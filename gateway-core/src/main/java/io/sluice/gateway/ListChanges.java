package io.sluice.gateway;

import io.sluice.call.JsonRpc;
import io.sluice.catalog.Changes;
import io.sluice.protocol.McpMethod;
import io.sluice.session.EventStream;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Which of a mount's lists changed, as bits, the notifications that say so, and when each changed last. Safe for use by many threads. */
final class ListChanges {
    static final int TOOLS = 1;
    static final int PROMPTS = 2;
    static final int RESOURCES = 4;

    private final Map<Changed, Instant> last = new ConcurrentHashMap<>();

    private record Changed(String mount, int list) {}

    /** Notes that lists of a mount have just changed. */
    void note(String mount, int bits, Instant now) {
        for (int list = TOOLS; list <= RESOURCES; list <<= 1) {
            if ((bits & list) != 0) {
                last.put(new Changed(mount, list), now);
            }
        }
    }

    /** The lists of a mount that changed at this time or later. */
    int since(String mount, Instant time) {
        int bits = 0;
        for (int list = TOOLS; list <= RESOURCES; list <<= 1) {
            Instant changed = last.get(new Changed(mount, list));
            bits |= changed != null && !changed.isBefore(time) ? list : 0;
        }
        return bits;
    }

    static int bits(Changes.Lists lists) {
        return (lists.tools() ? TOOLS : 0) | (lists.prompts() ? PROMPTS : 0) | (lists.resources() ? RESOURCES : 0);
    }

    static List<McpMethod> notifications(int bits) {
        List<McpMethod> found = new ArrayList<>(3);
        if ((bits & TOOLS) != 0) {
            found.add(McpMethod.NOTIFICATION_TOOLS_LIST_CHANGED);
        }
        if ((bits & PROMPTS) != 0) {
            found.add(McpMethod.NOTIFICATION_PROMPTS_LIST_CHANGED);
        }
        if ((bits & RESOURCES) != 0) {
            found.add(McpMethod.NOTIFICATION_RESOURCES_LIST_CHANGED);
        }
        return found;
    }

    /** Puts the notifications on a legacy stream. */
    static void publish(EventStream stream, int bits) {
        for (McpMethod notification : notifications(bits)) {
            stream.publish(JsonRpc.notification(notification.wire(), null));
        }
    }
}
