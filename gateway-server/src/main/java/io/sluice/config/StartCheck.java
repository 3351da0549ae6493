package io.sluice.config;

import inet.ipaddr.IPAddress;
import inet.ipaddr.IPAddressString;
import io.sluice.auth.NamedToken;
import io.sluice.auth.Tokens;
import io.sluice.registry.redis.RedisSettings;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Refuses to start what would be open to strangers. A pure function of the settings, so that a reload is held to the
 * same.
 */
public final class StartCheck {
    /** The token of the demonstration, known to everybody who read its instructions. */
    public static final String DEMO_TOKEN = "mcp-token-123";

    private static final String MAKE_ONE = "make one with: head -c 32 /dev/urandom | base64";

    /** Tokens printed in instructions that are around. */
    private static final List<String> PUBLISHED =
            List.of(DEMO_TOKEN, "Dguvb+W8eYoiEJjWPs0le06kJDsm6ZzAx5fh1Bus0mI=", "optional-bearer-token");

    private StartCheck() {}

    /** Why these settings must not run, each a sentence with the way out; empty when they may. */
    public static List<String> faults(GatewayConfig config) {
        return faults(config, false);
    }

    /** @param demo whether the demonstration asks, whose well-known token is fine on loopback */
    public static List<String> faults(GatewayConfig config, boolean demo) {
        List<String> faults = new ArrayList<>();
        GatewayConfig.Server server = config.server();
        List<NamedToken> tokens = config.auth().tokens();
        boolean loopback = isLoopback(server.host());
        if (!loopback && tokens.isEmpty()) {
            faults.add("server.host is " + server.host()
                    + ", where others can connect, but no token is configured: set MCP_BEARER_TOKEN, give"
                    + " auth.tokensFile or --token-file, or listen on 127.0.0.1");
        }
        for (NamedToken token : tokens) {
            weakness(token, demo && loopback)
                    .ifPresent(why -> faults.add("the token '" + token.name() + "' " + why + "; " + MAKE_ONE));
        }
        if (tokens.isEmpty()) {
            refuseAny(faults, "server.allowedHosts", server.allowedHosts());
            refuseAny(faults, "server.allowedOrigins", server.allowedOrigins());
            refuseAny(faults, "server.cors.origins", server.corsOrigins());
        }
        if (config.secretKeys().stream().anyMatch(RootKey::looksMadeUp)) {
            faults.add("secretKey is not random: it has hardly any different bytes; " + MAKE_ONE);
        }
        config.redis().url().ifPresent(url -> redis(faults, url, config));
        return List.copyOf(faults);
    }

    private static void redis(List<String> faults, String url, GatewayConfig config) {
        try {
            RedisSettings.of(url, config.redis().cluster());
        } catch (IllegalArgumentException e) {
            faults.add("redis: " + e.getMessage());
        }
        if (config.secretKeys().isEmpty()) {
            faults.add(
                    "redis.url (REDIS_URL) is given, but no secretKey: replicas could not read each other's sessions."
                            + " Give all of them the same one by secretKey or SLUICE_SECRET_KEY_FILE; " + MAKE_ONE);
        }
    }

    /**
     * Whether only this machine can connect to what listens there. Asks no name server: a name other than
     * {@code localhost} is not.
     */
    public static boolean isLoopback(String host) {
        if (host.equalsIgnoreCase("localhost")) {
            return true;
        }
        String bare = host.startsWith("[") && host.endsWith("]") ? host.substring(1, host.length() - 1) : host;
        if (bare.isEmpty()) {
            return false; // which the library would take for loopback
        }
        @Nullable IPAddress address = new IPAddressString(bare).getAddress();
        return address != null && address.isLoopback() && !address.isMultiple();
    }

    private static void refuseAny(List<String> faults, String key, List<String> values) {
        if (values.contains("*")) {
            faults.add(key + " is '*' and no token is configured, so any web page somebody opens could call the tools"
                    + " (DNS rebinding): configure a token, or name what is allowed");
        }
    }

    private static Optional<String> weakness(NamedToken token, boolean demoTokenIsFine) {
        if (demoTokenIsFine && token.secret().equals(DEMO_TOKEN)) {
            return Optional.empty();
        }
        return PUBLISHED.contains(token.secret())
                ? Optional.of("stands in published instructions, so everybody knows it")
                : Tokens.weakness(token.secret());
    }
}
