package io.sluice.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.catalog.Catalog;
import io.sluice.config.ConfigReader;
import io.sluice.config.ConfigSources;
import io.sluice.config.GatewayConfig;
import io.sluice.config.Reading;
import io.sluice.gateway.WireClient;
import io.sluice.server.RunningGateway;
import io.sluice.server.SluiceServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Predicate;
import reactor.core.publisher.Sinks;

/** A gateway in this process that was launched from a configuration file, on any free port. */
final class InProcess implements AutoCloseable {
    static final Duration PATIENCE = Duration.ofSeconds(15);

    private final SluiceServer server;
    private final Path directory;
    private final Sinks.Many<GatewayConfig> changes;

    private InProcess(SluiceServer server, Path directory, Sinks.Many<GatewayConfig> changes) {
        this.server = server;
        this.directory = directory;
        this.changes = changes;
    }

    /** Launches what {@code yaml} describes; its port must be 0. */
    static InProcess start(Path directory, String yaml) throws IOException {
        return start(directory, yaml, Map.of());
    }

    /** As the other, with these variables in the environment. */
    static InProcess start(Path directory, String yaml, Map<String, String> variables) throws IOException {
        Sinks.Many<GatewayConfig> changes = Sinks.many().unicast().onBackpressureBuffer();
        RunningGateway running = SluiceServer.launcher("test")
                .launch(config(directory, yaml, variables), changes.asFlux())
                .block(PATIENCE);
        return new InProcess((SluiceServer) Objects.requireNonNull(running), directory, changes);
    }

    private static GatewayConfig config(Path directory, String yaml, Map<String, String> variables) throws IOException {
        Path file = Files.writeString(directory.resolve("sluice.yaml"), yaml);
        Reading reading = ConfigReader.read(new ConfigSources(List.of(file), variables, List.of()));
        assertThat(reading.faults()).isEmpty();
        return reading.config().orElseThrow();
    }

    /** Has the gateway apply another file's content; done when this returns. */
    InProcess change(String yaml) throws IOException {
        changes.tryEmitNext(config(directory, yaml, Map.of())).orThrow();
        return this;
    }

    /** Waits until these backends have been listed. */
    InProcess whenListed(String... backends) {
        for (String backend : backends) {
            whenCatalog(catalog -> catalog.mount(backend)
                    .flatMap(mount -> mount.contribution(backend))
                    .flatMap(contribution -> contribution.listing())
                    .isPresent());
        }
        return this;
    }

    InProcess whenCatalog(Predicate<Catalog> like) {
        await().atMost(PATIENCE).until(() -> like.test(server.gateway().catalog()));
        return this;
    }

    int port() {
        return server.address().getPort();
    }

    WireClient client(String path) {
        return new WireClient(port(), path);
    }

    SluiceServer server() {
        return server;
    }

    @Override
    public void close() {
        server.stop().block(PATIENCE);
    }
}
