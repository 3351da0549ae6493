package io.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.util.ResourceLeakDetector;
import io.sluice.testing.FakeBackend;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * A thousand clients that take their time with a head, with a body, or with reading, against the timeouts as they are set
 * by default, and honest ones beside them. Not part of the build, where SlowClientTest is: {@code conformance/bars 15}.
 */
class SlowClientsRun {
    private static final int CLIENTS = Integer.getInteger("sluice.slow", 1000);
    private static final Duration MOST = Duration.ofSeconds(35);
    private static final int PER_SECOND = 50;

    /** More than buffers of the kernel and of the gateway hold for one connection. */
    private static final long MOST_LEFT_BYTES = 8 << 20;

    private final ResourceLeakDetector.Level level = ResourceLeakDetector.getLevel();
    private final TestGateway gateway =
            TestGateway.start().with("well", FakeBackend.modern().forgetful()).with("large", flooding());

    /** Sends for as long as somebody takes it. */
    private static FakeBackend flooding() {
        String event = "event: message\ndata: " + Words.word(7).replace("7}", "\"" + "x".repeat(1000) + "\"}") + "\n\n";
        String chunk = Integer.toHexString(event.length()) + "\r\n" + event + "\r\n";
        return FakeBackend.modern().forgetful().tool("large", arguments -> "").on("tools/call", (request, answer) -> {
            answer.header("Content-Type", "text/event-stream")
                    .header("Transfer-Encoding", "chunked")
                    .head(200);
            while (true) {
                answer.raw(chunk);
            }
        });
    }

    /** One connection. Only the loop below touches it. */
    private final class Slow {
        private final SocketChannel channel = SocketChannel.open();
        private final String drop;
        private final long since;
        private long closedAfter = -1;
        private long read;

        Slow(String first, String drop) throws IOException {
            this.drop = drop;
            channel.socket().setReceiveBufferSize(4096);
            channel.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), gateway.port()));
            channel.write(bytes(first));
            channel.configureBlocking(false);
            since = System.nanoTime();
        }

        void go() {
            if (closedAfter >= 0) {
                return;
            }
            try {
                if (!drop.isEmpty()) {
                    if (channel.read(ByteBuffer.allocate(1024)) < 0) {
                        closed();
                    } else {
                        channel.write(bytes(drop));
                    }
                } else if (System.nanoTime() - since >= MOST.toNanos()) {
                    readOn();
                }
            } catch (IOException reset) {
                closed();
            }
        }

        /**
         * Who reads nothing does not see an end either, and who reads is no longer slow: so it reads once it must have been
         * cut. What is under way then is little; of one that was not cut there is no end.
         */
        private void readOn() throws IOException {
            channel.socket().setReceiveBufferSize(1 << 20);
            ByteBuffer some = ByteBuffer.allocate(64 * 1024);
            for (int got = channel.read(some); got != 0 && read < MOST_LEFT_BYTES; got = channel.read(some.clear())) {
                if (got < 0) {
                    closed();
                    closedAfter = Math.min(closedAfter, MOST.toNanos());
                    return;
                }
                read += got;
            }
        }

        private void closed() {
            closedAfter = System.nanoTime() - since;
            try {
                channel.close();
            } catch (IOException gone) {
                // as wanted
            }
        }
    }

    private static ByteBuffer bytes(String text) {
        return ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
    }

    private static String head(String name, int length) {
        return "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                + "Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\n"
                + "Mcp-Method: tools/call\r\nMcp-Name: " + name + "\r\nContent-Length: " + length + "\r\n\r\n";
    }

    private Slow slow(int kind) throws IOException {
        return switch (kind) {
            case 0 -> new Slow("GET /mcp HTTP/1.1\r\nHost: localhost\r\n", "X-A: b\r\n");
            case 1 -> new Slow(head("echo", 100_000) + "{", " ");
            default -> {
                String body = WireClient.modernBody("1", "tools/call", "'name':'large','arguments':{}")
                        .replace('\'', '"');
                yield new Slow(head("large", body.length()) + body, "");
            }
        };
    }

    /** The record of every use of every buffer, as tests otherwise keep it, takes all the time there is. */
    @BeforeEach
    void keepNoRecords() {
        ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.SIMPLE);
    }

    @AfterEach
    void close() {
        ResourceLeakDetector.setLevel(level);
        gateway.close();
    }

    @Test
    void allSlowClientsAreClosedAndHonestOnesServed() throws Exception {
        OpenLoop honest = new OpenLoop(gateway.port(), "echo");
        honest.run(PER_SECOND, Duration.ofSeconds(10));
        OpenLoop.Figures before = honest.run(PER_SECOND, Duration.ofSeconds(20));

        List<Slow> all = new ArrayList<>();
        for (int i = 0; i < CLIENTS; i++) {
            all.add(slow(i % 3));
        }
        // First the floods fill what the kernel holds for their connections, megabytes for each: that takes all cores.
        CompletableFuture<OpenLoop.Figures> rush =
                CompletableFuture.supplyAsync(() -> honest.run(PER_SECOND, Duration.ofSeconds(10)));
        CompletableFuture<OpenLoop.Figures> during =
                rush.thenApplyAsync(filled -> honest.run(PER_SECOND, Duration.ofSeconds(20)));
        long start = System.nanoTime();
        while (all.stream().anyMatch(each -> each.closedAfter < 0)
                && System.nanoTime() - start < TimeUnit.SECONDS.toNanos(60)) {
            all.forEach(Slow::go);
            boolean over = System.nanoTime() - start > MOST.toNanos();
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(over ? 5 : 500));
        }
        OpenLoop.Figures beside = during.join();

        double longest = all.stream().mapToLong(each -> each.closedAfter).max().orElse(0) / 1e9;
        long left = all.stream().filter(each -> each.closedAfter < 0).count();
        System.out.println("SlowClientsRun: " + CLIENTS + " slow clients, " + left + " not closed, the last after "
                + Math.round(longest * 10) / 10.0 + " s; honest before: " + before
                + "; while the floods fill the buffers: " + rush.join() + "; beside them: " + beside);
        assertThat(left).isZero();
        assertThat(longest).isLessThanOrEqualTo((double) MOST.toSeconds());
        assertThat(rush.join().good()).isEqualTo(rush.join().calls());
        assertThat(beside.good()).isEqualTo(beside.calls());
        // What is below a few milliseconds is the machine's doing.
        assertThat(beside.p99Millis()).isLessThan(Math.max(10, 2 * before.p99Millis()));
    }
}
