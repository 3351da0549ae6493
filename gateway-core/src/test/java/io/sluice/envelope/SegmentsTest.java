package io.sluice.envelope;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.sluice.rejection.Rejection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** A message in segments is read, refused and changed as the same message in an array. */
class SegmentsTest {
    private static final int ROUNDS = Integer.getInteger("sluice.rounds", 1_500);
    private static final int SMALLEST_WINDOW = 32;

    private final List<Segments> made = new ArrayList<>();

    @AfterEach
    void release() {
        made.forEach(Segments::release);
    }

    private Segments segments() {
        Segments segments = new Segments();
        made.add(segments);
        return segments;
    }

    /** Each piece is a segment of its own, heap and direct in turns. */
    private Segments cut(byte[] message, int window, int... cuts) {
        Segments segments = new Segments(1, window);
        made.add(segments);
        int from = 0;
        for (int i = 0; i <= cuts.length; i++) {
            int to = i == cuts.length ? message.length : cuts[i];
            ByteBuf piece = i % 2 == 0
                    ? ByteBufAllocator.DEFAULT.directBuffer(to - from + 1)
                    : ByteBufAllocator.DEFAULT.heapBuffer(to - from + 1);
            segments.add(piece.writeBytes(message, from, to - from));
            piece.release();
            from = to;
        }
        return segments;
    }

    private static Throwable refusal(byte[] message) {
        return catchThrowable(() -> EnvelopeReader.read(message));
    }

    private void assertSame(byte[] message, int window, int... cuts) {
        Segments segments = cut(message, window, cuts);
        Throwable expected = refusal(message);
        if (expected != null) {
            assertThatThrownBy(() -> EnvelopeReader.read(segments))
                    .isInstanceOf(expected.getClass())
                    .hasMessage(expected.getMessage());
        } else {
            assertSame(EnvelopeReader.read(message), EnvelopeReader.read(segments));
        }
        segments.release();
    }

    private static void assertSame(Envelope plain, Envelope held) {
        assertThat(held.kind()).isEqualTo(plain.kind());
        assertThat(held.method()).isEqualTo(plain.method());
        assertThat(held.id()).isEqualTo(plain.id());
        assertThat(held.name()).isEqualTo(plain.name());
        assertThat(held.uri()).isEqualTo(plain.uri());
        assertThat(held.arguments()).isEqualTo(plain.arguments());
        assertThat(held.meta()).isEqualTo(plain.meta());
        assertThat(held.metaProtocolVersion()).isEqualTo(plain.metaProtocolVersion());
        if (plain.isString(plain.name())) {
            assertThat(held.text(held.name())).isEqualTo(plain.text(plain.name()));
        }
        for (String key : List.of("name", "a", "Kraków", "")) {
            assertThat(held.member(held.params(), key)).isEqualTo(plain.member(plain.params(), key));
        }
        if (plain.params().isPresent()) {
            assertThat(held.raw(held.params())).isEqualTo(plain.raw(plain.params()));
            Patch patch = new Patch(held).replaceText(held.params(), "other");
            ByteBuf changed = PatchTest.buffer(patch);
            assertThat(patch.isHeld()).isTrue();
            assertThat(changed.readableBytes()).isEqualTo(patch.length());
            byte[] bytes = new byte[changed.readableBytes()];
            changed.readBytes(bytes).release();
            assertThat(bytes)
                    .isEqualTo(new Patch(plain)
                            .replaceText(plain.params(), "other")
                            .toBytes());
        }
    }

    @Test
    void messagesByChanceCutByChanceAreReadAsInAnArray() {
        long seed = RandomJson.seed();
        Random random = new Random(seed);
        RandomJson json = new RandomJson(random);
        int read = 0;
        for (int round = 0; round < ROUNDS; round++) {
            byte[] whole = json.message();
            byte[] message = round % 2 == 0 ? whole : json.broken(whole);
            int[] cuts = random.ints(random.nextInt(8), 0, message.length + 1)
                    .sorted()
                    .toArray();
            try {
                assertSame(message, SMALLEST_WINDOW + random.nextInt(40), cuts);
            } catch (AssertionError | RuntimeException e) {
                throw new AssertionError(
                        "-Dsluice.seed=" + seed + " cut at " + Arrays.toString(cuts) + " on "
                                + new String(message, UTF_8),
                        e);
            }
            read += refusal(message) == null ? 1 : 0;
        }
        assertThat(read).as("seed %d", seed).isGreaterThan(ROUNDS / 20);
    }

