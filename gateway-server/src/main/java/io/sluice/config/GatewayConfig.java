package io.sluice.config;

import io.sluice.auth.NamedToken;
import io.sluice.cache.CacheSettings;
import io.sluice.catalog.Glob;
import io.sluice.guard.LimitSettings;
import io.sluice.overload.OverloadSettings;
import io.sluice.parking.ParkingSettings;
import io.sluice.registry.Backend;
import io.sluice.upstream.BackendPolicy;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * Everything the gateway is told. Immutable; two are equal when nothing differs, which is how a reload knows what to
 * touch.
 *
 * @param secretKeys keys that seal session ids: the current one and, during a rotation, the previous one; empty when a
 *     random one is to be made
 * @param redis what replicas share
 * @param sessionless whether legacy requests without {@code initialize} are served
 * @param parking how many calls may wait for input of their clients, and how long
 * @param gatewayAggregated whether the gateway's own tools show on {@code /mcp}
 * @param stdioAllow command lines that the management API may have started
 * @param maxRegistered most backends that the API may have registered at once
 * @param clientIdle how long a client that was connected over the API stays when nobody uses it
 * @param limits what callers may do
 * @param resilience how backends are treated; the first that matches a backend counts
 * @param overload when the gateway is pressed, and spares itself
 * @param cache what is used again of what backends answered
 * @param environment a word for {@code /health}, such as {@code production}
 * @param backends in the order of the file, their names unique
 */
public record GatewayConfig(
        Server server,
        Auth auth,
        List<RootKey> secretKeys,
        Redis redis,
        boolean sessionless,
        ParkingSettings parking,
        Names names,
        boolean gatewayAggregated,
        Egress egress,
        List<String> stdioAllow,
        int maxRegistered,
        Duration clientIdle,
        LimitSettings limits,
        List<PolicyRule> resilience,
        OverloadSettings overload,
        CacheSettings cache,
        Log log,
        String environment,
        List<Backend> backends) {

    public GatewayConfig {
        secretKeys = List.copyOf(secretKeys);
        stdioAllow = List.copyOf(stdioAllow);
        resilience = List.copyOf(resilience);
        backends = List.copyOf(backends);
    }

    /** How the backends are treated whose names match a glob. */
    public record PolicyRule(String backend, BackendPolicy policy) {}

    /** How a backend of this name is treated. */
    public BackendPolicy policy(String backend) {
        return resilience.stream()
                .filter(rule -> Glob.matches(rule.backend(), backend))
                .findFirst()
                .map(PolicyRule::policy)
                .orElse(BackendPolicy.STANDARD);
    }

    /** How targets are listed on the aggregate. */
    public enum Names {
        /** Bare while unique, {@code backend__name} for the newcomer of a collision. */
        BARE,
        /** Always {@code backend__name}. */
        QUALIFIED
    }

    /**
     * Where and how the gateway listens.
     *
     * @param host address or name to bind
     * @param port 0 for any free one
     * @param publicUrl how browsers and authorization servers reach the gateway, without a slash at the end
     * @param allowedHosts names accepted in {@code Host}; empty for the loopback names on a loopback bind and any
     *     elsewhere; {@code *} accepts all
     * @param allowedOrigins values accepted in {@code Origin} besides the gateway's own; {@code *} accepts all
     * @param allow ranges of addresses that may connect, in canonical form; empty for everyone
     * @param corsOrigins origins that are answered with CORS headers; empty for none
     * @param maxBodyBytes longest request body
     * @param idleTimeout how long a connection may be silent between requests, and a request head may take
     * @param bodyTimeout how long a request body may take
     * @param drainDelay how long calls are still taken after a stop was asked for, while readiness is gone
     * @param drainTimeout how long calls may finish after that
     * @param maxConnections open connections at once
     */
    public record Server(
            String host,
            int port,
            Optional<Tls> tls,
            Optional<String> publicUrl,
            List<String> allowedHosts,
            List<String> allowedOrigins,
            List<String> allow,
            List<String> corsOrigins,
            int maxBodyBytes,
            Duration idleTimeout,
            Duration bodyTimeout,
            Duration drainDelay,
            Duration drainTimeout,
            int maxConnections) {
        public Server {
            allowedHosts = List.copyOf(allowedHosts);
            allowedOrigins = List.copyOf(allowedOrigins);
            allow = List.copyOf(allow);
            corsOrigins = List.copyOf(corsOrigins);
        }
    }

    /**
     * The listener's certificate.
     *
     * @param cert PEM file, the chain included
     * @param key PEM file, PKCS#8, without a password
     */
    public record Tls(Path cert, Path key) {}

    /**
     * Who may call.
     *
     * @param tokens all that are valid, from the file, the variables and the tokens file; empty means that no token is
     *     asked for
     */
    public record Auth(List<NamedToken> tokens) {
        public Auth {
            tokens = List.copyOf(tokens);
        }
    }

    /**
     * The Redis that replicas share.
     *
     * @param url with credentials, so never printed; empty for a replica that is alone
     * @param cluster tells gateways apart that use the same Redis
     * @param snapshot where this replica keeps what it knows of the registry
     * @param writeBack whether a Redis that comes back empty or older is written back to
     * @param confirmations how many replicas of Redis must have a change before it is acknowledged
     */
    public record Redis(
            Optional<String> url, String cluster, Optional<Path> snapshot, boolean writeBack, int confirmations) {
        static final Redis NONE = new Redis(Optional.empty(), "sluice", Optional.empty(), true, 0);

        /** Without the URL, which may hold a password. */
        @Override
        public String toString() {
            return "Redis[" + (url.isPresent() ? "given" : "none") + " cluster=" + cluster + "]";
        }
    }

    /**
     * Where calls may go.
     *
     * @param allowPrivate private ranges that a backend registered through the API may name, in canonical form
     */
    public record Egress(List<String> allowPrivate) {
        public Egress {
            allowPrivate = List.copyOf(allowPrivate);
        }
    }

    /**
     * What is said, and how.
     *
     * @param file where to write as well
     */
    public record Log(Level level, Format format, Optional<Path> file) {
        public enum Level {
            ERROR,
            WARN,
            INFO,
            DEBUG,
            TRACE
        }

        public enum Format {
            /** Text on a terminal, JSON elsewhere. */
            AUTO,
            TEXT,
            JSON
        }
    }
}
