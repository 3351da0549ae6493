package io.sluice.discovery;

import io.sluice.catalog.Contribution;
import io.sluice.catalog.Freshness;
import io.sluice.catalog.Listing;
import io.sluice.registry.Backend;
import io.sluice.registry.Registration;
import io.sluice.registry.Registry;
import io.sluice.registry.RegistrySnapshot;
import io.sluice.upstream.Backoff;
import io.sluice.upstream.BuiltIn;
import io.sluice.upstream.Upstream;
import io.sluice.upstream.UpstreamSettings;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/**
 * Follows the registry and learns what each backend offers. Backends are independent of each other: one that hangs or
 * fails is asked again in the background, keeps its last good listing, and delays nobody.
 *
 * <p>All bookkeeping is confined to one thread of its own; the network is waited for elsewhere. {@link #state()} may be
 * read from anywhere and never waits.
 */
public final class Discovery implements Disposable {
    private static final Logger log = LoggerFactory.getLogger(Discovery.class);

    /** Backends that are asked at once. */
    private static final int AT_ONCE = 64;

    /** After which one that has not answered lets another one be asked as well. */
    private static final Duration LONGEST_TURN = Duration.ofMillis(250);

    private final Registry registry;
    private final UpstreamSettings upstreams;
    private final DiscoverySettings settings;
    private final Backoff backoff;
    private final Scheduler thread = Schedulers.newSingle(Discovery::thread);
    private final Paced publishing = new Paced(thread, System::nanoTime, this::publish);
    private final Turns turns = new Turns(thread, AT_ONCE, LONGEST_TURN);
    private final Map<String, Tracked> tracked = new TreeMap<>();
    private final List<Tracked> replaced = new ArrayList<>();
    private final List<Runnable> afterwards = new ArrayList<>();
    private final Map<String, Hosted> hosted = new TreeMap<>();
    private final Sinks.Many<DiscoveryState> states = Sinks.many().replay().latestOrDefault(DiscoveryState.EMPTY);
    private final Sinks.Many<Announced> announcements = Sinks.many().multicast().directBestEffort();
    private final Sinks.Empty<Void> firstRound = Sinks.empty();
    private final Disposable.Swap watch = Disposables.swap();
    private final Mono<Void> stopped = Mono.defer(this::leave).cache();
    private volatile DiscoveryState state = DiscoveryState.EMPTY;
    private boolean synced;

    /** A backend that is part of this process, and so of this replica alone. */
    private record Hosted(Backend backend, BuiltIn server) {}

    private Discovery(Registry registry, UpstreamSettings upstreams, DiscoverySettings settings) {
        this.registry = registry;
        this.upstreams = upstreams;
        this.settings = settings;
        this.backoff = new Backoff(settings.firstRetry(), settings.longestRetry(), upstreams.random());
    }

    /** Not one of Reactor's threads, which must never block: making a client reads key stores and random seeds. */
    private static Thread thread(Runnable work) {
        Thread thread = new Thread(work, "sluice-discovery");
        thread.setDaemon(true);
        return thread;
    }

    /** Starts to follow the registry and to ask its backends. */
    public static Discovery start(Registry registry, UpstreamSettings upstreams, DiscoverySettings settings) {
        Discovery discovery = new Discovery(registry, upstreams, settings);
        discovery.watch.update(registry.watch()
                .publishOn(discovery.thread)
                .subscribe(discovery::follow, error -> log.error("The registry can no longer be followed", error)));
        return discovery;
    }

    /**
     * Adds a backend that is part of this process, or replaces it. The registry, which all replicas share, does not know
     * of it. It comes before all others where names collide.
     */
    public void host(Backend backend, BuiltIn server) {
        thread.schedule(() -> {
            hosted.put(backend.name(), new Hosted(backend, server));
            follow(registry.snapshot());
        });
    }

    /** What is known now. */
    public DiscoveryState state() {
        return state;
    }

    /**
     * What is known now and after each change; a slow subscriber sees the newest. Signals come on the discovery's
     * thread.
     */
    public Flux<DiscoveryState> states() {
        return states.asFlux().onBackpressureLatest();
    }

    /**
     * What backends say about lists that turn out to be unchanged, each after the state that their re-reading may have
     * brought. Signals come on the discovery's thread.
     */
    public Flux<Announced> announcements() {
        return announcements.asFlux();
    }

    /** Completes when every backend that was registered at the start has been asked once, successfully or not. */
    public Mono<Void> firstRound() {
        return firstRound.asMono();
    }

    /**
     * Asks a backend again now, and waits for the outcome, but no longer than {@link DiscoverySettings#firstAttempt()}:
     * then what is known so far is the answer. Empty when there is no such backend.
     */
    public Mono<Contribution> refresh(String name) {
        return Mono.defer(() -> {
            Sinks.One<Contribution> asker = Sinks.one();
            thread.schedule(() -> {
                follow(registry.snapshot());
                Tracked known = tracked.get(name);
                if (known == null) {
                    asker.tryEmitEmpty();
                } else {
                    known.refresh(asker);
                }
            });
            return asker.asMono().timeout(settings.firstAttempt(), Mono.defer(() -> soFar(name)));
        });
    }

