package io.sluice.benchmarks.micro;

import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.HttpHeaders;
import io.sluice.auth.Authenticator;
import io.sluice.auth.Caller;
import io.sluice.auth.NamedToken;
import io.sluice.auth.TokenTable;
import io.sluice.rejection.Rejection;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
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
 * Naming the caller of a request by its bearer token, among 100 tokens; on the path of every call.
 *
 * <p>{@code java -jar benchmarks/target/benchmarks.jar TokenBenchmark -prof gc}
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(3)
public class TokenBenchmark {
    private static final String TOKEN = "k7Qz2mN9vX4bR8tL1pW6yD3sH5gJ0cFa";

    private final TokenTable table = TokenTable.of(tokens());
    private final Authenticator authenticator = Authenticator.bearer(() -> table);
    private final HttpHeaders known = headers(TOKEN + 42);
    private final HttpHeaders unknown = headers(TOKEN + 1042);

    @Benchmark
    public Caller known() {
        return authenticator.authenticate(known);
    }

    @Benchmark
    public Rejection unknown() {
        try {
            throw new IllegalStateException("named " + authenticator.authenticate(unknown));
        } catch (Rejection.Unauthenticated refusal) {
            return refusal;
        }
    }

    private static List<NamedToken> tokens() {
        return IntStream.range(0, 100)
                .mapToObj(i -> new NamedToken("agent-" + i, TOKEN + i, false))
                .toList();
    }

    private static HttpHeaders headers(String token) {
        return new DefaultHttpHeaders()
                .add("Host", "localhost:8080")
                .add("Content-Type", "application/json")
                .add("Accept", "application/json, text/event-stream")
                .add("Authorization", "Bearer " + token);
    }
}
