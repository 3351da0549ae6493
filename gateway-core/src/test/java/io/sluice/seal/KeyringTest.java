package io.sluice.seal;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class KeyringTest {
    private static final byte[] NOTHING = {};

    @Test
    void replicasWithTheSameKeyOpenEachOthersTokens() {
        byte[] root = key(1);

        String token = Keyring.of(root).sealer("session").seal("state".getBytes(UTF_8), NOTHING);

        assertThat(Keyring.of(root.clone()).sealer("session").open(token, NOTHING))
                .hasValue("state".getBytes(UTF_8));
    }

    @Test
    void eachPurposeHasItsOwnKeyAndName() {
        Keyring keyring = Keyring.of(key(1));

        String token = keyring.sealer("session").seal(NOTHING, NOTHING);

        assertThat(keyring.sealer("cursor").open(token, NOTHING)).isEmpty();
        assertThat(kid(keyring.sealer("cursor").seal(NOTHING, NOTHING))).isNotEqualTo(kid(token));
    }

    @Test
    void previousKeyOpensAndOnlyTheCurrentOneSeals() {
        Sealer before = Keyring.of(key(1)).sealer("session");
        Sealer during = Keyring.of(key(2), key(1)).sealer("session");
        Sealer after = Keyring.of(key(2)).sealer("session");
        String old = before.seal(NOTHING, NOTHING);
        String fresh = during.seal(NOTHING, NOTHING);

        assertThat(during.open(old, NOTHING)).isPresent();
        assertThat(after.open(old, NOTHING)).isEmpty();
        assertThat(after.open(fresh, NOTHING)).isPresent();
        assertThat(before.open(fresh, NOTHING)).isEmpty();
    }

    @Test
    void randomKeyringsDiffer() {
        String token = Keyring.random().sealer("session").seal(NOTHING, NOTHING);

        assertThat(Keyring.random().sealer("session").open(token, NOTHING)).isEmpty();
    }

    @Test
    void keysOfAnotherSizeAreRefused() {
        for (int size : new int[] {0, 16, 31, 33, 64}) {
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> Keyring.of(Arrays.copyOf(key(1), size)))
                    .withMessageContaining(size + " bytes");
        }
        assertThatIllegalArgumentException().isThrownBy(() -> Keyring.of(key(1), new byte[31]));
    }

    @Test
    void keyOfOneByteRepeatedIsRefused() {
        assertThatIllegalArgumentException().isThrownBy(() -> Keyring.of(new byte[32]));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Keyring.of(key(1), "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa".getBytes(UTF_8)));
    }

    @Test
    void purposeMustBeAName() {
        assertThatIllegalArgumentException().isThrownBy(() -> Keyring.of(key(1)).sealer(""));
        assertThatIllegalArgumentException().isThrownBy(() -> Keyring.of(key(1)).sealer("a/b"));
    }

    @Test
    void textFormsTellNothingOfTheKey() {
        byte[] root = key(1);
        Keyring keyring = Keyring.of(root, key(2));
        Sealer sealer = keyring.sealer("session");

        assertThat(keyring.toString()).isEqualTo("Keyring[2 keys]");
        assertThat(keyring + " " + sealer)
                .doesNotContain(HexFormat.of().formatHex(root, 0, 4))
                .doesNotContain(Base64.getEncoder().encodeToString(root).substring(0, 6));
        assertThat(kid(sealer.seal(NOTHING, NOTHING))).hasSize(8);
    }

    @Test
    void callersArrayMayBeWipedAfterwards() {
        byte[] root = key(1);
        Keyring keyring = Keyring.of(root);
        String token = keyring.sealer("session").seal(NOTHING, NOTHING);

        Arrays.fill(root, (byte) 0);

        assertThat(keyring.sealer("session").open(token, NOTHING)).isPresent();
    }

    private static String kid(String token) {
        return token.split("\\.", -1)[1];
    }

    static byte[] key(int seed) {
        byte[] key = new byte[32];
        new Random(seed).nextBytes(key);
        return key;
    }
}
