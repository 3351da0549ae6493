package io.sluice.config;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.auth.NamedToken;
import io.sluice.registry.Backend;
import io.sluice.registry.Endpoint;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Flag over variable over file over default. */
final class PrecedenceTest {
    private static final String TOKEN = "a-token-of-some-length-77";

    @TempDir
    private Path directory;

    private ConfigFiles files;

    @BeforeEach
    void files() {
        files = new ConfigFiles(directory);
    }

    @Test
    void flagWinsOverVariableOverFileOverDefault() {
        Path file = files.write("sluice.yaml", "server: { host: 127.0.0.2, port: 1 }\n");
        Map<String, String> variables = Map.of("PORT", "2", "HOST", "127.0.0.3");
        List<ConfigSources.Flag> flags = List.of(new ConfigSources.Flag("--port", "server.port", "3"));

        GatewayConfig all = ConfigFiles.good(ConfigReader.read(new ConfigSources(List.of(file), variables, flags)));
        GatewayConfig noFlags =
                ConfigFiles.good(ConfigReader.read(new ConfigSources(List.of(file), variables, List.of())));
        GatewayConfig onlyFile =
                ConfigFiles.good(ConfigReader.read(new ConfigSources(List.of(file), Map.of(), List.of())));

        assertThat(all.server().port()).isEqualTo(3);
        assertThat(all.server().host()).isEqualTo("127.0.0.3");
        assertThat(noFlags.server().port()).isEqualTo(2);
        assertThat(onlyFile.server().port()).isEqualTo(1);
        assertThat(onlyFile.server().host()).isEqualTo("127.0.0.2");
    }

    @Test
    void tokenComesFromEitherVariable() {
        for (String name : new String[] {"MCP_BEARER_TOKEN", "MCP_SERVER_AUTH_TOKEN", "SLUICE_AUTH_TOKEN"}) {
            ConfigSources sources = new ConfigSources(List.of(), Map.of(name, TOKEN), List.of());
            assertThat(ConfigFiles.good(ConfigReader.read(sources)).auth().tokens())
                    .containsExactly(new NamedToken("default", TOKEN, true));
        }
    }

    @Test
    void secondTokenVariableIsIgnoredAloud() {
        files.variable("MCP_BEARER_TOKEN", TOKEN).variable("MCP_SERVER_AUTH_TOKEN", "another-token-of-some-length");

        Reading reading = files.reading("sluice.yaml", "");

        assertThat(ConfigFiles.good(reading).auth().tokens()).hasSize(1);
        assertThat(reading.notes())
                .extracting(Fault::toString)
                .containsExactly("variable MCP_SERVER_AUTH_TOKEN: is ignored, as MCP_BEARER_TOKEN is set too");
    }

    @Test
    void emptyTokenVariableIsAFaultAndNotAnOpenGateway() {
        Reading reading = ConfigReader.read(new ConfigSources(List.of(), Map.of("MCP_BEARER_TOKEN", ""), List.of()));

        assertThat(reading.faults())
                .singleElement()
                .asString()
                .startsWith("variable MCP_BEARER_TOKEN: is set but empty");
    }

    @Test
    void everyScalarHasAVariable() {
        files.variable("SLUICE_SERVER_MAXBODY", "2MiB")
                .variable("SLUICE_SERVER_IDLE_TIMEOUT", "3s")
                .variable("SLUICE_SERVER_ALLOWEDHOSTS", "a.example, b.example")
                .variable("SLUICE_LEGACY_SESSIONLESS", "false")
                .variable("SLUICE_LOG_LEVEL", "debug")
                .variable("SLUICE_SERVER_CORS_ORIGINS", "https://x");

        GatewayConfig config = files.yaml("");

        assertThat(config.server().maxBodyBytes()).isEqualTo(2 << 20);
        assertThat(config.server().idleTimeout()).hasSeconds(3);
        assertThat(config.server().allowedHosts()).containsExactly("a.example", "b.example");
        assertThat(config.server().corsOrigins()).containsExactly("https://x");
        assertThat(config.sessionless()).isFalse();
        assertThat(config.log().level()).isEqualTo(GatewayConfig.Log.Level.DEBUG);
    }

