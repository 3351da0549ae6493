package io.sluice.gateway;

import io.sluice.upstream.Signal;
import io.sluice.upstream.Upstream;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;

/**
 * Who wants to hear of which resource, whatever the eras of the two sides: legacy sessions and modern listeners alike.
 * One subscription at the backend serves all of them. When the way to a
 * backend is replaced, its subscriptions move to the new one. Safe for use by many threads.
 */
final class ResourceUpdates {
    private static final Logger log = LoggerFactory.getLogger(ResourceUpdates.class);

    private final Map<Key, Interest> interests = new ConcurrentHashMap<>();
    private final Map<String, Feed> feeds = new ConcurrentHashMap<>();

    /** Told that a resource changed. Implementations are equal when telling both would be telling one twice. */
    interface Listener {
        void updated();
    }

    private record Key(String backend, String uri) {}

    /**
     * Those who share one subscription at a backend.
     *
     * @param agreed completes for each of them when the backend has agreed
     * @param listeners changed only while the map computes this entry, so that an interest without any is never found
     */
    private record Interest(Upstream upstream, Mono<Void> agreed, Set<Listener> listeners) {
        static Interest of(Upstream upstream, String uri, Set<Listener> listeners) {
            return new Interest(upstream, upstream.subscribe(uri).cache(), listeners);
        }
    }

    private record Feed(Upstream upstream, Disposable signals) {}

    /** Subscribes; completes when the backend has agreed. Who gives up waiting takes the subscription back. */
    Mono<Void> add(Upstream upstream, String uri, Listener listener) {
        return Mono.defer(() -> {
            Key key = new Key(upstream.backend().name(), uri);
            Interest joined = Objects.requireNonNull(interests.compute(key, (k, held) -> {
                Interest now = held == null ? Interest.of(upstream, uri, ConcurrentHashMap.newKeySet()) : held;
                now.listeners().add(listener);
                return now;
            }));
            return joined.agreed().doOnError(refused -> leave(key, listener));
        });
    }

    /** Takes a subscription back; the last one is taken back at the backend too. */
    Mono<Void> remove(String backend, String uri, Listener listener) {
        return Mono.defer(() -> {
            Interest ended = leave(new Key(backend, uri), listener);
            return ended == null ? Mono.empty() : ended.upstream().unsubscribe(uri);
        });
    }

    /** @return the interest, if nobody is left who shares it */
    private @Nullable Interest leave(Key key, Listener listener) {
        AtomicReference<@Nullable Interest> ended = new AtomicReference<>();
        interests.computeIfPresent(key, (k, held) -> {
            if (!held.listeners().remove(listener) || !held.listeners().isEmpty()) {
                return held;
            }
            ended.set(held);
            return null;
        });
        return ended.get();
    }

    /** Follows the view: listens to new ways to backends, moves subscriptions to them, lets go of the old. */
    void follow(Map<String, Upstream> upstreams) {
        feeds.forEach((backend, feed) -> {
            if (upstreams.get(backend) != feed.upstream()) {
                feed.signals().dispose();
                feeds.remove(backend, feed);
            }
        });
        upstreams.forEach((backend, upstream) -> {
            if (!feeds.containsKey(backend)) {
                feeds.put(backend, new Feed(upstream, upstream.signals().subscribe(signal -> hear(backend, signal))));
                Set.copyOf(interests.keySet()).forEach(key -> move(key, backend, upstream));
            }
        });
    }

    /** Subscribes anew at a backend whose way was replaced. */
    private void move(Key key, String backend, Upstream upstream) {
        if (!key.backend().equals(backend)) {
            return;
        }
        Interest moved = interests.computeIfPresent(
                key,
                (k, held) -> held.upstream() == upstream ? held : Interest.of(upstream, k.uri(), held.listeners()));
        if (moved != null) {
            moved.agreed()
                    .subscribe(
                            ignored -> {},
                            e -> log.info("Could not subscribe again at '{}': {}", backend, e.getMessage()));
        }
    }

    private void hear(String backend, Signal signal) {
        if (signal instanceof Signal.ResourceUpdated updated) {
            Interest interest = interests.get(new Key(backend, updated.uri()));
            if (interest != null) {
                interest.listeners().forEach(Listener::updated);
            }
        }
    }
}
