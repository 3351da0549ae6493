package io.sluice.benchmarks.micro;

import io.sluice.auth.Caller;
import io.sluice.protocol.ClientFeatures;
import io.sluice.protocol.ProtocolVersion;
import io.sluice.seal.Keyring;
import io.sluice.seal.Sealer;
import io.sluice.seal.SeededRandom;
import io.sluice.session.SessionIds;
import io.sluice.session.SessionTicket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Sealing and opening 64 bytes, and the session ids built on it. Opening is on the path of every legacy call, sealing
 * only on that of {@code initialize}.
 *
 * <p>{@code java -jar benchmarks/target/benchmarks.jar SealBenchmark -prof gc}
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(3)
public class SealBenchmark {
    private static final Instant NOW = Instant.parse("2026-11-21T12:00:00Z");

    private final Caller caller = new Caller("alice", "", false);
    private final byte[] plaintext = new byte[64];
    private final byte[] context = "cluster east, mount weather".getBytes(StandardCharsets.UTF_8);
    private final Keyring keyring = Keyring.random();
    private final Sealer sealer = keyring.sealer("benchmark");
    private final SessionIds ids =
            new SessionIds(keyring.sealer("session"), "east", Duration.ofDays(1), SeededRandom.create());
    private final String token = sealer.seal(plaintext, context);
    private final String forged = token.substring(0, token.length() - 4) + "AAAA";
    private String sessionId = "";

    @Setup
    public void openASession() {
        sessionId = newSession();
    }

    @Benchmark
    public String seal() {
        return sealer.seal(plaintext, context);
    }

    @Benchmark
    public Optional<byte[]> open() {
        return sealer.open(token, context);
    }

    @Benchmark
    public Optional<byte[]> openForged() {
        return sealer.open(forged, context);
    }

    @Benchmark
    public String newSession() {
        return ids.seal(ids.issue(
                caller,
                "weather",
                ProtocolVersion.V2025_11_25,
                ClientFeatures.NONE,
                Optional.of("inspector"),
                Optional.of("1.0.0"),
                NOW));
    }

    @Benchmark
    public Optional<SessionTicket> openSession() {
        return ids.open(sessionId, caller, "weather", NOW);
    }
}
