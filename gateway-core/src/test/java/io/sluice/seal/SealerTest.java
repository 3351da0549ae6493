package io.sluice.seal;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.Test;
import reactor.blockhound.BlockingOperationError;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import reactor.test.StepVerifier;

final class SealerTest {
    private static final byte[] NOTHING = {};
    private static final String BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    private final Sealer sealer = Keyring.of(KeyringTest.key(1)).sealer("session");

    @Test
    void whatIsSealedOpensAgain() {
        Random random = seeded();
        for (int length = 0; length < 400; length++) {
            byte[] plaintext = bytes(random, length);
            byte[] context = bytes(random, length % 50);

            String token = sealer.seal(plaintext, context);

            assertThat(token).matches("v1\\.[A-Za-z0-9_-]{8}\\.[A-Za-z0-9_-]+").hasSize(Sealer.tokenBytes(length));
            assertThat(sealer.open(token, context)).hasValue(plaintext);
        }
    }

    @Test
    void tokenIsAesGcmOfTheDerivedKey() throws Exception {
        byte[] root = Hkdf.extract("io.sluice.seal/v1".getBytes(UTF_8), KeyringTest.key(1));
        byte[] key = Hkdf.expand(root, "key/session".getBytes(UTF_8), 32);
        String[] parts =
                sealer.seal("state".getBytes(UTF_8), "context".getBytes(UTF_8)).split("\\.", -1);
        byte[] sealed = Base64.getUrlDecoder().decode(parts[2]);

        Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
        cipher.init(Cipher.DECRYPT_MODE, new SecretKeySpec(key, "AES"), new GCMParameterSpec(128, sealed, 0, 12));
        cipher.updateAAD((parts[0] + "." + parts[1] + ".context").getBytes(UTF_8));

        assertThat(cipher.doFinal(sealed, 12, sealed.length - 12)).isEqualTo("state".getBytes(UTF_8));
    }

    @Test
    void sameValueNeverSealsToTheSameToken() {
        Set<String> tokens = new HashSet<>();
        for (int i = 0; i < 10_000; i++) {
            tokens.add(sealer.seal(NOTHING, NOTHING).substring(0, 12 + 16));
        }
        assertThat(tokens).hasSize(10_000);
    }

    @Test
    void otherContextDoesNotOpen() {
        String token = sealer.seal("state".getBytes(UTF_8), "a".getBytes(UTF_8));

        assertThat(sealer.open(token, "b".getBytes(UTF_8))).isEmpty();
        assertThat(sealer.open(token, "a\0".getBytes(UTF_8))).isEmpty();
        assertThat(sealer.open(token, NOTHING)).isEmpty();
    }

    @Test
    void noOtherCharacterAnywhereOpens() {
        String token = sealer.seal("state".getBytes(UTF_8), NOTHING);
        List<String> accepted = new ArrayList<>();
        for (int i = 0; i < token.length(); i++) {
            for (char c : (BASE64URL + ".=+/ \t\0é\uFF21\uD800").toCharArray()) {
                String changed = token.substring(0, i) + c + token.substring(i + 1);
                if (c != token.charAt(i) && sealer.open(changed, NOTHING).isPresent()) {
                    accepted.add(changed);
                }
            }
        }
        assertThat(accepted).isEmpty();
    }

    @Test
    void everyFlippedBitIsRefused() {
        String token = sealer.seal("some state of a session".getBytes(UTF_8), NOTHING);
        for (int bit = 0; bit < token.length() * 8; bit++) {
            char[] chars = token.toCharArray();
            chars[bit / 8] ^= (char) (1 << bit % 8);

            assertThat(sealer.open(new String(chars), NOTHING))
                    .as("bit %d", bit)
                    .isEmpty();
        }
    }

    @Test
    void everyTruncationAndExtensionIsRefused() {
        String token = sealer.seal("state".getBytes(UTF_8), NOTHING);
        for (int length = 0; length < token.length(); length++) {
            assertThat(sealer.open(token.substring(0, length), NOTHING)).isEmpty();
            assertThat(sealer.open(token.substring(token.length() - length), NOTHING))
                    .isEmpty();
        }
        for (String tail : new String[] {"A", "AA", "AAA", "AAAA", "=", "==", ".", ".A", " ", "\n", "\0"}) {
            assertThat(sealer.open(token + tail, NOTHING)).isEmpty();
            assertThat(sealer.open(tail + token, NOTHING)).isEmpty();
        }
    }

