package io.sluice.envelope;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.util.Arrays;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ResponseFilterTest {
    private static final RequestId NEW_ID = RequestId.of("new-1");

    /** Pushes the text in two pieces, checks that nothing is held back or leaked, and returns what came out. */
    private static String rewritten(ResponseFilter rewriter, byte[] json, int split) {
        StringBuilder out = new StringBuilder();
        for (byte[] piece :
                new byte[][] {Arrays.copyOfRange(json, 0, split), Arrays.copyOfRange(json, split, json.length)}) {
            ByteBuf chunk = UnpooledByteBufAllocator.DEFAULT.directBuffer().writeBytes(piece);
            ByteBuf passed = rewriter.push(chunk);
            out.append(passed.toString(ISO_8859_1));
            passed.release();
            assertThat(chunk.refCnt()).isZero();
        }
        return new String(out.toString().getBytes(ISO_8859_1), UTF_8);
    }

    private static void assertRewritten(String json, String expected) {
        byte[] bytes = json.getBytes(UTF_8);
        for (int split = 0; split <= bytes.length; split++) {
            ResponseFilter rewriter = new ResponseFilter(NEW_ID);
            assertThat(rewritten(rewriter, bytes, split))
                    .as("split at %d", split)
                    .isEqualTo(expected);
            assertThat(rewriter.finish().complete()).isTrue();
        }
    }

    @Test
    void idIsReplacedWhereverItStands() {
        assertRewritten(
                "{\"jsonrpc\":\"2.0\",\"id\":17,\"result\":{\"id\":4,\"x\":[{\"id\":5}]}}",
                "{\"jsonrpc\":\"2.0\",\"id\":\"new-1\",\"result\":{\"id\":4,\"x\":[{\"id\":5}]}}");
        assertRewritten(
                " { \"result\" : {\"a\":\"}\\\"]\\\\\"} , \"id\" : \"a\\\"b\" } ",
                " { \"result\" : {\"a\":\"}\\\"]\\\\\"} , \"id\" : \"new-1\" } ");
        assertRewritten("{\"error\":{},\"id\":null}", "{\"error\":{},\"id\":\"new-1\"}");
        assertRewritten("{\"id\":[1,{\"a\":\"]\"}],\"error\":{}}", "{\"id\":\"new-1\",\"error\":{}}");
        assertRewritten("{\"\\u0069\\u0064\":-1 ,\"error\":{}}", "{\"\\u0069\\u0064\":\"new-1\" ,\"error\":{}}");
        assertRewritten(
                "{\"result\":\"Kraków \uD83D\uDE00\",\"id\":1}",
                "{\"result\":\"Kraków \uD83D\uDE00\",\"id\":\"new-1\"}");
    }

    @Test
    void endingTellsWhatWasSeen() {
        ResponseFilter rewriter = new ResponseFilter(NEW_ID);
        rewritten(rewriter, "{\"id\":\"old\",\"result\":{\"error\":1}}".getBytes(UTF_8), 8);
        assertThat(rewriter.finish())
                .isEqualTo(new ResponseFilter.Ending(Optional.of(RequestId.of("old")), true, true, false, true));

        ResponseFilter failed = new ResponseFilter(NEW_ID);
        rewritten(failed, "{\"error\":{\"result\":1}}".getBytes(UTF_8), 8);
        assertThat(failed.finish()).isEqualTo(new ResponseFilter.Ending(Optional.empty(), false, false, true, true));
    }

    @Test
    void whatIsNoObjectPassesAndIsNotComplete() {
        for (String text :
                new String[] {"[{\"id\":1}]", "<html>\"id\":1", "{\"id\" 1}", "{\"result\":[}", "{}{\"id\":1}"}) {
            ResponseFilter rewriter = new ResponseFilter(NEW_ID);
            assertThat(rewritten(rewriter, text.getBytes(UTF_8), 3)).isEqualTo(text);
            assertThat(rewriter.finish().complete()).as(text).isFalse();
        }
    }

    @Test
    void cutOffResponseIsNotComplete() {
        byte[] response = "{\"id\":\"a\",\"result\":{\"a\":[1,\"b\"]}}".getBytes(UTF_8);
        for (int length = 0; length < response.length; length++) {
            ResponseFilter rewriter = new ResponseFilter(NEW_ID);
            rewriter.push(Unpooled.copiedBuffer(response, 0, length)).release();
            assertThat(rewriter.finish().complete()).isFalse();
        }
    }

    @Test
    void largeChunkIsSharedAroundItsId() {
        String text = "x".repeat(20_000);
        String before = "{\"result\":\"" + text + "\",\"id\":";
        String after = ",\"jsonrpc\":\"2.0\"}" + " ".repeat(20_000);
        ByteBuf chunk = UnpooledByteBufAllocator.DEFAULT.directBuffer();
        chunk.writeCharSequence(before + "12" + after, UTF_8);
        ResponseFilter rewriter = new ResponseFilter(NEW_ID);

        ByteBuf passed = rewriter.push(chunk);

        assertThat(passed.toString(UTF_8)).isEqualTo(before + "\"new-1\"" + after);
        assertThat(passed.nioBufferCount()).isEqualTo(3);
        assertThat(rewriter.finish().complete()).isTrue();
        passed.release();
        assertThat(chunk.refCnt()).isZero();
    }

    @Test
    void chunkWithoutIdIsPassedOnItself() {
        ResponseFilter rewriter = new ResponseFilter(NEW_ID);
        rewriter.push(Unpooled.copiedBuffer("{\"id\":1,\"result\":[", UTF_8)).release();
        ByteBuf chunk = Unpooled.copiedBuffer("\"a\",{\"id\":7},", UTF_8);

        ByteBuf passed = rewriter.push(chunk);

        assertThat(passed).isSameAs(chunk);
        passed.release();
    }
}
