package io.sluice.listener;

import inet.ipaddr.AddressStringException;
import inet.ipaddr.IPAddress;
import inet.ipaddr.IPAddressNetwork.IPAddressGenerator;
import inet.ipaddr.IPAddressString;
import inet.ipaddr.ipv6.IPv6Address;
import io.sluice.rejection.Rejection;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Which addresses clients may come from. */
final class ClientPolicy {
    private static final IPAddressGenerator ADDRESSES = new IPAddressGenerator();

    private final List<IPAddress> allowed;

    /** @throws IllegalArgumentException when an entry is not an address or CIDR block */
    ClientPolicy(List<String> allow) {
        allowed = allow.stream().map(ClientPolicy::range).toList();
    }

    void check(@Nullable SocketAddress client) {
        if (allowed.isEmpty()) {
            return;
        }
        if (client instanceof InetSocketAddress inet && inet.getAddress() != null) {
            IPAddress ip = plain(inet.getAddress());
            for (IPAddress range : allowed) {
                if (range.contains(ip)) {
                    return;
                }
            }
        }
        throw new Rejection.Forbidden("This client's address may not connect");
    }

    private static IPAddress plain(InetAddress address) {
        IPAddress ip = ADDRESSES.from(address).withoutPrefixLength();
        return ip instanceof IPv6Address v6 && v6.isIPv4Mapped() ? v6.getEmbeddedIPv4Address() : ip;
    }

    private static IPAddress range(String text) {
        try {
            IPAddress range = new IPAddressString(text).toAddress();
            if (range != null && (!range.isMultiple() || range.isPrefixBlock())) {
                return range;
            }
        } catch (AddressStringException ignored) {
            // answered below, in our words
        }
        throw new IllegalArgumentException(
                "allow: '" + text + "' is not an IP address or a CIDR block such as 10.0.0.0/8");
    }
}
