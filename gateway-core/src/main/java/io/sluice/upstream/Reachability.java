package io.sluice.upstream;

import io.sluice.rejection.Rejection.BackendFailure;
import java.time.Clock;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Whether a backend can be reached, as far as anybody noticed, and since when not. One reference, changed by
 * compare-and-set; every change is announced to the listener by the thread that made it.
 */
final class Reachability {
    private final String backend;
    private final Clock clock;
    private final Runnable onChange;
    private final AtomicReference<@Nullable Trouble> trouble = new AtomicReference<>();

    private record Trouble(Instant since, String what) {}

    Reachability(String backend, Clock clock, Runnable onChange) {
        this.backend = backend;
        this.clock = clock;
        this.onChange = onChange;
    }

    void answered() {
        if (trouble.get() != null && trouble.getAndSet(null) != null) {
            onChange.run();
        }
    }

    /** It cannot be connected to, or does not answer a probe for whatever reason. */
    void lost(BackendFailure failure) {
        String what = Failures.detail(failure);
        while (true) {
            Trouble now = trouble.get();
            if (now != null && now.what().equals(what)) {
                return;
            }
            Trouble next = new Trouble(now == null ? clock.instant() : now.since(), what);
            if (trouble.compareAndSet(now, next)) {
                onChange.run();
                return;
            }
        }
    }

    Optional<String> sentence() {
        Trouble now = trouble.get();
        return now == null
                ? Optional.empty()
                : Optional.of(Failures.troubled(backend)
                        + DateTimeFormatter.ISO_INSTANT.format(now.since().truncatedTo(ChronoUnit.SECONDS)) + ": "
                        + now.what());
    }
}
