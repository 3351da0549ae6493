package io.sluice.benchmarks.micro;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.HttpHeaders;
import io.sluice.auth.Caller;
import io.sluice.cache.CacheRule;
import io.sluice.cache.CacheSettings;
import io.sluice.cache.Kept;
import io.sluice.cache.Place;
import io.sluice.cache.ResultCache;
import io.sluice.call.Call;
import io.sluice.call.Inbound;
import io.sluice.catalog.Catalog;
import io.sluice.catalog.CatalogSettings;
import io.sluice.catalog.Contribution;
import io.sluice.catalog.Definition;
import io.sluice.catalog.Listing;
import io.sluice.catalog.Mount;
import io.sluice.catalog.Target;
import io.sluice.egress.EgressPolicy;
import io.sluice.envelope.Envelope;
import io.sluice.envelope.EnvelopeReader;
import io.sluice.protocol.Era;
import io.sluice.protocol.McpMethod;
import io.sluice.protocol.ProtocolVersion;
import io.sluice.protocol.RawJson;
import io.sluice.registry.Backend;
import io.sluice.registry.Registration;
import io.sluice.upstream.Reply;
import io.sluice.upstream.Upstream;
import io.sluice.upstream.UpstreamSettings;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
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
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.resources.LoopResources;

/**
 * What looking for an answer that is kept adds to a call: for a tool while nothing is configured, and while other tools
 * are; and what a hit costs from its key to the whole answer.
 *
 * <p>{@code java -jar benchmarks/target/benchmarks.jar CacheBenchmark -prof gc}
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(3)
public class CacheBenchmark {
    @Param({"300", "100000"})
    public int size;

    private final ResultCache unconfigured = new ResultCache(System::nanoTime);
    private final ResultCache configured = new ResultCache(System::nanoTime);
    private final LoopResources loops = LoopResources.create("benchmark", 1, true);
    private @Nullable Upstream upstream;
    private @Nullable Call look;
    private @Nullable Call other;
    private @Nullable Target looked;
    private @Nullable Target unlisted;

    @Setup
    public void setUp() {
        Backend backend = Backend.of("search", "http://127.0.0.1:1/mcp", Backend.Source.FILE);
        Upstream way = Upstream.open(
                backend,
                UpstreamSettings.of(
                        loops,
                        EgressPolicy.of(true, List.of()),
                        "test",
                        () -> ThreadLocalRandom.current().nextLong()));
        Mount mount = Catalog.build(List.of(contribution(backend)), Catalog.EMPTY, CatalogSettings.DEFAULT)
                .aggregate();
        upstream = way;
        looked = mount.tool("look").orElseThrow();
        unlisted = mount.tool("other").orElseThrow();
        look = call(mount, "look");
        other = call(mount, "other");
        for (ResultCache cache : List.of(unconfigured, configured)) {
            cache.follow(Map.of("search", way));
        }
        configured.apply(
                CacheSettings.STANDARD.withTools(List.of(new CacheRule("search", "look", Duration.ofHours(1), false))));
        byte[] answer = ("{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"resultType\":\"complete\",\"content\":"
                        + "[{\"type\":\"text\",\"text\":\"" + "x".repeat(size) + "\"}]}}")
                .getBytes(StandardCharsets.UTF_8);
        Place place = Objects.requireNonNull(place(configured, look, looked));
        place.reply(
                        false,
                        () -> Mono.just(new Reply.Json(200, Flux.just(Unpooled.wrappedBuffer(answer)), true)),
                        Mono::empty)
                .block();
        Objects.requireNonNull(hit()).release();
    }

    @TearDown
    public void tearDown() {
        unconfigured.dispose();
        configured.dispose();
        Objects.requireNonNull(upstream).dispose();
        loops.dispose();
    }

    private static Contribution contribution(Backend backend) {
        List<Definition> tools = List.of(tool("look"), tool("other"));
        Listing listing = new Listing(
                ProtocolVersion.LATEST_MODERN,
                RawJson.of("{\"tools\":{}}"),
                Optional.empty(),
                Optional.empty(),
                tools,
                List.of(),
                List.of(),
                List.of(),
                Duration.ZERO,
                false);
        return new Contribution(new Registration(backend, 1, 1), Optional.of(listing), Optional.empty());
    }

    private static Definition tool(String name) {
        return new Definition(name, RawJson.of("{\"name\":\"" + name + "\",\"inputSchema\":{\"type\":\"object\"}}"));
    }

    private static Call call(Mount mount, String tool) {
        Envelope envelope = EnvelopeReader.read(("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/call\",\"params\":"
                        + "{\"name\":\"" + tool + "\",\"arguments\":{\"city\":\"Paris\",\"days\":3},\"_meta\":"
                        + "{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
                        + "\"io.modelcontextprotocol/clientCapabilities\":{}}}}")
                .getBytes(StandardCharsets.UTF_8));
        HttpHeaders none = new DefaultHttpHeaders();
        return new Call(
                Inbound.of("", none),
                new Caller("agent", "acme", false),
                mount,
                envelope,
                McpMethod.TOOLS_CALL,
                ProtocolVersion.LATEST_MODERN);
    }

    private @Nullable Place place(ResultCache cache, @Nullable Call call, @Nullable Target target) {
        return cache.place(
                Objects.requireNonNull(call),
                Objects.requireNonNull(target),
                Objects.requireNonNull(upstream),
                Era.MODERN,
                null);
    }

    /** No tool is configured: what every call pays. */
    @Benchmark
    public @Nullable Place nothingConfigured() {
        return place(unconfigured, other, unlisted);
    }

    /** Another tool of the same backend is configured. */
    @Benchmark
    public @Nullable Place anotherToolConfigured() {
        return place(configured, other, unlisted);
    }

    /** From the key to the whole answer under the id of the call. */
    @Benchmark
    public @Nullable ByteBuf hit() {
        Place place = Objects.requireNonNull(place(configured, look, looked));
        Kept kept = place.find();
        return kept == null ? null : place.answer(kept);
    }
}
