package io.sluice.envelope;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

class UriRewriterTest {
    private static final JsonMapper JSON = new JsonMapper();
    private static final int ROUNDS = Integer.getInteger("sluice.rounds", 1_500);

    /** Where a result speaks of resources; the rewriter does not know paths. */
    private static final Pattern PLACES = Pattern.compile(
            "/result/(contents/\\d+|content(/\\d+)*(/resource)?|messages/\\d+/content(/\\d+)*(/resource)?)/uri");

    private static final Map<String, String> LACKING = Map.of("text", "\"added\"");

    private static final List<String> KEYS = List.of(
            "result",
            "contents",
            "content",
            "messages",
            "resource",
            "uri",
            "text",
            "structuredContent",
            "id",
            "params");

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{'result':{'contents':[{'uri':'a','text':'uri'}]}} | {'result':{'contents':[{'uri':'+a','text':'uri'}]}}",
                "{'result':{'content':[{'type':'resource_link','uri':'a'}]}} |"
                        + " {'result':{'content':[{'type':'resource_link','uri':'+a'}]}}",
                "{'result':{'content':[{'type':'resource','resource':{'uri':'a'}}]}} |"
                        + " {'result':{'content':[{'type':'resource','resource':{'uri':'+a'}}]}}",
                "{'result':{'messages':[{'role':'user','content':{'resource':{'uri':'a'}}}]}} |"
                        + " {'result':{'messages':[{'role':'user','content':{'resource':{'uri':'+a'}}}]}}",
                "{'result':{'structuredContent':{'uri':'a','content':[{'uri':'a'}]}}} | same",
                "{'result':{'content':[{'type':'text','text':'{\\u0022uri\\u0022:\\u0022a\\u0022}'}]}} | same",
                "{'params':{'content':[{'uri':'a'}]}} | same",
                "{'error':{'data':{'content':[{'uri':'a'}]}}} | same",
                "{'result':{'content':[{'uri':17,'x':'a'},{'uri':null},{'uri':{'uri':'a'}}]}} | same",
                "{'result':{'content':[{'\\u0075ri':'\\u0061'}]}} | {'result':{'content':[{'\\u0075ri':'+a'}]}}",
                "{'result' : { 'content' : [ { 'n':1.10, 'uri' : 'a' , 'm':1e400 } ] } } |"
                        + " {'result' : { 'content' : [ { 'n':1.10, 'uri' : '+a' , 'm':1e400 } ] } }",
                "[{'result':{'content':[{'uri':'a'}]}}] | same",
                "{'result':{'content':[{'uri':'keep'}]}} | same"
            })
    void uriOfResourcesIsChangedAndNothingElse(String before, String after) {
        byte[] json = before.replace('\'', '"').getBytes(UTF_8);

        String rewritten = new String(UriRewriter.rewrite(json, UriRewriterTest::rename), UTF_8);

        assertThat(rewritten).isEqualTo((after.equals("same") ? before : after).replace('\'', '"'));
        for (int size = 1; size < 4; size++) {
            assertThat(new String(inPieces(json, size, UriRewriterTest::rename), UTF_8))
                    .isEqualTo(rewritten);
        }
        for (int size = 1; size <= json.length; size++) {
            assertThat(text(filtered(json, size, UriRewriterTest::rename, Map.of())))
                    .as("pieces of %d", size)
                    .isEqualTo(rewritten);
        }
    }

    @Test
    void unchangedResponseIsTheSameArray() {
        byte[] json = "{\"result\":{\"contents\":[{\"uri\":\"keep\"}]}}".getBytes(UTF_8);

        assertThat(UriRewriter.rewrite(json, UriRewriterTest::rename)).isSameAs(json);
    }

    @Test
    void pieceIsReleasedWhenRenamingFails() {
        UnaryOperator<String> failing = uri -> {
            throw new IllegalStateException("no other name");
        };
        ByteBuf piece = Unpooled.copiedBuffer("{\"result\":{\"contents\":[{\"uri\":\"b\"}]}}", UTF_8);
        ByteBuf another = piece.copy();

        assertThatThrownBy(() -> new UriRewriter(failing).push(piece)).hasMessage("no other name");
        assertThatThrownBy(() -> new ResponseFilter(RequestId.of(1), failing, LACKING).push(another))
                .hasMessage("no other name");

        assertThat(piece.refCnt()).isZero();
        assertThat(another.refCnt()).isZero();
    }

    @Test
    void uriLongerThanAnyPassesWhole() {
        byte[] json = ("{\"result\":{\"contents\":[{\"uri\":\"" + "x\\\"".repeat(20_000)
                        + "\",\"a\":[]},{\"uri\":\"b\"}]}}")
                .getBytes(UTF_8);

        String rewritten = new String(inPieces(json, 1000, UriRewriterTest::rename), UTF_8);

        assertThat(rewritten).isEqualTo(new String(json, UTF_8).replace("\"b\"", "\"+b\""));
        assertThat(text(filtered(json, 1000, UriRewriterTest::rename, Map.of())))
                .isEqualTo(rewritten);
    }

    @Test
    void everyResponseIsChangedWhereATreeSaysSoHoweverItIsCut() {
        long seed = RandomJson.seed();
        Random random = new Random(seed);
        int changed = 0;
        for (int round = 0; round < ROUNDS; round++) {
            ObjectNode message = object(random, 6);
            message.set("result", object(random, 6));
            byte[] json = JSON.writeValueAsBytes(message);
            JsonNode expected = JSON.readTree(json);
            rename(expected, "");
            changed += expected.equals(message) ? 0 : 1;

            byte[] whole = UriRewriter.rewrite(json, UriRewriterTest::rename);

            String says = "-Dsluice.seed=" + seed + " on " + message;
            assertThat(JSON.readTree(whole)).as(says).isEqualTo(expected);
            for (int size : new int[] {1, 5, 60}) {
                assertThat(text(inPieces(json, size, UriRewriterTest::rename)))
                        .as(says)
                        .isEqualTo(text(whole));
                assertThat(text(inPieces(json, size, uri -> uri))).as(says).isEqualTo(text(json));
            }
            completed(expected);
            for (int size : new int[] {1, 5, 60, json.length}) {
                byte[] filtered = filtered(json, size, UriRewriterTest::rename, LACKING);
                assertThat(JSON.readTree(filtered)).as(says).isEqualTo(expected);
                assertThat(text(filtered(filtered, size, uri -> uri, LACKING)))
                        .as(says)
                        .isEqualTo(text(filtered));
            }
        }
        assertThat(changed).as("seed %d", seed).isPositive();
    }

    @Test
    void whatIsBrokenPassesAsItCame() {
        long seed = RandomJson.seed();
        Random random = new Random(seed);
        for (int round = 0; round < ROUNDS; round++) {
            byte[] json = JSON.writeValueAsBytes(object(random, 5).set("result", object(random, 5)));
            byte[] broken = Arrays.copyOf(json, 1 + random.nextInt(json.length));
            broken[random.nextInt(broken.length)] = (byte) random.nextInt(256);

            assertThat(Arrays.equals(inPieces(broken, 7, uri -> uri), broken))
                    .as("-Dsluice.seed=%d", seed)
                    .isTrue();
            assertThat(text(filtered(broken, 7, UriRewriterTest::rename, LACKING)))
                    .as("-Dsluice.seed=%d", seed)
                    .isEqualTo(text(filtered(broken, broken.length, UriRewriterTest::rename, LACKING)));
        }
    }

    /** What {@link #LACKING} and the id make of it. */
    private static void completed(JsonNode message) {
        if (message.has("id")) {
            ((ObjectNode) message).put("id", "new");
        }
        if (message.get("result") instanceof ObjectNode result && !result.has("text")) {
            result.put("text", "added");
        }
    }

    /** As {@link #inPieces}, in one pass with all else that is done to a response. */
    private static byte[] filtered(byte[] json, int most, UnaryOperator<String> rename, Map<String, String> members) {
        ResponseFilter filter = new ResponseFilter(RequestId.of("new"), rename, members);
        ByteBuf out = Unpooled.buffer();
        for (int from = 0; from < json.length; from += most) {
            ByteBuf chunk = Unpooled.copiedBuffer(json, from, Math.min(most, json.length - from));
            ByteBuf passed = filter.push(chunk);
            out.writeBytes(passed);
            passed.release();
            assertThat(chunk.refCnt()).isZero();
        }
        ByteBuf rest = filter.rest();
        out.writeBytes(rest);
        rest.release();
        byte[] bytes = new byte[out.readableBytes()];
        out.readBytes(bytes);
        out.release();
        return bytes;
    }

    private static String text(byte[] json) {
        return new String(json, UTF_8);
    }

    private static String rename(String uri) {
        return uri.equals("keep") ? uri : "+" + uri;
    }

    private static void rename(JsonNode node, String path) {
        if (node instanceof ObjectNode object) {
            for (String key : new ArrayList<>(object.propertyNames())) {
                String there = path + "/" + key;
                JsonNode value = object.get(key);
                if (value.isString() && PLACES.matcher(there).matches()) {
                    object.put(key, rename(value.stringValue()));
                } else {
                    rename(value, there);
                }
            }
        } else if (node instanceof ArrayNode array) {
            for (int i = 0; i < array.size(); i++) {
                rename(array.get(i), path + "/" + i);
            }
        }
    }

    private static ObjectNode object(Random random, int depth) {
        ObjectNode object = JsonNodeFactory.instance.objectNode();
        for (int i = random.nextInt(5); i >= 0; i--) {
            object.set(KEYS.get(random.nextInt(KEYS.size())), value(random, depth - 1));
        }
        return object;
    }

    private static JsonNode value(Random random, int depth) {
        JsonNodeFactory nodes = JsonNodeFactory.instance;
        int kind = random.nextInt(depth <= 0 ? 4 : 9);
        if (kind < 3) {
            return nodes.stringNode(List.of("a", "keep", "file:///x", "q\"\\\n", "é\uD83D\uDE00")
                    .get(random.nextInt(5)));
        }
        if (kind == 3) {
            return random.nextBoolean() ? nodes.numberNode(random.nextInt()) : nodes.nullNode();
        }
        if (kind < 7) {
            return object(random, depth);
        }
        ArrayNode array = nodes.arrayNode();
        for (int i = random.nextInt(4); i > 0; i--) {
            array.add(value(random, depth - 1));
        }
        return array;
    }

    private static byte[] inPieces(byte[] json, int most, UnaryOperator<String> rename) {
        UriRewriter rewriter = new UriRewriter(rename);
        ByteBuf out = Unpooled.buffer();
        for (int from = 0; from < json.length; from += most) {
            ByteBuf chunk = Unpooled.copiedBuffer(json, from, Math.min(most, json.length - from));
            ByteBuf passed = rewriter.push(chunk);
            out.writeBytes(passed);
            passed.release();
            assertThat(chunk.refCnt()).isZero();
        }
        ByteBuf rest = rewriter.rest();
        out.writeBytes(rest);
        rest.release();
        byte[] bytes = new byte[out.readableBytes()];
        out.readBytes(bytes);
        out.release();
        return bytes;
    }
}
