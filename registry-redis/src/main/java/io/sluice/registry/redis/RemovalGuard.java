package io.sluice.registry.redis;

import io.sluice.registry.Registration;
import io.sluice.registry.RegistrySnapshot;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Doubts a sudden disappearance of many backends that nobody asked for: they stay in service until it has lasted for a
 * while. For one thread.
 */
final class RemovalGuard {
    private static final Logger log = LoggerFactory.getLogger(RemovalGuard.class);

    /** Fewer may go at once, however few there are. */
    private static final int FEWEST = 3;

    /** Of those that there were. */
    private static final double MOST_SHARE = 0.3;

    private final long patienceNanos;
    private final Map<String, Registration> retained = new TreeMap<>();
    private long until;

    RemovalGuard(Duration patience) {
        this.patienceNanos = patience.toNanos();
    }

    /** How many are kept in service against the registry. */
    int retained() {
        return retained.size();
    }

    /**
     * What is to be served.
     *
     * @param before what was served
     * @param now what the registry says
     * @param removed whom somebody removed on purpose
     */
    RegistrySnapshot judge(RegistrySnapshot before, RegistrySnapshot now, Set<String> removed, long nanoTime) {
        Map<String, Registration> missing = new TreeMap<>(before.registrations());
        missing.keySet().removeAll(now.registrations().keySet());
        missing.keySet().removeAll(removed);
        missing.keySet().removeAll(retained.keySet());
        if (missing.size() >= FEWEST
                && missing.size() > MOST_SHARE * before.registrations().size()) {
            log.error(
                    "{} of {} backends vanished from the registry at once; they stay in service for {} more: {}",
                    missing.size(),
                    before.registrations().size(),
                    Duration.ofNanos(patienceNanos),
                    missing.keySet());
            retained.putAll(missing);
            until = nanoTime + patienceNanos;
        }
        retained.keySet().removeAll(now.registrations().keySet());
        retained.keySet().removeAll(removed);
        return withRetained(now, nanoTime);
    }

    /** As {@link #judge}, when nothing is new but the time. */
    RegistrySnapshot withRetained(RegistrySnapshot now, long nanoTime) {
        if (!retained.isEmpty() && nanoTime - until >= 0) {
            log.warn("It is believed now that these backends are gone: {}", retained.keySet());
            retained.clear();
        }
        if (retained.isEmpty()) {
            return now;
        }
        RegistrySnapshot.Edit edit = now.edit();
        retained.values().forEach(registration -> registration.parts().forEach(edit::put));
        return edit.at(now.revision());
    }
}
