package io.sluice.gateway;

import io.sluice.call.JsonRpc;
import io.sluice.catalog.Changes;
import io.sluice.protocol.McpMethod;
import io.sluice.session.EventStream;
import java.util.ArrayList;
import java.util.List;

/** Which of a mount's lists changed, as bits, and the notifications that say so. */
final class ListChanges {
    static final int TOOLS = 1;
    static final int PROMPTS = 2;
    static final int RESOURCES = 4;

    private ListChanges() {}

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
