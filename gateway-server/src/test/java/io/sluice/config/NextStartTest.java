package io.sluice.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class NextStartTest {
    @TempDir
    private Path directory;

    @Test
    void keysThatCannotBeAppliedAreNamed() throws Exception {
        GatewayConfig running = config("");
        GatewayConfig now = config("""
                server: { port: 9, host: localhost, maxBody: 1MiB, cors: { origins: https://a.example } }
                gateway: { aggregate: false }
                egress: { allowPrivate: 10.0.0.0/8 }
                registration: { maxBackends: 7 }
                log: { format: json }
                environment: test
                """);

        assertThat(NextStart.changes(running, now))
                .containsExactly(
                        "server.host",
                        "server.port",
                        "server.cors.origins",
                        "server.maxBody",
                        "gateway.aggregate",
                        "egress.allowPrivate",
                        "registration.maxBackends",
                        "log.format",
                        "environment");
    }

    @Test
    void keysThatAreAppliedAreNot() throws Exception {
        GatewayConfig now = config("""
                auth: { token: gW7-first-of-the-tokens-3x }
                names: qualified
                legacy: { sessionless: false }
                log: { level: debug }
                mcpServers: { a: { url: http://a.example } }
                """);

        assertThat(NextStart.changes(config(""), now)).isEmpty();
    }

    private GatewayConfig config(String yaml) throws Exception {
        Path file = Files.writeString(directory.resolve("a.yaml"), yaml);
        Reading reading = ConfigReader.read(new ConfigSources(List.of(file), Map.of(), List.of()));
        assertThat(reading.faults()).isEmpty();
        return reading.config().orElseThrow();
    }
}
