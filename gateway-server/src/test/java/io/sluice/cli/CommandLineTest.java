package io.sluice.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.server.GatewayLauncher;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import reactor.core.publisher.Mono;
import reactor.netty.DisposableServer;
import reactor.netty.http.server.HttpServer;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

final class CommandLineTest {
    @TempDir
    private Path directory;

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();
    private final AtomicInteger launches = new AtomicInteger();

    @Test
    void validFileIsGood() throws Exception {
        Path file = write(
                "mcp.json", "{\"mcpServers\": {\"a\": {\"url\": \"http://h/mcp\"}, \"b\": {\"command\": \"x\"}}}");

        assertThat(execute(Map.of(), "validate", file.toString())).isZero();
        assertThat(out.toString()).contains(file + ": good, 2 backends (a, b)");
    }

    @Test
    void faultsOfAllFilesArePrintedAndCounted() throws Exception {
        Path first = write("a.yaml", "server: { prot: 1 }\n");
        Path second = write("b.yaml", "names: short\n");

        assertThat(execute(Map.of(), "validate", first.toString(), second.toString()))
                .isEqualTo(1);
        assertThat(out.toString().lines())
                .containsExactly(
                        first + ":1:11: unknown key 'prot' in server; did you mean 'port'?",
                        second + ":1:8: names: 'short' is none of bare, qualified",
                        "2 faults");
    }

    @Test
    void unsafeFileIsAFault() throws Exception {
        Path file = write("a.yaml", "server: { host: 0.0.0.0 }\n");

        assertThat(execute(Map.of(), "validate", file.toString())).isEqualTo(1);
        assertThat(out.toString()).contains(file + ": server.host is 0.0.0.0").contains("1 fault");
    }

    @Test
    void wrongUsageExitsWithTwo() {
        assertThat(execute(Map.of(), "validate")).isEqualTo(2);
        assertThat(execute(Map.of(), "rum")).isEqualTo(2);
        assertThat(err.toString()).contains("Did you mean: sluice run");
        assertThat(execute(Map.of())).isEqualTo(2);
        assertThat(execute(Map.of(), "run", "--prot", "1")).isEqualTo(2);
        assertThat(launches).hasValue(0);
    }

    @Test
    void everyCommandExplainsItselfWithAnExample() {
        List<String> without = new ArrayList<>();
        for (List<String> verb : List.of(
                List.<String>of(),
                List.of("run"),
                List.of("validate"),
                List.of("version"),
                List.of("config", "schema"),
                List.of("further"))) {
            List<String> arguments = new ArrayList<>(verb);
            arguments.add("--help");
            out.getBuffer().setLength(0);

            assertThat(execute(Map.of(), arguments.toArray(String[]::new))).isZero();
            String help = out.toString();
            assertThat(help).contains("Usage: sluice").doesNotContain("null");
            if (!help.contains("Examples:")) {
                without.add(String.join(" ", verb));
            }
        }
        assertThat(without).containsExactly("further");
    }

    @Test
    void helpIsAVerbAsWell() {
        assertThat(execute(Map.of(), "help")).isZero();
        assertThat(out.toString()).contains("Usage: sluice", "validate");
        out.getBuffer().setLength(0);

        assertThat(execute(Map.of(), "help", "run")).isZero();
        assertThat(out.toString()).contains("Usage: sluice run");
    }

    @Test
    void versionIsPrintedForPeopleAndForPrograms() {
        assertThat(execute(Map.of(), "version")).isZero();
        assertThat(out.toString()).startsWith("Sluice ").contains("2026-07-28, 2025-11-25");
        out.getBuffer().setLength(0);

        assertThat(execute(Map.of(), "version", "-o", "json")).isZero();
        JsonNode version = JsonMapper.shared().readTree(out.toString());
        assertThat(version.path("name").asString()).isEqualTo("sluice");
        assertThat(version.path("protocolVersions").size()).isEqualTo(4);
        assertThat(execute(Map.of(), "--version")).isZero();
    }

