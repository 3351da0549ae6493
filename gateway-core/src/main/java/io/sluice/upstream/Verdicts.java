package io.sluice.upstream;

import io.sluice.protocol.Era;
import io.sluice.protocol.ProtocolVersion;
import io.sluice.registry.Backend;
import io.sluice.rejection.Rejection.BackendFailure;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;

/**
 * What one backend speaks, as far as it is known: found out when it is first asked for, believed for a time that depends
 * on the era, and found out anew when something does not fit. Safe for use by many threads: the verdict, the probe under
 * way and the last failure are one reference each, and concurrent askers share one probe.
 */
final class Verdicts {
    private static final Logger log = LoggerFactory.getLogger(Verdicts.class);

    private final Backend backend;
    private final UpstreamSettings settings;
    private final Reachability reachability;
    private final Failures failures;
    private final Probe probe;
    private final SharedSession shared;
    private final @Nullable BuiltIn local;
    private final Listener listener;
    private final AtomicReference<@Nullable Verdict> verdict = new AtomicReference<>();
    private final AtomicReference<@Nullable Mono<Verdict>> probing = new AtomicReference<>();
    private final AtomicReference<@Nullable Failed> failed = new AtomicReference<>();
    private final AtomicReference<@Nullable Also> alsoLegacy = new AtomicReference<>();
    private volatile boolean suspected;

    /** A probe's failure, remembered for a moment so that not every call of a hanging backend waits. */
    private record Failed(Throwable error, long atNanos) {}

    /** Whether a modern backend does the legacy handshake as well, as was found out for one verdict. */
    private record Also(Verdict known, boolean legacy) {}

    /** Told by whichever thread ends a probe. */
    interface Listener {
        /** A probe was answered. */
        void answered();

        /** The backend speaks another era than before. */
        void eraChanged(Verdict found);
    }

    /** @param local what answers when the backend is part of this process, or null */
    Verdicts(BackendHttp http, Probe probe, SharedSession shared, @Nullable BuiltIn local, Listener listener) {
        this.backend = http.backend();
        this.settings = http.settings();
        this.reachability = http.reachability();
        this.failures = http.failures();
        this.probe = probe;
        this.shared = shared;
        this.local = local;
        this.listener = listener;
    }

    /**
     * What the backend speaks: known, or found out by one probe that all askers share. An outage is never evidence;
     * while an earlier verdict stands it goes on standing. Fails with {@link BackendFailure} when nothing is known,
     * and for a moment repeats that answer without another attempt.
     */
    Mono<Verdict> known() {
        return Mono.defer(() -> {
            Verdict known = verdict.get();
            if (known != null && !suspected && !isTooOld(known)) {
                return Mono.just(known);
            }
            Failed recent = failed.get();
            if (recent != null
                    && System.nanoTime() - recent.atNanos()
                            < settings.failureMemory().toNanos()) {
                return known != null ? Mono.just(known) : Mono.error(stillFailing(recent.error()));
            }
            Mono<Verdict> asked = renew();
            return known == null ? asked : asked.onErrorReturn(known);
        });
    }

    private Throwable stillFailing(Throwable error) {
        return reachability
                .sentence()
                .<Throwable>map(since -> BackendFailure.unavailable(backend.name(), since, Duration.ofSeconds(1)))
                .orElse(error);
    }

    private boolean isTooOld(Verdict known) {
        return known.era() == Era.LEGACY
                && known.at()
                        .plus(settings.legacyVerdictLife())
                        .isBefore(settings.clock().instant());
    }

    /**
     * Probes now, whatever is known; joins a probe that is under way. An outage leaves the last verdict standing, but
     * is reported.
     */
    Mono<Verdict> renew() {
        return Mono.defer(() -> {
            while (true) {
                Mono<Verdict> running = probing.get();
                if (running != null) {
                    return running;
                }
                Mono<Verdict> next = once();
                if (probing.compareAndSet(null, next)) {
                    return next;
                }
            }
        });
    }

    private Mono<Verdict> once() {
        return find().doOnNext(this::adopt)
                .doOnError(this::remember)
                .onErrorMap(BackendFailure.class, this::stillFailing)
                .doOnTerminate(() -> probing.set(null))
                .cache();
    }

