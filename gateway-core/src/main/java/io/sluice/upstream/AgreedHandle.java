package io.sluice.upstream;

import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * This replica's part in what the replicas agree on about one session: which of those at the backend it is, who reads
 * its stream, and whether its client was told something by it. What this replica opened is given up when another was
 * first. Safe for use by many threads: the handle is one reference, and only what {@link HandleAgreement} settled is
 * put there.
 */
final class AgreedHandle {
    private final HandleAgreement agreement;
    private final Handshake handshake;
    private final SessionHttp session;
    private final AtomicReference<@Nullable SessionHandle> handle = new AtomicReference<>();

    /** Opened here while the other replicas could not be asked. */
    private volatile @Nullable SessionHandle unsettled;

    private volatile boolean toldSomething;

    AgreedHandle(HandleAgreement agreement, Handshake handshake, SessionHttp session) {
        this.agreement = agreement;
        this.handshake = handshake;
        this.session = session;
    }

    /** A session may not be replaced by another: its client has been told something that it would miss. */
    static final class ClientWouldNotice extends RuntimeException {
        private static final long serialVersionUID = 1L;

        ClientWouldNotice() {
            super("the client would notice", null, false, false);
        }
    }

    // ---- which session it is

    /** What the replicas have agreed on, or what {@code opening} brings. */
    Mono<Established> join(Mono<Established> opening) {
        return agreement
                .current()
                .flatMap(known -> known.flatMap(handshake::of)
                        .map(found -> goOn(known.get(), found))
                        .orElseGet(() -> opening.flatMap(mine -> settle(known.orElse(null), mine))));
    }

    /**
     * What the replicas use by now in the place of the session, which the backend forgot, or what {@code opening} brings.
     * Fails with {@link ClientWouldNotice}, and then the replicas agree on none any more.
     */
    Mono<Established> replace(Mono<Established> opening) {
        SessionHandle before = handle.get();
        if (before == null) {
            return toldSomething ? Mono.error(new ClientWouldNotice()) : opening;
        }
        return agreement.current().flatMap(known -> {
            Optional<Established> others =
                    known.filter(now -> !now.sameSession(before)).flatMap(handshake::of);
            if (others.isPresent()) {
                return goOn(known.get(), others.get());
            }
            if (toldSomething || known.filter(SessionHandle::told).isPresent()) {
                known.ifPresent(lost -> agreement.settle(lost, null).subscribe());
                return Mono.error(new ClientWouldNotice());
            }
            return opening.flatMap(mine -> settle(known.orElse(null), mine));
        });
    }

    private Mono<Established> goOn(SessionHandle known, Established found) {
        return Mono.fromSupplier(() -> {
            handle.set(known);
            toldSomething |= known.told();
            return found;
        });
    }

    /** Lets the replicas know of a session just opened; gives it up when one of them was first. */
    private Mono<Established> settle(@Nullable SessionHandle before, Established mine) {
        String id = mine.id();
        if (id == null) {
            return Mono.just(mine);
        }
        SessionHandle next =
                new SessionHandle(mine.endpoint().url(), mine.wire(), id, agreement.self(), Optional.empty(), false);
        return agreement
                .settle(before, next)
                .flatMap(kept -> settled(kept, next, mine))
                .switchIfEmpty(Mono.fromSupplier(() -> {
                    unsettled = next;
                    return mine;
                }));
    }

    private Mono<Established> settled(Optional<SessionHandle> kept, SessionHandle next, Established mine) {
        unsettled = null;
        if (kept.filter(next::equals).isPresent()) {
            handle.set(next);
            return Mono.just(mine);
        }
        Optional<Established> others = kept.flatMap(handshake::of);
        if (others.isEmpty()) {
            return Mono.just(mine);
        }
        session.delete(mine).subscribe();
        return goOn(kept.get(), others.get());
    }

    /** Whether nothing is left to {@link #agree} on. */
    boolean isSettled() {
        return unsettled == null;
    }

    /**
     * Agrees on a session that was opened while the other replicas could not be asked; theirs wins, if they have one.
     *
     * @param mine what stands for it here
     * @return what is to stand for it; nothing when there is nothing to be agreed on, or they still cannot be asked
     */
    Mono<Established> agree(Established mine) {
        SessionHandle next = unsettled;
        return next == null ? Mono.empty() : agreement.settle(null, next).flatMap(kept -> settled(kept, next, mine));
    }

    /** The session is over, for all replicas. */
    Mono<Void> end() {
        SessionHandle known = handle.get();
        return known == null ? Mono.empty() : agreement.settle(known, null).then();
    }

    // ---- who reads its stream

    /** Whether this replica reads the session's own stream: the others have agreed, or know nothing of it. */
    boolean isRead() {
        SessionHandle known = handle.get();
        return known == null || isRead(known);
    }

    private boolean isRead(SessionHandle known) {
        return known.keeper().equals(agreement.self());
    }

    /** Whether it is for this replica to end the session at the backend, because no other reads its stream. */
    boolean isKept() {
        SessionHandle known = handle.get();
        return known == null || known.keeper().isEmpty() || isRead(known);
    }

    /**
     * Makes this replica the one that reads the stream, if the one that did has gone.
     *
     * @return from where this replica is to read it, if it is
     */
    Mono<From> takeOver() {
        SessionHandle known = handle.get();
        return known == null ? Mono.empty() : takeOver(known);
    }

    /** As {@link #takeOver}, after asking what the replicas agree on now. */
    Mono<From> takeOverLater() {
        return agreement
                .current()
                .flatMap(known -> Mono.justOrEmpty(known.filter(this::isThis)))
                .flatMap(this::takeOver);
    }

    /** @param after the event up to which the stream was read before; null when it was not, or nobody knows */
    record From(@Nullable String after) {}

    private Mono<From> takeOver(SessionHandle known) {
        handle.set(known);
        return (known.keeper().isEmpty() ? Mono.just(false) : agreement.isThere(known.keeper()))
                .filter(there -> !there)
                .flatMap(gone -> agreement.settle(known, known.keptBy(agreement.self())))
                .flatMap(kept -> Mono.justOrEmpty(kept.filter(known::sameSession)))
                .doOnNext(handle::set)
                .filter(this::isRead)
                .map(mine -> new From(known.lastEventId().orElse(null)));
    }

    private boolean isThis(SessionHandle other) {
        SessionHandle known = handle.get();
        return known != null && known.sameSession(other);
    }

    /** Leaves the stream, read up to this event, to whichever other replica goes on with the session. */
    Mono<Void> leave(Optional<String> readUpTo) {
        SessionHandle known = handle.get();
        return known == null || !isRead(known)
                ? Mono.empty()
                : agreement.settle(known, known.left(readUpTo)).then();
    }

    // ---- what its client knows

    /** The client is told something, which it would miss if the session began anew. */
    void tell() {
        if (!toldSomething) {
            toldSomething = true;
            SessionHandle known = handle.get();
            if (known != null) {
                agreement
                        .settle(known, known.tellingClient())
                        .subscribe(kept ->
                                kept.filter(known::sameSession).ifPresent(now -> handle.compareAndSet(known, now)));
            }
        }
    }

    /** Whoever uses the session now knows nothing of what was told before. */
    void forgetTelling() {
        toldSomething = false;
    }
}