    @Test
    void noTwoKeysShareAVariable() {
        Set<String> seen = new HashSet<>();
        for (ConfigKeys.Scalar scalar : ConfigKeys.scalars()) {
            assertThat(seen.add(scalar.variable().replace("_", "")))
                    .as(scalar.variable())
                    .isTrue();
        }
        assertThat(seen).contains("SLUICESERVERPORT", "SLUICENAMES", "SLUICESERVERTLSCERT");
    }

    @Test
    void peerVariableAddsABackendOrMovesOne() {
        files.variable("MCP_PEER_EMPLOYEE_B_URL", "https://employee-b.example/mcp")
                .variable("MCP_PEER_MOVED_URL", "http://new/mcp");

        GatewayConfig config = files.yaml("mcpServers: { moved: { endpoints: [http://old/mcp], timeout: 5s } }");

        assertThat(config.backends()).extracting(Backend::name).containsExactly("moved", "employee-b");
        assertThat(config.backends().get(0).endpoints()).containsExactly(Endpoint.of("http://new/mcp"));
        assertThat(config.backends().get(0).timeout()).hasSeconds(5);
        assertThat(config.backends().get(1).source()).isEqualTo(Backend.Source.VARIABLE);
    }

    @Test
    void seedVariablesOfTheGatewayToolsAndEnvironmentAreRead() {
        GatewayConfig config = files.variable("ENABLE_MCP_SYSTEM", "false")
                .variable("ENVIRONMENT", "development")
                .yaml("");

        assertThat(config.gatewayAggregated()).isFalse();
        assertThat(config.environment()).isEqualTo("development");
    }

    @Test
    void secretKeyFileVariableWinsOverTheFile() {
        files.write("fromFile", "ab".repeat(32));
        Path fromVariable = files.write("fromVariable", "cd".repeat(32));
        files.variable("SLUICE_SECRET_KEY_FILE", fromVariable.toString());

        assertThat(files.yaml("secretKey: ${file:fromFile}").secretKeys())
                .containsExactlyElementsOf(RootKey.parse("cd".repeat(32).getBytes(StandardCharsets.UTF_8)));
    }

    @Test
    void valueOfAVariableIsTakenAsItIs() {
        assertThat(files.variable("ENVIRONMENT", "${NOT_A_PLACEHOLDER}")
                        .yaml("")
                        .environment())
                .isEqualTo("${NOT_A_PLACEHOLDER}");
    }

    @Test
    void variablesOfAKubernetesServiceAreLeftAlone() {
        files.variable("SLUICE_SERVER_PORT", "tcp://10.0.0.1:8080").variable("SLUICE_SERVER_PORRT", "1");

        Reading reading = files.reading("sluice.yaml", "");

        assertThat(ConfigFiles.good(reading).server().port()).isEqualTo(8080);
        assertThat(reading.notes())
                .extracting(Fault::toString)
                .hasSize(2)
                .anySatisfy(note -> assertThat(note)
                        .contains("variable SLUICE_SERVER_PORRT: means nothing here; did you mean"
                                + " 'SLUICE_SERVER_PORT'?"));
    }

    @Test
    void wrongValueOfAVariableOrFlagNamesIt() {
        ConfigSources sources = new ConfigSources(List.of(), Map.of("HOST", "127.0.0.1", "PORT", "80x"), List.of());
        ConfigSources flags = new ConfigSources(
                List.of(), Map.of(), List.of(new ConfigSources.Flag("--port", "server.port", "70000")));

        assertThat(ConfigReader.read(sources).faults().get(0))
                .hasToString("variable PORT: server.port: '80x' is not a whole number from 0 to 65535");
        assertThat(ConfigReader.read(flags).faults().get(0))
                .hasToString("flag --port: server.port: '70000' is not a whole number from 0 to 65535");
    }
}
