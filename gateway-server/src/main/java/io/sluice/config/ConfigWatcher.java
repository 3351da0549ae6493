package io.sluice.config;

import io.sluice.registry.Backend;
import java.io.IOException;
import java.nio.file.ClosedWatchServiceException;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Sinks;

/**
 * Reads the configuration again when a file of it changes, and hands on only what is valid and differs; a bad file
 * leaves the last good configuration running.
 *
 * <p>The directories of all files that were looked at are watched, those named by <code>${file:…}</code> included, and
 * without resolving links: Kubernetes changes a mounted ConfigMap by renaming the link {@code ..data}, which is an
 * event in the mount directory and nowhere else. Whether something changed is then a matter of the content's hash. As
 * some file systems send no events, the hash is also compared at a slow interval.
 *
 * <p>State is guarded by this object's lock. Watching blocks on a thread of its own, on which {@link #changes()} emits
 * too.
 */
public final class ConfigWatcher implements AutoCloseable {
    public static final Duration POLL = Duration.ofSeconds(30);

    private static final Logger LOG = LoggerFactory.getLogger(ConfigWatcher.class);

    /** Editors and copies write in several steps; this long without an event means that they are done. */
    private static final Duration QUIET = Duration.ofMillis(100);

    private static final int MOST_QUIET_WAITS = 20;

    private final ConfigSources sources;
    private final Check check;
    private final Duration poll;
    private final Clock clock;
    private final Sinks.Many<GatewayConfig> changes = Sinks.many().replay().latest();
    private final Map<Path, WatchKey> watched = new HashMap<>();
    private final Optional<WatchService> events;
    private final Thread thread;

    private GatewayConfig current;
    private Reading attempted;
    private ConfigStatus status;
    private volatile boolean closed;

    /** What else a configuration must pass, besides being well written. */
    @FunctionalInterface
    public interface Check {
        /** Why it must not run, each a sentence; empty when it may. */
        List<String> faults(GatewayConfig config);
    }

    /**
     * Watches on once {@link #start()} is called.
     *
     * @param first the reading of {@code sources} that runs now; it has a configuration
     * @param check asked about each new configuration
     * @param poll how often the hash is compared without an event
     */
    public ConfigWatcher(ConfigSources sources, Reading first, Check check, Duration poll, Clock clock) {
        this.sources = sources;
        this.check = check;
        this.poll = poll;
        this.clock = clock;
        this.current = first.config().orElseThrow(() -> new IllegalArgumentException("the first reading has faults"));
        this.attempted = first;
        this.status = new ConfigStatus(first.hash(), clock.instant(), clock.instant(), List.of());
        this.events = watchService();
        this.thread = new Thread(this::watch, "sluice-config");
        thread.setDaemon(true);
    }

    public void start() {
        watchDirectories();
        thread.start();
    }

    /**
     * Every configuration after the first; a subscriber that comes late gets the newest of them at once. Emits on the
     * watcher's thread.
     */
    public Flux<GatewayConfig> changes() {
        return changes.asFlux();
    }

    public synchronized ConfigStatus status() {
        return status;
    }

    /** Reads the files now, whether they changed or not. Blocks; not for an event loop. */
    public synchronized ConfigStatus reload() {
        attempt();
        return status;
    }

    /** Stops watching; {@link #changes()} completes. */
    @Override
    public void close() {
        closed = true;
        synchronized (this) {
            events.ifPresent(ConfigWatcher::closeQuietly);
            changes.tryEmitComplete();
        }
        // Only now, as an interrupt in the middle of reading a file would look like a fault of the file.
        thread.interrupt();
    }

    private void watch() {
        try {
            while (!closed) {
                awaitEvent();
                synchronized (this) {
                    if (!closed) {
                        attemptIfChanged();
                    }
                }
            }
        } catch (InterruptedException | ClosedWatchServiceException e) {
            LOG.debug("stopped watching the configuration");
        }
    }

