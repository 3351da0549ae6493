package io.sluice.egress;

import inet.ipaddr.IPAddress;
import io.sluice.registry.Backend.Source;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.List;
import java.util.Optional;

/**
 * Which addresses a backend may have. The permission belongs to who named the backend, not to how the address is
 * spelled: what the configuration file or discovery names may be private, what the management API names only while that
 * is switched on or the address lies in an allowed range. Link-local, metadata, multicast and unspecified addresses are
 * reached for nobody.
 *
 * @param apiMayUsePrivate whether the management API may name loopback and private addresses: true while the listener is
 *     bound to loopback
 * @param allowPrivate ranges that the management API may name in any case
 */
public record EgressPolicy(boolean apiMayUsePrivate, AddressRanges allowPrivate) {
    /**
     * A policy from a configuration's words.
     *
     * @throws IllegalArgumentException with a sentence for the reader when a range is not an address or CIDR block
     */
    public static EgressPolicy of(boolean apiMayUsePrivate, List<String> allowPrivate) {
        return new EgressPolicy(apiMayUsePrivate, AddressRanges.of(allowPrivate));
    }

    /** Whether a connection on behalf of {@code source} to {@code address} is forbidden. An unresolved one always is. */
    public boolean denies(Source source, SocketAddress address) {
        return refusal(source, address).isPresent();
    }

    /** Why {@code source} may not connect to {@code address}, as a sentence that names the way out; empty when it may. */
    public Optional<String> refusal(Source source, SocketAddress address) {
        if (!(address instanceof InetSocketAddress inet) || inet.isUnresolved()) {
            return Optional.of("Address " + address + " is refused: only resolved IP addresses are dialled");
        }
        IPAddress ip = AddressRanges.plain(inet.getAddress());
        return switch (Reach.of(ip)) {
            case PUBLIC -> Optional.empty();
            case NEVER ->
                Optional.of("Address " + shown(inet) + " is refused: link-local, metadata, multicast and"
                        + " unspecified addresses are never reachable");
            case PRIVATE ->
                !source.requested() || apiMayUsePrivate || allowPrivate.contains(ip)
                        ? Optional.empty()
                        : Optional.of("Address " + shown(inet) + " is refused: the management API may not name private"
                                + " addresses on this bind; allow it with egress: {allowPrivate: [\""
                                + ip.toNormalizedString()
                                + "\"]} or name the backend in the configuration file");
        };
    }

    private static String shown(InetSocketAddress address) {
        InetAddress ip = address.getAddress();
        String text = ip.getHostAddress();
        return (text.indexOf(':') >= 0 ? "[" + text + "]" : text) + ":" + address.getPort();
    }
}