    @Test
    void tokenUnderTheNameOfAnotherKeyIsRefused() {
        Sealer both = Keyring.of(KeyringTest.key(1), KeyringTest.key(2)).sealer("session");
        String[] current = both.seal(NOTHING, NOTHING).split("\\.", -1);
        String[] previous = Keyring.of(KeyringTest.key(2))
                .sealer("session")
                .seal(NOTHING, NOTHING)
                .split("\\.", -1);

        assertThat(both.open("v1." + previous[1] + "." + current[2], NOTHING)).isEmpty();
        assertThat(both.open("v1." + current[1] + "." + previous[2], NOTHING)).isEmpty();
        assertThat(both.open("v1.AAAAAAAA." + current[2], NOTHING)).isEmpty();
    }

    @Test
    void anyOtherTextIsRefusedWithoutAnException() {
        Random random = seeded();
        String genuine = sealer.seal(bytes(random, 60), NOTHING);
        for (int i = 0; i < 50_000; i++) {
            String text = random.nextBoolean() ? mutated(random, genuine) : invented(random);

            if (!text.equals(genuine)) {
                assertThat(sealer.open(text, NOTHING)).as(text).isEmpty();
            }
        }
    }

    @Test
    void threadsDoNotDisturbEachOther() {
        Flux.range(0, 20_000)
                .parallel(8)
                .runOn(Schedulers.boundedElastic())
                .doOnNext(i -> {
                    byte[] value = ("value " + i).getBytes(UTF_8);
                    byte[] context = ("context " + i % 7).getBytes(UTF_8);
                    assertThat(sealer.open(sealer.seal(value, context), context))
                            .hasValue(value);
                })
                .sequential()
                .then()
                .block();
    }

    @Test
    void eventLoopsMaySealAndOpen() {
        Keyring keyring = Keyring.of(KeyringTest.key(3));
        Sealer untouched = keyring.sealer("session");

        Mono.fromCallable(() -> untouched
                        .open(untouched.seal(NOTHING, NOTHING), NOTHING)
                        .isPresent())
                .repeat(999)
                .subscribeOn(Schedulers.parallel())
                .filter(Boolean::booleanValue)
                .count()
                .as(StepVerifier::create)
                .expectNext(1_000L)
                .verifyComplete();
        // Or else the above proves nothing.
        Mono.fromCallable(() -> new SecureRandom().nextInt())
                .subscribeOn(Schedulers.parallel())
                .as(StepVerifier::create)
                .verifyError(BlockingOperationError.class);
    }

    private static String mutated(Random random, String genuine) {
        StringBuilder text = new StringBuilder(genuine);
        for (int edits = 1 + random.nextInt(4); edits > 0 && text.length() > 0; edits--) {
            int at = random.nextInt(text.length());
            switch (random.nextInt(5)) {
                case 0 -> text.setCharAt(at, BASE64URL.charAt(random.nextInt(64)));
                case 1 -> text.setCharAt(at, (char) random.nextInt(0x10000));
                case 2 -> text.deleteCharAt(at);
                case 3 -> text.insert(at, BASE64URL.charAt(random.nextInt(64)));
                default -> text.setLength(at);
            }
        }
        return text.toString();
    }

    private static String invented(Random random) {
        String payload = Base64.getUrlEncoder().withoutPadding().encodeToString(bytes(random, random.nextInt(100)));
        return switch (random.nextInt(4)) {
            case 0 -> payload;
            case 1 -> "v1." + payload;
            case 2 -> "v1.AAAAAAAA." + payload;
            default -> "v2.AAAAAAAA." + payload;
        };
    }

    private static Random seeded() {
        long seed = System.nanoTime();
        System.out.println("SealerTest seed " + seed);
        return new Random(seed);
    }

    private static byte[] bytes(Random random, int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }
}
