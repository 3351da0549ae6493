package io.sluice.demo;

import io.sluice.Main;
import java.io.IOException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;

/** Replicas of one gateway, each a process, which end with this. For one thread. */
final class ReplicaProcesses implements AutoCloseable {
    private static final Duration GRACE = Duration.ofSeconds(10);

    private final Path folder;
    private final DemoHttp http;
    private final List<DemoProcess> processes = new ArrayList<>();

    /** @param folder for what they print */
    ReplicaProcesses(Path folder, DemoHttp http) {
        this.folder = folder;
        this.http = http;
    }

    /** A key that replicas may share, as {@code SLUICE_SECRET_KEY} wants it. */
    static String newKey() {
        byte[] key = new byte[32];
        new SecureRandom().nextBytes(key);
        return HexFormat.of().formatHex(key);
    }

    /**
     * Starts so many and waits until all are ready.
     *
     * @param environment of each, which is told its number, from 1 on
     */
    List<Replica> start(int count, Path config, IntFunction<Map<String, String>> environment) throws Exception {
        DemoPorts ports = new DemoPorts();
        List<Replica> replicas = new ArrayList<>();
        for (int i = 1; i <= count; i++) {
            Replica replica = new Replica(i, ports.take(0), config, environment.apply(i), this::process);
            replicas.add(replica);
            replica.start();
        }
        for (Replica replica : replicas) {
            replica.awaitReady(http);
        }
        return replicas;
    }

    private DemoProcess process(String name, List<String> arguments, Map<String, String> environment)
            throws IOException {
        DemoProcess process = DemoProcess.start(Main.class, name, folder, arguments, environment);
        processes.add(process);
        return process;
    }

    @Override
    public void close() {
        processes.forEach(process -> process.stop(GRACE));
    }
}
