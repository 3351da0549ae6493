package io.sluice.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.e2e.Interrupt;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A real process, with real signals. */
final class ProcessTest {
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    @TempDir
    private Path directory;

    private final List<Process> started = new ArrayList<>();

    @AfterEach
    void end() {
        started.forEach(Process::destroyForcibly);
    }

    @Test
    void terminationDrainsAndExitsWithZero() throws Exception {
        Path file = Files.writeString(
                directory.resolve("mcp.json"), "{\"mcpServers\": {\"a\": {\"url\": \"http://h/mcp\"}}}");
        Process process = start("run", file.toString(), "--reload", "--log-format", "text");
        awaitLine("Changes of");

        process.destroy();

        assertThat(process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).isZero();
        assertThat(output())
                .contains("listens on http://127.0.0.1:4711/mcp")
                .contains("1 backend from " + file + ": a, alone on http://127.0.0.1:4711/mcp/a")
                .contains("Every caller is 'local' with all rights: no token is configured")
                .contains("INFO  first second 12:00:00.000 ERROR forged [2J\n")
                .contains("drained")
                .doesNotContain("curious");
    }

    @Test
    void interruptIsAStopToo() throws Exception {
        Process process = start("run", "--debug", "--log-format", "text");
        awaitLine("curious");
        awaitLine("no token is configured");

        Interrupt.send(process);

        assertThat(process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).isZero();
        assertThat(output()).contains("No backend yet; one can be registered");
    }

    @Test
    void changedFileIsAppliedAndABadOneIsNot() throws Exception {
        Path file = Files.writeString(directory.resolve("sluice.yaml"), "mcpServers: { a: { url: http://h/mcp } }\n");
        start("run", file.toString(), "--log-format", "text");
        awaitLine("Changes of");

        Files.writeString(file, "mcpServers: { a: { urll: http://h/mcp } }\n");
        awaitLine(file + ":1:20: unknown key 'urll' in mcpServers.a; did you mean 'url'?");
        Files.writeString(file, "mcpServers: { b: { url: http://h/mcp } }\n");
        awaitLine("[b]");

        assertThat(output()).contains("the last good one stays").doesNotContain("[]");
    }

    @Test
    void logIsJsonWithTheCommonFieldNamesWhenNobodyReadsAlong() throws Exception {
        Path log = directory.resolve("gateway.log");
        Path file = Files.writeString(directory.resolve("sluice.yaml"), "mcpServers: { a: { url: http://h/mcp } }\n");
        Process process = start("run", file.toString(), "--log-file", log.toString());
        awaitLine("Changes of");
        Files.writeString(file, "mcpServers: { b: { url: http://h/mcp } }\n");
        awaitLine("\"mcp.backends\":\"[b]\"");

        process.destroy();
        assertThat(process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();

        List<JsonNode> lines =
                output().lines().map(JsonMapper.shared()::readTree).toList();
        assertThat(lines).allSatisfy(line -> {
            assertThat(line.path("@timestamp").asString()).endsWith("Z");
            assertThat(line.path("log.level").asString()).isNotBlank();
            assertThat(line.path("log.logger").asString()).startsWith("io.sluice");
            assertThat(line.path("message").asString()).isNotBlank();
            assertThat(line.path("service.name").asString()).isEqualTo("sluice");
            assertThat(line.has("service.version")).isTrue();
            assertThat(line.has("service.node.name")).isTrue();
        });
        assertThat(lines)
                .anySatisfy(
                        line -> assertThat(line.path("mcp.backends").asString()).isEqualTo("[b]"));
        assertThat(lines).anySatisfy(line -> {
            assertThat(line.path("error.type").asString()).isEqualTo("java.lang.IllegalStateException");
            assertThat(line.path("error.stack_trace").asString()).contains("as an example");
        });
        assertThat(Files.readString(log)).isEqualTo(output());
    }

    private Process start(String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                IdleGateway.class.getName()));
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment()
                .keySet()
                .removeIf(name -> name.startsWith("MCP_")
                        || name.startsWith("SLUICE_")
                        || name.equals("HOST")
                        || name.equals("PORT"));
        Process process = builder.redirectErrorStream(true)
                .redirectOutput(directory.resolve("output").toFile())
                .start();
        started.add(process);
        return process;
    }

    private void awaitLine(String text) {
        await().atMost(PATIENCE).untilAsserted(() -> assertThat(output()).contains(text));
    }

    private String output() {
        try {
            return Files.readString(directory.resolve("output"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