    private Mono<Verdict> find() {
        if (local != null) {
            return Mono.just(new Verdict(
                    ProtocolVersion.LATEST_MODERN,
                    local.discoverResult(),
                    settings.clock().instant()));
        }
        if (backend.era().filter(Era.LEGACY::equals).isPresent()) {
            return legacyVerdict();
        }
        return probe.discover().flatMap(finding -> {
            if (finding instanceof Probe.Finding.Modern modern) {
                return Mono.just(new Verdict(
                        modern.version(),
                        modern.discoverResult(),
                        settings.clock().instant()));
            }
            if (backend.era().isPresent()) {
                return Mono.error(failures.unavailable(
                        "it is registered as modern and does not speak " + ProtocolVersion.LATEST_MODERN.wire()));
            }
            return legacyVerdict();
        });
    }

    private Mono<Verdict> legacyVerdict() {
        return shared.live()
                .map(open -> new Verdict(
                        open.version(),
                        open.initializeResult(),
                        settings.clock().instant()));
    }

    private void adopt(Verdict found) {
        listener.answered();
        suspected = false;
        failed.set(null);
        reachability.answered();
        Verdict before = verdict.getAndSet(found);
        if (before == null || before.version() != found.version()) {
            log.info("Backend '{}' speaks {}", backend.name(), found.version().wire());
        }
        if (before != null && before.era() != found.era()) {
            listener.eraChanged(found);
        }
    }

    private void remember(Throwable error) {
        failed.set(new Failed(error, System.nanoTime()));
        if (error instanceof BackendFailure failure) {
            reachability.lost(failure);
        }
    }

    /**
     * Whether the backend can be spoken to in this era. Many speak both: a legacy client is then served in its own
     * words, without translation. Asked of the backend once for each verdict.
     */
    Mono<Boolean> speaks(Era era) {
        return known().flatMap(known -> {
            if (known.era() == era) {
                return Mono.just(true);
            }
            return era == Era.LEGACY ? alsoLegacy(known) : Mono.just(false);
        });
    }

    private Mono<Boolean> alsoLegacy(Verdict known) {
        Also found = alsoLegacy.get();
        if (found != null && found.known().version() == known.version()) {
            return Mono.just(found.legacy());
        }
        if (backend.era().isPresent() || local != null) {
            return Mono.just(false);
        }
        return shared.tried()
                .thenReturn(true)
                .onErrorResume(Handshake.Refused.class, refused -> Mono.just(false))
                .doOnNext(legacy -> alsoLegacy.set(new Also(known, legacy)));
    }

    /** The last one, if there ever was one. */
    @Nullable
    Verdict last() {
        return verdict.get();
    }

    /** The modern revision to speak. */
    ProtocolVersion modernVersion() {
        Verdict known = verdict.get();
        return known != null && known.era() == Era.MODERN ? known.version() : ProtocolVersion.LATEST_MODERN;
    }

    /** Something does not fit: the backend is probed again before its next use. */
    void suspect() {
        suspected = true;
    }

    /** Whether it is known without asking that the backend speaks this era, so that nothing has to be waited for. */
    boolean isKnownToSpeak(Era era) {
        Verdict known = current();
        return known != null && (known.era() == era || (era == Era.LEGACY && isAlsoLegacy(known)));
    }

    /** Whether it is known without asking that the backend speaks the modern era and no other. */
    boolean isKnownToBeModernOnly() {
        Verdict known = current();
        return known != null && known.era() == Era.MODERN && isModernOnly(known);
    }

    /** The verdict, where nobody would ask again. */
    private @Nullable Verdict current() {
        Verdict known = verdict.get();
        return known != null && !suspected && !isTooOld(known) ? known : null;
    }

    private boolean isAlsoLegacy(Verdict known) {
        Also found = alsoLegacy.get();
        return found != null && found.known().version() == known.version() && found.legacy();
    }

    private boolean isModernOnly(Verdict known) {
        Also found = alsoLegacy.get();
        return found != null && found.known().version() == known.version()
                ? !found.legacy()
                : backend.era().isPresent() || local != null;
    }
}
