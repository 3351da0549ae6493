package io.sluice.upstream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SseReaderTest {
    private static final String STREAM = "\uFEFF: hello\r\n\r\nid: a1\r\ndata: \r\n\r\n"
            + "event: message\rdata: {\"text\":\"Zürich 🙂\"}\r\r"
            + "data: {\"a\":\ndata: 1}\nid: b2\nretry: 1500\nunknown: x\n\n"
            + "event: ping\ndata\n\n"
            + "data:no blank\n\n"
            + "id:\n\n"
            + "data: never dispatched\n";

    @Test
    void eventsAreTheSameWhereverTheStreamIsCut() {
        byte[] bytes = STREAM.getBytes(StandardCharsets.UTF_8);
        List<String> whole = read(bytes, bytes.length);

        assertThat(whole)
                .containsExactly(
                        "comment",
                        "a1||",
                        "a1|message|{\"text\":\"Zürich 🙂\"}",
                        "retry PT1.5S",
                        "b2||{\"a\":\n1}",
                        "b2|ping|",
                        "b2||no blank",
                        "||null");
        for (int cut = 1; cut < bytes.length; cut++) {
            SseReader reader = new SseReader(1024);
            List<String> found = new ArrayList<>();
            feed(reader, bytes, 0, cut, found);
            feed(reader, bytes, cut, bytes.length, found);
            assertThat(found).as("cut at %d", cut).isEqualTo(whole);
        }
        for (int size = 1; size < 9; size++) {
            assertThat(read(bytes, size)).as("pieces of %d", size).isEqualTo(whole);
        }
    }

    @Test
    void randomStreamsReadAsALineSplitterReadsThem() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        String[] parts = {
            "data: x", "data:", "data", ":c", "id: 7", "id", "event: e", "\n", "\r\n", "\r", "ä", " ", "retry: 9"
        };
        for (int round = 0; round < 2_000; round++) {
            StringBuilder text = new StringBuilder();
            for (int i = random.nextInt(30); i >= 0; i--) {
                text.append(parts[random.nextInt(parts.length)]);
            }
            byte[] bytes = text.toString().getBytes(StandardCharsets.UTF_8);

            List<String> found = read(bytes, 1 + random.nextInt(5));

            assertThat(found).as("seed %d: %s", seed, text).isEqualTo(slowly(text.toString()));
        }
    }

    /** The standard's algorithm, on a whole text. */
    private static List<String> slowly(String text) {
        List<String> found = new ArrayList<>();
        String[] lines = text.split("\r\n|\r|\n", -1);
        String data = null;
        String type = "";
        String id = null;
        boolean idHere = false;
        for (int i = 0; i < lines.length - 1; i++) {
            String line = lines[i];
            if (line.isEmpty()) {
                if (data != null || idHere) {
                    found.add((id == null ? "null" : id) + "|" + type + "|" + data);
                }
                data = null;
                type = "";
                idHere = false;
                continue;
            }
            if (line.startsWith(":")) {
                found.add("comment");
                continue;
            }
            int colon = line.indexOf(':');
            String name = colon < 0 ? line : line.substring(0, colon);
            String value = colon < 0 ? "" : line.substring(colon + 1);
            value = value.startsWith(" ") ? value.substring(1) : value;
            switch (name) {
                case "data" -> data = data == null ? value : data + "\n" + value;
                case "event" -> type = value;
                case "id" -> {
                    id = value;
                    idHere = true;
                }
                case "retry" -> {
                    if (value.matches("[0-9]+")) {
                        found.add("retry " + Duration.ofMillis(Long.parseLong(value)));
                    }
                }
                default -> {}
            }
        }
        return found;
    }

    @Test
    void eventLongerThanAllowedIsRefusedBeforeItIsWhole() {
        SseReader reader = new SseReader(100);
        ByteBuf start = Unpooled.copiedBuffer("data: " + "x".repeat(200), StandardCharsets.UTF_8);

        assertThatThrownBy(() -> reader.read(start)).hasMessageContaining("100 bytes");
    }

    @Test
    void manyLinesCountTogether() {
        SseReader reader = new SseReader(1_000);
        ByteBuf lines = Unpooled.copiedBuffer("data: 0123456789\n".repeat(200), StandardCharsets.UTF_8);

        assertThatThrownBy(() -> reader.read(lines)).hasMessageContaining("1000 bytes");
    }

    @Test
    void writtenEventsAreReadBack() {
        byte[] event = SseWriter.event("9", "{\"a\":\r\n1}".getBytes(StandardCharsets.UTF_8));
        byte[] retry = SseWriter.retry(Duration.ofSeconds(2));
        byte[] stream = Unpooled.copiedBuffer(
                        Unpooled.wrappedBuffer(event),
                        Unpooled.wrappedBuffer(SseWriter.comment()),
                        Unpooled.wrappedBuffer(retry),
                        Unpooled.wrappedBuffer(SseWriter.event("10", new byte[0])))
                .array();

        assertThat(read(stream, 3)).containsExactly("9|message|{\"a\":  1}", "comment", "retry PT2S", "10||");
    }

    private static List<String> read(byte[] bytes, int pieces) {
        SseReader reader = new SseReader(1024);
        List<String> found = new ArrayList<>();
        for (int at = 0; at < bytes.length; at += pieces) {
            feed(reader, bytes, at, Math.min(bytes.length, at + pieces), found);
        }
        return found;
    }

    private static void feed(SseReader reader, byte[] bytes, int from, int to, List<String> found) {
        for (SseItem item : reader.read(Unpooled.wrappedBuffer(bytes, from, to - from))) {
            if (item instanceof SseItem.Dispatched event) {
                byte[] data = event.data();
                found.add(event.id() + "|" + event.type() + "|"
                        + (data == null ? "null" : new String(data, StandardCharsets.UTF_8)));
            } else {
                found.add(item instanceof SseItem.Retry retry ? "retry " + retry.after() : "comment");
            }
        }
    }
}
