package io.sluice.envelope;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.sluice.protocol.RawJson;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.Test;

class PatchTest {
    private static Envelope read(String json) {
        return MessageReader.read(json.getBytes(UTF_8)).orElseThrow();
    }

    static ByteBuf buffer(Patch patch) {
        List<ByteBuf> parts = new ArrayList<>();
        patch.toParts(parts);
        return Unpooled.wrappedBuffer(parts.size(), parts.toArray(new ByteBuf[0]));
    }

    private static String patched(String json, BiConsumer<Envelope, Patch> change) {
        Envelope envelope = read(json);
        Patch patch = new Patch(envelope);
        change.accept(envelope, patch);
        String bytes = new String(patch.toBytes(), UTF_8);
        ByteBuf buffer = buffer(patch);
        assertThat(buffer.toString(UTF_8)).isEqualTo(bytes);
        buffer.release();
        return bytes;
    }

    private static RawJson json(String text) {
        return RawJson.of(text);
    }

    @Test
    void replacedValueLeavesEveryOtherByte() {
        assertThat(patched(
                        "{\"method\" : \"m\", \"params\":{ \"name\" :\"a__b\" , \"x\":1e400}, \"id\": 5}", (e, p) -> {
                            p.replaceText(e.name(), "b\"");
                            p.replace(e.idSpan(), RequestId.of("x").rawJsonBytes());
                        }))
                .isEqualTo("{\"method\" : \"m\", \"params\":{ \"name\" :\"b\\\"\" , \"x\":1e400}, \"id\": \"x\"}");
    }

    @Test
    void unchangedMessageIsTheSameArray() {
        Envelope envelope = read("{\"method\":\"m\"}");

        assertThat(new Patch(envelope).toBytes()).isSameAs(envelope.body());
    }

    @Test
    void memberIsRemovedWithOneComma() {
        String three = "{\"method\":\"m\",\"params\":{ \"a\" : 1 , \"b\" : [2] , \"c\" : \"3\" }}";
        String[] expected = {
            "{  \"b\" : [2] , \"c\" : \"3\" }",
            "{ \"a\" : 1 ,  \"c\" : \"3\" }",
            "{ \"a\" : 1 , \"b\" : [2]  }",
            "{  \"c\" : \"3\" }",
            "{ \"a\" : 1  }",
            "{  \"b\" : [2]  }",
            "{  }"
        };
        String[] removed = {"a", "b", "c", "ab", "bc", "ac", "abc"};

        for (int i = 0; i < removed.length; i++) {
            String keys = removed[i];
            String result = patched(
                    three,
                    (e, p) ->
                            keys.chars().forEach(key -> p.removeMember(e.member(e.params(), Character.toString(key)))));
            assertThat(result).as(keys).isEqualTo("{\"method\":\"m\",\"params\":" + expected[i] + "}");
        }
    }

    @Test
    void keyWithEscapedQuotesIsRemovedWhole() {
        assertThat(patched("{\"method\":\"m\",\"params\":{\"\\\\\\\"a\\\"\":1,\"\\\\\":2,\"\\\"\":3}}", (e, p) -> {
                    p.removeMember(e.member(e.params(), "\\\"a\""));
                    p.removeMember(e.member(e.params(), "\""));
                }))
                .isEqualTo("{\"method\":\"m\",\"params\":{\"\\\\\":2}}");
    }

    @Test
    void newMemberStandsFirst() {
        assertThat(patched(
                        "{\"method\":\"m\",\"params\":{\"a\":1}}",
                        (e, p) -> p.putParamsMember("b", json("2"))
                                .putParamsMember("c", json("3"))
                                .putParamsMember("b", json("4"))))
                .isEqualTo("{\"method\":\"m\",\"params\":{\"b\":4,\"c\":3,\"a\":1}}");
        assertThat(patched("{\"method\":\"m\",\"params\":{ }}", (e, p) -> p.putParamsMember("b", json("2"))))
                .isEqualTo("{\"method\":\"m\",\"params\":{\"b\":2 }}");
    }

