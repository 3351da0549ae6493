package io.sluice.gateway;

import io.sluice.upstream.Signal;
import io.sluice.upstream.Upstream;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
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

    /** Subscribes; completes when the backend has agreed. */
    Mono<Void> add(Upstream upstream, String uri, Listener listener) {
        return Mono.defer(() -> {
            Key key = new Key(upstream.backend().name(), uri);
            Set<Listener> all = listeners.computeIfAbsent(key, k -> ConcurrentHashMap.newKeySet());
            boolean first = all.isEmpty();
            if (!all.add(listener) || !first) {
                return Mono.empty();
            }
            return upstream.subscribe(uri).doOnError(e -> drop(key, listener));
        });
    }

    /** Takes a subscription back; the last one is taken back at the backend too. */
    Mono<Void> remove(String backend, String uri, Listener listener) {
        return Mono.defer(() -> {
            Feed feed = feeds.get(backend);
            return drop(new Key(backend, uri), listener) && feed != null
                    ? feed.upstream().unsubscribe(uri)
                    : Mono.empty();
        });
    }

    /** @return whether nobody wants this resource any more */
    private boolean drop(Key key, Listener listener) {
        return listeners.computeIfPresent(key, (k, all) -> {
                    all.remove(listener);
                    return all.isEmpty() ? null : all;
                })
                == null;
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
                Flux.fromIterable(listeners.keySet())
                        .filter(key -> key.backend().equals(backend))
                        .flatMap(key -> upstream.subscribe(key.uri())
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
