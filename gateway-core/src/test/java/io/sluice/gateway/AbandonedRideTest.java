package io.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.EventLoop;
import io.netty.handler.codec.http.DefaultHttpRequest;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpVersion;
import io.sluice.guard.GateSettings;
import io.sluice.listener.HttpListener;
import io.sluice.listener.Lane;
import io.sluice.testing.FakeBackend;
import io.sluice.upstream.BackendPolicy;
import io.sluice.upstream.Direct;
import io.sluice.upstream.ModernHead;
import io.sluice.upstream.Reply;
import io.sluice.upstream.Terms;
import io.sluice.upstream.Upstream;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;
import reactor.netty.resources.LoopResources;

/** A call on the lane that nobody goes on with gives back its place at the backend, its endpoint and its connection. */
class AbandonedRideTest {
    private static LoopResources loops;

    private final CountDownLatch goOn = new CountDownLatch(1);
    private final FakeBackend backend = FakeBackend.modern();
    private final TestGateway gateway = TestGateway.setUp()
            .upstream(settings -> settings.withPolicies(any -> BackendPolicy.STANDARD.withGate(
                    GateSettings.STANDARD.withConcurrent(1, false).withQueue(5, Duration.ofSeconds(30)))))
            .start();
    private final AtomicInteger handedOver = new AtomicInteger();

    @BeforeAll
    static void open() {
        loops = HttpListener.newLoops("abandoned", 1);
    }

    @AfterAll
    static void shut() {
        loops.disposeLater(Duration.ZERO, TestGateway.PATIENCE).block(TestGateway.PATIENCE);
    }

    @BeforeEach
    void start() {
        gateway.with("weather", backend).listeningTo(backend);
        await().until(() -> upstream().gate().inFlight() == 0);
    }

    @AfterEach
    void close() throws Exception {
        goOn.countDown();
        gateway.close();
        backend.close();
    }

    private Upstream upstream() {
        return Objects.requireNonNull(gateway.discovery().state().upstreams().get("weather"));
    }

    private int attempts() {
        return upstream().endpoints().states().get(0).inFlight();
    }

    private static HttpRequest head() {
        HttpRequest head = new DefaultHttpRequest(HttpVersion.HTTP_1_1, HttpMethod.POST, "/mcp");
        head.headers()
                .set("Content-Type", "application/json")
                .set("Accept", "application/json, text/event-stream")
                .set("MCP-Protocol-Version", "2026-07-28")
                .set("Mcp-Method", "tools/call")
                .set("Mcp-Name", "echo");
        return head;
    }

    /** As the listener, when the handler did not claim what was handed over. */
    private final class Unclaimed implements Lane.Turn {
        private final EventLoop eventLoop;

        private Unclaimed(EventLoop eventLoop) {
            this.eventLoop = eventLoop;
        }

        @Override
        public void answer(int status, Map<String, String> headers, @Nullable String type, ByteBuf body) {
            body.release();
        }

        @Override
        public Lane.Body begin(String type) {
            throw new IllegalStateException("no answer here is large");
        }

        @Override
        public void handOver(Lane.Begun begun) {
            handedOver.incrementAndGet();
            begun.abandon();
        }

        @Override
        public EventLoop eventLoop() {
            return eventLoop;
        }
    }

    /** @param then on the event loop, once {@code when} */
    private void ride(Runnable when, Consumer<Lane.Ride> then) throws Exception {
        EventLoop eventLoop = loops.onServer(true).next();
        CompletableFuture<Lane.Ride> taken = CompletableFuture.supplyAsync(
                () -> {
                    ByteBuf body = Unpooled.wrappedBuffer(
                            ModernRequest.call("echo", "{}").bytes());
                    return gateway.gateway().lane().take(head(), body, new Unclaimed(eventLoop));
                },
                eventLoop);
        Lane.Ride ride = taken.get(10, TimeUnit.SECONDS);
        assertThat(ride).isNotNull();
        when.run();
        CompletableFuture.runAsync(() -> then.accept(ride), eventLoop).get(10, TimeUnit.SECONDS);
    }