    @Test
    void presentMemberIsReplacedInPlace() {
        assertThat(patched(
                        "{\"method\":\"m\",\"params\":{\"a\":1,\"\\u0062\":2}}",
                        (e, p) -> p.putParamsMember("b", json("{}"))))
                .isEqualTo("{\"method\":\"m\",\"params\":{\"a\":1,\"\\u0062\":{}}}");
    }

    @Test
    void newMemberTakesThePlaceOfAllRemovedOnes() {
        assertThat(patched(
                        "{\"method\":\"m\",\"params\":{\"a\":1,\"b\":2}}",
                        (e, p) -> p.putParamsMember("c", json("3"))
                                .removeMember(e.member(e.params(), "a"))
                                .removeMember(e.member(e.params(), "b"))))
                .isEqualTo("{\"method\":\"m\",\"params\":{\"c\":3}}");
    }

    @Test
    void paramsAndMetaAreCreatedWhereAbsent() {
        assertThat(patched(
                        "{\"method\":\"m\"}",
                        (e, p) -> p.putMetaMember("t", json("1"))
                                .putParamsMember("name", json("\"n\""))
                                .putMetaMember("u", json("2"))))
                .isEqualTo("{\"params\":{\"_meta\":{\"t\":1,\"u\":2},\"name\":\"n\"},\"method\":\"m\"}");
        assertThat(patched("{\"method\":\"m\",\"params\":{\"a\":0}}", (e, p) -> p.putMetaMember("t", json("1"))))
                .isEqualTo("{\"method\":\"m\",\"params\":{\"_meta\":{\"t\":1},\"a\":0}}");
        assertThat(patched("{\"method\":\"m\",\"params\":{\"_meta\":{}}}", (e, p) -> p.putMetaMember("t", json("1"))))
                .isEqualTo("{\"method\":\"m\",\"params\":{\"_meta\":{\"t\":1}}}");
    }

    @Test
    void resultMembersAreSet() {
        assertThat(patched(
                        "{\"id\":1,\"result\":{\"tools\":[]}}",
                        (e, p) -> p.putResultMember("resultType", json("\"complete\""))
                                .putResultMetaMember("a", json("1"))
                                .putResultMetaMember("b", json("2"))))
                .isEqualTo(
                        "{\"id\":1,\"result\":{\"resultType\":\"complete\",\"_meta\":{\"a\":1,\"b\":2},\"tools\":[]}}");
        assertThatThrownBy(() -> new Patch(read("{\"id\":1,\"error\":{}}")).putResultMember("a", json("1")))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void changeInsideOfRemovedValueIsRefused() {
        Envelope call = read("{\"method\":\"m\",\"params\":{\"_meta\":{\"traceparent\":\"a\"}}}");
        Patch patch = new Patch(call).removeMember(call.meta()).replaceText(call.metaTraceparent(), "b");

        assertThatThrownBy(patch::toBytes).isInstanceOf(IllegalStateException.class);
    }

    @Test
    @SuppressWarnings("ByteBufferBackingArray") // which array it is, is the question
    void largeMessageIsNotCopied() {
        String large = "x".repeat(100_000);
        Envelope call = read("{\"method\":\"m\",\"params\":{\"name\":\"n\",\"arguments\":\"" + large + "\"}}");

        ByteBuf buffer = buffer(new Patch(call).replaceText(call.name(), "other"));

        assertThat(buffer.toString(UTF_8))
                .isEqualTo("{\"method\":\"m\",\"params\":{\"name\":\"other\",\"arguments\":\"" + large + "\"}}");
        assertThat(buffer.nioBuffers())
                .anySatisfy(part -> assertThat(part.array()).isSameAs(call.body()));
        buffer.release();
    }
}
