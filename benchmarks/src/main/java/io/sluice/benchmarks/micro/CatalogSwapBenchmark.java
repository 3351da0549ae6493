package io.sluice.benchmarks.micro;

import io.sluice.catalog.Catalog;
import io.sluice.catalog.CatalogSettings;
import io.sluice.catalog.Contribution;
import io.sluice.catalog.Definition;
import io.sluice.catalog.Listing;
import io.sluice.catalog.RenderedList;
import io.sluice.catalog.Target;
import io.sluice.protocol.McpMethod;
import io.sluice.protocol.ProtocolVersion;
import io.sluice.protocol.RawJson;
import io.sluice.registry.Backend;
import io.sluice.registry.Registration;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
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

/**
 * How long it takes to replace the catalog: from nothing, when one backend of many changed its tools, and when all that
 * changed is that one is in trouble; and how long a look-up in it and a list of it take.
 *
 * <pre>java -jar benchmarks/target/benchmarks.jar CatalogSwap -prof gc</pre>
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(value = 3, jvmArgs = "-Xmx1g")
public class CatalogSwapBenchmark {
    private static final int TOOLS = 20;

    @Param({"10", "1000"})
    public int backends;

    private List<Contribution> fleet = List.of();
    private List<Contribution> oneChanged = List.of();
    private List<Contribution> oneTroubled = List.of();
    private Catalog catalog = Catalog.EMPTY;

    @Setup
    public void setUp() {
        fleet = new ArrayList<>();
        for (int i = 0; i < backends; i++) {
            fleet.add(contribution(i, TOOLS));
        }
        catalog = Catalog.build(fleet, Catalog.EMPTY, CatalogSettings.DEFAULT);
        int middle = backends / 2;
        Contribution well = fleet.get(middle);
        oneChanged = new ArrayList<>(fleet);
        oneChanged.set(middle, contribution(middle, TOOLS + 1));
        oneTroubled = new ArrayList<>(fleet);
        oneTroubled.set(middle, new Contribution(well.registration(), well.listing(), Optional.of("timed out")));
    }

    @Benchmark
    public Catalog fromNothing() {
        return Catalog.build(fleet, Catalog.EMPTY, CatalogSettings.DEFAULT);
    }

    @Benchmark
    public Catalog oneBackendChanged() {
        return Catalog.build(oneChanged, catalog, CatalogSettings.DEFAULT);
    }

    @Benchmark
    public Catalog oneBackendInTrouble() {
        return Catalog.build(oneTroubled, catalog, CatalogSettings.DEFAULT);
    }

    @Benchmark
    @OutputTimeUnit(TimeUnit.NANOSECONDS)
    public Optional<Target> lookUp() {
        return catalog.aggregate().tool("tool-7-of-5");
    }

    @Benchmark
    @OutputTimeUnit(TimeUnit.NANOSECONDS)
    public RenderedList renderedList() {
        return catalog.aggregate().list(McpMethod.TOOLS_LIST, ProtocolVersion.LATEST_MODERN);
    }

    /** Every tenth backend offers what the first one does, so that names collide. */
    private static Contribution contribution(int i, int tools) {
        List<Definition> definitions = new ArrayList<>();
        int names = i % 10 == 0 ? 0 : i;
        for (int t = 0; t < tools; t++) {
            String name = "tool-" + t + "-of-" + names;
            definitions.add(new Definition(
                    name,
                    RawJson.of("{\"name\":\"" + name + "\",\"title\":\"A tool\","
                            + "\"description\":\"" + "Does what its name says, and says so here. ".repeat(4) + "\","
                            + "\"inputSchema\":{\"type\":\"object\",\"properties\":{"
                            + "\"city\":{\"type\":\"string\",\"description\":\"Where to look, by name or by code\"},"
                            + "\"days\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":14,\"default\":3},"
                            + "\"units\":{\"type\":\"string\",\"enum\":[\"metric\",\"imperial\"]}},"
                            + "\"required\":[\"city\"],\"additionalProperties\":false},"
                            + "\"annotations\":{\"readOnlyHint\":true,\"openWorldHint\":true}}")));
        }
        Listing listing = new Listing(
                ProtocolVersion.LATEST_MODERN,
                RawJson.of("{\"tools\":{\"listChanged\":true}}"),
                Optional.of(RawJson.of("{\"name\":\"backend\",\"version\":\"1\"}")),
                Optional.empty(),
                definitions,
                List.of(),
                List.of(),
                List.of(),
                Duration.ofSeconds(60),
                true);
        Backend backend = Backend.of("backend-" + i, "http://localhost:1/mcp", Backend.Source.FILE);
        return new Contribution(new Registration(backend, i, i), Optional.of(listing), Optional.empty());
    }
}
