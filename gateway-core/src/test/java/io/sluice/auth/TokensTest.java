package io.sluice.auth;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Base64;
import java.util.HexFormat;
import java.util.Random;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class TokensTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "   ",
                "a",
                "short",
                "mcp-token-123",
                "MCP_TOKEN_123",
                "mcp-token-1234567",
                "changeme",
                "change-me-please",
                "ChangeMe-ChangeMe-ChangeMe",
                "your-token-here",
                "your-bearer-token-here",
                "<your-token>",
                "<a-very-long-token-indeed>",
                "${MCP_BEARER_TOKEN_OF_MINE}",
                "{{ token }}",
                "[insert the token]",
                "my-token",
                "my-secret-token-42",
                "optional-bearer-token",
                "secret",
                "supersecret",
                "password",
                "Passw0rd!Passw0rd!",
                "test-token",
                "admin-token-0001",
                "example-token-value",
                "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                "00000000000000000000000000000000",
                "0101010101010101",
                "abcabcabcabcabcabcabc",
                "k7Qz2mN9k7Qz2mN9k7Qz2mN9",
                "1234567890123456",
                "12345678901234567890",
                "0123456789abcdef",
                "abcdefghijklmnopqrstuvwxyz",
                "zyxwvutsrqponmlk",
                "qwertyuiopasdfgh",
                "112233445566778899",
                "deadbeefdeadbeef",
                "foobarfoobarfoobar",
                "k7Qz2mN9vX4bR8t",
                "k7Qz2mN9 vX4bR8tL1pW6",
                "k7Qz2mN9éX4bR8tL1pW6",
                "letmein-letmein-2026"
            })
    void carelessTokensAreWeak(String token) {
        assertThat(Tokens.weakness(token)).isPresent();
        if (token.length() > 5) {
            assertThat(Tokens.weakness(token).orElseThrow()).doesNotContainIgnoringCase(token);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "k7Qz2mN9vX4bR8tL",
                "9f86d081884c7d65",
                "test-token-k7Qz2mN9vX4bR8tL1pW6yD3s",
                "mcp_7d1f0c5b9ae24836",
                "sk-proj-Zx81mQ0vT6nLr4Hw9YbEcJ2s",
                "correct-horse-battery-staple"
            })
    void longIrregularTokensAreNot(String token) {
        assertThat(Tokens.weakness(token)).isEmpty();
    }

    @Test
    void randomTokensAreNeverCalledWeak() {
        long seed = System.nanoTime();
        System.out.println("TokensTest seed " + seed);
        Random random = new Random(seed);
        for (int i = 0; i < 20_000; i++) {
            byte[] bytes = new byte[16 + random.nextInt(32)];
            random.nextBytes(bytes);

            assertThat(Tokens.weakness(HexFormat.of().formatHex(bytes))).isEmpty();
            assertThat(Tokens.weakness(Base64.getEncoder().encodeToString(bytes)))
                    .isEmpty();
            assertThat(Tokens.weakness(Base64.getUrlEncoder().encodeToString(bytes)))
                    .isEmpty();
            assertThat(Tokens.weakness(new UUID(random.nextLong(), random.nextLong()).toString()))
                    .isEmpty();
        }
    }

    @Test
    void reasonNamesTheNumbers() {
        assertThat(Tokens.weakness("k7Qz2mN9vX4bR8t")).hasValue("is 15 characters long; use at least 16");
        assertThat(Tokens.weakness("t".repeat(9000))).hasValue("is 9000 characters long; at most 8192 are read");
    }
}
