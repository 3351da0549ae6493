package io.sluice.demo;

import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpRequest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** A child process that runs this same program, with its output in a file. */
final class DemoProcess {
    private static final Duration POLL = Duration.ofMillis(50);
    private static final int LAST_LINES = 15;

    /**
     * Ctrl-C in a terminal goes to all its processes. Children leave it to the demo, which stops them in order; they would
     * be gone in the midst of a call otherwise.
     */
    static final List<String> DEAF = Files.isExecutable(Path.of("/bin/sh"))
            ? List.of("/bin/sh", "-c", "trap '' INT; exec \"$0\" \"$@\"")
            : List.of();

    /** What the person's own environment says about gateways is not about these. */
    private static final List<String> NOT_INHERITED = List.of("HOST", "PORT", "REDIS_URL", "ENABLE_MCP_SYSTEM");

    private final String name;
    private final Process process;
    private final Path log;

    private DemoProcess(String name, Process process, Path log) {
        this.name = name;
        this.process = process;
        this.log = log;
    }

    /**
     * Starts it.
     *
     * @param main the program's entry point, found on this process's class path
     * @param arguments of the command line after {@code sluice}
     * @param environment secrets travel here and not on the command line, which everyone on the machine can read
     */
    static DemoProcess start(
            Class<?> main, String name, Path folder, List<String> arguments, Map<String, String> environment)
            throws IOException {
        Path log = folder.resolve(name + ".log");
        List<String> command = new ArrayList<>(DEAF);
        command.add(java());
        command.addAll(
                List.of("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dio.netty.leakDetection.level=disabled"));
        command.addAll(
                List.of("-cp", System.getProperty("java.class.path"), main.getName(), DemoChildCommand.NAME, "--"));
        command.addAll(arguments);
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment()
                .keySet()
                .removeIf(key -> key.startsWith("SLUICE_") || key.startsWith("MCP_") || NOT_INHERITED.contains(key));
        builder.environment().putAll(environment);
        // Standard input stays a pipe: its end tells the child that this process is gone.
        builder.redirectErrorStream(true).redirectOutput(log.toFile());
        return new DemoProcess(name, builder.start(), log);
    }

    String name() {
        return name;
    }

    long pid() {
        return process.pid();
    }

    Path log() {
        return log;
    }

    /** Waits until one of them has ended, and says which. */
    static DemoProcess firstToEnd(List<DemoProcess> processes) {
        return (DemoProcess) CompletableFuture.anyOf(processes.stream()
                        .map(each -> each.process.onExit().thenApply(ended -> each))
                        .toArray(CompletableFuture<?>[]::new))
                .join();
    }

    /** Only of a process that has ended. */
    int exitCode() {
        return process.exitValue();
    }

    /**
     * Waits until {@code health} answers 200.
     *
     * @throws DemoFailure when the process ends before, or the time is up; the message holds its last words
     */
    void awaitHealthy(DemoHttp http, URI health, Duration within) throws DemoFailure, InterruptedException {
        long deadline = System.nanoTime() + within.toNanos();
        String last = "it does not listen";
        while (System.nanoTime() < deadline) {
            if (process.waitFor(POLL.toMillis(), TimeUnit.MILLISECONDS)) {
                throw new DemoFailure("The " + name + " process ended with exit code " + process.exitValue()
                        + " instead of starting." + lastWords());
            }
            try {
                HttpRequest request = HttpRequest.newBuilder(health).build();
                int status = http.send(request, Duration.ofSeconds(2)).statusCode();
                if (status == 200) {
                    return;
                }
                last = health.getPath() + " answers " + status;
            } catch (IOException notYet) {
                // asked again until the time is up
            }
        }
        throw new DemoFailure("The " + name + " process is not healthy after " + within.toSeconds() + " s: " + last
                + "." + lastWords());
    }

    /** {@code kill -9}, and waits for the end. */
    void kill() throws InterruptedException {
        process.destroyForcibly().waitFor();
    }

    /** {@code SIGTERM}: asks it to stop. */
    void terminate() {
        process.destroy();
    }

    /** Waits for its end; false when it has not come by then. */
    boolean awaitEnd(Duration patience) throws InterruptedException {
        return process.waitFor(patience.toMillis(), TimeUnit.MILLISECONDS);
    }

    /** Asks it to stop, and makes it when it does not within {@code patience}. */
    void stop(Duration patience) {
        process.destroy();
        try {
            if (process.waitFor(patience.toMillis(), TimeUnit.MILLISECONDS)) {
                return;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        process.destroyForcibly();
    }

    private String lastWords() {
        try {
            List<String> lines = Files.readAllLines(log);
            List<String> tail = lines.subList(Math.max(0, lines.size() - LAST_LINES), lines.size());
            return tail.isEmpty() ? " It printed nothing." : " It printed last:\n    " + String.join("\n    ", tail);
        } catch (IOException unreadable) {
            return " Its output in " + log + " cannot be read.";
        }
    }

    private static String java() {
        return ProcessHandle.current()
                .info()
                .command()
                .orElse(String.join(File.separator, System.getProperty("java.home"), "bin", "java"));
    }
}
