package io.sluice.benchmarks.micro;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.sluice.upstream.SseItem;
import io.sluice.upstream.SseReader;
import io.sluice.upstream.SseWriter;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What framing costs on an event stream: reading one event of 150 bytes that came whole, and writing one.
 *
 * <p>{@code java -jar benchmarks/target/benchmarks.jar EventStreamBenchmark -prof gc}
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(3)
public class EventStreamBenchmark {
    private static final byte[] MESSAGE =
            ("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"level\":\"info\",\"data\":"
                            + "\"event 17 of a call that has more to say\"}}")
                    .getBytes(UTF_8);

    private final SseReader reader = new SseReader(1 << 20);
    private final ByteBuf event = Unpooled.directBuffer()
            .writeBytes("event: message\ndata: ".getBytes(UTF_8))
            .writeBytes(MESSAGE)
            .writeBytes("\n\n".getBytes(UTF_8));

    @Benchmark
    public List<SseItem> read() {
        event.readerIndex(0);
        return reader.read(event);
    }

    @Benchmark
    public byte[] write() {
        return SseWriter.event("17-4", MESSAGE);
    }
}
