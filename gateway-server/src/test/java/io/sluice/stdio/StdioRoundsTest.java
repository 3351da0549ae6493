package io.sluice.stdio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.adapter.Adapter;
import io.sluice.envelope.MessageReader;
import io.sluice.registry.Backend.Source;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import reactor.core.scheduler.Schedulers;

/**
 * Programs that are started and stopped again and again leave nothing behind: no process, no thread, no descriptor. Twenty
 * rounds here; {@code ./mvnw -pl gateway-server -am test -Dtest=StdioRoundsTest -Dsurefire.failIfNoSpecifiedTests=false
 * -Dsluice.stdio.rounds=1000} for the whole bar.
 */
class StdioRoundsTest {
    private static final int ROUNDS = Integer.getInteger("sluice.stdio.rounds", 20);
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private final StdioAdapters adapters =
            new StdioAdapters(() -> CommandAllowList.NOTHING, 1 << 20, Schedulers.parallel());

    @Test
    void roundsOfStartAndStopLeaveNothing() {
        for (int i = 0; i < 3; i++) {
            round(); // what is loaded and pooled once is no leak
        }
        long descriptors = descriptors();
        for (int i = 0; i < ROUNDS; i++) {
            round();
        }

        assertThat(StdioAdapters.running()).isZero();
        assertThat(ProcessHandle.current().descendants()).isEmpty();
        await().atMost(PATIENCE).until(() -> threads() == 0);
        assertThat(descriptors()).isLessThanOrEqualTo(descriptors + 3);
        System.out.println(ROUNDS + " rounds: descriptors " + descriptors + " before, " + descriptors()
                + " after; processes 0, threads 0");
    }

    private void round() {
        Adapter adapter = adapters.open(Programs.backend("small", Programs.small("legacy"), Source.FILE));
        Adapter.Outcome welcome = adapter.post(message("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\","
                        + "\"params\":{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{},\"clientInfo\":{}}}"))
                .block(PATIENCE);
        Adapter.Outcome called = adapter.post(message(
                        "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"tools/call\",\"params\":{\"name\":\"pid\"}}"))
                .block(PATIENCE);
        adapter.close().block(PATIENCE);

        assertThat(welcome).isInstanceOf(Adapter.Outcome.Message.class);
        assertThat(new String(
                        ((Adapter.Outcome.Message) Objects.requireNonNull(called)).json(), StandardCharsets.UTF_8))
                .contains("\"id\":2");
    }

    private static Adapter.Post message(String json) {
        return Adapter.Post.of(
                MessageReader.read(json.getBytes(StandardCharsets.UTF_8)).orElseThrow());
    }

    private static long threads() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith("sluice-stdio-small"))
                .count();
    }

    /** Open files of this process, where the system tells; 0 elsewhere. */
    private static long descriptors() {
        Path open = Path.of("/proc/self/fd");
        if (!Files.isDirectory(open)) {
            return 0;
        }
        try (Stream<Path> files = Files.list(open)) {
            return files.count();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }
}
