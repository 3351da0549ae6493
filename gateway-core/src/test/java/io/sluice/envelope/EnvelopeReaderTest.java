package io.sluice.envelope;

import static java.nio.charset.StandardCharsets.UTF_16BE;
import static java.nio.charset.StandardCharsets.UTF_16LE;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.protocol.McpMethod;
import io.sluice.protocol.MetaKeys;
import io.sluice.rejection.Rejection;
import java.io.ByteArrayOutputStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class EnvelopeReaderTest {
    private static final String CALL = """
            {"jsonrpc": "2.0", "id": "a-17", "method": "tools/call", "params": {
              "name": "weather__forecast", "arguments": {"name": "inner", "city": "Kraków"},
              "_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28",
                        "io.modelcontextprotocol/clientCapabilities": {}, "progressToken": 7, "traceparent": "00-a-b-01",
                        "io.modelcontextprotocol/clientInfo": {"name": "probe", "version": "1"},
                        "io.modelcontextprotocol/logLevel": "info"}}}
            """;

    private static Envelope read(String json) {
        return EnvelopeReader.read(json.getBytes(UTF_8));
    }

    /** A request whose params have one member {@code x} of this JSON. */
    private static String holding(String value) {
        return "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":{\"x\":" + value + "}}";
    }

    private static void assertParseError(String json) {
        assertThatThrownBy(() -> read(json)).as(json).isInstanceOf(Rejection.ParseError.class);
    }

    private static void assertInvalidRequest(String json) {
        assertThatThrownBy(() -> read(json)).as(json).isInstanceOf(Rejection.InvalidRequest.class);
    }

    @Test
    void membersOfCallAreFound() {
        Envelope call = read(CALL);

        assertThat(call.kind()).isEqualTo(Kind.REQUEST);
        assertThat(call.id()).isEqualTo(RequestId.of("a-17"));
        assertThat(call.method()).isSameAs(McpMethod.TOOLS_CALL.wire());
        assertThat(call.knownMethod()).contains(McpMethod.TOOLS_CALL);
        assertThat(call.text(call.name())).isEqualTo("weather__forecast");
        assertThat(call.raw(call.arguments())).hasToString("{\"name\": \"inner\", \"city\": \"Kraków\"}");
        assertThat(call.text(call.metaProtocolVersion())).isEqualTo("2026-07-28");
        assertThat(call.raw(call.metaClientCapabilities())).hasToString("{}");
        assertThat(call.raw(call.metaProgressToken())).hasToString("7");
        assertThat(call.text(call.metaTraceparent())).isEqualTo("00-a-b-01");
        assertThat(call.text(call.metaLogLevel())).isEqualTo("info");
        assertThat(call.text(call.member(call.metaClientInfo(), "name"))).isEqualTo("probe");
        assertThat(call.uri().isPresent()).isFalse();
        assertThat(call.result().isPresent()).isFalse();
    }

    @Test
    void everyDirectMemberOfParamsIsFound() {
        for (Member member : Member.values()) {
            if (member.parent() == Member.Parent.PARAMS && member != Member.META) {
                byte[] body = ("{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"params\":{\"" + member.key() + "\":[5]}}")
                        .getBytes(UTF_8);
                Envelope envelope = EnvelopeReader.read(body);
                assertThat(envelope.raw(envelope.member(envelope.params(), member.key())))
                        .hasToString("[5]");
            }
        }
        Envelope all = read("""
                {"jsonrpc":"2.0","method":"m","params":{"name":1,"uri":2,"taskId":3,"cursor":4,"arguments":5,"_meta":6,
                "requestState":7,"inputResponses":8,"level":9,"requestId":10,"progressToken":11,"ref":12,"argument":13,
                "protocolVersion":14,"capabilities":15,"clientInfo":16,"notifications":17,"task":18}}""");
        assertThat(new Span[] {
                    all.name(),
                    all.uri(),
                    all.taskId(),
                    all.cursor(),
                    all.arguments(),
                    all.meta(),
                    all.requestState(),
                    all.inputResponses(),
                    all.level(),
                    all.requestId(),
                    all.progressToken(),
                    all.ref(),
                    all.argument(),
                    all.protocolVersion(),
                    all.capabilities(),
                    all.clientInfo(),
                    all.notifications(),
                    all.task()
                })
                .extracting(span -> Integer.parseInt(all.raw(span).toString()))
                .containsExactly(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18);
    }

    @Test
    void messageWithoutIdIsNotification() {
        Envelope cancelled = read("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\","
                + "\"params\":{\"requestId\":12,\"reason\":\"late\"}}");

        assertThat(cancelled.kind()).isEqualTo(Kind.NOTIFICATION);
        assertThat(cancelled.id()).isNull();
        assertThat(cancelled.raw(cancelled.requestId())).hasToString("12");
    }

    @Test
    void responseHasResultOrErrorAndAnId() {
        Envelope result = read("{\"result\":{},\"id\":3,\"jsonrpc\":\"2.0\"}");
        Envelope error = read("{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,\"message\":\"no\"}}");

        assertThat(result.kind()).isEqualTo(Kind.RESPONSE);
        assertThat(result.method()).isEmpty();
        assertThat(result.knownMethod()).isEmpty();
        assertThat(result.id()).isEqualTo(RequestId.of(3));
        assertThat(error.id()).isNull();
        assertThat(error.isNull(error.idSpan())).isTrue();
        assertInvalidRequest("{\"jsonrpc\":\"2.0\",\"id\":null,\"result\":{}}");
        assertInvalidRequest("{\"jsonrpc\":\"2.0\",\"result\":{}}");
        assertInvalidRequest("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{},\"error\":{}}");
        assertInvalidRequest("{\"jsonrpc\":\"2.0\",\"id\":1}");
        assertInvalidRequest("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":5}");
        assertInvalidRequest("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{},\"params\":{}}");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{}",
                "[]",
                "7",
                "{\"id\":1,\"method\":\"m\"}",
                "{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"m\"}",
                "{\"jsonrpc\":2.0,\"id\":1,\"method\":\"m\"}",
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":5}",
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":[]}",
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":null}",
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"result\":{}}",
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"error\":{}}",
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"extra\":1}",
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"Method\":\"m\"}",
                "{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"m\"}",
                "{\"jsonrpc\":\"2.0\",\"id\":true,\"method\":\"m\"}",
                "{\"jsonrpc\":\"2.0\",\"id\":1.0,\"method\":\"m\"}",
                "{\"jsonrpc\":\"2.0\",\"id\":1e3,\"method\":\"m\"}",
                "{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"m\"}",
                "{\"jsonrpc\":\"2.0\",\"id\":[],\"method\":\"m\"}"
            })
    void jsonThatIsNoMessageIsInvalidRequest(String json) {
        assertInvalidRequest(json);
    }

    @Test
    void idHasAtMost128Characters() {
        String longest = "\"" + "ż".repeat(128) + "\"";
        String tooLong = "\"" + "ż".repeat(129) + "\"";

        assertThat(read("{\"jsonrpc\":\"2.0\",\"id\":" + longest + ",\"method\":\"m\"}")
                        .id())
                .isEqualTo(RequestId.of("ż".repeat(128)));
        assertInvalidRequest("{\"jsonrpc\":\"2.0\",\"id\":" + tooLong + ",\"method\":\"m\"}");
    }

    @ParameterizedTest
    @ValueSource(strings = {"-1", "0", "9007199254740993", "1234567890123456789012345678901234567890"})
    void integerIdIsKeptDigitByDigit(String id) {
        assertThat(String.valueOf(read("{\"jsonrpc\":\"2.0\",\"id\":" + id + ",\"method\":\"m\"}")
                        .id()))
                .isEqualTo(id);
    }

    @ParameterizedTest
    @ValueSource(strings = {"1e400", "9007199254740993", "1234567890123456789012345678901234567890", "-0.0e-999"})
    void numbersBeyondEveryTypeAreAccepted(String number) {
        assertThatCode(() -> read(holding(number))).doesNotThrowAnyException();
    }

    @Test
    void numberHasAtMost100Characters() {
        assertThatCode(() -> read(holding("9".repeat(100)))).doesNotThrowAnyException();
        assertParseError(holding("9".repeat(101)));
    }

    @Test
    void nestingHasAtMost64Levels() {
        assertThatCode(() -> read(holding("[".repeat(62) + "]".repeat(62)))).doesNotThrowAnyException();
        assertParseError(holding("[".repeat(63) + "]".repeat(63)));
        assertParseError(holding("[".repeat(100_000)));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"a\":1,\"a\":1}",
                "{\"a\":1,\"\\u0061\":1}",
                "{\"\\u0061\":1,\"a\":1}",
                "{\"é\":1,\"\\u00E9\":1}",
                "{\"/\":1,\"\\/\":1}",
                "{\"\uD83D\uDE00\":1,\"\\uD83D\\uDE00\":1}",
                "{\"\":1,\"\":2}",
                "{\"b\":{\"c\":{\"a\":1,\"x\":{},\"a\":2}}}",
                "[[{\"a\":[],\"b\":0,\"a\":[]}]]"
            })
    void keyThatStandsTwiceIsRefusedAtEveryLevel(String value) {
        assertInvalidRequest(holding(value));
    }

    @Test
    void envelopeKeyThatStandsTwiceIsRefusedHoweverItIsSpelt() {
        assertInvalidRequest("{\"jsonrpc\":\"2.0\",\"id\":1,\"id\":2,\"method\":\"m\"}");
        assertInvalidRequest("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"meth\\u006fd\":\"n\"}");
        assertInvalidRequest(
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":{\"name\":\"a\",\"n\\u0061me\":\"b\"}}");
    }

    @Test
    void keyThatStandsTwiceIsFoundAmongMany() {
        for (int count : new int[] {15, 16, 17, 18, 1000}) {
            for (int twin : new int[] {0, count / 2, count - 1}) {
                StringBuilder object = new StringBuilder("{");
                for (int i = 0; i < count; i++) {
                    object.append("\"key").append(i).append("\":{\"key\":1},");
                }
                String distinct = object + "\"last\":0}";
                String repeated = object + "\"key" + twin + "\":0}";
                assertThatCode(() -> read(holding(distinct))).doesNotThrowAnyException();
                assertInvalidRequest(holding(repeated));
            }
        }
    }

    @Test
    void sameKeyInDifferentObjectsIsNoDuplicate() {
        assertThatCode(() -> read(holding("[{\"a\":{\"a\":{\"a\":0}},\"b\":{\"a\":0}},{\"a\":1}]")))
                .doesNotThrowAnyException();
    }

    @Test
    void keysAreComparedWithTheirCase() {
        Envelope call = read(
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\","
                        + "\"params\":{\"Name\":\"a\",\"NAME\":\"b\",\"name\":\"c\",\"ta\u017FkId\":\"d\",\"tas\u212AId\":\"e\"}}");

        assertThat(call.text(call.name())).isEqualTo("c");
        assertThat(call.taskId().isPresent()).isFalse();
        assertInvalidRequest("{\"j\u017Fonrpc\":\"2.0\",\"id\":1,\"method\":\"m\"}");
        assertInvalidRequest("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"param\u017F\":{}}");
    }

    @Test
    void keyWithNulOrLoneSurrogateIsRefused() {
        assertParseError(holding("{\"a\\u0000\":1}"));
        assertParseError(holding("{\"a\u0000\":1}"));
        assertParseError(holding("{\"\\ud800\":1}"));
        assertParseError(holding("{\"\\udc00\\ud800\":1}"));
        assertThatCode(() -> read(holding("{\"\\ud800\\udc00\":1}"))).doesNotThrowAnyException();
    }

    @Test
    void loneSurrogateIsRefusedInWhatIsReadAndKeptElsewhere() {
        assertParseError("{\"jsonrpc\":\"2.0\",\"id\":\"\\ud800\",\"method\":\"m\"}");
        assertParseError("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\\udfff\"}");
        assertParseError("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":{\"name\":\"x\\ud800\"}}");
        assertThatCode(() -> read(
                        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":{\"arguments\":[\"cut \\ud83d\"]}}"))
                .doesNotThrowAnyException();
    }

    static byte[][] invalidUtf8() {
        return new byte[][] {
            {(byte) 0x80},
            {(byte) 0xBF},
            {(byte) 0xC0, (byte) 0x80},
            {(byte) 0xC1, (byte) 0xBF},
            {(byte) 0xC3},
            {(byte) 0xC3, '('},
            {(byte) 0xE0, (byte) 0x80, (byte) 0x80},
            {(byte) 0xE0, (byte) 0x9F, (byte) 0xBF},
            {(byte) 0xED, (byte) 0xA0, (byte) 0x80},
            {(byte) 0xED, (byte) 0xBF, (byte) 0xBF},
            {(byte) 0xE2, (byte) 0x82},
            {(byte) 0xE2, '(', (byte) 0xA1},
            {(byte) 0xF0, (byte) 0x80, (byte) 0x80, (byte) 0x80},
            {(byte) 0xF0, (byte) 0x8F, (byte) 0xBF, (byte) 0xBF},
            {(byte) 0xF4, (byte) 0x90, (byte) 0x80, (byte) 0x80},
            {(byte) 0xF5, (byte) 0x80, (byte) 0x80, (byte) 0x80},
            {(byte) 0xF0, (byte) 0x9F, (byte) 0x98},
            {(byte) 0xFE},
            {(byte) 0xFF}
        };
    }

    @ParameterizedTest
    @MethodSource("invalidUtf8")
    void invalidUtf8IsRefusedInKeysAndValues(byte[] bytes) {
        byte[] inValue = spliced("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":{\"x\":\"", bytes, "\"}}");
        byte[] inKey = spliced("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":{\"", bytes, "\":1}}");

        assertThatThrownBy(() -> EnvelopeReader.read(inValue)).isInstanceOf(Rejection.ParseError.class);
        assertThatThrownBy(() -> EnvelopeReader.read(inKey)).isInstanceOf(Rejection.ParseError.class);
    }

    private static byte[] spliced(String before, byte[] bytes, String after) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(before.getBytes(UTF_8));
        out.writeBytes(bytes);
        out.writeBytes(after.getBytes(UTF_8));
        return out.toByteArray();
    }

    @Test
    void otherEncodingsAndByteOrderMarksAreRefused() {
        String call = holding("1");
        assertThatThrownBy(() -> EnvelopeReader.read(call.getBytes(UTF_16LE))).isInstanceOf(Rejection.ParseError.class);
        assertThatThrownBy(() -> EnvelopeReader.read(call.getBytes(UTF_16BE))).isInstanceOf(Rejection.ParseError.class);
        assertParseError("\uFEFF" + call);
        assertParseError(call + "\u0000");
        assertParseError("\u0000" + call);
    }

    @Test
    void bytesAfterTheMessageAreRefused() {
        assertParseError(holding("1") + "{}");
        assertParseError(holding("1") + "x");
        assertThatCode(() -> read("\r\n\t " + holding("1") + " \r\n")).doesNotThrowAnyException();
    }

    @Test
    void escapedKeysAndValuesAreUnderstood() {
        Envelope call = read("{\"jsonrpc\":\"2\\u002e0\",\"\\u0069d\":\"\\u0061\",\"method\":\"tools\\/call\","
                + "\"params\":{\"n\\u0061me\":\"\\ud83d\\ude00\\n\\\"\",\"\\u005fmeta\":{\"" + MetaKeys.TRACEPARENT
                + "\":\"t\"}}}");

        assertThat(call.id()).isEqualTo(RequestId.of("a")).hasToString("\"\\u0061\"");
        assertThat(call.knownMethod()).contains(McpMethod.TOOLS_CALL);
        assertThat(call.text(call.name())).isEqualTo("\uD83D\uDE00\n\"");
        assertThat(call.text(call.metaTraceparent())).isEqualTo("t");
    }

    @Test
    void rejectionsCarryNoStackTrace() {
        assertThatThrownBy(() -> read("{"))
                .satisfies(e -> assertThat(e.getStackTrace()).isEmpty());
    }

    @Test
    void idOfRefusedMessageIsFoundBeforeItsFault() {
        assertThat(idOf("{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":7}")).isEqualTo(RequestId.of(5));
        assertThat(idOf("{\"method\":\"m\",\"method\":\"m\",\"id\":\"x\"}")).isEqualTo(RequestId.of("x"));
        assertThat(idOf("{\"id\":5,\"method\":")).isEqualTo(RequestId.of(5));
        assertThat(idOf("{\"params\":{\"id\":5},\"method\":")).isNull();
        assertThat(idOf("{\"id\":1.5}")).isNull();
        assertThat(idOf("{\"id\":1,\"id\":2}")).isNull();
        assertThat(idOf("[{\"id\":1}]")).isNull();
        assertThat(idOf("")).isNull();
    }

    private static @Nullable RequestId idOf(String json) {
        return EnvelopeReader.idOf(json.getBytes(UTF_8));
    }

    @Test
    void batchIsSlicedIntoItsMessages() {
        byte[] batch = " [ {\"id\":1} ,\n[2],\"x\" ] ".getBytes(UTF_8);

        assertThat(EnvelopeReader.isBatch(batch)).isTrue();
        assertThat(EnvelopeReader.isBatch("{}".getBytes(UTF_8))).isFalse();
        assertThat(EnvelopeReader.isBatch(new byte[0])).isFalse();
        assertThat(EnvelopeReader.readBatch(batch))
                .extracting(message -> new String(message, UTF_8))
                .containsExactly("{\"id\":1}", "[2]", "\"x\"");
    }

    @Test
    void batchThatIsEmptyOrNoStrictJsonIsRefused() {
        assertThatThrownBy(() -> EnvelopeReader.readBatch("[ ]".getBytes(UTF_8)))
                .isInstanceOf(Rejection.InvalidRequest.class);
        assertThatThrownBy(() -> EnvelopeReader.readBatch("{}".getBytes(UTF_8)))
                .isInstanceOf(Rejection.InvalidRequest.class);
        assertThatThrownBy(() -> EnvelopeReader.readBatch("[{\"a\":1,\"a\":1}]".getBytes(UTF_8)))
                .isInstanceOf(Rejection.InvalidRequest.class);
        assertThatThrownBy(() -> EnvelopeReader.readBatch("[{},]".getBytes(UTF_8)))
                .isInstanceOf(Rejection.ParseError.class);
    }
}
