package io.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.netty.util.ResourceLeakDetector;
import io.sluice.testing.FakeBackend;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Sessions that come and go and streams that are broken off leave nothing behind: no session, stream, place, connection,
 * file, or memory. The long form is {@code conformance/bars 25}, which goes on for {@code -Dsluice.churn.minutes}, with
 * {@code -Dsluice.churn.perSecond} rounds at most, and looks at what grows.
 */
@Timeout(2 * 3600)
class ChurnTest {
    private static final int MINUTES = Integer.getInteger("sluice.churn.minutes", 0);
    private static final int PER_SECOND = Integer.getInteger("sluice.churn.perSecond", 1_000_000);
    private static final int ROUNDS = 15;
    private static final int SAMPLES = 20;
    private static final long CLIENTS_LINGER_NANOS = TimeUnit.SECONDS.toNanos(7);

    private final FakeBackend legacy = FakeBackend.legacy().forgetful().on("tools/call", ChurnTest::neverEnding);
    private final FakeBackend modern = FakeBackend.modern()
            .forgetful()
            .on("tools/call", ChurnTest::neverEnding)
            .tool("talk", arguments -> "");
    private final TestGateway gateway =
            TestGateway.start().with("legacy", legacy).with("modern", modern);
    private int sessions;
    private int streams;

    private static void neverEnding(FakeBackend.Received request, FakeBackend.Answer answer) throws Exception {
        FakeBackend.Stream stream = answer.events();
        Words.words(stream, 1, 3);
        stream.untilClosed();
    }

    @AfterEach
    void close() {
        gateway.close();
    }

    /** A session that is used and ended, one that is left alone, and two streams that are broken off. */
    private void round() throws IOException {
        WireClient session = new WireClient(gateway.port(), "/mcp/legacy").initialize("2025-11-25", "{}");
        session.post("{'jsonrpc':'2.0','id':2,'method':'tools/list'}");
        try (WireClient.Stream stream = session.listen()) {
            assertThat(stream.status()).isEqualTo(200);
        }
        try (WireClient.Stream call = session.stream(
                "{'jsonrpc':'2.0','id':3,'method':'tools/call','params':{'name':'echo','arguments':{}}}")) {
            call.message();
        }
        session.delete();
        new WireClient(gateway.port(), "/mcp/legacy").initialize("2025-11-25", "{}");
        sessions += 2;
        try (RawExchange broken = ModernRequest.call("talk", "{}").open(gateway)) {
            assertThat(broken.status()).isEqualTo(200);
        }
        streams += 3;
    }

    private boolean isEmpty() {
        return gateway.gateway().openStreams() == 0
                && List.of("legacy", "modern").stream()
                        .allMatch(name -> Objects.requireNonNull(gateway.discovery()
                                                .state()
                                                .upstreams()
                                                .get(name))
                                        .gate()
                                        .inFlight()
                                == 0);
    }

    private void settled() {
        await("everything given back").atMost(Duration.ofSeconds(30)).until(this::isEmpty);
    }

    @Test
    void nothingIsLeftBehind() throws Exception {
        for (int i = 0; i < 5; i++) {
            round();
        }
        settled();
        long files = Memory.openFiles();
        int held = gateway.gateway().liveSessions();

        for (int i = 0; i < ROUNDS; i++) {
            round();
        }

        settled();
        assertThat(gateway.gateway().liveSessions()).isLessThanOrEqualTo(held);
        await("sockets closed").atMost(Duration.ofSeconds(30)).until(() -> Memory.openFiles() <= files + 40);
        assertThat(legacy.openConnections() + modern.openConnections()).isLessThan(40);
        if (MINUTES > 0) {
            goOn();
        }
    }

    /** Memory and files at twenty moments, and how steep the line through them is, in the second half. */
    private void goOn() throws IOException {
        ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.SIMPLE);
        List<Long> memory = new ArrayList<>();
        List<Long> files = new ArrayList<>();
        long start = System.nanoTime();
        long gap = TimeUnit.MINUTES.toNanos(MINUTES) / SAMPLES;
        for (int sample = 1; sample <= SAMPLES; sample++) {
            while (System.nanoTime() - start < sample * gap) {
                long began = System.nanoTime();
                round();
                LockSupport.parkNanos(began + TimeUnit.SECONDS.toNanos(1) / PER_SECOND - System.nanoTime());
            }
            settled();
            files.add(filesLeft());
            memory.add(Memory.held());
        }
        double perHour = percentPerHour(memory);
        System.out.println("ChurnTest: " + sessions + " sessions and " + streams + " streams broken off in " + MINUTES
                + " min; memory " + Memory.mebibytes(memory.get(SAMPLES / 2)) + " to "
                + Memory.mebibytes(memory.get(SAMPLES - 1)) + " MiB, " + Math.round(perHour * 100) / 100.0
                + " % an hour; files " + files.get(SAMPLES / 2) + " to " + files.get(SAMPLES - 1));
        assertThat(files.get(SAMPLES - 1)).isLessThanOrEqualTo(files.get(SAMPLES / 2) + 20);
        if (MINUTES >= 60) {
            assertThat(perHour).isLessThan(1);
        }
    }

    /** The clients of the test close theirs some seconds after they were collected: the least in that time. */
    private static long filesLeft() {
        Memory.held();
        long least = Memory.openFiles();
        for (long end = System.nanoTime() + CLIENTS_LINGER_NANOS; System.nanoTime() < end; ) {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(100));
            least = Math.min(least, Memory.openFiles());
        }
        return least;
    }

    /** By least squares. */
    private static double percentPerHour(List<Long> samples) {
        int from = SAMPLES / 2;
        int n = SAMPLES - from;
        double meanX = (n - 1) / 2.0;
        double meanY = samples.subList(from, SAMPLES).stream()
                .mapToLong(Long::longValue)
                .average()
                .orElseThrow();
        double above = 0;
        double below = 0;
        for (int i = 0; i < n; i++) {
            above += (i - meanX) * (samples.get(from + i) - meanY);
            below += (i - meanX) * (i - meanX);
        }
        return above / below * SAMPLES * 60.0 / MINUTES / meanY * 100;
    }
}
