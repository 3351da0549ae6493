package io.sluice.demo;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The Redis that the demo's replicas share: the one that {@code REDIS_URL} names, or a {@code redis-server} started for
 * it: from the PATH, or else the one that comes with this program.
 */
final class DemoRedis {
    private static final Duration START = Duration.ofSeconds(10);
    private static final Duration POLL = Duration.ofMillis(20);

    private final String url;
    private final String origin;
    private final @Nullable Process process;

    private DemoRedis(String url, String origin, @Nullable Process process) {
        this.url = url;
        this.origin = origin;
        this.process = process;
    }

    static DemoRedis start(@Nullable String given, DemoPorts ports, Path folder)
            throws IOException, InterruptedException, DemoFailure {
        if (given != null && !given.isBlank()) {
            return new DemoRedis(given, "the Redis of REDIS_URL", null);
        }
        Optional<Path> onThePath = Stream.of(
                        Optional.ofNullable(System.getenv("PATH")).orElse("").split(File.pathSeparator))
                .map(directory -> Path.of(directory, "redis-server"))
                .filter(Files::isExecutable)
                .findFirst();
        Path binary = onThePath.isPresent() ? onThePath.get() : unpacked(folder);
        int port = ports.take(0);
        List<String> command = new ArrayList<>(DemoProcess.DEAF);
        command.addAll(List.of(
                binary.toString(),
                "--port",
                Integer.toString(port),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "yes",
                "--appendfsync",
                "always",
                "--dir",
                folder.toString()));
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("redis.log").toFile())
                .start();
        awaitAnswer(process, port);
        String origin = onThePath.isPresent() ? "a Redis from the PATH" : "the Redis that comes with Sluice";
        return new DemoRedis("redis://127.0.0.1:" + port, origin, process);
    }

    private static Path unpacked(Path folder) throws IOException, DemoFailure {
        String system = System.getProperty("os.name").toLowerCase(Locale.ROOT);
        String machine = System.getProperty("os.arch").toLowerCase(Locale.ROOT);
        String resource = "/redis-server-7.0.15-" + (system.contains("mac") ? "darwin" : "linux") + "-"
                + (machine.equals("aarch64") || machine.equals("arm64") ? "arm64" : "amd64");
        try (InputStream in = DemoRedis.class.getResourceAsStream(resource)) {
            if (in == null) {
                throw new DemoFailure("There is no Redis for " + system + " on " + machine
                        + " in this program; put a redis-server on the PATH, or name one in REDIS_URL.");
            }
            Path binary = folder.resolve("redis-server");
            Files.write(binary, in.readAllBytes());
            if (!binary.toFile().setExecutable(true)) {
                throw new DemoFailure(binary + " cannot be made executable");
            }
            return binary;
        }
    }

    private static void awaitAnswer(Process process, int port) throws InterruptedException, DemoFailure {
        long deadline = System.nanoTime() + START.toNanos();
        while (!answers(port)) {
            if (process.waitFor(POLL.toMillis(), TimeUnit.MILLISECONDS) || System.nanoTime() > deadline) {
                process.destroyForcibly();
                throw new DemoFailure("redis-server did not start on port " + port + ".");
            }
        }
    }

    private static boolean answers(int port) {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 500);
            socket.setSoTimeout(500);
            socket.getOutputStream().write("PING\r\n".getBytes(StandardCharsets.US_ASCII));
            return new String(socket.getInputStream().readNBytes(5), StandardCharsets.US_ASCII).equals("+PONG");
        } catch (IOException notYet) {
            return false;
        }
    }

    String url() {
        return url;
    }

    /** Where it came from, for people. */
    String origin() {
        return origin;
    }

    void stop() {
        if (process != null) {
            process.destroyForcibly();
        }
    }
}
