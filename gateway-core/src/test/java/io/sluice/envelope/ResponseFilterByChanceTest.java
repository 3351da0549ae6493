package io.sluice.envelope;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.util.Arrays;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The streaming rewriter against {@link MessageReader} and {@link Patch} on responses made by chance. */
class ResponseFilterByChanceTest {
    private static final int ROUNDS = Integer.getInteger("sluice.rounds", 500);

    /** Without the leak detector, which would take a stack trace for every byte; reference counts are checked here. */
    private static final UnpooledByteBufAllocator DIRECT = new UnpooledByteBufAllocator(true, true);

    private static final RequestId NEW_ID = RequestId.of("a \"new\" one");

    private final long seed = RandomJson.seed();
    private final Random random = new Random(seed);
    private final RandomJson json = new RandomJson(random);

    private record Rewritten(String text, ResponseFilter.Ending ending) {}

    private String says(byte[] message) {
        return "-Dsluice.seed=" + seed + " on " + new String(message, UTF_8);
    }

    /** Rewrites pieces of at most this size. */
    private Rewritten rewritten(byte[] message, int pieceSize) {
        ResponseFilter rewriter = new ResponseFilter(NEW_ID);
        ByteBuf out = Unpooled.buffer();
        for (int from = 0; from < message.length; ) {
            int to = Math.min(message.length, from + 1 + random.nextInt(pieceSize));
            byte[] piece = Arrays.copyOfRange(message, from, to);
            ByteBuf chunk = random.nextBoolean()
                    ? Unpooled.wrappedBuffer(piece)
                    : DIRECT.directBuffer().writeBytes(piece);
            ByteBuf passed = rewriter.push(chunk);
            out.writeBytes(passed);
            passed.release();
            assertThat(chunk.refCnt()).isZero();
            from = to;
        }
        Rewritten rewritten = new Rewritten(ByteBufUtil.hexDump(out), rewriter.finish());
        out.release();
        return rewritten;
    }

    @Test
    void streamedResponseIsRewrittenLikeWholeOne() {
        int compared = 0;
        for (int round = 0; round < ROUNDS; round++) {
            byte[] message = json.message();
            Optional<Envelope> read = MessageReader.read(message);
            if (read.isEmpty() || occursTwice(message)) {
                continue;
            }
            Envelope envelope = read.get();
            Patch patch = new Patch(envelope);
            if (envelope.idSpan().isPresent()) {
                patch.replace(envelope.idSpan(), NEW_ID.rawJsonBytes());
            }
            String expected = ByteBufUtil.hexDump(patch.toBytes());
            for (int pieceSize : new int[] {1, 7, 50, 10_000}) {
                Rewritten rewritten = rewritten(message, pieceSize);
                assertThat(rewritten.text()).as(says(message)).isEqualTo(expected);
                assertThat(rewritten.ending().complete()).as(says(message)).isTrue();
                assertThat(rewritten.ending().id()).as(says(message)).isEqualTo(Optional.ofNullable(envelope.id()));
                assertThat(rewritten.ending().result() || rewritten.ending().error())
                        .as(says(message))
                        .isEqualTo(hasAnswer(envelope));
            }
            compared++;
        }
        assertThat(compared).as("seed %d", seed).isGreaterThan(ROUNDS / 2);
    }

    private static boolean hasAnswer(Envelope envelope) {
        Span message = new Span(new String(envelope.body(), UTF_8).indexOf('{'), envelope.body().length);
        return envelope.member(message, "result").isPresent()
                || envelope.member(message, "error").isPresent();
    }

    /** Whether the id stands twice: the rewriter replaces both, the patch the last. */
    private static boolean occursTwice(byte[] message) {
        try (JsonScanner scanner = JsonScanner.of(message, false, MessageReader.MAX_DEPTH)) {
            scanner.message(new Places(message));
            return scanner.idRepeated();
        }
    }

    @Test
    void piecesMakeNoDifferenceHoweverBrokenTheResponse() {
        for (int round = 0; round < ROUNDS; round++) {
            byte[] message = json.broken(json.message());
            Rewritten whole = rewritten(message, 1_000_000);
            assertThat(rewritten(message, 1)).as(says(message)).isEqualTo(whole);
            assertThat(rewritten(message, 9)).as(says(message)).isEqualTo(whole);
        }
    }

    @Test
    void everyWellFormedResponseIsComplete() {
        for (int round = 0; round < ROUNDS; round++) {
            byte[] message = json.broken(json.message());
            if (MessageReader.read(message).isPresent()) {
                assertThat(rewritten(message, 100).ending().complete())
                        .as(says(message))
                        .isTrue();
            }
        }
    }
}
