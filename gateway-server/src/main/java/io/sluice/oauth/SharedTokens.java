package io.sluice.oauth;

import io.sluice.registry.Change;
import io.sluice.registry.Fence;
import io.sluice.registry.RecordKind;
import io.sluice.registry.Registry;
import io.sluice.registry.RegistryRefusal;
import io.sluice.registry.SharedRecord;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * One backend's {@link Kept}, as the registry has it: all replicas read it from memory, each change is made upon what is there and nothing else. Where the registry is Redis it lies there sealed.
 */
final class SharedTokens {
    private static final Duration LEASE = Duration.ofSeconds(30);
    private static final Duration OTHERS = Duration.ofSeconds(12);
    private static final Duration SETTLING = Duration.ofSeconds(2);
    private static final int ROUNDS = 5;

    /** How long what this replica wrote counts, although its view of the registry does not show it yet. */
    private static final long OWN_NANOS = Duration.ofSeconds(5).toNanos();

    private final Registry registry;
    private final String id;
    private final String job;
    private final Kept nothing;
    private final AtomicReference<@Nullable Read> read = new AtomicReference<>();
    private final AtomicReference<@Nullable Own> own = new AtomicReference<>();

    /** The record is the same object as long as nothing changed, so that it need not be read again. */
    private record Read(SharedRecord record, Kept kept) {}

    private record Own(SharedRecord record, long untilNanos) {}

    /** @param id of the record, {@code [a-z0-9.-]}, unique to the backend and its settings */
    SharedTokens(Registry registry, String id, Kept nothing) {
        this.registry = registry;
        this.id = id;
        this.job = "oauth-" + Texts.digest(id).substring(0, 32);
        this.nothing = nothing;
    }

    String id() {
        return id;
    }

    /** What is known now, from memory. */
    @SuppressWarnings("ReferenceEquality") // the very record that was read
    Kept kept() {
        SharedRecord record = record();
        if (record == null) {
            return nothing;
        }
        Read known = read.get();
        if (known == null || known.record() != record) {
            known = new Read(record, Kept.of(record.body()));
            read.set(known);
        }
        return known.kept();
    }

    private @Nullable SharedRecord record() {
        SharedRecord there = registry.snapshot().records(RecordKind.OAUTH_TOKEN).get(id);
        Own written = own.get();
        return written == null
                        || written.untilNanos() - System.nanoTime() < 0
                        || (there != null
                                && there.revision() >= written.record().revision())
                ? there
                : written.record();
    }

    /** Of the record as this replica knows it. */
    long revision() {
        SharedRecord record = record();
        return record == null ? 0 : record.revision();
    }

    /** Changes what is there now; the change may be asked for several times. */
    Mono<Kept> update(UnaryOperator<Kept> change) {
        return update(change, ROUNDS);
    }

    private Mono<Kept> update(UnaryOperator<Kept> change, int rounds) {
        return Mono.defer(() -> {
            long revision = revision();
            Kept next = change.apply(kept());
            return put(next, Change.expecting(revision))
                    .onErrorResume(
                            RegistryRefusal.Conflict.class,
                            conflict -> rounds <= 1
                                    ? Mono.error(conflict)
                                    : changedSince(revision, SETTLING)
                                            .then(Mono.defer(() -> update(change, rounds - 1))));
        });
    }

    private Mono<Kept> put(Kept next, Change change) {
        return registry.put(RecordKind.OAUTH_TOKEN, id, next.json(), change)
                .doOnNext(written -> own.set(new Own(written, System.nanoTime() + OWN_NANOS)))
                .thenReturn(next);
    }

    /**
     * Asks to be the one replica that fetches a token; empty when another one is, or has just done so. Whoever may says so
     * in the record first: what it then reads there is the newest there is.
     */
    Mono<Fence> claim() {
        return registry.lead(job, LEASE).flatMap(fence -> {
            long revision = revision();
            return put(kept().attempted(), Change.expecting(revision).fencedBy(fence))
                    .thenReturn(fence)
                    .onErrorResume(
                            RegistryRefusal.Conflict.class,
                            late -> registry.resign(fence).then(Mono.empty()))
                    .onErrorResume(RegistryRefusal.Fenced.class, late -> Mono.empty());
        });
    }

    Mono<Void> release(Fence fence) {
        return registry.resign(fence).onErrorComplete();
    }

    /** Completes when the record is not at that revision any more, or still is after the time that fetching may take. */
    Mono<Void> whenOthersAreDone(long revision) {
        return changedSince(revision, OTHERS);
    }

    private Mono<Void> changedSince(long revision, Duration longest) {
        return registry.watch(RecordKind.OAUTH_TOKEN)
                .filter(records -> Optional.ofNullable(records.get(id))
                                .map(SharedRecord::revision)
                                .orElse(0L)
                        != revision)
                .next()
                .then()
                .timeout(longest, Mono.empty());
    }
}
