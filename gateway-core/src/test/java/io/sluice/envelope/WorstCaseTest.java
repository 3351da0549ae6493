package io.sluice.envelope;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import io.sluice.rejection.Rejection;
import java.time.Duration;
import java.util.function.IntFunction;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Messages of 4 MiB made to be slow. Half a second suffices for each, cold; anything quadratic takes minutes. */
class WorstCaseTest {
    private static final int SIZE = 4 * 1024 * 1024;
    private static final Duration BOUND = Duration.ofSeconds(4);

    static Stream<Arguments> slowest() {
        return Stream.of(
                Arguments.of("distinct keys", object(i -> "\"" + Integer.toString(i, 36) + "\":0")),
                Arguments.of("distinct escaped keys", object(i -> "\"\\u006b" + i + "\":0")),
                Arguments.of("objects of sixteen keys", array(i -> sixteenKeys())),
                Arguments.of("empty objects", array(i -> "{}")),
                Arguments.of("deep and back", array(i -> "[".repeat(60) + "]".repeat(60))),
                Arguments.of("one long string", "\"" + "x".repeat(SIZE) + "\""),
                Arguments.of("one string of escapes", "\"" + "\\u0041".repeat(SIZE / 6) + "\""),
                Arguments.of("one string of long characters", "\"" + "\uD83D\uDE00".repeat(SIZE / 4) + "\""),
                Arguments.of("quotes among characters", "\"" + "\\\"é".repeat(SIZE / 4) + "\""),
                Arguments.of("one long key", "{\"" + "\\n".repeat(SIZE / 2) + "\":0}"),
                Arguments.of("space", "0" + " ".repeat(SIZE)),
                Arguments.of("numbers", array(i -> "-0.1e-7")));
    }

    private static String object(IntFunction<String> member) {
        return "{" + repeated(member) + "}";
    }

    private static String array(IntFunction<String> element) {
        return "[" + repeated(element) + "]";
    }

    private static String repeated(IntFunction<String> part) {
        StringBuilder out = new StringBuilder(SIZE + 200);
        for (int i = 0; out.length() < SIZE; i++) {
            out.append(i == 0 ? "" : ",").append(part.apply(i));
        }
        return out.toString();
    }

    private static String sixteenKeys() {
        StringBuilder out = new StringBuilder("{\"\":0");
        for (char c = 'a'; c < 'p'; c++) {
            out.append(",\"").append(c).append("\":0");
        }
        return out.append('}').toString();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("slowest")
    void largestMessageIsReadInBoundedTime(String name, String value) {
        byte[] body =
                ("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":{\"x\":" + value + "}}").getBytes(UTF_8);

        Envelope envelope = assertTimeoutPreemptively(BOUND, () -> EnvelopeReader.read(body));

        assertThat(envelope.id()).as(name).isEqualTo(RequestId.of(1));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("slowest")
    void keyThatStandsTwiceIsFoundInLargestMessage(String name, String value) {
        byte[] body = ("{\"x\":" + value + ",\"y\":{\"x\":0},\"\\u0078\":0}").getBytes(UTF_8);

        Throwable refusal = assertTimeoutPreemptively(BOUND, () -> catchThrowable(() -> EnvelopeReader.read(body)));

        assertThat(refusal)
                .as(name)
                .isInstanceOf(Rejection.InvalidRequest.class)
                .hasMessageContaining("same key twice");
    }
}
