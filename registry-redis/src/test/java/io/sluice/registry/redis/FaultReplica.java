package io.sluice.registry.redis;

import io.sluice.protocol.RawJson;
import io.sluice.registry.Change;
import io.sluice.registry.Fence;
import io.sluice.registry.RegistrySnapshot;
import io.sluice.registry.redis.FaultWire.Answer;
import io.sluice.registry.redis.FaultWire.Ask;
import io.sluice.registry.redis.FaultWire.News;
import io.sluice.registry.redis.History.Outcome;
import io.sluice.seal.Keyring;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HexFormat;
import reactor.core.publisher.Mono;

/**
 * The process of one replica of {@link FaultRun}: a registry that does what it is asked for over a socket, and tells of
 * every snapshot that it shows. Ends with the socket. {@link ReplicaProcess} is the other end.
 */
public final class FaultReplica {
    /** Where the process finds the secret that replicas share. */
    static final String KEY = "FAULTS_KEY";

    /** A lease of a job is over before its holder may know. */
    private static final Duration TERM = Duration.ofMillis(300);

    private final RedisRegistry registry;
    private final DataOutputStream out;

    private FaultReplica(RedisRegistry registry, DataOutputStream out) {
        this.registry = registry;
        this.out = out;
    }

    /** @param arguments the port of the run, the URL of Redis, and the file that is the replica's disk */
    public static void main(String[] arguments) throws IOException {
        RedisSettings settings = RedisSettings.of(arguments[1], FaultRun.CLUSTER);
        RedisRegistry registry = RedisRegistry.open(
                RedisConnections.open(settings),
                Keyring.of(HexFormat.of().parseHex(System.getenv(KEY))),
                Replicas.quick().withSnapshot(Path.of(arguments[2])),
                script -> SettableClock.in(settings, script));
        try (Socket run = new Socket(InetAddress.getLoopbackAddress(), Integer.parseInt(arguments[0]))) {
            run.setTcpNoDelay(true);
            DataOutputStream out = new DataOutputStream(new BufferedOutputStream(run.getOutputStream()));
            out.writeLong(System.currentTimeMillis());
            out.flush();
            new FaultReplica(registry, out).work(new DataInputStream(new BufferedInputStream(run.getInputStream())));
        } catch (IOException e) {
            // the run is over
        }
        Runtime.getRuntime().halt(0);
    }

    private void work(DataInputStream in) throws IOException {
        RegistrySnapshot[] last = {RegistrySnapshot.EMPTY};
        registry.snapshots().subscribe(now -> {
            say(News.between(last[0], now));
            last[0] = now;
        });
        while (true) {
            Ask ask = Ask.read(in);
            perform(ask)
                    .map(number -> new Answer(ask.id(), Outcome.OK, number))
                    .onErrorResume(e -> Mono.just(new Answer(ask.id(), History.outcome(e), 0)))
                    .subscribe(this::say);
        }
    }

    private Mono<Long> perform(Ask ask) {
        return switch (ask.wish()) {
            case PUT ->
                registry.put(ask.kind(), ask.key(), RawJson.of(ask.value()), change(ask))
                        .map(entry -> entry.revision());
            case DELETE -> registry.delete(ask.kind(), ask.key(), Change.any()).map(there -> there ? 1L : 0L);
            case LEAD -> registry.lead(ask.key(), TERM).map(Fence::token).defaultIfEmpty(0L);
        };
    }

    private static Change change(Ask ask) {
        Change change = ask.expected() < 0 ? Change.any() : Change.expecting(ask.expected());
        return ask.token() == 0 ? change : change.fencedBy(new Fence(FaultRun.JOB, ask.token()));
    }

    private synchronized void say(FaultWire.Word word) {
        try {
            if (word instanceof Answer answer) {
                answer.write(out);
            } else if (word instanceof News news) {
                news.write(out);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
