package io.sluice.wire;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.util.AsciiString;
import java.nio.CharBuffer;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

class HeadBytesTest {
    private static String said(HeadBytes head) {
        ByteBuf buffer = head.toBuffer(UnpooledByteBufAllocator.DEFAULT, 3);
        try {
            assertThat(buffer.writableBytes()).isGreaterThanOrEqualTo(3);
            return buffer.toString(ISO_8859_1);
        } finally {
            buffer.release();
        }
    }

    @Test
    void linesStandAsTheyAreOnTheWire() {
        HeadBytes head = HeadBytes.begin()
                .bytes(new byte[] {'G', ' '})
                .text(new AsciiString("xabc").subSequence(1))
                .lineEnd()
                .line("a", "1")
                .line(AsciiString.of("B"), CharBuffer.wrap("2"))
                .lineEnd();

        assertThat(said(head)).isEqualTo("G abc\r\na: 1\r\nB: 2\r\n\r\n");
    }

    @Test
    void whatIsNoCharacterOfAHeadCannotBecomeAnEndOfLine() {
        assertThat(said(HeadBytes.begin().line("a", "\u010D\u010Aé"))).isEqualTo("a: ??é\r\n");
    }

    @Test
    void numbersAreDecimal() {
        for (int number : new int[] {0, 7, 9, 10, 99, 100, 65_535, Integer.MAX_VALUE}) {
            assertThat(said(HeadBytes.begin().number(number))).isEqualTo(Integer.toString(number));
        }
    }

    @Test
    void everyPieceFindsRoom() throws Exception {
        for (int before = 1010; before <= 1030; before++) {
            String text = "x".repeat(before);
            Supplier<String> grown = () -> said(HeadBytes.begin()
                    .text(text)
                    .bytes(new byte[] {'1', '2', '3', '4', '5', '6'})
                    .number(78));
            // a thread of its own each time: what has grown stays so
            assertThat(CompletableFuture.supplyAsync(grown, task -> new Thread(task).start())
                            .get(5, TimeUnit.SECONDS))
                    .isEqualTo(text + "12345678");
        }
    }

    @Test
    void longHeadIsFollowedByShortOnes() {
        String text = "x".repeat(100_000);

        assertThat(said(HeadBytes.begin().text(text).text("y"))).isEqualTo(text + "y");
        assertThat(said(HeadBytes.begin().text("z"))).isEqualTo("z");
    }
}
