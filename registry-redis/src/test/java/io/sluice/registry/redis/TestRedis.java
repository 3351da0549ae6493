package io.sluice.registry.redis;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The real Redis that tests share, one for the JVM: at {@code SLUICE_TEST_REDIS_URL}, or in a container when Docker
 * answers, or the {@code redis-server} on the PATH, or the binary that a test dependency carries. Tests keep out of each
 * other's way by using clusters of their own.
 */
public final class TestRedis {
    private static final Logger log = LoggerFactory.getLogger(TestRedis.class);
    private static final String RUN = Long.toString(ProcessHandle.current().pid(), 36)
            + Long.toString(
                    ProcessHandle.current()
                            .info()
                            .startInstant()
                            .map(java.time.Instant::toEpochMilli)
                            .orElse(0L),
                    36);
    private static final AtomicInteger CLUSTERS = new AtomicInteger();

    private TestRedis() {}

    /** Where it is. */
    public static String url() {
        return Shared.URL;
    }

    /** The name of a cluster that no other test uses. */
    public static String newCluster() {
        return "test-" + RUN + "-" + CLUSTERS.incrementAndGet();
    }

    /** Settings for {@link #newCluster()}. */
    public static RedisSettings settings() {
        return RedisSettings.of(url(), newCluster());
    }

    /** Started with the first test that asks. */
    private static final class Shared {
        private static final String URL = find();

        private static String find() {
            String given = System.getenv("SLUICE_TEST_REDIS_URL");
            if (given != null && !given.isBlank()) {
                log.info("Tests use the Redis of SLUICE_TEST_REDIS_URL");
                return given;
            }
            Optional<String> container = Container.start();
            if (container.isPresent()) {
                log.info("Tests use a Redis in a container, {}", container.get());
                return container.get();
            }
            String origin = RedisProcess.onThePath().map(path -> "the " + path).orElse("an embedded redis-server");
            // Nobody kills it, so nothing needs to wait for the disk.
            String url = RedisProcess.start("--appendonly", "yes", "--appendfsync", "everysec")
                    .url();
            log.info("Tests use {}, {}", origin, url);
            return url;
        }
    }

    /** A container, by the Docker command, which removes it with the JVM. */
    private static final class Container {
        private static final String IMAGE = "redis:7.2-alpine";
        private static final Duration PULL = Duration.ofMinutes(3);

        static Optional<String> start() {
            if (docker(Duration.ofSeconds(5), "info", "--format", "{{.ServerVersion}}")
                    .isEmpty()) {
                return Optional.empty();
            }
            return docker(
                            PULL,
                            "run",
                            "--rm",
                            "--detach",
                            "--publish",
                            "127.0.0.1::6379",
                            IMAGE,
                            "redis-server",
                            "--appendonly",
                            "yes")
                    .map(id -> {
                        Runtime.getRuntime().addShutdownHook(new Thread(() -> docker(PULL, "rm", "--force", id)));
                        String address = docker(PULL, "port", id, "6379/tcp").orElseThrow();
                        return "redis://" + address.lines().findFirst().orElseThrow();
                    });
        }

        /** What the command says, or empty when it fails, is not there or takes too long. */
        private static Optional<String> docker(Duration patience, String... arguments) {
            try {
                java.util.List<String> command = new java.util.ArrayList<>(java.util.List.of("docker"));
                command.addAll(java.util.List.of(arguments));
                Process process = new ProcessBuilder(command)
                        .redirectError(ProcessBuilder.Redirect.DISCARD)
                        .start();
                if (!process.waitFor(patience.toMillis(), TimeUnit.MILLISECONDS)) {
                    process.destroyForcibly();
                    return Optional.empty();
                }
                String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
                return process.exitValue() == 0 && !said.isEmpty() ? Optional.of(said) : Optional.empty();
            } catch (IOException e) {
                return Optional.empty(); // there is no such command
            } catch (InterruptedException e) {
                throw new UncheckedIOException(new IOException(e));
            }
        }
    }
}
