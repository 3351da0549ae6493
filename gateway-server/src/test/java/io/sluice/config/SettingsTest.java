package io.sluice.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.auth.NamedToken;
import io.sluice.cache.CacheRule;
import io.sluice.cache.CacheSettings;
import io.sluice.guard.DeadlineRule;
import io.sluice.protocol.Era;
import io.sluice.protocol.RawJson;
import io.sluice.registry.Backend;
import io.sluice.registry.Endpoint;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class SettingsTest {
    @TempDir
    private Path directory;

    private ConfigFiles files;

    @BeforeEach
    void files() {
        files = new ConfigFiles(directory);
    }

    @Test
    void clientsStayForAsLongAsIsSaid() {
        assertThat(files.yaml("").clientIdle()).isEqualTo(Duration.ofMinutes(30));
        assertThat(files.yaml("clients: { idleTimeout: 2h }").clientIdle()).isEqualTo(Duration.ofHours(2));
        assertThat(files.faults("clients: { idleTimeot: 2h }"))
                .singleElement()
                .asString()
                .contains("did you mean 'idleTimeout'?");
    }

    @Test
    void nothingWrittenMeansTheDefaults() {
        GatewayConfig config = files.yaml("");

        assertThat(config.server().host()).isEqualTo("127.0.0.1");
        assertThat(config.server().port()).isEqualTo(8080);
        assertThat(config.server().tls()).isEmpty();
        assertThat(config.server().maxBodyBytes()).isEqualTo(4 << 20);
        assertThat(config.server().idleTimeout()).isEqualTo(Duration.ofSeconds(30));
        assertThat(config.auth().tokens()).isEmpty();
        assertThat(config.secretKeys()).isEmpty();
        assertThat(config.sessionless()).isTrue();
        assertThat(config.gatewayAggregated()).isTrue();
        assertThat(config.names()).isEqualTo(GatewayConfig.Names.BARE);
        assertThat(config.log())
                .isEqualTo(new GatewayConfig.Log(
                        GatewayConfig.Log.Level.INFO, GatewayConfig.Log.Format.AUTO, Optional.empty()));
        assertThat(StartCheck.faults(config)).isEmpty();
    }

    @Test
    void everySettingIsRead() {
        files.write("cert.pem", "c");
        files.write("key.pem", "k");
        GatewayConfig config = files.variable("T", "an-actual-s3cret-token").yaml("""
            server:
              host: 0.0.0.0
              port: 9443
              tls: { cert: cert.pem, key: ./key.pem }
              publicUrl: https://gw.example.com/
              allowedHosts: [gw.example.com]
              allowedOrigins: https://gw.example.com
              allow: [10.0.0.0/8, "fd00::/8", 192.168.1.7]
              cors: { origins: ["https://app.example.com"] }
              maxBody: 64KiB
              idleTimeout: 1m30s
              bodyTimeout: PT20S
              drainDelay: 5s
              drainTimeout: 500ms
              maxConnections: 10
            auth: { tokens: [{ name: ci, value: "${T}" }] }
            legacy: { sessionless: false }
            parking: { patience: 90s, perCaller: 3, total: 7 }
            names: qualified
            gateway: { aggregate: false }
            egress: { allowPrivate: [172.16.0.0/12] }
            log: { level: warn, format: json, file: out.log }
            environment: staging
            """);

        assertThat(config.server())
                .isEqualTo(new GatewayConfig.Server(
                        "0.0.0.0",
                        9443,
                        Optional.of(new GatewayConfig.Tls(directory.resolve("cert.pem"), directory.resolve("key.pem"))),
                        Optional.of("https://gw.example.com"),
                        java.util.List.of("gw.example.com"),
                        java.util.List.of("https://gw.example.com"),
                        java.util.List.of("10.0.0.0/8", "fd00::/8", "192.168.1.7"),
                        java.util.List.of("https://app.example.com"),
                        64 * 1024,
                        Duration.ofSeconds(90),
                        Duration.ofSeconds(20),
                        Duration.ofSeconds(5),
                        Duration.ofMillis(500),
                        10));
        assertThat(config.auth().tokens()).containsExactly(new NamedToken("ci", "an-actual-s3cret-token", true));
        assertThat(config.sessionless()).isFalse();
        assertThat(config.parking())
                .isEqualTo(new io.sluice.parking.ParkingSettings(java.time.Duration.ofSeconds(90), 3, 7));
        assertThat(config.names()).isEqualTo(GatewayConfig.Names.QUALIFIED);
        assertThat(config.gatewayAggregated()).isFalse();
        assertThat(config.egress().allowPrivate()).containsExactly("172.16.0.0/12");
        assertThat(config.log().file()).contains(directory.resolve("out.log"));
        assertThat(config.environment()).isEqualTo("staging");
    }

    @Test
    void everyKeyOfABackendIsRead() {
        GatewayConfig config = files.yaml("""
            mcpServers:
              search:
                type: streamable-http
                endpoints: [{ url: http://s1/mcp }, { url: http://s2/mcp, weight: 3 }, "https://s3"]
                headers: { X-Number: 7 }
                era: legacy
                timeout: 10s
                includeTools: ["issue_*"]
                excludeTools: issue_delete
                fallbackTools:
                  - name: find
                    description: "Finds \\"it\\""
                    inputSchema: { type: object, properties: { n: { maximum: 1.10 } } }
                  - name: bare
                aggregate: false
            """);

        assertThat(config.backends())
                .containsExactly(new Backend(
                        "search",
                        java.util.List.of(
                                new Endpoint(URI.create("http://s1/mcp"), 1),
                                new Endpoint(URI.create("http://s2/mcp"), 3),
                                new Endpoint(URI.create("https://s3/mcp"), 1)),
                        java.util.Map.of("X-Number", "7"),
                        Optional.of(Era.LEGACY),
                        Duration.ofSeconds(10),
                        java.util.List.of("issue_*"),
                        java.util.List.of("issue_delete"),
                        java.util.List.of(
                                RawJson.of("{\"name\":\"find\",\"description\":\"Finds \\\"it\\\"\",\"inputSchema\":"
                                        + "{\"type\":\"object\",\"properties\":{\"n\":{\"maximum\":1.10}}}}"),
                                RawJson.of("{\"name\":\"bare\",\"inputSchema\":{\"type\":\"object\"}}")),
                        false,
                        Backend.Source.FILE));
    }

    @Test
    void laterFilesWinKeyByKey() {
        Path first = files.write("a.yaml", """
            server: { port: 1000, idleTimeout: 5s }
            mcpServers:
              one: { url: "http://one/mcp", timeout: 7s }
              two: { endpoints: ["http://two/mcp"] }
            """);
        Path second = files.write("b.json", """
            {"server": {"port": 2000}, "mcpServers": {"two": {"url": "http://two-b/mcp"},
                    "three": {"url": "http://three/mcp"}}}
            """);

        GatewayConfig config = ConfigFiles.good(ConfigReader.read(files.sources(first, second)));

        assertThat(config.server().port()).isEqualTo(2000);
        assertThat(config.server().idleTimeout()).isEqualTo(Duration.ofSeconds(5));
        assertThat(config.backends()).extracting(Backend::name).containsExactly("one", "two", "three");
        assertThat(config.backends().get(0).timeout()).isEqualTo(Duration.ofSeconds(7));
        assertThat(config.backends().get(1).endpoints()).containsExactly(Endpoint.of("http://two-b/mcp"));
    }

    @Test
    void placeholdersAreFilledIn() {
        files.write("secret.txt", "from-a-file\n");
        GatewayConfig config =
                files.variable("SET", "set").variable("EMPTY", "").yaml("""
                    mcpServers:
                      a:
                        url: ${URL:-http://localhost:9/mcp}
                        headers:
                          A: "x ${SET} y"
                          B: ${EMPTY:-default}
                          C: ${EMPTY}.
                          D: ${file:secret.txt}
                          E: $${SET}
                          F: ${SET}${SET:-no}
                    """);

        assertThat(config.backends().get(0).headers())
                .containsEntry("A", "x set y")
                .containsEntry("B", "default")
                .containsEntry("C", ".")
                .containsEntry("D", "from-a-file")
                .containsEntry("E", "${SET}")
                .containsEntry("F", "setset");
        assertThat(config.backends().get(0).endpoints()).containsExactly(Endpoint.of("http://localhost:9/mcp"));
    }

    @Test
    void tokensComeFromTheKeyTheListAndTheFile() {
        files.write("tokens", """
                # ours
                ops: file-token-0123456789abcdef

                lonely-token-0123456789abcdef # old
                bot call-token-0123456789abcdef call
                """);
        GatewayConfig config = files.variable("CI", "listed-token-0123456789").yaml("""
            auth:
              token: ${CI}-single
              tokens: [{ name: ci, value: "${CI}", manage: false }]
              tokensFile: tokens
            """);

        assertThat(config.auth().tokens())
                .containsExactly(
                        new NamedToken("default", "listed-token-0123456789-single", true),
                        new NamedToken("ci", "listed-token-0123456789", false),
                        new NamedToken("ops", "file-token-0123456789abcdef", true),
                        new NamedToken("default", "lonely-token-0123456789abcdef", true),
                        new NamedToken("bot", "call-token-0123456789abcdef", false));
        assertThat(config.toString()).doesNotContain("0123456789");
    }

    @Test
    void secretKeysAreReadRawAsBase64AndAsHexadecimal() throws Exception {
        byte[] key = new byte[32];
        for (int i = 0; i < key.length; i++) {
            key[i] = (byte) (200 + i);
        }
        java.nio.file.Files.write(directory.resolve("raw"), key);
        files.write("base64", Base64.getEncoder().encodeToString(key) + "\n");
        files.write("hex", java.util.HexFormat.of().formatHex(key));

        for (String name : new String[] {"raw", "base64", "hex"}) {
            assertThat(files.yaml("secretKey: ${file:" + name + "}").secretKeys())
                    .containsExactly(RootKey.of(key));
        }
        files.write("other", "A".repeat(43) + "=");
        assertThat(files.yaml("secretKey: [\"${file:raw}\", \"${file:other}\"]").secretKeys())
                .containsExactly(RootKey.of(key), RootKey.of(new byte[32]));
        files.write("both", Base64.getUrlEncoder().encodeToString(key) + "\n" + "00".repeat(32) + "\n");
        assertThat(files.yaml("secretKey: ${file:both}").secretKeys())
                .containsExactly(RootKey.of(key), RootKey.of(new byte[32]));
    }

    @Test
    void whatIsUsedAgainIsRead() throws Exception {
        GatewayConfig config = files.yaml("""
            cache:
              maxBytes: 128MiB
              maxEntry: 64KiB
              resources: false
              maxTtl: 5m
              legacyResources: 20s
              tools:
                - { backend: "search*", tool: "get_*", ttl: 10s, shared: true }
                - { tool: look }
            """);

        assertThat(config.cache())
                .isEqualTo(new CacheSettings(
                        128 << 20,
                        64 << 10,
                        false,
                        Duration.ofMinutes(5),
                        Duration.ofSeconds(20),
                        List.of(
                                new CacheRule("search*", "get_*", Duration.ofSeconds(10), true),
                                new CacheRule("*", "look", Duration.ofSeconds(30), false))));
        assertThat(files.yaml("names: bare").cache()).isEqualTo(CacheSettings.STANDARD);
    }

    @Test
    void deadlinesAreRead() throws Exception {
        assertThat(files.yaml("""
            limits:
              deadlines:
                - { backend: search, tool: "deep_*", within: 2m, atMost: 30m }
                - { within: 30s }
            """).limits().deadlines())
                .containsExactly(
                        new DeadlineRule(
                                "search", Optional.of("deep_*"), Duration.ofMinutes(2), Duration.ofMinutes(30)),
                        new DeadlineRule("*", Optional.empty(), Duration.ofSeconds(30), Duration.ofMinutes(10)));
        assertThatThrownBy(() -> files.yaml("limits: { deadlines: [{ within: 30s, atMost: 10s }] }"))
                .hasMessageContaining("'atMost' is less than 'within'");
    }
}
