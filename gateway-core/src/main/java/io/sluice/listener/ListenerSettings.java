package io.sluice.listener;

import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Where the listener binds and whom it lets in.
 *
 * @param host address or name to bind
 * @param port 0 takes a free one
 * @param hosts names by which clients may call the gateway, with or without a port; without one, any port. Empty: on a
 *     loopback bind {@code localhost}, {@code 127.0.0.1} and {@code [::1]}, on any other bind whatever is well-formed.
 *     {@code *} is whatever is well-formed on any bind
 * @param origins web origins, such as {@code https://desk.example}, that may call. Besides them an origin may call that
 *     is the gateway itself under a name that {@code hosts} vouches for
 * @param corsOrigins web origins that may also read the answers, or {@code *}. Empty: CORS is off
 * @param allow addresses and CIDR blocks of clients; empty means all
 */
public record ListenerSettings(
        String host,
        int port,
        Optional<ListenerTls> tls,
        Set<String> hosts,
        Set<String> origins,
        Set<String> corsOrigins,
        List<String> allow,
        Limits limits,
        Timeouts timeouts) {
    public ListenerSettings {
        if (host.isBlank()) {
            throw new IllegalArgumentException("the listener's host is empty");
        }
        if (port < 0 || port > 65_535) {
            throw new IllegalArgumentException("the listener's port " + port + " is not within 0 to 65535");
        }
        hosts = Set.copyOf(hosts);
        origins = Set.copyOf(origins);
        corsOrigins = Set.copyOf(corsOrigins);
        allow = List.copyOf(allow);
    }

    /** A plain bind with every default. */
    public static ListenerSettings of(String host, int port) {
        return new ListenerSettings(
                host,
                port,
                Optional.empty(),
                Set.of(),
                Set.of(),
                Set.of(),
                List.of(),
                Limits.STANDARD,
                Timeouts.STANDARD);
    }

    public ListenerSettings withTls(ListenerTls replacement) {
        return new ListenerSettings(
                host, port, Optional.of(replacement), hosts, origins, corsOrigins, allow, limits, timeouts);
    }

    public ListenerSettings withHosts(Set<String> replacement) {
        return new ListenerSettings(host, port, tls, replacement, origins, corsOrigins, allow, limits, timeouts);
    }

    public ListenerSettings withOrigins(Set<String> replacement) {
        return new ListenerSettings(host, port, tls, hosts, replacement, corsOrigins, allow, limits, timeouts);
    }

    public ListenerSettings withCorsOrigins(Set<String> replacement) {
        return new ListenerSettings(host, port, tls, hosts, origins, replacement, allow, limits, timeouts);
    }

    public ListenerSettings withAllow(List<String> replacement) {
        return new ListenerSettings(host, port, tls, hosts, origins, corsOrigins, replacement, limits, timeouts);
    }

    public ListenerSettings withLimits(Limits replacement) {
        return new ListenerSettings(host, port, tls, hosts, origins, corsOrigins, allow, replacement, timeouts);
    }

    public ListenerSettings withTimeouts(Timeouts replacement) {
        return new ListenerSettings(host, port, tls, hosts, origins, corsOrigins, allow, limits, replacement);
    }
}