    private void assertNothingIsHeld(int attemptsBefore) {
        await().untilAsserted(() -> {
            assertThat(upstream().gate().inFlight()).isZero();
            assertThat(upstream().gate().waiting()).isZero();
            assertThat(attempts()).isEqualTo(attemptsBefore);
        });
    }

    private CountDownLatch backendHolds() {
        CountDownLatch closed = new CountDownLatch(1);
        backend.on("tools/call", (request, answer) -> {
            answer.untilClosed();
            closed.countDown();
        });
        return closed;
    }

    private void untilAsked() {
        await().until(() -> backend.count("tools/call") == 1);
        assertThat(upstream().gate().inFlight()).isEqualTo(1);
    }

    @Test
    void clientThatLeavesGivesThePlaceBack() throws Exception {
        int before = attempts();
        CountDownLatch closed = backendHolds();

        ride(this::untilAsked, Lane.Ride::left);

        assertNothingIsHeld(before);
        assertThat(closed.await(10, TimeUnit.SECONDS)).isTrue();
        assertThat(handedOver).hasValue(0);
    }

    @Test
    void handOverThatNobodyClaimsGivesThePlaceBack() throws Exception {
        int before = attempts();
        CountDownLatch closed = backendHolds();

        ride(this::untilAsked, Lane.Ride::handOver);

        assertNothingIsHeld(before);
        assertThat(closed.await(10, TimeUnit.SECONDS)).isTrue();
        assertThat(handedOver).hasValue(1);
    }

    @Test
    void streamThatNobodyClaimsGivesThePlaceBack() throws Exception {
        int before = attempts();
        CountDownLatch closed = new CountDownLatch(1);
        backend.on("tools/call", (request, answer) -> {
            answer.events().untilClosed();
            closed.countDown();
        });

        ride(() -> await().until(() -> handedOver.get() == 1), ride -> {});

        assertNothingIsHeld(before);
        assertThat(closed.await(10, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void failureThatNobodyClaimsGivesThePlaceBack() throws Exception {
        int before = attempts();
        backend.on("tools/call", (request, answer) -> answer.reset());

        ride(() -> await().until(() -> handedOver.get() == 1), ride -> {});

        assertNothingIsHeld(before);
    }

    @Test
    @SuppressWarnings("try") // the first call only has to be there
    void callThatLeavesTheLineWaitsForNoPlace() throws Exception {
        int before = attempts();
        backend.on("tools/call", (request, answer) -> {
            goOn.await(10, TimeUnit.SECONDS);
            backend.usual(request, answer);
        });
        try (RawExchange first = ModernRequest.call("echo", "{}").sent(gateway)) {
            untilAsked();

            ride(() -> await().until(() -> upstream().gate().waiting() == 1), Lane.Ride::left);
            await().until(() -> upstream().gate().waiting() == 0);
            ride(() -> await().until(() -> upstream().gate().waiting() == 1), Lane.Ride::handOver);
            await().until(() -> upstream().gate().waiting() == 0);

            goOn.countDown();
            assertNothingIsHeld(before);
        }
        assertThat(backend.count("tools/call")).isEqualTo(1);
    }

    @Test
    void requestThatCannotBeWrittenGivesThePlaceBack() throws Exception {
        int before = attempts();
        ModernHead bad =
                new ModernHead("tools/call", "echo", List.of(Map.entry("Mcp-Param-City", "Rome\nX: y")), null, null);
        EventLoop eventLoop = loops.onServer(true).next();
        CompletableFuture<Mono<Reply>> told = new CompletableFuture<>();
        Direct direct = new Direct() {
            @Override
            public void whole(byte[] json) {}

            @Override
            public void otherwise(Mono<Reply> reply) {
                told.complete(reply);
            }
        };

        CompletableFuture.runAsync(
                        () -> Objects.requireNonNull(upstream()
                                        .postModernNow(new byte[] {'{', '}'}, bad, Terms.ONCE, eventLoop, direct))
                                .abandon(),
                        eventLoop)
                .get(10, TimeUnit.SECONDS);

        assertThat(told).isDone();
        assertNothingIsHeld(before);
        assertThat(backend.count("tools/call")).isZero();
    }
}
