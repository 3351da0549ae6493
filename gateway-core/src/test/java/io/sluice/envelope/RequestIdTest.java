package io.sluice.envelope;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RequestIdTest {
    @Test
    void idsAreEqualByTypeAndValue() {
        assertThat(RequestId.parse("1")).contains(RequestId.of(1));
        assertThat(RequestId.of("1")).isNotEqualTo(RequestId.of(1));
        assertThat(RequestId.parse("\"a\\/\\u0031\""))
                .hasValueSatisfying(id -> assertThat(id)
                        .isEqualTo(RequestId.of("a/1"))
                        .hasSameHashCodeAs(RequestId.of("a/1"))
                        .hasToString("\"a\\/\\u0031\""));
    }

    @ParameterizedTest
    @ValueSource(strings = {"\"a\"", "\"\"", "\"\\\"\"", "0", "-12", "9007199254740993"})
    void spellingIsKept(String json) {
        assertThat(RequestId.parse(json).map(RequestId::rawJson)).contains(json);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "\"", "\"a", "\"a\" ", " \"a\"", "\"a\"\"", "1.0", "1e2", "01", "1 ", "null", "{}", "\"\\\""
            })
    void anythingElseIsNoId(String json) {
        assertThat(RequestId.parse(json)).isEmpty();
    }
}
