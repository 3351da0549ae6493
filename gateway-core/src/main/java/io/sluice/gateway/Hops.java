package io.sluice.gateway;

import io.sluice.call.Inbound;
import io.sluice.catalog.Mount;
import io.sluice.protocol.McpHeaders;
import io.sluice.rejection.Rejection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Gateways may be each other's backends. Each adds its id to a header of what it sends, so that a request that comes
 * back, or was about to be sent back, is noticed and ends.
 */
final class Hops {
    /** More gateways in a row are a mistake, or a loop of gateways that do not say who they are. */
    static final int MOST = 8;

    private Hops() {}

    /** The gateways that the request passed, as its header says, or null for none. */
    static @Nullable String before(Inbound inbound) {
        List<String> values = inbound.headers().getAll(McpHeaders.VIA);
        return values.isEmpty() ? null : String.join(", ", values);
    }

    /** Whether another gateway asks. */
    static boolean any(Inbound inbound) {
        return inbound.headers().contains(McpHeaders.VIA);
    }

    /** Refuses a request that has been here, that went too far, or that a mount would lead back to where it was. */
    static void check(Inbound inbound, String gatewayId, Mount mount) {
        String before = before(inbound);
        if (before == null) {
            return;
        }
        List<String> ids = List.of(before.split("\\s*,\\s*", MOST + 2));
        if (ids.contains(gatewayId)) {
            throw new Rejection.LoopDetected("This request has come back to the gateway it passed before: two gateways"
                    + " are each other's backends here. Have one of them name the backend itself, not the other"
                    + " gateway");
        }
        if (ids.size() > MOST) {
            throw new Rejection.LoopDetected(
                    "This request has passed more than " + MOST + " gateways; they may lead to each other");
        }
        mount.gateway().filter(ids::contains).ifPresent(id -> {
            throw new Rejection.LoopDetected("/mcp/" + mount.name() + " leads back to the gateway that asks; name its"
                    + " backends there instead");
        });
    }
}
