package io.sluice.config;

import io.sluice.config.GatewayConfig.Server;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;

/** Which keys of a changed configuration count only when the process is started again. */
public final class NextStart {
    private NextStart() {}

    /** What differs between what runs and what the file says now, and cannot be applied to what runs, by key. */
    public static List<String> changes(GatewayConfig running, GatewayConfig now) {
        List<String> keys = new ArrayList<>();
        server(keys, running, now, "server.host", Server::host);
        server(keys, running, now, "server.port", Server::port);
        server(keys, running, now, "server.tls", Server::tls);
        server(keys, running, now, "server.publicUrl", Server::publicUrl);
        server(keys, running, now, "server.allowedHosts", Server::allowedHosts);
        server(keys, running, now, "server.allowedOrigins", Server::allowedOrigins);
        server(keys, running, now, "server.allow", Server::allow);
        server(keys, running, now, "server.cors.origins", Server::corsOrigins);
        server(keys, running, now, "server.maxBody", Server::maxBodyBytes);
        server(keys, running, now, "server.idleTimeout", Server::idleTimeout);
        server(keys, running, now, "server.bodyTimeout", Server::bodyTimeout);
        server(keys, running, now, "server.drainDelay", Server::drainDelay);
        server(keys, running, now, "server.drainTimeout", Server::drainTimeout);
        server(keys, running, now, "server.maxConnections", Server::maxConnections);
        compare(keys, "secretKey", running.secretKeys(), now.secretKeys());
        compare(keys, "redis", running.redis(), now.redis());
        compare(keys, "parking", running.parking(), now.parking());
        compare(keys, "gateway.aggregate", running.gatewayAggregated(), now.gatewayAggregated());
        compare(keys, "egress.allowPrivate", running.egress(), now.egress());
        compare(keys, "registration.maxBackends", running.maxRegistered(), now.maxRegistered());
        compare(keys, "overload", running.overload(), now.overload());
        compare(keys, "log.format", running.log().format(), now.log().format());
        compare(keys, "log.file", running.log().file(), now.log().file());
        compare(keys, "environment", running.environment(), now.environment());
        return keys;
    }

    private static void server(
            List<String> keys, GatewayConfig running, GatewayConfig now, String key, Function<Server, Object> value) {
        compare(keys, key, value.apply(running.server()), value.apply(now.server()));
    }

    private static void compare(List<String> keys, String key, Object running, Object now) {
        if (!Objects.equals(running, now)) {
            keys.add(key);
        }
    }
}
