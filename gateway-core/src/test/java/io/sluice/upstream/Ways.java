package io.sluice.upstream;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.sluice.egress.EgressPolicy;
import io.sluice.testing.FakeBackend;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import reactor.netty.resources.LoopResources;

/** Opens upstreams to fake backends for a test, and closes all of it after the test. */
public final class Ways implements AfterEachCallback {
    private static final LoopResources LOOPS = LoopResources.create("test-loops", 1, 2, true, true);
    public static final Duration PATIENCE = Duration.ofSeconds(10);

    private final List<AutoCloseable> open = new ArrayList<>();

    /** The usual settings, but failures are not remembered, so that a test need not wait for that. */
    public static UpstreamSettings settings() {
        return UpstreamSettings.of(LOOPS, EgressPolicy.of(true, List.of()), "test", new Random(7))
                .withFailureMemory(Duration.ZERO)
                .withProbeTimeout(Duration.ofSeconds(2));
    }

    Upstream to(FakeBackend backend) {
        return to(backend, settings());
    }

    Upstream to(FakeBackend backend, UpstreamSettings settings) {
        closing(backend);
        return closing(Upstream.open(backend.backend("weather"), settings));
    }

    Upstream closing(Upstream upstream) {
        open.add(upstream::dispose);
        return upstream;
    }

    public <T extends AutoCloseable> T closing(T closeable) {
        open.add(closeable);
        return closeable;
    }

    @Override
    public void afterEach(ExtensionContext context) throws Exception {
        for (int i = open.size() - 1; i >= 0; i--) {
            open.get(i).close();
        }
        open.clear();
    }

    /** The whole body of a JSON reply. */
    static String text(Reply reply) {
        ByteArrayOutputStream whole = new ByteArrayOutputStream();
        ((Reply.Json) reply).body().doOnNext(part -> take(part, whole)).blockLast(PATIENCE);
        return whole.toString(StandardCharsets.UTF_8);
    }

    private static void take(ByteBuf part, ByteArrayOutputStream whole) {
        whole.writeBytes(ByteBufUtil.getBytes(part));
        part.release();
    }

    /** The messages of an event stream, to its end. */
    static List<String> messages(Reply reply) {
        return Objects.requireNonNull(((Reply.Events) reply)
                .events()
                .ofType(Event.Message.class)
                .map(message -> new String(message.json(), StandardCharsets.UTF_8))
                .collectList()
                .block(PATIENCE));
    }
}
