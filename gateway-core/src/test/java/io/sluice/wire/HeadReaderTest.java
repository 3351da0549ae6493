package io.sluice.wire;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseDecoder;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class HeadReaderTest {
    private static final int CASES = 3000;

    private final HeadReader reader = new HeadReader();

    private @Nullable HeaderLines read(String head) {
        ByteBuf in = Unpooled.copiedBuffer(head, ISO_8859_1);
        try {
            return reader.read(in, 0);
        } finally {
            in.release();
        }
    }

    private static HeaderLines some(@Nullable HeaderLines lines) {
        return Objects.requireNonNull(lines);
    }

    @Test
    void linesAreReadWithoutTheSpaceAroundTheirValues() {
        String head = "POST /mcp HTTP/1.1\r\nHost: a\r\nX-Empty:\r\nx-y:\t b c \t\r\nX-Y: d\r\n\r\n";
        HeaderLines lines = some(read(head + "body"));

        assertThat(reader.firstLine()).isEqualTo("POST /mcp HTTP/1.1");
        assertThat(reader.length()).isEqualTo(head.length());
        assertThat(lines.get("host")).isEqualTo("a");
        assertThat(lines.get("x-empty")).isEmpty();
        assertThat(lines.getAll("X-Y")).containsExactly("b c", "d");
        assertThat(lines.size()).isEqualTo(4);
    }

    @Test
    void lineThatStaysTheSameIsTheSameString() {
        HeaderLines first = some(read("A /1 B\r\nHost: a\r\nn: 1\r\nOther: o\r\n\r\n"));
        String line = reader.firstLine();
        HeaderLines second = some(read("A /1 B\r\nHost: a\r\nn: 23\r\nOther: o\r\n\r\n"));

        assertThat(reader.firstLine()).isSameAs(line);
        assertThat(second.get("host")).isSameAs(first.get("host"));
        assertThat(second.get("other")).isSameAs(first.get("other"));
        assertThat(first.get("n")).isEqualTo("1");
        assertThat(second.get("n")).isEqualTo("23");
    }

    @Test
    void whatWasReadBeforeDoesNotChangeByWhatIsReadLater() {
        HeaderLines first = some(read("A\r\na: 1\r\nb: 2\r\n\r\n"));
        HeaderLines second = some(read("A\r\na: 1\r\nc: 2\r\nd: 3\r\n\r\n"));
        second.set("a", "changed").add("e", "4");
        HeaderLines third = some(read("A\r\na: 1\r\n\r\n"));

        assertThat(first.entries()).hasToString("[a=1, b=2]");
        assertThat(second.entries()).hasToString("[c=2, d=3, a=changed, e=4]");
        assertThat(third.entries()).hasToString("[a=1]");
    }

    @Test
    void whatIsFoundDoesNotDependOnWhatOtherHeadsWereAskedFor() {
        for (String name : List.of("host", "Host", "x-y", "X-Y", "other")) {
            HeaderLines lines = some(read("A\r\nHost: a\r\nX-y: 1\r\nx-Y: 2\r\nOther: 3\r\n\r\n"));
            assertThat(lines.count(name)).isEqualTo(name.equalsIgnoreCase("x-y") ? 2 : 1);
            assertThat(lines.get(name)).isEqualTo(lines.getAll(name).get(0));
            assertThat(lines.contains("absent")).isFalse();
        }
        HeaderLines shorter = some(read("A\r\nHost: b\r\nX-y: 1\r\n\r\n"));
        HeaderLines other = some(read("A\r\nX-Y: 4\r\nHost: c\r\nOther: 5\r\n\r\n"));

        assertThat(shorter.contains("other")).isFalse();
        assertThat(shorter.getAll("x-y")).containsExactly("1");
        assertThat(shorter.get("host")).isEqualTo("b");
        assertThat(other.get("x-y")).isEqualTo("4");
        assertThat(other.get("host")).isEqualTo("c");
        assertThat(other.get("other")).isEqualTo("5");
    }

    @Test
    void whatIsNotOrdinaryIsLeftToOthers() {
        for (String head : List.of(
                "A\r\na: 1\r\n",
                "A\r\na: 1\r\n\r",
                "A\na: 1\r\n\r\n",
                "A\r\na: 1\n\r\n",
                "A\r\na: 1\r\n\n",
                "A\r\na: 1\r\n b\r\n\r\n",
                "A\r\na : 1\r\n\r\n",
                "A\r\n: 1\r\n\r\n",
                "A\r\na\r\n\r\n",
                "A\r\na: \0\r\n\r\n",
                "A\r\na: 1\r2\r\n\r\n",
                "\r\nA\r\na: 1\r\n\r\n",
                "A\r\na: " + "x".repeat(9000) + "\r\n\r\n",
                "A\r\n" + "a: 1\r\n".repeat(60) + "\r\n",
                "")) {
            some(read("A\r\na: 1\r\n\r\n"));
            assertThat(read(head)).as(head).isNull();
        }
    }

    /** Answers that are right, or wrong in one place, whole or in two pieces, one after the other on one connection. */
    @Test
    void decoderWithAShortWaySaysWhatTheOneWithoutSays() {
        Random random = new Random(20261121);
        EmbeddedChannel one = new EmbeddedChannel(new AnswerDecoder(config()));
        EmbeddedChannel other = new EmbeddedChannel(new HttpResponseDecoder(config()));
        for (int i = 0; i < CASES; i++) {
            byte[] answer = answer(random).getBytes(ISO_8859_1);
            int cut = random.nextInt(4) == 0 ? random.nextInt(answer.length) : answer.length;
            String here = told(one, answer, cut);
            String there = told(other, answer, cut);

            assertThat(here)
                    .as(new String(answer, ISO_8859_1) + " cut at " + cut)
                    .isEqualTo(there);
            if (!there.endsWith("end")) {
                // broken for good, or in the middle of something: another connection
                one.finishAndReleaseAll();
                other.finishAndReleaseAll();
                one = new EmbeddedChannel(new AnswerDecoder(config()));
                other = new EmbeddedChannel(new HttpResponseDecoder(config()));
            }
        }
        one.finishAndReleaseAll();
        other.finishAndReleaseAll();
    }

    private static HttpDecoderConfig config() {
        return new HttpDecoderConfig().setAllowDuplicateContentLengths(false);
    }

    private static String answer(Random random) {
        String body = "{\"n\":" + random.nextInt(100_000) + "}";
        List<String> lines = new ArrayList<>(List.of(
                "Content-Type: application/json",
                "Content-Length: " + body.length(),
                "Server:x ",
                "Date: Sat, 21 Nov 2026 19:00:0" + random.nextInt(3) + " GMT"));
        switch (random.nextInt(14)) {
            case 0 -> lines.add("Transfer-Encoding: chunked");
            case 1 -> lines.add("Content-Length: " + (body.length() + random.nextInt(2)));
            case 2 -> lines.set(1, "Content-Length: +" + body.length());
            case 3 -> lines.set(1, "Content-Length: " + body.length() + ", " + body.length());
            case 4 -> lines.add(" folded");
            case 5 -> lines.add("Bad Name: 1");
            case 6 -> lines.remove(random.nextInt(lines.size()));
            case 7 -> lines.add("Connection: close");
            default -> {}
        }
        String first = switch (random.nextInt(10)) {
            case 0 -> "HTTP/1.1 404 Not Found";
            case 1 -> "HTTP/1.0 200 OK";
            case 2 -> "HTTP/1.1 200 ";
            case 3 -> "HTTP/1.1 100 Continue";
            default -> "HTTP/1.1 200 OK";
        };
        String end = random.nextInt(20) == 0 ? "\n" : "\r\n";
        return first + end + String.join(end, lines) + end + end + body;
    }

    private static String told(EmbeddedChannel channel, byte[] bytes, int cut) {
        channel.writeInbound(Unpooled.copiedBuffer(bytes, 0, cut));
        if (cut < bytes.length) {
            channel.writeInbound(Unpooled.copiedBuffer(bytes, cut, bytes.length - cut));
        }
        StringBuilder told = new StringBuilder();
        StringBuilder body = new StringBuilder();
        boolean ended = false;
        for (HttpObject each = channel.readInbound(); each != null; each = channel.readInbound()) {
            if (each.decoderResult().isFailure()) {
                told.append("broken ");
            } else if (each instanceof HttpResponse head) {
                told.append(head.status().code())
                        .append(head.protocolVersion())
                        .append(head.headers().entries());
            }
            if (each instanceof HttpContent content) {
                body.append(content.content().toString(ISO_8859_1));
                content.release();
                ended = content instanceof io.netty.handler.codec.http.LastHttpContent
                        && !content.decoderResult().isFailure();
            }
        }
        return told.append(body) + (ended ? " end" : "");
    }
}
