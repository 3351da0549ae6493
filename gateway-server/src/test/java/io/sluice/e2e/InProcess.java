package io.sluice.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.catalog.Catalog;
import io.sluice.config.ConfigReader;
import io.sluice.config.ConfigSources;
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
import reactor.core.publisher.Flux;

/** A gateway in this process that was launched from a configuration file, on any free port. */
final class InProcess implements AutoCloseable {
    static final Duration PATIENCE = Duration.ofSeconds(15);

    private final SluiceServer server;

    private InProcess(SluiceServer server) {
        this.server = server;
    }

    /** Launches what {@code yaml} describes; its port must be 0. */
    static InProcess start(Path directory, String yaml) throws IOException {
        return start(directory, yaml, Map.of());
    }

    /** As the other, with these variables in the environment. */
    static InProcess start(Path directory, String yaml, Map<String, String> variables) throws IOException {
        Path file = Files.writeString(directory.resolve("sluice.yaml"), yaml);
        Reading reading = ConfigReader.read(new ConfigSources(List.of(file), variables, List.of()));
        assertThat(reading.faults()).isEmpty();
        RunningGateway running = SluiceServer.launcher("test")
                .launch(reading.config().orElseThrow(), Flux.never())
                .block(PATIENCE);
        return new InProcess((SluiceServer) Objects.requireNonNull(running));
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
