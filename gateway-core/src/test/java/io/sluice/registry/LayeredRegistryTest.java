package io.sluice.registry;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

final class LayeredRegistryTest {
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final InMemoryRegistry shared = new InMemoryRegistry();
    private final LayeredRegistry registry = new LayeredRegistry(shared);

    @Test
    void whatTheFileNamesStaysWithThisReplica() {
        register("file", Backend.Source.FILE);
        register("api", Backend.Source.API);

        assertThat(registry.snapshot().registrations()).containsOnlyKeys("api", "file");
        assertThat(shared.snapshot().registrations()).containsOnlyKeys("api");
    }

    @Test
    void whatTheFileNamesCountsAsEarlier() {
        register("api", Backend.Source.API);
        Registration file = register("file", Backend.Source.FILE);

        assertThat(file.since()).isLessThan(kept("api").since());
        assertThat(kept("file")).isEqualTo(file);
    }

    @Test
    void fileHidesWhatIsSharedUntilItLetsTheNameGo() {
        Registration before = register("weather", Backend.Source.API);
        register("weather", Backend.Source.FILE);

        assertThat(kept("weather").backend().source()).isEqualTo(Backend.Source.FILE);

        assertThat(registry.remove("weather").block(PATIENCE)).isTrue();
        assertThat(kept("weather")).isEqualTo(before);
        assertThat(registry.remove("weather").block(PATIENCE)).isTrue();
        assertThat(registry.snapshot().registrations()).isEmpty();
    }

    @Test
    void watcherHearsOfBothLayers() {
        List<String> heard = new ArrayList<>();
        registry.watch().subscribe(now -> heard.add(now.registrations().keySet().toString()));

        register("a", Backend.Source.FILE);
        register("b", Backend.Source.API);
        registry.remove("a").block(PATIENCE);

        assertThat(heard).containsExactly("[]", "[a]", "[a, b]", "[b]");
    }

    @Test
    void revisionGrowsWithEachChangeOfEitherLayer() {
        List<Long> revisions = new ArrayList<>();
        for (Backend.Source source : List.of(Backend.Source.FILE, Backend.Source.API, Backend.Source.FILE)) {
            register("weather-" + revisions.size(), source);
            revisions.add(registry.snapshot().revision());
        }

        assertThat(revisions).containsExactly(1L, 2L, 3L);
    }

    private Registration register(String name, Backend.Source source) {
        return requireNonNull(registry.register(Backend.of(name, "http://127.0.0.1:1/mcp", source))
                .block(PATIENCE));
    }

    private Registration kept(String name) {
        return requireNonNull(registry.snapshot().registrations().get(name));
    }
}
