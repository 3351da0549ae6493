package io.sluice.registry.redis;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import io.sluice.testing.HeldPort;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A {@code redis-server} process of a test's own, which it may kill, freeze and start again: the one on the PATH, or
 * else the binary that a test dependency carries. For one thread at a time. Ends with the JVM at the latest.
 */
public final class RedisProcess implements AutoCloseable {
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(60);

    private final Path directory;
    private final List<String> options;
    private final int port;
    private final Thread atExit = new Thread(this::destroy);
    private @Nullable Process process;
    private @Nullable HeldPort held;

    private RedisProcess(Path directory, int port, List<String> options) {
        this.directory = directory;
        this.port = port;
        this.options = options;
        Runtime.getRuntime().addShutdownHook(atExit);
    }

    /**
     * One that has written down what it acknowledges, in a directory of its own, as a registry wants it. ({@code
     * everysec} would not do: while the disk is slow Redis puts writing off for up to two seconds.)
     */
    public static RedisProcess durable() {
        return start("--appendonly", "yes", "--appendfsync", "always");
    }

    /** One that forgets everything when it ends. */
    public static RedisProcess forgetful() {
        return start("--appendonly", "no");
    }

    /** One that copies what another is told. */
    public static RedisProcess replicaOf(RedisProcess primary) {
        return start("--appendonly", "yes", "--replicaof", "127.0.0.1 " + primary.port);
    }

