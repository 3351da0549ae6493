package io.sluice.gateway;

import io.sluice.upstream.Signal;
import io.sluice.upstream.Upstream;
import java.util.Collections;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Who wants to hear of which resource, whatever the eras of the two sides: legacy sessions and modern listeners alike. One subscription at the backend serves all of them. When the way to a
 * backend is replaced, its subscriptions move to the new one. Safe for use by many threads.
 */
final class ResourceUpdates {
    private static final Logger log = LoggerFactory.getLogger(ResourceUpdates.class);

    private final Map<Key, Set<Listener>> listeners = new ConcurrentHashMap<>();
    private final Map<String, Feed> feeds = new ConcurrentHashMap<>();

    /** Told that a resource changed. Implementations are equal when telling both would be telling one twice. */
    interface Listener {
        void updated();
    }

    private record Key(String backend, String uri) {}

    private record Feed(Upstream upstream, Disposable signals) {}

    /** Subscribes; completes when the backend has agreed. At the backend all listeners are one, which {@link Upstream} sees to. */
    Mono<Void> add(Upstream upstream, String uri, Listener listener) {
        return Mono.defer(() -> {
            Key key = new Key(upstream.backend().name(), uri);
            AtomicBoolean added = new AtomicBoolean();
            listeners.compute(key, (k, before) -> {
                Set<Listener> all = before == null ? ConcurrentHashMap.newKeySet() : before;
                added.set(all.add(listener));
                return all;
            });
            return added.get() ? upstream.subscribe(uri).doOnError(e -> drop(key, listener)) : Mono.empty();
        });
    }

    /** Takes a subscription back; nothing when there is none. */
    Mono<Void> remove(String backend, String uri, Listener listener) {
        return Mono.defer(() -> {
            Feed feed = feeds.get(backend);
            return drop(new Key(backend, uri), listener) && feed != null
                    ? feed.upstream().unsubscribe(uri)
                    : Mono.empty();
        });
    }

    /** @return whether it was there */
    private boolean drop(Key key, Listener listener) {
        AtomicBoolean dropped = new AtomicBoolean();
        listeners.computeIfPresent(key, (k, all) -> {
            dropped.set(all.remove(listener));
            return all.isEmpty() ? null : all;
        });
        return dropped.get();
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
                Flux.fromIterable(listeners.entrySet())
                        .filter(entry -> entry.getKey().backend().equals(backend))
                        .flatMapIterable(entry -> Collections.nCopies(
                                entry.getValue().size(), entry.getKey().uri()))
                        .flatMap(uri -> upstream.subscribe(uri)
                                .doOnError(
                                        e -> log.info("Could not subscribe again at '{}': {}", backend, e.getMessage()))
                                .onErrorComplete())
                        .subscribe();
            }
        });
    }

    private void hear(String backend, Signal signal) {
        if (signal instanceof Signal.ResourceUpdated updated) {
            listeners.getOrDefault(new Key(backend, updated.uri()), Set.of()).forEach(Listener::updated);
        }
    }
}
