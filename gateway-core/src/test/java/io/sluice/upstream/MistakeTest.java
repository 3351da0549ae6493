package io.sluice.upstream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.netty.channel.EventLoop;
import io.sluice.protocol.Era;
import io.sluice.testing.FakeBackend;
import java.util.AbstractMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import reactor.core.publisher.Mono;
import reactor.netty.resources.LoopResources;

/** A defect of our own in the midst of sending: it is told to whoever waits, and no place is lost by it. */
class MistakeTest {
    @RegisterExtension
    final Ways ways = new Ways();

    /** Fails when its headers are written, which is after it got its place and its endpoint. */
    private static ModernHead defective() {
        Map.Entry<String, String> defect = new AbstractMap.SimpleImmutableEntry<>("a", "b") {
            private static final long serialVersionUID = 1L;

            @Override
            public String getKey() {
                throw new IllegalStateException("a defect");
            }
        };
        return new ModernHead("tools/call", "echo", List.of(defect), null);
    }

    private static void assertNothingIsHeld(Upstream upstream) {
        await().untilAsserted(() -> {
            assertThat(upstream.gate().inFlight()).isZero();
            assertThat(upstream.endpoints().states().get(0).inFlight()).isZero();
        });
    }

    @Test
    void placeGoesBackOnTheGeneralWay() {
        Upstream upstream = ways.to(FakeBackend.modern());

        assertThatThrownBy(() -> upstream.postModern(Clients.modernCall("1", "echo", "{}"), defective())
                        .block(Ways.PATIENCE))
                .hasMessageContaining("a defect");

        assertNothingIsHeld(upstream);
    }

    @Test
    void placeGoesBackOnTheLane() throws Exception {
        LoopResources loops = LoopResources.create("mistake", 1, true);
        try {
            Upstream upstream = ways.to(FakeBackend.modern());
            upstream.verdict().block(Ways.PATIENCE);
            assertThat(upstream.isKnownToSpeak(Era.MODERN)).isTrue();
            EventLoop eventLoop = loops.onServer(true).next();
            CompletableFuture<Throwable> told = new CompletableFuture<>();
            eventLoop.execute(() -> upstream.postModernNow(
                    Clients.modernCall("1", "echo", "{}"), defective(), Terms.ONCE, eventLoop, new Direct() {
                        @Override
                        public void whole(byte[] json) {
                            told.completeExceptionally(new AssertionError("an answer"));
                        }

                        @Override
                        public void otherwise(Mono<Reply> reply) {
                            reply.subscribe(
                                    any -> told.completeExceptionally(new AssertionError("a reply")), told::complete);
                        }
                    }));

            assertThat(Objects.requireNonNull(told.get(10, TimeUnit.SECONDS))).hasMessageContaining("a defect");
            assertNothingIsHeld(upstream);
        } finally {
            loops.dispose();
        }
    }
}
