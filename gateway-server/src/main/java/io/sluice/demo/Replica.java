package io.sluice.demo;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A replica of the demo's gateway: a process on a port of its own that can be killed, stopped and started again. */
final class Replica {
    private static final Duration START = Duration.ofSeconds(60);

    /** How processes are started. */
    interface Starter {
        DemoProcess start(String name, List<String> arguments, Map<String, String> environment)
                throws IOException, DemoFailure;
    }

    private final int number;
    private final int port;
    private final Path config;
    private final Map<String, String> environment;
    private final Starter starter;
    private final List<DemoProcess> lives = new ArrayList<>();

    /** @param environment with what the replicas share: {@code REDIS_URL}, {@code SLUICE_SECRET_KEY} and the like */
    Replica(int number, int port, Path config, Map<String, String> environment, Starter starter) {
        this.number = number;
        this.port = port;
        this.config = config;
        this.environment = new HashMap<>(environment);
        this.starter = starter;
    }

    /** The configuration of replicas behind a balancer that looks after readiness. */
    static Path config(Path folder, String json) throws IOException {
        return Files.writeString(folder.resolve("replicas.json"), json);
    }

    int port() {
        return port;
    }

    @Override
    public String toString() {
        return "replica " + number;
    }

    /** Starts it, without waiting. */
    void start() throws IOException, DemoFailure {
        lives.add(starter.start(
                "replica-" + number + (lives.isEmpty() ? "" : "-" + (lives.size() + 1)),
                List.of(
                        "run",
                        config.toString(),
                        "--host",
                        "127.0.0.1",
                        "--port",
                        Integer.toString(port),
                        "--log-format",
                        "text"),
                environment));
    }

    void awaitReady(DemoHttp http) throws DemoFailure, InterruptedException {
        now().awaitHealthy(http, java.net.URI.create("http://127.0.0.1:" + port + "/readyz"), START);
    }

    /** The process of this moment. */
    DemoProcess now() {
        return lives.get(lives.size() - 1);
    }
}
