package io.sluice.upstream;

import io.sluice.envelope.Envelope;
import io.sluice.envelope.Span;
import io.sluice.protocol.Era;
import io.sluice.protocol.McpMethod;
import io.sluice.rejection.Rejection;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/**
 * What changes at one backend: one {@link Feed} in the era that it speaks, the resources that somebody wants to hear of,
 * and the signals that all of it becomes. Safe for use by many threads: the feed is one reference, subscriptions are
 * counted in one concurrent map, and signals are given out one at a time.
 */
final class Changes {
    private final BackendHttp http;
    private final SharedSession shared;
    private final Sinks.Many<Signal> signals = Sinks.many().multicast().directBestEffort();
    private final AtomicReference<@Nullable Feed> feed = new AtomicReference<>();
    private final Map<String, Subscribed> subscribed = new ConcurrentHashMap<>();
    private volatile boolean listening;

    /** How many want a resource's changes, and the one request for them that all share. */
    private record Subscribed(int count, Mono<Void> asked) {}

    Changes(BackendHttp http, SharedSession shared) {
        this.http = http;
        this.shared = shared;
    }

    /** Never ends; a subscriber that falls behind misses something. */
    Flux<Signal> signals() {
        return signals.asFlux();
    }

    void announce(Signal signal) {
        synchronized (signals) {
            signals.tryEmitNext(signal);
        }
    }

    /** Opens the feed, if the backend offers any, and keeps it open; with null, as soon as it is known what it speaks. */
    void listen(@Nullable Verdict known) {
        listening = true;
        if (known != null) {
            feed(known).start();
        }
    }

    /** Whether changes would be heard of at the moment. */
    boolean isListening() {
        Feed open = feed.get();
        return open != null && open.isOpen();
    }

    private Feed feed(Verdict known) {
        while (true) {
            Feed open = feed.get();
            if (open != null) {
                return open;
            }
            LegacySession on = shared.open();
            Feed next;
            if (known.era() == Era.MODERN) {
                next = new ListenFeed(http, kinds(known), this::announce);
            } else if (on != null) {
                next = new SessionFeed(on, this::announce);
            } else {
                throw new IllegalStateException("a legacy verdict without a session");
            }
            if (feed.compareAndSet(null, next)) {
                return next;
            }
        }
    }

    private static Set<String> kinds(Verdict known) {
        Envelope result = Messages.opened(known.result());
        Span capabilities = result.member(result.result(), "capabilities");
        Set<String> kinds = new HashSet<>();
        for (String list : Set.of("tools", "prompts", "resources")) {
            if (isTrue(result, result.member(result.member(capabilities, list), "listChanged"))) {
                kinds.add(list + "ListChanged");
            }
        }
        return kinds;
    }

    private static boolean isTrue(Envelope message, Span value) {
        return value.isPresent() && message.body()[value.start()] == 't';
    }

    /** The backend speaks another era now: what was listened to goes on in that. */
    void eraChanged(Verdict found) {
        Feed old = feed.getAndSet(null);
        if (old != null) {
            old.close();
        }
        if (found.era() == Era.MODERN) {
            shared.end().subscribe();
        }
        if (listening || !subscribed.isEmpty()) {
            Feed next = feed(found);
            next.start();
            Set.copyOf(subscribed.keySet()).forEach(uri -> next.add(uri).subscribe(ignored -> {}, ignored -> {}));
        }
    }

    /** As {@link Upstream#subscribe}. */
    Mono<Void> subscribe(Verdict known, String uri) {
        if (!offersSubscribe(known)) {
            return Mono.error(new Rejection.MethodNotFound(McpMethod.RESOURCES_SUBSCRIBE.wire(), false));
        }
        Subscribed now = subscribed.compute(
                uri,
                (key, before) -> before == null
                        ? new Subscribed(1, feed(known).add(uri).cache())
                        : new Subscribed(before.count() + 1, before.asked()));
        return now.asked().doOnError(ignored -> subscribed.computeIfPresent(uri, (key, held) -> lessOne(held)));
    }

    private static @Nullable Subscribed lessOne(Subscribed held) {
        return held.count() == 1 ? null : new Subscribed(held.count() - 1, held.asked());
    }

    private static boolean offersSubscribe(Verdict known) {
        Envelope result = Messages.opened(known.result());
        Span resources = result.member(result.member(result.result(), "capabilities"), "resources");
        return isTrue(result, result.member(resources, "subscribe"));
    }

    /** As {@link Upstream#unsubscribe}. */
    Mono<Void> unsubscribe(String uri) {
        return Mono.defer(() -> {
            AtomicBoolean last = new AtomicBoolean();
            subscribed.computeIfPresent(uri, (key, held) -> {
                last.set(held.count() == 1);
                return lessOne(held);
            });
            Feed open = feed.get();
            return last.get() && open != null ? open.remove(uri).onErrorComplete() : Mono.empty();
        });
    }

    /** Those of tasks of the shared session. */
    Flux<TaskNews> ofTasks(Set<String> taskIds) {
        return signals()
                .ofType(Signal.TaskChanged.class)
                .filter(changed -> taskIds.contains(changed.taskId()))
                .map(changed -> new TaskNews.Changed(changed.taskId(), changed.notification()));
    }

    /** Stops listening. */
    void close() {
        Feed open = feed.getAndSet(null);
        if (open != null) {
            open.close();
        }
    }
}
