package io.sluice.benchmarks.micro;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.sluice.envelope.Envelope;
import io.sluice.envelope.EnvelopeReader;
import io.sluice.envelope.MessageReader;
import io.sluice.envelope.Patch;
import io.sluice.envelope.RequestId;
import io.sluice.envelope.ResponseFilter;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;

/**
 * What it costs to read the envelope of a {@code tools/call} of the modern era, to rewrite its name, and to rewrite the
 * id of a response of the same size that streams by; Jackson's streaming parser, with and without its check for
 * duplicate keys, is the reference.
 *
 * <pre>{@code
 * ./mvnw -pl benchmarks -am package -DskipTests && java -jar benchmarks/target/benchmarks.jar EnvelopeBenchmark -prof gc
 * }</pre>
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(3)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class EnvelopeBenchmark {
    private static final Map<String, String> LACKING = Map.of("resultType", "\"complete\"");
    private static final RequestId ID = RequestId.of("17-replica");

    /** Size of the message in bytes, roughly. */
    @Param({"300", "2000", "100000"})
    public int size;

    private final JsonFactory jackson = JsonFactory.builder().build();
    private final JsonFactory strictJackson = JsonFactory.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .build();

    private byte[] call = new byte[0];
    private byte[] response = new byte[0];
    private ByteBuf streamed = Unpooled.EMPTY_BUFFER;

    @Setup
    public void makeMessages() {
        call = call(size);
        response = ("{\"jsonrpc\":\"2.0\",\"id\":\"a-17\",\"result\":{\"content\":["
                        + "{\"type\":\"text\",\"text\":\"" + "lorem ipsum ".repeat(Math.max(1, size / 12 - 10))
                        + "\"}],\"isError\":false}}")
                .getBytes(UTF_8);
        streamed = Unpooled.directBuffer(response.length).writeBytes(response);
    }

    /** Arguments as a form or a document has them: short members, then text of some length. */
    private static byte[] call(int size) {
        StringBuilder json =
                new StringBuilder("{\"jsonrpc\":\"2.0\",\"id\":\"a-17\",\"method\":\"tools/call\",\"params\":"
                        + "{\"name\":\"weather__forecast\",\"arguments\":{\"city\":\"Kraków\",\"days\":3");
        String meta = "},\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
                + "\"io.modelcontextprotocol/clientCapabilities\":{},\"progressToken\":7}}}";
        for (int i = 0; json.length() + meta.length() + 80 < size; i++) {
            json.append(",\"field")
                    .append(i)
                    .append("\":[\"some text of ordinary length, \\\"quoted\\\" once\",")
                    .append(i)
                    .append(']');
        }
        return json.append(meta).toString().getBytes(UTF_8);
    }

    @Benchmark
    public Envelope scan() {
        return EnvelopeReader.read(call);
    }

    @Benchmark
    public Envelope scanLeniently() {
        return MessageReader.read(call).orElseThrow();
    }

    @Benchmark
    public byte[] scanAndRename() {
        Envelope envelope = EnvelopeReader.read(call);
        return new Patch(envelope).replaceText(envelope.name(), "forecast").toBytes();
    }

    @Benchmark
    public boolean rewriteStreamedId() {
        ResponseFilter rewriter = new ResponseFilter(ID);
        rewriter.push(streamed.retainedDuplicate()).release();
        return rewriter.finish().complete();
    }

    /** All that is done to an answer that passes: its id, URIs that may change, members that it may lack. */
    @Benchmark
    public boolean filterAnswer() {
        ResponseFilter filter = new ResponseFilter(ID, uri -> uri, LACKING);
        filter.push(streamed.retainedDuplicate()).release();
        return filter.finish().complete();
    }

    @Benchmark
    public int jacksonStreaming() {
        return tokens(jackson);
    }

    @Benchmark
    public int jacksonStreamingStrict() {
        return tokens(strictJackson);
    }

    private int tokens(JsonFactory factory) {
        try (JsonParser parser = factory.createParser(ObjectReadContext.empty(), call)) {
            int found = 0;
            for (JsonToken token = parser.nextToken(); token != null; token = parser.nextToken()) {
                if (token == JsonToken.PROPERTY_NAME && parser.currentName().equals("name")) {
                    parser.nextToken();
                    found += parser.getString().length();
                }
            }
            return found;
        }
    }
}
