package io.sluice.listener;

import io.sluice.egress.AddressRanges;
import io.sluice.rejection.Rejection;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Which addresses clients may come from. */
final class ClientPolicy {
    private final AddressRanges allowed;

    /** @throws IllegalArgumentException when an entry is not an address or CIDR block */
    ClientPolicy(List<String> allow) {
        allowed = AddressRanges.of(allow);
    }

    /** @throws Rejection.Forbidden when the client's address is not among those allowed */
    void check(@Nullable SocketAddress client) {
        boolean mayConnect = allowed.isEmpty()
                || (client instanceof InetSocketAddress inet
                        && inet.getAddress() != null
                        && allowed.contains(inet.getAddress()));
        if (!mayConnect) {
            throw new Rejection.Forbidden("This client's address may not connect");
        }
    }
}
