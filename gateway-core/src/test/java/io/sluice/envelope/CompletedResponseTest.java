package io.sluice.envelope;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.UnpooledByteBufAllocator;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What {@link ResponseFilter} adds to a result. */
class CompletedResponseTest {
    private static ResponseFilter filter() {
        return new ResponseFilter(RequestId.of(1), null, Map.of("resultType", "\"complete\""));
    }

    /** At every split in two, and byte by byte. */
    private static void assertFiltered(String json, String expected) {
        byte[] bytes = json.getBytes(UTF_8);
        for (int split = 0; split <= bytes.length; split++) {
            ResponseFilter filter = filter();
            String seen = push(filter, Arrays.copyOfRange(bytes, 0, split))
                    + push(filter, Arrays.copyOfRange(bytes, split, bytes.length));
            assertThat(new String(seen.getBytes(ISO_8859_1), UTF_8))
                    .as("split at %d", split)
                    .isEqualTo(expected);
        }
        ResponseFilter filter = filter();
        StringBuilder seen = new StringBuilder();
        for (byte b : bytes) {
            seen.append(push(filter, new byte[] {b}));
        }
        assertThat(new String(seen.toString().getBytes(ISO_8859_1), UTF_8)).isEqualTo(expected);
    }

    private static String push(ResponseFilter filter, byte[] piece) {
        ByteBuf chunk = UnpooledByteBufAllocator.DEFAULT.directBuffer().writeBytes(piece);
        ByteBuf passed = filter.push(chunk);
        String text = passed.toString(ISO_8859_1);
        passed.release();
        assertThat(chunk.refCnt()).isZero();
        return text;
    }

    @Test
    void memberThatIsNotThereIsAddedAtTheEndOfTheResult() {
        assertFiltered(
                "{\"id\":1,\"result\":{\"content\":[{\"a\":1},\"}\"]}}",
                "{\"id\":1,\"result\":{\"content\":[{\"a\":1},\"}\"],\"resultType\":\"complete\"}}");
        assertFiltered(
                " { \"result\" : { } , \"id\" : 1 } ",
                " { \"result\" : { \"resultType\":\"complete\"} , \"id\" : 1 } ");
        assertFiltered(
                "{\"result\":{\"x\":\"resultType\",\"y\":{\"resultType\":1},\"z\":[\"resultType\"]}}",
                "{\"result\":{\"x\":\"resultType\",\"y\":{\"resultType\":1},\"z\":[\"resultType\"],"
                        + "\"resultType\":\"complete\"}}");
    }

    @Test
    void everythingElsePassesAsItIs() {
        for (String json : new String[] {
            "{\"result\":{\"content\":[],\"resultType\":\"input_required\"},\"id\":1}",
            "{\"result\":{ \"resultType\" :\"complete\",\"a\":{}}}",
            "{\"error\":{\"code\":1,\"data\":{}},\"id\":1}",
            "{\"result\":{\"a\":{},\"result\\u0054ype\":\"complete\"}}",
            "{\"result\":[{\"a\":1}]}",
            "{\"result\":\"{}\"}",
            "{\"x\":{\"result\":{}}}",
            "[{}]",
            "Kraków {{{"
        }) {
            assertFiltered(json, json);
        }
    }
}