    @Test
    void schemaIsPrinted() {
        assertThat(execute(Map.of(), "config", "schema")).isZero();
        assertThat(JsonMapper.shared().readTree(out.toString()).path("title").asString())
                .isEqualTo("Sluice configuration");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            nullValues = "-",
            value = {
                // flags | variable | value | sentence
                "--host 0.0.0.0 | - | - | server.host is 0.0.0.0, where others can connect, but no token is configured",
                "- | HOST | 0.0.0.0 | no token is configured",
                "- | MCP_BEARER_TOKEN | short | the token 'default' is 5 characters long; use at least 16",
                "- | MCP_BEARER_TOKEN | mcp-token-123 | stands in published instructions",
                "- | MCP_SERVER_AUTH_TOKEN | Dguvb+W8eYoiEJjWPs0le06kJDsm6ZzAx5fh1Bus0mI= | stands in published"
                        + " instructions",
                "- | MCP_BEARER_TOKEN | changemechangeme | the token 'default' is",
                "- | MCP_BEARER_TOKEN | '' | variable MCP_BEARER_TOKEN: is set but empty",
                "- | SLUICE_SECRET_KEY_FILE | /does/not/exist | cannot read /does/not/exist: there is no such file",
                "- | SLUICE_SECRET_KEY | abcd | found 3 bytes; a secret key is 32 random bytes",
                "- | SLUICE_SERVER_ALLOWED_HOSTS | * | server.allowedHosts is '*' and no token is configured",
                "- | SLUICE_SERVER_CORS_ORIGINS | * | server.cors.origins is '*' and no token is configured",
                "--port 80x | - | - | flag --port: server.port: '80x' is not a whole number from 0 to 65535",
                "--token-file /does/not/exist | - | - | flag --token-file: auth.tokensFile: cannot read"
                        + " /does/not/exist",
                "--reload-interval 0 | - | - | --reload-interval is not at least 1",
                "/does/not/exist.yaml | - | - | /does/not/exist.yaml: cannot be read: there is no such file",
            })
    void unsafeOrFaultyStartIsRefused(
            @Nullable String flags, @Nullable String variable, @Nullable String value, String sentence) {
        List<String> arguments = new ArrayList<>(List.of("run"));
        if (flags != null) {
            arguments.addAll(List.of(flags.split(" ")));
        }
        Map<String, String> environment = variable == null ? Map.of() : Map.of(variable, value == null ? "" : value);

        assertThat(execute(environment, arguments.toArray(String[]::new))).isEqualTo(2);
        assertThat(err.toString())
                .contains(sentence)
                .endsWith("sluice: not started\n")
                .doesNotContain("Exception");
        assertThat(launches).hasValue(0);
    }

    @Test
    void takenPortIsSaidInASentenceOfTheLog() throws Exception {
        DisposableServer first = Objects.requireNonNull(bind("127.0.0.1", 0).block());
        Path text = directory.resolve("text.log");
        Path json = directory.resolve("json.log");
        Map<String, String> port = Map.of("PORT", Integer.toString(first.port()));
        try {
            assertThat(execute(port, "run", "--log-format", "text", "--log-file", text.toString()))
                    .isEqualTo(1);
            assertThat(execute(port, "run", "--log-format", "json", "--log-file", json.toString()))
                    .isEqualTo(1);
        } finally {
            first.disposeNow();
        }

        String sentence = "Not started: cannot listen on 127.0.0.1:" + first.port()
                + ": the port is taken; choose another with --port, or 0 for any free one";
        assertThat(Files.readAllLines(text)).last().asString().endsWith("ERROR " + sentence);
        assertThat(Files.readAllLines(json))
                .isNotEmpty()
                .allSatisfy(line -> assertThat(line).startsWith("{\"").endsWith("}"));
        assertThat(Files.readAllLines(json)).last().asString().contains("\"message\":\"" + sentence + "\"");
        assertThat(err.toString()).isEmpty();
        assertThat(launches).hasValue(2);
    }

    @Test
    void unknownAndForeignAddressesAreSaidInASentence() throws Exception {
        Map<String, String> token = Map.of("MCP_BEARER_TOKEN", "q7Jr2mVx0TnB8sLkDz41");
        Path log = directory.resolve("start.log");
        String[] written = {"--log-format", "text", "--log-file", log.toString()};

        assertThat(execute(
                        token, "run", "--host", "no.such.host.invalid", written[0], written[1], written[2], written[3]))
                .isEqualTo(1);
        assertThat(execute(token, "run", "--host", "192.0.2.1", written[0], written[1], written[2], written[3]))
                .isEqualTo(1);

        assertThat(Files.readAllLines(log).stream().filter(line -> line.contains("Not started")))
                .satisfiesExactly(
                        line -> assertThat(line)
                                .endsWith(
                                        "Not started: cannot listen on no.such.host.invalid:8080: the name is unknown;"
                                                + " choose another with --host"),
                        line -> assertThat(line)
                                .contains("Not started: cannot listen on 192.0.2.1:8080: ")
                                .endsWith("; choose another with --host or --port"));
    }

    private static Mono<? extends DisposableServer> bind(String host, int port) {
        return HttpServer.create().host(host).port(port).bind();
    }

    private int execute(Map<String, String> environment, String... arguments) {
        GatewayLauncher binding = (config, changes) -> {
            launches.incrementAndGet();
            return bind(config.server().host(), config.server().port())
                    .flatMap(bound -> Mono.error(new AssertionError("bound to " + bound.address())));
        };
        CommandLine commandLine = Sluice.commandLine(binding, environment, new Further());
        return commandLine
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .execute(arguments);
    }

    private Path write(String name, String content) throws Exception {
        return Files.writeString(directory.resolve(name), content);
    }

    @Command(name = "further", mixinStandardHelpOptions = true, description = "From elsewhere.")
    private static final class Further implements Runnable {
        @Override
        public void run() {}
    }
}
