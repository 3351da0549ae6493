package io.sluice.session;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.sluice.upstream.SessionHandle;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * The store of several gateways in one process. Bounded: at most {@value #MOST_SESSIONS} records of sessions, which go
 * when nobody used them for an hour, and {@value #MOST_KEPT_BYTES} bytes of events. Each record changes within the map's
 * own computation.
 */
final class InMemorySessionStore implements SessionStore {
    private static final int MOST_SESSIONS = 100_000;
    private static final long MOST_KEPT_BYTES = 64L << 20;
    private static final int EVENT_OVERHEAD_BYTES = 64;

    private final EndedSessions ended = new EndedSessions();
    private final Cache<String, SessionRecord> records = Caffeine.newBuilder()
            .maximumSize(MOST_SESSIONS)
            .expireAfterAccess(Duration.ofHours(1))
            .build();
    private final Cache<String, StoredEvents> streams = Caffeine.newBuilder()
            .maximumWeight(MOST_KEPT_BYTES)
            .weigher((String key, StoredEvents kept) -> bytes(kept.events()))
            .expireAfterWrite(EVENTS_KEPT)
            .build();

    private static int bytes(List<StoredEvents.Event> events) {
        int bytes = EVENT_OVERHEAD_BYTES;
        for (StoredEvents.Event event : events) {
            bytes += event.json().length + EVENT_OVERHEAD_BYTES;
        }
        return bytes;
    }

    @Override
    public void end(String session, Instant expiresAt) {
        ended.add(session, expiresAt);
    }

    @Override
    public boolean ended(String session) {
        return ended.contains(session);
    }

    /** Those who share this object see at once that a session has ended; nobody needs to be told. */
    @Override
    public Flux<String> endedElsewhere() {
        return Flux.never();
    }

    @Override
    public Mono<SessionRecord> load(String session) {
        return Mono.fromSupplier(
                () -> Optional.ofNullable(records.getIfPresent(session)).orElse(SessionRecord.EMPTY));
    }

    @Override
    public void note(String session, SessionNote note) {
        records.asMap().compute(session, (key, before) -> {
            SessionRecord now = before == null ? SessionRecord.EMPTY : before;
            return noted(now, note);
        });
    }

    private static SessionRecord noted(SessionRecord now, SessionNote note) {
        Set<String> subscriptions = new HashSet<>(now.subscriptions());
        Set<String> tasks = new HashSet<>(now.tasks());
        Optional<String> level = now.logLevel();
        Optional<String> holder = now.holder();
        if (note instanceof SessionNote.Subscribed subscribed) {
            subscriptions.add(subscribed.uri());
        } else if (note instanceof SessionNote.Unsubscribed unsubscribed) {
            subscriptions.remove(unsubscribed.uri());
        } else if (note instanceof SessionNote.TaskBegun begun) {
            tasks.add(begun.name());
        } else if (note instanceof SessionNote.TaskForgotten forgotten) {
            tasks.remove(forgotten.name());
        } else if (note instanceof SessionNote.LogLevel set) {
            level = Optional.of(set.level());
        } else if (note instanceof SessionNote.Holder taken) {
            holder = Optional.of(taken.replica());
        }
        return new SessionRecord(now.handles(), subscriptions, tasks, level, holder, Instant.now());
    }

    @Override
    public Mono<Optional<SessionHandle>> settle(
            String session, String backend, @Nullable SessionHandle expected, @Nullable SessionHandle next) {
        return Mono.fromSupplier(() -> {
            SessionRecord after = records.asMap().compute(session, (key, before) -> {
                SessionRecord now = before == null ? SessionRecord.EMPTY : before;
                if (!Objects.equals(now.handles().get(backend), expected)) {
                    return now;
                }
                Map<String, SessionHandle> handles = new HashMap<>(now.handles());
                if (next == null) {
                    handles.remove(backend);
                } else {
                    handles.put(backend, next);
                }
                return new SessionRecord(
                        handles, now.subscriptions(), now.tasks(), now.logLevel(), now.holder(), Instant.now());
            });
            return Optional.ofNullable(Objects.requireNonNull(after).handles().get(backend));
        });
    }

    @Override
    public Mono<Void> append(String session, String stream, StoredEvents more) {
        return Mono.fromRunnable(() -> streams.asMap().merge(key(session, stream), bounded(more), (kept, added) -> {
            List<StoredEvents.Event> all = new ArrayList<>(kept.events());
            all.addAll(added.events());
            return bounded(
                    new StoredEvents(kept.request().or(added::request), all, kept.completed() || added.completed()));
        }));
    }

    private static StoredEvents bounded(StoredEvents stream) {
        List<StoredEvents.Event> events = stream.events();
        int from = Math.max(0, events.size() - MOST_EVENTS);
        long bytes = 0;
        for (int i = events.size() - 1; i >= from; i--) {
            bytes += events.get(i).json().length;
            if (bytes > MOST_BYTES && i < events.size() - 1) {
                from = i + 1;
            }
        }
        return from == 0
                ? stream
                : new StoredEvents(stream.request(), events.subList(from, events.size()), stream.completed());
    }

    @Override
    public Mono<StoredEvents> events(String session, String stream) {
        return Mono.fromSupplier(() ->
                Optional.ofNullable(streams.getIfPresent(key(session, stream))).orElse(StoredEvents.NONE));
    }

    private static String key(String session, String stream) {
        return session + "/" + stream;
    }

    @Override
    public Mono<Void> forget(String session) {
        return Mono.fromRunnable(() -> records.invalidate(session));
    }

    @Override
    public boolean shared() {
        return true;
    }

    @Override
    public boolean isNear() {
        return true;
    }

    @Override
    public Mono<Void> flush() {
        return Mono.empty();
    }
}