    /** One that is a node of a cluster, without slots yet. */
    public static RedisProcess node() {
        try {
            return start("--appendonly", "no", "--cluster-enabled", "yes", "--cluster-port", "" + freePort());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** A sentinel that watches over this one alone, and makes a replica the primary soon after it is gone. */
    public static RedisProcess sentinel(String name, RedisProcess primary) {
        return start(
                List.of("--sentinel"),
                List.of(
                        "sentinel monitor " + name + " 127.0.0.1 " + primary.port + " 1",
                        "sentinel down-after-milliseconds " + name + " 300",
                        "sentinel failover-timeout " + name + " 3000"));
    }

    /** Starts one with these options besides. */
    public static RedisProcess start(String... options) {
        return start(List.of(options), List.of());
    }

    private static RedisProcess start(List<String> options, List<String> file) {
        try {
            Path directory = Files.createTempDirectory("sluice-redis");
            for (int attempt = 1; ; attempt++) {
                RedisProcess started = new RedisProcess(directory, freePort(), options);
                Files.write(started.file(), file);
                try {
                    started.start();
                    return started;
                } catch (IllegalStateException e) { // somebody else took the port in between
                    started.close();
                    if (attempt == 5) {
                        throw e;
                    }
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public int port() {
        return port;
    }

    public String url() {
        return "redis://127.0.0.1:" + port;
    }

    /** Starts it, on the same port and with what it has kept, and waits until it answers. */
    public void start() {
        List<String> command = new ArrayList<>(List.of(binary().toString(), file().toString()));
        command.addAll(List.of("--port", "" + port, "--bind", "127.0.0.1", "--dir", directory.toString()));
        if (!options.contains("--sentinel")) {
            command.addAll(List.of("--save", ""));
        }
        command.addAll(options);
        release();
        try {
            process = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(directory.resolve("log").toFile())
                    .start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        long end = System.nanoTime() + PATIENCE_NANOS;
        while (!answers()) {
            if (!running().isAlive() || System.nanoTime() > end) {
                destroy();
                throw new IllegalStateException("redis-server did not start: " + log());
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(10));
        }
    }

    private Path file() {
        return directory.resolve("redis.conf");
    }

    /** What it answers to a command of words without spaces. */
    public String ask(String command) {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 5_000);
            socket.setSoTimeout(5_000);
            socket.getOutputStream().write((command + "\r\n").getBytes(UTF_8));
            socket.shutdownOutput();
            return new String(socket.getInputStream().readAllBytes(), UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** {@code kill -9}. What Redis has written down stays, and so does its port. */
    public void kill() {
        destroy();
        if (held == null) {
            held = new HeldPort(port);
        }
    }

    private void release() {
        HeldPort now = held;
        if (now != null) {
            now.close();
            held = null;
        }
    }

    /** Throws away what it has kept. Only while it is killed. */
    public void forget() {
        delete(directory.resolve("appendonlydir"));
    }

    /** Remembers what it has kept until now, for {@link #restore}. Only while it is killed. */
    public void backUp() {
        Path backup = directory.resolve("backup");
        delete(backup);
        copy(directory.resolve("appendonlydir"), backup);
    }

    /** Goes back to what it had kept at {@link #backUp}. Only while it is killed. */
    public void restore() {
        forget();
        copy(directory.resolve("backup"), directory.resolve("appendonlydir"));
    }

    private static void copy(Path from, Path to) {
        try (Stream<Path> files = Files.list(from)) {
            Files.createDirectories(to);
            for (Path file : files.toList()) {
                Files.copy(file, to.resolve(file.getFileName()));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Stops it in its tracks ({@code SIGSTOP}); connections stay open. */
    public void freeze() {
        signal(running(), "STOP");
    }

    /** Lets it go on ({@code SIGCONT}). */
    public void thaw() {
        signal(running(), "CONT");
    }

    @Override
    public void close() {
        destroy();
        release();
        delete(directory);
        try {
            Runtime.getRuntime().removeShutdownHook(atExit);
        } catch (IllegalStateException e) {
            // The JVM is ending: then this is that hook's work.
        }
    }

    static void signal(Process to, String name) {
        try {
            int exit = new ProcessBuilder("kill", "-" + name, "" + to.pid())
                    .inheritIO()
                    .start()
                    .waitFor();
            if (exit != 0) {
                throw new IllegalStateException("kill -" + name + " failed with " + exit);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private Process running() {
        return requireNonNull(process);
    }

    private void destroy() {
        Process now = process;
        if (now != null) {
            now.destroyForcibly();
            try {
                now.waitFor(10, TimeUnit.SECONDS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    private boolean answers() {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 500);
            socket.setSoTimeout(500);
            socket.getOutputStream().write("PING\r\n".getBytes(UTF_8));
            return new String(socket.getInputStream().readNBytes(5), UTF_8).equals("+PONG");
        } catch (IOException e) {
            return false;
        }
    }

    private String log() {
        try {
            return Files.readString(directory.resolve("log"));
        } catch (IOException e) {
            return e.toString();
        }
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    // The binary

    /** Where {@code redis-server} is on the PATH. */
    static Optional<Path> onThePath() {
        return Stream.of(Optional.ofNullable(System.getenv("PATH")).orElse("").split(File.pathSeparator))
                .map(folder -> Path.of(folder, "redis-server"))
                .filter(Files::isExecutable)
                .findFirst();
    }

    private static Path binary() {
        return onThePath().orElseGet(Embedded::binary);
    }

    static void delete(Path root) {
        if (!Files.exists(root)) {
            return;
        }
        try (Stream<Path> all = Files.walk(root)) {
            for (Path each : all.sorted(java.util.Comparator.reverseOrder()).toList()) {
                Files.delete(each);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The binary in org.signal:embedded-redis, unpacked once for the JVM. */
    private static final class Embedded {
        private static final Path BINARY = unpack();

        static Path binary() {
            return BINARY;
        }

        private static Path unpack() {
            String system = System.getProperty("os.name").toLowerCase(Locale.ROOT);
            String machine = System.getProperty("os.arch").toLowerCase(Locale.ROOT);
            String resource = "/redis-server-7.0.15-" + (system.contains("mac") ? "darwin" : "linux") + "-"
                    + (machine.equals("aarch64") || machine.equals("arm64") ? "arm64" : "amd64");
            try (InputStream in = RedisProcess.class.getResourceAsStream(resource)) {
                if (in == null) {
                    throw new IllegalStateException("There is no Redis for tests on " + system + " " + machine
                            + ": put a redis-server on the PATH, or set SLUICE_TEST_REDIS_URL");
                }
                Path file = Files.createTempFile("redis-server", "");
                Files.write(file, in.readAllBytes());
                if (!file.toFile().setExecutable(true)) {
                    throw new IllegalStateException(file + " cannot be made executable");
                }
                file.toFile().deleteOnExit();
                return file;
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