    /**
     * Asks a backend that is not registered what it offers, once, and leaves it again. Fails with a {@link
     * io.sluice.rejection.Rejection} that says why when it does not answer.
     */
    public Mono<Listing> tryOut(Backend backend) {
        return Mono.usingWhen(open(backend), this::list, Upstream::end);
    }

    /** The way to a backend that is not registered and of no concern to discovery; whoever asked for it disposes of it. */
    public Mono<Upstream> open(Backend backend) {
        return Mono.fromCallable(() -> Upstream.open(backend, upstreams))
                .subscribeOn(Schedulers.boundedElastic()); // reads TLS files
    }

    /** All that a backend offers now, asked once. Fails as {@link #tryOut} does. */
    public Mono<Listing> list(Upstream upstream) {
        return upstream.verdict()
                .flatMap(verdict -> new Lists(upstream, settings).read(verdict, null, EnumSet.allOf(Lists.Kind.class)))
                .map(Lists.Found::listing);
    }

    private Mono<Contribution> soFar(String name) {
        return Mono.justOrEmpty(state.contributions().stream()
                .filter(known -> known.registration().backend().name().equals(name))
                .findFirst());
    }

    private void follow(RegistrySnapshot snapshot) {
        if (watch.isDisposed()) {
            return; // all backends are left, or are about to be
        }
        boolean changed = false;
        for (String gone : List.copyOf(tracked.keySet())) {
            if (!snapshot.registrations().containsKey(gone) && !hosted.containsKey(gone)) {
                replaced(tracked.remove(gone));
                changed = true;
            }
        }
        for (Hosted here : hosted.values()) {
            changed |= follow(new Registration(here.backend(), 0, 0));
        }
        for (Registration registration : snapshot.registrations().values()) {
            changed |= !hosted.containsKey(registration.backend().name()) && follow(registration);
        }
        synced = true;
        if (changed) {
            publishing.changed();
        } else {
            completeFirstRound();
        }
    }

    private boolean follow(Registration registration) {
        String name = registration.backend().name();
        Tracked known = tracked.get(name);
        if (known != null && known.upstream().backend().equals(registration.backend())) {
            boolean renumbered = !known.contribution().registration().equals(registration);
            known.reregistered(registration);
            return renumbered;
        }
        Listing lastGood = known == null ? null : known.listing();
        Hosted here = hosted.get(name);
        Upstream upstream = here == null
                ? Upstream.open(registration.backend(), upstreams)
                : Upstream.inside(here.backend(), here.server(), upstreams);
        Tracked next = new Tracked(
                registration,
                upstream,
                lastGood,
                known == null ? new Freshness(System::nanoTime) : known.freshness(),
                settings,
                thread,
                backoff,
                turns,
                new Tracked.Listener() {
                    @Override
                    public void changed() {
                        publishing.changed();
                    }

                    @Override
                    public void whenPublished(Runnable act) {
                        afterwards(act);
                    }

                    @Override
                    public void announced(Announced announced) {
                        announcements.tryEmitNext(announced);
                    }
                });
        tracked.put(name, next);
        replaced(known);
        next.refresh();
        return true;
    }

    /** It asks no more, but calls may still find the way to it until the next state is known. */
    private void replaced(@Nullable Tracked known) {
        if (known != null) {
            known.stop();
            replaced.add(known);
        }
    }

    /** Does it when what has changed is published, which may be now. */
    private void afterwards(Runnable act) {
        if (publishing.isDue()) {
            afterwards.add(act);
        } else {
            act.run();
        }
    }

    private void publish() {
        if (watch.isDisposed()) {
            return;
        }
        Map<String, Upstream> open = new HashMap<>();
        tracked.forEach((name, known) -> open.put(name, known.upstream()));
        state = new DiscoveryState(
                tracked.values().stream().map(Tracked::contribution).toList(), open);
        states.tryEmitNext(state);
        replaced.forEach(left -> left.end().subscribe());
        replaced.clear();
        List<Runnable> acts = List.copyOf(afterwards);
        afterwards.clear();
        acts.forEach(Runnable::run);
        completeFirstRound();
    }

    private void completeFirstRound() {
        if (synced && !publishing.isDue() && tracked.values().stream().allMatch(Tracked::attempted)) {
            firstRound.tryEmitEmpty();
        }
    }

    /** As {@link #stop()}, without waiting for it. */
    @Override
    public void dispose() {
        stop().subscribe();
    }

    /**
     * Stops asking, and closes every upstream; calls in flight finish. Completes when the backends have been left, which
     * still takes their event loops.
     */
    public Mono<Void> stop() {
        return stopped;
    }

    private Mono<Void> leave() {
        watch.dispose();
        return Mono.fromCallable(() -> {
                    replaced.addAll(tracked.values());
                    List<Mono<Void>> left = replaced.stream().map(Tracked::end).toList();
                    tracked.clear();
                    replaced.clear();
                    states.tryEmitComplete();
                    return left;
                })
                .subscribeOn(thread)
                .flatMap(Mono::when)
                // it takes locks, and a thread that ends itself may do so while it is still being handed the task
                .doFinally(signal -> Schedulers.boundedElastic().schedule(thread::dispose));
    }
}
