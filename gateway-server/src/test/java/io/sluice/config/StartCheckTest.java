package io.sluice.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What must not start, row by row. */
final class StartCheckTest {
    private static final String STRONG = "q7Jr2mVx0TnB8sLkDz41";

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            nullValues = "-",
            value = {
                // host | token | allowedHosts | allowedOrigins | cors | fault
                "127.0.0.1 | - | - | - | - | -",
                "localhost | - | - | - | - | -",
                "LOCALHOST | - | - | - | - | -",
                "127.8.9.1 | - | - | - | - | -",
                "::1 | - | - | - | - | -",
                "[::1] | - | - | - | - | -",
                "0.0.0.0 | q7Jr2mVx0TnB8sLkDz41 | - | - | - | -",
                "0.0.0.0 | - | - | - | - | server.host is 0.0.0.0, where others can connect, but no token is"
                        + " configured",
                ":: | - | - | - | - | no token is configured",
                "192.168.1.7 | - | - | - | - | no token is configured",
                "gw.example.com | - | - | - | - | no token is configured",
                "localhost.example.com | - | - | - | - | no token is configured",
                "127.0.0.0/8 | - | - | - | - | no token is configured",
                "'' | - | - | - | - | no token is configured",
                "127.0.0.1 | short | - | - | - | is 5 characters long; use at least 16",
                "127.0.0.1 | q7Jr2mVx0TnB8sL | - | - | - | is 15 characters long",
                "127.0.0.1 | mcp-token-123 | - | - | - | stands in published instructions",
                "0.0.0.0 | mcp-token-123 | - | - | - | stands in published instructions",
                "0.0.0.0 | Dguvb+W8eYoiEJjWPs0le06kJDsm6ZzAx5fh1Bus0mI= | - | - | - | stands in published instructions",
                "127.0.0.1 | - | * | - | - | server.allowedHosts is '*' and no token is configured",
                "127.0.0.1 | - | - | * | - | server.allowedOrigins is '*'",
                "127.0.0.1 | - | - | - | * | server.cors.origins is '*'",
                "127.0.0.1 | q7Jr2mVx0TnB8sLkDz41 | * | * | * | -",
                "127.0.0.1 | - | gw.example.com | https://gw.example.com | https://a.example | -",
            })
    void tableOfStarts(
            String host,
            @Nullable String token,
            @Nullable String hosts,
            @Nullable String origins,
            @Nullable String cors,
            @Nullable String fault) {
        Map<String, String> variables = new HashMap<>();
        put(variables, "MCP_BEARER_TOKEN", token);
        put(variables, "SLUICE_SERVER_ALLOWED_HOSTS", hosts);
        put(variables, "SLUICE_SERVER_ALLOWED_ORIGINS", origins);
        put(variables, "SLUICE_SERVER_CORS_ORIGINS", cors);
        GatewayConfig config = withHost(config(variables), host);

        List<String> faults = StartCheck.faults(config);

        if (fault == null) {
            assertThat(faults).isEmpty();
        } else {
            assertThat(faults).singleElement().asString().contains(fault);
            assertThat(faults.get(0)).doesNotContain(token == null ? "\u0000" : token);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "changemechangeme",
                "change-me-change-me",
                "your-secret-token-here",
                "my-super-secret-token",
                "this-is-a-test-token",
                "aaaaaaaaaaaaaaaaaaaaaaaa",
                "abababababababababab",
                "0123456789abcdef",
                "password12345678",
                "mcp-gateway-secret-key",
            })
    void exampleTokensAreRefused(String token) {
        assertThat(StartCheck.faults(config(Map.of("MCP_BEARER_TOKEN", token))))
                .singleElement()
                .asString()
                .startsWith("the token 'default' ");
    }

    @Test
    void strongTokensArePassed() {
        for (String token :
                List.of(STRONG, "correct-horse-battery-staple", "3f9a1c77e2d04b58", "dGhpcyBpcyBub3QgYQ==")) {
            assertThat(StartCheck.faults(config(Map.of("MCP_BEARER_TOKEN", token))))
                    .isEmpty();
        }
    }

    @Test
    void demoTokenIsFineForTheDemonstrationOnLoopbackOnly() {
        GatewayConfig config = config(Map.of("MCP_BEARER_TOKEN", StartCheck.DEMO_TOKEN));

        assertThat(StartCheck.faults(config, true)).isEmpty();
        assertThat(StartCheck.faults(config, false)).hasSize(1);
        assertThat(StartCheck.faults(withHost(config, "0.0.0.0"), true)).hasSize(1);
    }

    @Test
    void secretKeyThatIsNotRandomIsRefused() {
        String monotone = "ab".repeat(32);
        String random = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

        assertThat(StartCheck.faults(config(Map.of("SLUICE_SECRET_KEY", monotone))))
                .singleElement()
                .asString()
                .startsWith("secretKey is not random");
        assertThat(StartCheck.faults(config(Map.of("SLUICE_SECRET_KEY", random))))
                .isEmpty();
    }

    @Test
    void redisWithoutAKeyIsRefused() {
        assertThat(StartCheck.faults(config(Map.of("REDIS_URL", "redis://:pass-canary@127.0.0.1:6379"))))
                .singleElement()
                .asString()
                .contains("secretKey")
                .doesNotContain("canary");
    }

    @Test
    void redisWithAKeyIsPassed() {
        assertThat(StartCheck.faults(config(Map.of(
                        "REDIS_URL",
                        "redis://127.0.0.1:6379",
                        "SLUICE_SECRET_KEY",
                        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"))))
                .isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"http://127.0.0.1:6379", "redis://", "127.0.0.1"})
    void urlThatNamesNoRedisIsRefused(String url) {
        assertThat(StartCheck.faults(config(Map.of("REDIS_URL", url)))).anyMatch(fault -> fault.startsWith("redis: "));
    }

    private static void put(Map<String, String> variables, String name, @Nullable String value) {
        if (value != null) {
            variables.put(name, value);
        }
    }

    private static GatewayConfig config(Map<String, String> variables) {
        return ConfigFiles.good(ConfigReader.read(new ConfigSources(List.of(), variables, List.of())));
    }

    private static GatewayConfig withHost(GatewayConfig c, String host) {
        GatewayConfig.Server s = c.server();
        return new GatewayConfig(
                new GatewayConfig.Server(
                        host,
                        s.port(),
                        s.tls(),
                        s.publicUrl(),
                        s.allowedHosts(),
                        s.allowedOrigins(),
                        s.allow(),
                        s.corsOrigins(),
                        s.maxBodyBytes(),
                        s.idleTimeout(),
                        s.bodyTimeout(),
                        s.drainDelay(),
                        s.drainTimeout(),
                        s.maxConnections()),
                c.auth(),
                c.secretKeys(),
                c.redis(),
                c.sessionless(),
                c.parking(),
                c.names(),
                c.gatewayAggregated(),
                c.egress(),
                c.stdioAllow(),
                c.maxRegistered(),
                c.clientIdle(),
                c.limits(),
                c.resilience(),
                c.overload(),
                c.cache(),
                c.log(),
                c.environment(),
                c.backends());
    }
}
