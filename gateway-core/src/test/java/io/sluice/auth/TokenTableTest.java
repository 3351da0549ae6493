package io.sluice.auth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

final class TokenTableTest {
    private static final String TOKEN = "k7Qz2mN9vX4bR8tL1pW6yD3sH5gJ0cFa";

    @Test
    void thousandsOfTokensAreEachFound() {
        TokenTable table = TokenTable.of(IntStream.range(0, 5_000)
                .mapToObj(i -> new NamedToken("agent-" + i, TOKEN + i, i % 2 == 0))
                .toList());

        for (int i = 0; i < 5_000; i++) {
            assertThat(table.caller(TOKEN + i)).hasValue(new Caller("agent-" + i, "", i % 2 == 0));
        }
        assertThat(table.caller(TOKEN + 5_000)).isEmpty();
        assertThat(table.caller(TOKEN)).isEmpty();
        assertThat(table.caller("")).isEmpty();
    }

    @Test
    void guessesAreNotFound() {
        TokenTable table = TokenTable.of(List.of(NamedToken.of(TOKEN)));
        Random random = new Random(7);
        for (int i = 0; i < 20_000; i++) {
            char[] guess = TOKEN.toCharArray();
            guess[random.nextInt(guess.length)] = (char) (0x21 + random.nextInt(0x5E));
            String text = new String(guess);
            assertThat(table.caller(text).isPresent()).isEqualTo(text.equals(TOKEN));
        }
    }

    @Test
    void oneTokenCannotStandForTwoCallers() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> TokenTable.of(
                        List.of(new NamedToken("alice", TOKEN, true), new NamedToken("bob", TOKEN, true))))
                .withMessageContaining("'alice'")
                .withMessageContaining("'bob'")
                .withMessageNotContaining(TOKEN);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> TokenTable.of(
                        List.of(new NamedToken("alice", TOKEN, true), new NamedToken("alice", TOKEN, false))));
    }

    @Test
    void tokenGivenTwiceAlikeIsOneToken() {
        assertThat(TokenTable.of(List.of(NamedToken.of(TOKEN), NamedToken.of(TOKEN))))
                .hasToString("TokenTable[1 tokens of [default]]");
    }

    @Test
    void malformedTokensAndNamesCannotBeGiven() {
        for (String secret : new String[] {"", " ", "a b", "a\tb", "a\n", "é", "\0", "t".repeat(8193)}) {
            assertThatIllegalArgumentException().isThrownBy(() -> NamedToken.of(secret));
        }
        for (String name : new String[] {"", "a b", "a:b", "n".repeat(65), "é"}) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> new NamedToken(name, TOKEN, true))
                    .withMessageNotContaining(TOKEN);
        }
    }
}
