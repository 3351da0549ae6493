package io.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.testing.FakeBackend;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A modern client cancels by leaving (2026-07-28, Streamable HTTP): the backend learns of it at once, in its own era's
 * words.
 */
class ModernCancelTest {
    private static final long AT_ONCE_MILLIS = 100;
    private static final int MOST_CALLS = 25;

    /** Tells when a request arrived and when its connection was closed by the other side. */
    private static final class Watched implements FakeBackend.Script {
        private final BlockingQueue<String> arrived = new ArrayBlockingQueue<>(10);
        private final BlockingQueue<Long> closedAt = new ArrayBlockingQueue<>(10);
        private final String beginning;

        /** @param beginning {@code silent}, {@code stream} or {@code body} */
        Watched(String beginning) {
            this.beginning = beginning;
        }

        @Override
        public void answer(FakeBackend.Received request, FakeBackend.Answer answer) throws Exception {
            if (beginning.equals("stream")) {
                answer.events()
                        .message("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":"
                                + "{\"progressToken\":"
                                + request.params().path("_meta").path("progressToken")
                                + ",\"progress\":1}}");
            } else if (beginning.equals("body")) {
                answer.header("Content-Type", "application/json")
                        .header("Content-Length", "1000000")
                        .head(200);
                answer.raw(
                        "{\"jsonrpc\":\"2.0\",\"id\":" + request.id() + ",\"result\":{\"x\":\"" + "x".repeat(200_000));
            }
            arrived.add(request.text());
            try {
                answer.untilClosed();
            } finally {
                closedAt.add(System.nanoTime());
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"silent", "stream", "body"})
    void clientThatLeavesClosesTheExchangeWithAModernBackend(String beginning) throws Exception {
        Watched watched = new Watched(beginning);
        FakeBackend backend = FakeBackend.modern().on("tools/call", watched);
        try (TestGateway gateway = TestGateway.start().with("up", backend)) {
            // what is asked is what the gateway needs, not what else the machine does: once is enough
            long fastest = Long.MAX_VALUE;
            int calls = 0;
            while (calls < 4 || fastest > AT_ONCE_MILLIS && calls < MOST_CALLS) {
                calls++;
                RawExchange client = beginning.equals("silent") ? call().sent(gateway) : call().open(gateway);
                assertThat(watched.arrived.poll(10, TimeUnit.SECONDS)).isNotNull();
                if (!beginning.equals("silent")) {
                    client.until(beginning.equals("stream") ? "progress" : "xxx");
                }

                long left = System.nanoTime();
                client.close();

                Long closed = watched.closedAt.poll(10, TimeUnit.SECONDS);
                assertThat(closed).isNotNull();
                fastest = Math.min(fastest, TimeUnit.NANOSECONDS.toMillis(closed - left));
            }
            assertThat(fastest).isLessThanOrEqualTo(AT_ONCE_MILLIS);
            assertThat(backend.count("notifications/cancelled")).isZero();
            assertThat(backend.count("tools/call")).isEqualTo(calls);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"silent", "stream", "body"})
    void clientThatLeavesHasALegacyBackendToldOnceWhichRequestItWas(String beginning) throws Exception {
        Watched watched = new Watched(beginning);
        FakeBackend backend = FakeBackend.legacy().on("tools/call", watched);
        try (TestGateway gateway = TestGateway.start().with("up", backend)) {
            RawExchange client = beginning.equals("stream") ? call().open(gateway) : call().sent(gateway);
            assertThat(watched.arrived.poll(10, TimeUnit.SECONDS)).isNotNull();
            if (beginning.equals("stream")) {
                client.until("progress");
            }

            client.close();

            await().atMost(TestGateway.PATIENCE).until(() -> backend.count("notifications/cancelled") > 0);
            assertThat(watched.closedAt.poll(10, TimeUnit.SECONDS)).isNotNull();
            assertThat(backend.received("notifications/cancelled"))
                    .singleElement()
                    .satisfies(cancelled -> assertThat(cancelled.params().path("requestId"))
                            .isEqualTo(backend.received("tools/call").get(0).id()));
        }
    }

    @Test
    void answeredCallIsNotCancelledWhenItsClientLeaves() throws Exception {
        FakeBackend modern = FakeBackend.modern();
        FakeBackend legacy = FakeBackend.legacy();
        FakeBackend streaming = FakeBackend.legacy().asEvents();
        try (TestGateway gateway = TestGateway.start()
                .with("modern", modern)
                .with("legacy", legacy)
                .with("streaming", streaming)) {
            for (String mount : List.of("modern", "legacy", "streaming")) {
                assertThat(call().send(gateway, "/mcp/" + mount).status()).isEqualTo(200);
                assertThat(call().send(gateway, "/mcp/" + mount).status()).isEqualTo(200);
            }
            for (FakeBackend backend : List.of(modern, legacy, streaming)) {
                assertThat(backend.count("tools/call")).isEqualTo(2);
                assertThat(backend.count("notifications/cancelled")).isZero();
            }
        }
    }

    @Test
    void clientThatLeavesFreesItsConnectionForOthers() throws Exception {
        Watched watched = new Watched("silent");
        FakeBackend backend = FakeBackend.modern().on("tools/call", watched);
        try (TestGateway gateway = TestGateway.start().with("up", backend).listeningTo(backend)) {
            int open = backend.openConnections();
            for (int i = 0; i < 8; i++) {
                RawExchange client = call().sent(gateway);
                assertThat(watched.arrived.poll(10, TimeUnit.SECONDS)).isNotNull();
                client.close();
                assertThat(watched.closedAt.poll(10, TimeUnit.SECONDS)).isNotNull();
            }

            await().atMost(TestGateway.PATIENCE).until(() -> backend.openConnections() <= open);
        }
    }

    private static ModernRequest call() {
        return ModernRequest.call("echo", "{}").alsoMeta("'progressToken':'p-7'");
    }
}
