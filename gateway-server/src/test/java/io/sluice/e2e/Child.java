package io.sluice.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.gateway.WireClient;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A process of its own that runs the gateway's command line; ended with this, if not before. */
final class Child implements AutoCloseable {
    static final Duration PATIENCE = Duration.ofSeconds(40);

    private static final Pattern LISTENS = Pattern.compile("listens on https?://[^ ]*:(\\d+)/mcp");

    private final Process process;
    private final Path output;

    private Child(Process process, Path output) {
        this.process = process;
        this.output = output;
    }

    /** Starts it with these arguments and none of the variables that the gateway reads. */
    static Child start(Path directory, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                "io.sluice.Main"));
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment()
                .keySet()
                .removeIf(name -> name.startsWith("MCP_")
                        || name.startsWith("SLUICE_")
                        || List.of("HOST", "PORT", "ENVIRONMENT").contains(name));
        Path output = Files.createTempFile(directory, "child", ".log");
        Process process = builder.redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        return new Child(process, output);
    }

    /** Runs the gateway on any free port, and waits until it is ready. */
    static Child run(Path directory, Path file) throws IOException {
        Child child = start(directory, "run", file.toString(), "--port", "0", "--log-format", "text");
        child.awaitOutput("Changes of");
        await().atMost(PATIENCE).until(() -> child.client("/readyz").get().status() == 200);
        return child;
    }

    int port() {
        Matcher listens = LISTENS.matcher(output());
        assertThat(listens.find()).isTrue();
        return Integer.parseInt(listens.group(1));
    }

    WireClient client(String path) {
        return new WireClient(port(), path);
    }

    String output() {
        try {
            return Files.readString(output);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    void awaitOutput(String text) {
        await().atMost(PATIENCE).untilAsserted(() -> assertThat(output()).contains(text));
    }

    /** Sends SIGTERM. */
    void terminate() {
        process.destroy();
    }

    /** Sends SIGINT, as ctrl-C does. */
    void interrupt() throws Exception {
        Interrupt.send(process);
    }

    boolean isAlive() {
        return process.isAlive();
    }

    /** The exit code, which is waited for. */
    int exit() throws InterruptedException {
        assertThat(process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS))
                .as(this::output)
                .isTrue();
        return process.exitValue();
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}
