package io.sluice.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.auth.NamedToken;
import io.sluice.registry.Backend;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ConfigWatcherTest {
    /** So long that only an event can explain a change. */
    private static final Duration NEVER = Duration.ofHours(1);

    @TempDir
    private Path directory;

    private final List<GatewayConfig> seen = new CopyOnWriteArrayList<>();

    @SuppressWarnings("NullAway.Init") // by watch()
    private ConfigWatcher watcher;

    @AfterEach
    void close() {
        if (watcher != null) {
            watcher.close();
        }
    }

    @Test
    void changedFileIsRead() {
        Path file = ConfigFiles.write(directory.resolve("sluice.yaml"), backends("a"));
        watch(NEVER, file);

        ConfigFiles.write(file, backends("a", "b"));

        awaitBackends("a", "b");
        assertThat(watcher.status().lastFaults()).isEmpty();
        assertThat(watcher.status().hash()).isEqualTo(SourceFiles.hash(List.of(file)));
    }

    @Test
    void renamedOverFileIsRead() throws Exception {
        Path file = ConfigFiles.write(directory.resolve("sluice.yaml"), backends("a"));
        watch(NEVER, file);

        Path next = ConfigFiles.write(directory.resolve("next"), backends("b"));
        Files.move(next, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);

        awaitBackends("b");
    }

    @Test
    void configMapIsReadWhenItsLinkIsRenamed() throws Exception {
        Path mount = Files.createDirectory(directory.resolve("mount"));
        Path first = Files.createDirectory(mount.resolve("..2026_01_01"));
        ConfigFiles.write(first.resolve("sluice.yaml"), backends("a"));
        Files.createSymbolicLink(mount.resolve("..data"), Path.of("..2026_01_01"));
        Path file = Files.createSymbolicLink(mount.resolve("sluice.yaml"), Path.of("..data", "sluice.yaml"));
        watch(NEVER, file);

        for (String name : List.of("b", "c")) {
            Path next = Files.createDirectory(mount.resolve("..2026_01_0" + name));
            ConfigFiles.write(next.resolve("sluice.yaml"), backends(name));
            Files.createSymbolicLink(mount.resolve("..data_tmp"), next.getFileName());
            Files.move(mount.resolve("..data_tmp"), mount.resolve("..data"), StandardCopyOption.ATOMIC_MOVE);
            awaitBackends(name);
        }
    }

    @Test
    void badFileKeepsTheLastGoodConfigurationAndSaysSo() {
        Path file = ConfigFiles.write(directory.resolve("sluice.yaml"), backends("a"));
        watch(NEVER, file);
        String goodHash = watcher.status().hash();

        ConfigFiles.write(file, "server: { prot: 1 }\nnames: short\n");

        await().untilAsserted(() -> assertThat(watcher.status().lastFaults()).hasSize(2));
        assertThat(watcher.status().lastFaults().get(0))
                .asString()
                .endsWith(":1:11: unknown key 'prot' in server; did you mean 'port'?");
        assertThat(watcher.status().hash()).isEqualTo(goodHash);
        assertThat(seen).isEmpty();

        ConfigFiles.write(file, backends("b"));

        awaitBackends("b");
        assertThat(watcher.status().lastFaults()).isEmpty();
    }

    @Test
    void unsafeFileKeepsTheLastGoodConfiguration() {
        Path file = ConfigFiles.write(directory.resolve("sluice.yaml"), backends("a"));
        watch(NEVER, file);

        ConfigFiles.write(file, "server: { host: 0.0.0.0 }\n");

        await().untilAsserted(() -> assertThat(watcher.status().lastFaults())
                .singleElement()
                .asString()
                .contains("no token is configured"));
        assertThat(seen).isEmpty();
    }

    @Test
    void fileNamedByAPlaceholderIsWatchedToo() throws Exception {
        Path secrets = Files.createDirectory(directory.resolve("secrets"));
        Path token = ConfigFiles.write(secrets.resolve("token"), "first-token-2f81bb07");
        Path file = ConfigFiles.write(directory.resolve("sluice.yaml"), "auth: { token: \"${file:secrets/token}\" }\n");
        watch(NEVER, file);

        ConfigFiles.write(token, "second-token-2f81bb07");

        await().untilAsserted(() -> assertThat(seen).isNotEmpty());
        assertThat(seen.get(seen.size() - 1).auth().tokens())
                .containsExactly(new NamedToken("default", "second-token-2f81bb07", true));
    }

    @Test
    void deletedAndRecreatedDirectoryIsWatchedAgain() throws Exception {
        Path mount = Files.createDirectory(directory.resolve("mount"));
        Path file = ConfigFiles.write(mount.resolve("sluice.yaml"), backends("a"));
        watch(Duration.ofMillis(50), file);

        Files.delete(file);
        Files.delete(mount);
        await().untilAsserted(() -> assertThat(watcher.status().lastFaults()).hasSize(1));
        Files.createDirectory(mount);
        ConfigFiles.write(file, backends("b"));

        awaitBackends("b");
    }

    @Test
    void slowComparisonFindsWhatNoEventTold() throws Exception {
        Path elsewhere = Files.createDirectory(directory.resolve("elsewhere"));
        Path first = Files.createDirectory(elsewhere.resolve("1"));
        Path second = Files.createDirectory(elsewhere.resolve("2"));
        ConfigFiles.write(first.resolve("sluice.yaml"), backends("a"));
        ConfigFiles.write(second.resolve("sluice.yaml"), backends("b"));
        Path link = Files.createSymbolicLink(elsewhere.resolve("current"), Path.of("1"));
        Path etc = Files.createDirectory(directory.resolve("etc"));
        Path file = Files.createSymbolicLink(etc.resolve("sluice.yaml"), link.resolve("sluice.yaml"));
        watch(Duration.ofMillis(50), file);

        Files.createSymbolicLink(elsewhere.resolve("tmp"), Path.of("2"));
        Files.move(elsewhere.resolve("tmp"), link, StandardCopyOption.ATOMIC_MOVE);

        awaitBackends("b");
    }

    @Test
    void rewritingTheSameMeaningIsNotAChange() {
        Path file = ConfigFiles.write(directory.resolve("sluice.yaml"), backends("a"));
        watch(NEVER, file);
        String before = watcher.status().hash();

        ConfigFiles.write(file, "# a comment\n" + backends("a"));

        await().untilAsserted(() -> assertThat(watcher.status().hash()).isNotEqualTo(before));
        assertThat(seen).isEmpty();
    }

    @Test
    void reloadReadsAtOnceAndLateSubscribersGetTheNewest() {
        Path file = ConfigFiles.write(directory.resolve("sluice.yaml"), backends("a"));
        watcher = watcher(NEVER, file);

        ConfigFiles.write(file, backends("b"));
        ConfigStatus status = watcher.reload();

        assertThat(status.lastFaults()).isEmpty();
        watcher.changes().subscribe(seen::add);
        assertThat(seen).hasSize(1);
    }

    private void watch(Duration poll, Path file) {
        watcher = watcher(poll, file);
        watcher.changes().subscribe(seen::add);
        watcher.start();
    }

    private static ConfigWatcher watcher(Duration poll, Path file) {
        ConfigSources sources = new ConfigSources(List.of(file), Map.of(), List.of());
        Reading first = ConfigReader.read(sources);
        assertThat(first.faults()).isEmpty();
        return new ConfigWatcher(sources, first, StartCheck::faults, poll, Clock.systemUTC());
    }

    private void awaitBackends(String... names) {
        await().untilAsserted(() -> assertThat(seen).isNotEmpty());
        await().untilAsserted(() -> assertThat(seen.get(seen.size() - 1).backends())
                .extracting(Backend::name)
                .containsExactly(names));
    }

    private static String backends(String... names) {
        StringBuilder yaml = new StringBuilder("mcpServers:\n");
        for (String name : names) {
            yaml.append("  ")
                    .append(name)
                    .append(": { url: http://")
                    .append(name)
                    .append("/mcp }\n");
        }
        return yaml.toString();
    }
}
