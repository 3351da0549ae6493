package io.sluice.config;

import inet.ipaddr.IPAddress;
import inet.ipaddr.IPAddressString;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Refuses to start what would be open to strangers. A pure function of the settings, so that a reload is held to the
 * same.
 */
public final class StartCheck {
    /** The shortest token that is not guessed: 16 characters. */
    public static final int SHORTEST_TOKEN = 16;

    /** The token of the demonstration, known to everybody who read its instructions. */
    public static final String DEMO_TOKEN = "mcp-token-123";

    private static final String MAKE_ONE = "make one with: head -c 32 /dev/urandom | base64";

    /** Tokens printed in instructions that are around. */
    private static final List<String> PUBLISHED =
            List.of(DEMO_TOKEN, "Dguvb+W8eYoiEJjWPs0le06kJDsm6ZzAx5fh1Bus0mI=", "optional-bearer-token");

    /** Nothing but the words that stand in examples, and digits in a row. */
    private static final Pattern EXAMPLE_WORDS = Pattern.compile("(your|my|the|an?|some|this|is|here|with|me|it|"
            + "example|sample|change|replace|placeholder|optional|default|super|very|long|random|strong|secure|"
            + "bearer|access|auth|api|mcp|gateway|sluice|server|token|secret|password|passw0rd|passwd|pass|key|"
            + "value|string|test|testing|demo|dev|admin|root|user|foo|bar|baz|qwerty|abc(def(gh(i)?)?)?|x{3,}|"
            + "[01]?123(4(5(6(7(8(90?)?)?)?)?)?)?|0123456789(abcdef)?)+");

    private StartCheck() {}

    /** Why these settings must not run, each a sentence with the way out; empty when they may. */
    public static List<String> faults(GatewayConfig config) {
        return faults(config, false);
    }

    /** @param demo whether the demonstration asks, whose well-known token is fine on loopback */
    public static List<String> faults(GatewayConfig config, boolean demo) {
        List<String> faults = new ArrayList<>();
        GatewayConfig.Server server = config.server();
        List<Token> tokens = config.auth().tokens();
        boolean loopback = isLoopback(server.host());
        if (!loopback && tokens.isEmpty()) {
            faults.add("server.host is " + server.host()
                    + ", where others can connect, but no token is configured: set MCP_BEARER_TOKEN, give"
                    + " auth.tokensFile or --token-file, or listen on 127.0.0.1");
        }
        for (Token token : tokens) {
            weakness(token, demo && loopback)
                    .ifPresent(why -> faults.add("the token '" + token.name() + "' " + why + "; " + MAKE_ONE));
        }
        if (tokens.isEmpty()) {
            refuseAny(faults, "server.allowedHosts", server.allowedHosts());
            refuseAny(faults, "server.allowedOrigins", server.allowedOrigins());
            refuseAny(faults, "server.cors.origins", server.corsOrigins());
        }
        if (config.secretKeys().stream().anyMatch(SealingKey::looksMadeUp)) {
            faults.add("secretKey is not random: it has hardly any different bytes; " + MAKE_ONE);
        }
        return List.copyOf(faults);
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

    private static Optional<String> weakness(Token token, boolean demoTokenIsFine) {
        String value = token.value();
        if (demoTokenIsFine && value.equals(DEMO_TOKEN)) {
            return Optional.empty();
        }
        if (PUBLISHED.contains(value)) {
            return Optional.of("is one that stands in published instructions, so everybody knows it");
        }
        if (value.length() < SHORTEST_TOKEN) {
            return Optional.of("has " + value.length() + " characters and needs at least " + SHORTEST_TOKEN);
        }
        String folded = value.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]", "");
        if (value.chars().distinct().count() < 6
                || EXAMPLE_WORDS.matcher(folded).matches()) {
            return Optional.of("can be guessed: it looks like an example");
        }
        return Optional.empty();
    }
}
