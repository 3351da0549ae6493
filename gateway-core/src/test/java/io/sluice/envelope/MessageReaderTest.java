package io.sluice.envelope;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class MessageReaderTest {
    private static String resultType(String json) {
        Envelope message = MessageReader.read(json.getBytes(UTF_8)).orElseThrow();
        Span type = message.resultType();
        assertThat(type).isEqualTo(message.member(message.result(), "resultType"));
        return message.isString(type) ? message.text(type) : "none";
    }

    @Test
    void typeIsTheOneOfTheResultItself() {
        assertThat(resultType("{\"id\":1,\"result\":{\"a\":{\"resultType\":\"inner\"},\"result\\u0054ype\":\"task\"}}"))
                .isEqualTo("task");
        assertThat(resultType("{\"id\":1,\"resultType\":\"outer\",\"result\":{\"a\":{\"resultType\":\"inner\"}}}"))
                .isEqualTo("none");
        assertThat(resultType("{\"id\":1,\"result\":{\"resultType\":\"a\",\"resultType\":\"b\"}}"))
                .isEqualTo("b");
    }

    @Test
    void typeIsTheOneOfTheLastResult() {
        assertThat(resultType("{\"id\":1,\"result\":{\"resultType\":\"a\"},\"result\":{}}"))
                .isEqualTo("none");
        assertThat(resultType("{\"id\":1,\"result\":{},\"result\":{\"resultType\":\"a\"}}"))
                .isEqualTo("a");
        assertThat(resultType("{\"id\":1,\"result\":{\"resultType\":\"a\"},\"result\":7}"))
                .isEqualTo("none");
    }
}
