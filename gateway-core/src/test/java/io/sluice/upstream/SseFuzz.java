package io.sluice.upstream;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Any bytes as an event stream: however they are cut, the same items come out, and nothing but the documented limit is thrown. Run with
 * {@code -Dfuzz.target=io.sluice.upstream.SseFuzz -Dfuzz.seeds=fuzz/text}, see {@code EnvelopeFuzz}.
 */
public final class SseFuzz {
    private static final int MAX_EVENT_BYTES = 256;

    private SseFuzz() {}

    /** The entry point that Jazzer looks for. */
    public static void fuzzerTestOneInput(byte[] data) {
        String whole = read(data, Math.max(1, data.length));
        if (!whole.equals(read(data, 1))) {
            throw new AssertionError("one byte at a time reads differently");
        }
        int step = data.length == 0 ? 1 : 1 + Math.floorMod(data[0], 7);
        if (!whole.equals(read(data, step))) {
            throw new AssertionError(step + " bytes at a time read differently");
        }
    }

    private static String read(byte[] data, int step) {
        SseReader reader = new SseReader(MAX_EVENT_BYTES);
        List<String> items = new ArrayList<>();
        try {
            for (int i = 0; i < data.length; i += step) {
                ByteBuf part = Unpooled.wrappedBuffer(data, i, Math.min(step, data.length - i));
                try {
                    reader.read(part).forEach(item -> items.add(show(item)));
                } finally {
                    part.release();
                }
            }
        } catch (SseReader.EventTooLargeException e) {
            return "too large";
        }
        return items.toString();
    }

    private static String show(SseItem item) {
        if (!(item instanceof SseItem.Dispatched event)) {
            return item.toString();
        }
        byte[] data = event.data();
        return event.id() + "|" + event.type() + "|"
                + (data == null ? "" : new String(data, StandardCharsets.ISO_8859_1));
    }
}