    private void awaitEvent() throws InterruptedException {
        if (events.isEmpty()) {
            TimeUnit.MILLISECONDS.sleep(poll.toMillis());
            return;
        }
        WatchService service = events.get();
        WatchKey key = service.poll(poll.toMillis(), TimeUnit.MILLISECONDS);
        for (int waits = 0; key != null && waits < MOST_QUIET_WAITS; waits++) {
            key.pollEvents();
            if (!key.reset()) {
                forget(key);
            }
            key = service.poll(QUIET.toMillis(), TimeUnit.MILLISECONDS);
        }
        if (key != null) {
            key.pollEvents();
            key.reset();
        }
    }

    private synchronized void forget(WatchKey key) {
        watched.values().remove(key);
    }

    private void attemptIfChanged() {
        watchDirectories();
        if (!SourceFiles.hash(attempted.files()).equals(attempted.hash())) {
            attempt();
        }
    }

    private void attempt() {
        Reading reading = ConfigReader.read(sources);
        attempted = reading;
        watchDirectories();
        List<Fault> faults = new ArrayList<>(reading.faults());
        reading.config()
                .ifPresent(config -> check.faults(config)
                        .forEach(sentence -> faults.add(new Fault(Location.of("configuration"), sentence))));
        if (!faults.isEmpty() || reading.config().isEmpty()) {
            status = new ConfigStatus(status.hash(), status.loadedAt(), clock.instant(), faults);
            LOG.error(
                    "The changed configuration has {} and is not used; the last good one stays:", count(faults.size()));
            faults.forEach(fault -> LOG.error("{}", fault));
            return;
        }
        GatewayConfig next = reading.config().get();
        status = new ConfigStatus(reading.hash(), clock.instant(), clock.instant(), List.of());
        if (next.equals(current)) {
            LOG.info("The configuration was read again; nothing differs");
            return;
        }
        current = next;
        LOG.info(
                "The configuration changed and is applied; backends: {}",
                next.backends().stream().map(Backend::name).toList());
        reading.notes().forEach(note -> LOG.warn("{}", note));
        changes.tryEmitNext(next);
    }

    private static String count(int faults) {
        return faults == 1 ? "a fault" : faults + " faults";
    }

    /** Registers what is not registered yet, such as a directory that was replaced. */
    private synchronized void watchDirectories() {
        if (events.isEmpty()) {
            return;
        }
        Set<Path> directories = new HashSet<>();
        for (Path file : attempted.files()) {
            Path parent = file.getParent();
            if (parent != null) {
                directories.add(parent);
            }
            // A file that is itself a link also changes where it points to.
            realParent(file).ifPresent(directories::add);
        }
        watched.entrySet().removeIf(entry -> {
            if (!directories.contains(entry.getKey())) {
                entry.getValue().cancel();
                return true;
            }
            return !entry.getValue().isValid();
        });
        for (Path directory : directories) {
            if (!watched.containsKey(directory)) {
                register(directory);
            }
        }
    }

    private void register(Path directory) {
        try {
            watched.put(
                    directory,
                    directory.register(
                            events.orElseThrow(),
                            StandardWatchEventKinds.ENTRY_CREATE,
                            StandardWatchEventKinds.ENTRY_MODIFY,
                            StandardWatchEventKinds.ENTRY_DELETE));
        } catch (IOException e) {
            LOG.debug("cannot watch {}, its files are compared every {}", directory, poll);
        }
    }

    private static Optional<Path> realParent(Path file) {
        try {
            return Optional.ofNullable(file.toRealPath().getParent());
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    private static Optional<WatchService> watchService() {
        try {
            return Optional.of(FileSystems.getDefault().newWatchService());
        } catch (IOException e) {
            LOG.warn("The system cannot watch files ({}); they are compared at an interval only", e.getMessage());
            return Optional.empty();
        }
    }

    private static void closeQuietly(WatchService service) {
        try {
            service.close();
        } catch (IOException e) {
            LOG.debug("closing the file watch", e);
        }
    }
}
