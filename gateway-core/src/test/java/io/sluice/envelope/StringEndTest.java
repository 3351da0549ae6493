package io.sluice.envelope;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import org.junit.jupiter.api.Test;

class StringEndTest {
    private static final byte[] OFTEN = "\"\\\\xy !#\u0000\u0080ñ日\uD83D\uDE00".getBytes(UTF_8);

    /** One byte after the other. */
    private static int slowly(byte[] text, int from, int to, boolean escapedAtFirst) {
        boolean escaped = escapedAtFirst;
        for (int i = from; i < to; i++) {
            if (escaped) {
                escaped = false;
            } else if (text[i] == '\\') {
                escaped = true;
            } else if (text[i] == '"') {
                return i + 1;
            }
        }
        return escaped ? StringEnd.GOES_ON_ESCAPED : StringEnd.GOES_ON;
    }

    private static void assertFound(byte[] text, int from, int to, String says) {
        byte[] within = new byte[text.length + 3];
        System.arraycopy(text, 0, within, 3, text.length);
        ByteBuffer heap = ByteBuffer.wrap(within, 3, text.length).slice().order(ByteOrder.LITTLE_ENDIAN);
        ByteBuffer direct =
                ByteBuffer.allocateDirect(text.length).put(text).flip().order(ByteOrder.LITTLE_ENDIAN);
        for (boolean escaped : new boolean[] {false, true}) {
            int expected = slowly(text, from, to, escaped);
            assertThat(StringEnd.find(heap, from, to, escaped)).as(says).isEqualTo(expected);
            assertThat(StringEnd.find(direct, from, to, escaped)).as(says).isEqualTo(expected);
        }
    }

    @Test
    void everyBytePositionIsSeen() {
        for (int at = 0; at < 100; at++) {
            for (int backslashes = 0; backslashes <= Math.min(at, 35); backslashes++) {
                byte[] text = "é".repeat(50).getBytes(UTF_8);
                text[at] = '"';
                for (int i = at - backslashes; i < at; i++) {
                    text[i] = '\\';
                }
                assertFound(text, 0, text.length, backslashes + " before " + at);
            }
        }
    }

    @Test
    void itIsFoundWhereItIsSlowly() {
        long seed = RandomJson.seed();
        Random random = new Random(seed);
        for (int round = 0; round < 20_000; round++) {
            byte[] text = new byte[1 + random.nextInt(150)];
            int rarely = 1 + random.nextInt(60);
            for (int i = 0; i < text.length; i++) {
                text[i] = random.nextInt(rarely) == 0
                        ? OFTEN[random.nextInt(OFTEN.length)]
                        : (byte) (random.nextBoolean() ? 'a' : 0x23 + random.nextInt(3));
            }
            int from = random.nextInt(text.length);
            int to = from + 1 + random.nextInt(text.length - from);
            assertFound(text, from, to, "-Dsluice.seed=" + seed + " in round " + round);
        }
    }
}
