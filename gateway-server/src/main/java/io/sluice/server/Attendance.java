package io.sluice.server;

import io.sluice.protocol.RawJson;
import io.sluice.registry.Change;
import io.sluice.registry.RecordKind;
import io.sluice.registry.Registry;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Which replicas of the gateway are alive: each keeps a leased record for as long as it is. While the shared registry is
 * away, and after a restart from the snapshot on disk, those count that were there last.
 */
final class Attendance {
    private static final Logger log = LoggerFactory.getLogger(Attendance.class);
    private static final Duration BEAT = Duration.ofSeconds(5);
    private static final Duration ALIVE = Duration.ofSeconds(20);
    private static final Duration FAREWELL = Duration.ofSeconds(1);

    private final Registry registry;
    private final String self;
    private final Disposable beats;

    private Attendance(Registry registry, String self) {
        this.registry = registry;
        this.self = self;
        this.beats = Flux.interval(Duration.ZERO, BEAT)
                .onBackpressureDrop()
                .concatMap(beat -> beat(), 1)
                .subscribe();
    }

    /** @param self another for each start of the process */
    static Attendance begin(Registry registry, String self) {
        return new Attendance(registry, self);
    }

    private Mono<Boolean> beat() {
        return registry.renew(RecordKind.REPLICA, self)
                .filter(Boolean::booleanValue)
                .switchIfEmpty(Mono.defer(() -> registry.put(
                                RecordKind.REPLICA, self, RawJson.EMPTY_OBJECT, Optional.of(ALIVE), Change.any())
                        .thenReturn(true)))
                .onErrorResume(away -> {
                    log.debug("The others are not told that this replica is alive: {}", away.getMessage());
                    return Mono.just(false);
                });
    }

    /** How many replicas there are as far as is known, this one included. */
    int present() {
        Set<String> known = registry.snapshot().records(RecordKind.REPLICA).keySet();
        return known.contains(self) ? known.size() : known.size() + 1;
    }

    /** Tells the others that this replica leaves, if they can be told soon. */
    Mono<Void> end() {
        return Mono.fromRunnable(beats::dispose)
                .then(registry.delete(RecordKind.REPLICA, self, Change.any()))
                .timeout(FAREWELL)
                .onErrorComplete()
                .then();
    }
}
