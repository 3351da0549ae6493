package io.sluice.envelope;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.sluice.envelope.JacksonReference.Refused;
import io.sluice.protocol.RawJson;
import io.sluice.rejection.Rejection;
import java.util.Arrays;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Bytes of any kind at the readers, the patch and the rewriter: nothing but the documented refusals may come out, and
 * what is accepted must be what Jackson accepts. {@link EnvelopeFuzzTest} runs the kept inputs in every build. A minute
 * of fuzzing, with another {@code -Dfuzz.seconds=…} more:
 *
 * <pre>{@code
 * mkdir -p gateway-core/target/fuzz/corpus && ./mvnw -Pfuzz -pl gateway-core test-compile exec:exec
 * }</pre>
 *
 * An input that fails is written to {@code target/fuzz}; keep it in {@code src/test/resources/fuzz/envelope}. Jazzer
 * runs in a process of its own, because its agent instruments whatever shares the JVM with it.
 */
public final class EnvelopeFuzz {
    private EnvelopeFuzz() {}

    /** The entry point that Jazzer looks for. */
    public static void fuzzerTestOneInput(byte[] data) {
        readers(data);
        rewriter(data);
    }

    private static void readers(byte[] data) {
        Envelope strict = strict(data);
        Optional<Envelope> lenient = MessageReader.read(data);
        RequestId id = EnvelopeReader.idOf(data);
        if (strict != null) {
            Envelope same = lenient.orElseThrow();
            assertThat(same.kind()).isEqualTo(strict.kind());
            assertThat(same.id()).isEqualTo(strict.id()).isEqualTo(id);
            assertThat(same.name()).isEqualTo(strict.name());
            assertThat(reference(data)).isTrue();
        }
        lenient.ifPresent(EnvelopeFuzz::patched);
        if (EnvelopeReader.isBatch(data)) {
            batch(data);
        }
    }

    private static @Nullable Envelope strict(byte[] data) {
        try {
            return EnvelopeReader.read(data);
        } catch (Rejection.ParseError | Rejection.InvalidRequest e) {
            return null;
        }
    }

    private static void batch(byte[] data) {
        try {
            assertThat(EnvelopeReader.readBatch(data)).isNotEmpty();
        } catch (Rejection.ParseError | Rejection.InvalidRequest e) {
            assertThat(e.reason()).isNotEmpty();
        }
    }

    private static boolean reference(byte[] data) {
        try {
            JacksonReference.strict().read(data);
            return true;
        } catch (Refused e) {
            return false;
        }
    }

    private static void patched(Envelope envelope) {
        Patch patch = new Patch(envelope);
        envelope.members(envelope.params()).values().forEach(patch::removeMember);
        byte[] emptied = patch.putParamsMember("added", RawJson.of("1")).toBytes();
        Envelope again = MessageReader.read(emptied).orElseThrow();
        assertThat(again.raw(again.member(again.params(), "added"))).hasToString("1");
    }

    /** The first byte says how large the pieces are. */
    private static void rewriter(byte[] data) {
        if (data.length == 0) {
            return;
        }
        byte[] response = Arrays.copyOfRange(data, 1, data.length);
        ResponseFilter whole = new ResponseFilter(RequestId.of(7));
        byte[] expected = drained(whole.push(Unpooled.wrappedBuffer(response)));
        ResponseFilter cut = new ResponseFilter(RequestId.of(7));
        ByteBuf out = Unpooled.buffer();
        int size = 1 + (data[0] & 0xFF);
        for (int from = 0; from < response.length; from += size) {
            int length = Math.min(size, response.length - from);
            out.writeBytes(drained(cut.push(Unpooled.wrappedBuffer(response, from, length))));
        }

        assertThat(drained(out)).isEqualTo(expected);
        assertThat(cut.finish()).isEqualTo(whole.finish());
        if (MessageReader.read(response).isPresent()) {
            assertThat(whole.finish().complete()).isTrue();
            assertThat(MessageReader.read(expected)).isPresent();
        }
    }

    private static byte[] drained(ByteBuf buffer) {
        byte[] bytes = new byte[buffer.readableBytes()];
        buffer.readBytes(bytes).release();
        return bytes;
    }
}