    static Stream<Arguments> messages() {
        String plain = "x".repeat(70);
        String long1 = "日本語のテキスト\uD83D\uDE00".repeat(5);
        return Stream.of(
                        "\"name\":\"a__b\",\"arguments\":{\"text\":\"" + plain + "\"}",
                        "\"arguments\":{\"text\":\"" + long1 + plain + "\"},\"name\":\"a__b\"",
                        "\"arguments\":{\"text\":\"" + plain + "\\u00e9\\n\\ud83d\\ude00\\\""
                                + "\"},\"n\\u0061me\":\"a__b\"",
                        "\"arguments\":{\"" + plain + "\":[1,-2.5e+10,true,null,\"\",{}]},\"name\":\"a__b\"",
                        "\"arguments\":{\"" + plain + "\":1,\"" + plain + "\":2},\"name\":\"a__b\"",
                        "\"arguments\":{\"" + plain + "a\":1,\"" + plain + "\\u0061\":2},\"name\":\"a__b\"",
                        "\"arguments\":{\"text\":\"" + plain + "\"},\"name\":\"a__b\",\"arguments\":1",
                        "\"arguments\":{\"text\":\"" + plain + "\\ud83d\"},\"name\":\"a\\ud83d\"",
                        "\"arguments\":{\"text\":\"" + plain + "\u0001\"},\"name\":\"a__b\"",
                        "\"arguments\":{\"text\":\"" + plain + "\\x\"},\"name\":\"a__b\"",
                        "\"arguments\":{\"n\":" + "1".repeat(101) + "},\"name\":\"a__b\"",
                        "\"arguments\":{\"n\":" + "[".repeat(70) + "]".repeat(70) + "},\"name\":\"a__b\"")
                .map(params ->
                        Arguments.of(("{\"jsonrpc\":\"2.0\",\"id\":\"i-1\",\"method\":\"tools/call\", \"params\" : {"
                                + params + "}}")));
    }

    @ParameterizedTest
    @MethodSource("messages")
    void messageIsReadAlikeWhereverItIsCut(String json) {
        byte[] message = json.getBytes(UTF_8);
        for (int at = 0; at <= message.length; at++) {
            assertSame(message, SMALLEST_WINDOW, at);
        }
        assertSame(
                message,
                SMALLEST_WINDOW,
                java.util.stream.IntStream.range(1, message.length).toArray());
        assertSame(message, 8192, 7, 14, 21);
    }

    @Test
    void invalidUtf8IsFoundWhereverItIsCut() {
        byte[] message = ("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":{\"x\":\"" + "y".repeat(50)
                        + "\u00e9\"}}")
                .getBytes(UTF_8);
        message[message.length - 4] = 'z'; // the second half of the é

        assertThat(refusal(message)).isInstanceOf(Rejection.ParseError.class);
        for (int at = 0; at <= message.length; at++) {
            assertSame(message, SMALLEST_WINDOW, at);
        }
    }

    /** A key is looked at as a whole, however large the window for it has to become. */
    @Test
    void longestKeyIsReadInBoundedTime() {
        String key = "\\n".repeat(2 * 1024 * 1024);
        byte[] message = ("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":{\"" + key + "\":0,\"x\":1}}")
                .getBytes(UTF_8);
        Segments segments = segments();
        segments.add(Unpooled.wrappedBuffer(message));

        Envelope envelope = assertTimeoutPreemptively(Duration.ofSeconds(4), () -> EnvelopeReader.read(segments));

        assertThat(envelope.raw(envelope.member(envelope.params(), "x"))).hasToString("1");
    }

    /** The text of a client that sends one byte in each packet takes not much more than itself. */
    @Test
    void smallPiecesAreGathered() {
        Segments segments = segments();
        ByteBuf large = ByteBufAllocator.DEFAULT.directBuffer(64 * 1024);
        byte[] expected = new byte[10_000];
        for (int i = 0; i < expected.length; i++) {
            expected[i] = (byte) i;
            large.clear().writeByte(i);
            segments.add(large);
        }

        assertThat(large.refCnt()).isEqualTo(1);
        assertThat(segments.toBytes()).isEqualTo(expected);
        assertThat(segments.heldBytes()).isLessThan(25_000);
        large.release();
    }

    @Test
    void largePieceIsHeldUntilItIsReleasedAndWhatWasTakenIsSent() {
        Segments segments = segments();
        ByteBuf large = ByteBufAllocator.DEFAULT.directBuffer(64 * 1024).writeZero(40 * 1024);
        segments.add(large);
        large.release();

        List<ByteBuf> taken = new ArrayList<>();
        segments.slice(10, 20, taken);
        segments.release();
        segments.release();

        assertThat(large.refCnt()).isEqualTo(1);
        taken.forEach(ByteBuf::release);
        assertThat(large.refCnt()).isZero();
        assertThatThrownBy(() -> segments.copy(0, 1)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void whatComesAfterTheReleaseIsNotTaken() {
        Segments segments = segments();
        segments.release();

        ByteBuf late = Unpooled.directBuffer().writeZero(40 * 1024);
        segments.add(late);

        assertThat(late.refCnt()).isEqualTo(1);
        assertThat(segments.length()).isZero();
        late.release();
    }

    @Test
    void envelopeThatHasAnArrayOfItsOwnNeedsTheSegmentsNoMore() {
        byte[] message =
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"n\"}}".getBytes(UTF_8);
        Segments segments = cut(message, SMALLEST_WINDOW, 20, 40);

        Envelope envelope = EnvelopeReader.read(segments).onHeap();
        segments.release();

        assertThat(envelope.body()).isEqualTo(message);
        assertThat(envelope.text(envelope.name())).isEqualTo("n");
        assertThat(new Patch(envelope).isHeld()).isFalse();
    }
}
