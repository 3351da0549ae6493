package io.sluice.discovery;

import io.sluice.catalog.Contribution;
import io.sluice.catalog.Freshness;
import io.sluice.catalog.Listing;
import io.sluice.registry.Registration;
import io.sluice.rejection.Rejection.BackendFailure;
import io.sluice.upstream.Backoff;
import io.sluice.upstream.Signal;
import io.sluice.upstream.Upstream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Scheduler;

/**
 * One registered backend: asks for its lists when it is time, and remembers the last good answer. Confined to the
 * discovery's one thread, on which every method is called; only the asking itself happens elsewhere.
 */
final class Tracked {
    private static final Logger log = LoggerFactory.getLogger(Tracked.class);
    private static final Set<Lists.Kind> ALL = EnumSet.allOf(Lists.Kind.class);

    private final Upstream upstream;
    private final DiscoverySettings settings;
    private final Scheduler thread;
    private final Backoff backoff;
    private final Turns turns;
    private final Listener listener;
    private final Lists lists;
    private final Disposable signals;
    private final EnumSet<Lists.Kind> due = EnumSet.noneOf(Lists.Kind.class);
    private final EnumSet<Lists.Kind> announced = EnumSet.noneOf(Lists.Kind.class);
    private final List<Sinks.One<Contribution>> waiting = new ArrayList<>();
    private Freshness freshness;
    private Registration registration;
    private @Nullable Listing listing;
    private Optional<String> trouble = Optional.empty();
    private boolean attempted;
    private boolean running;
    private boolean ended;
    private int failures;
    private Disposable turn = Disposables.disposed();
    private Disposable attempt = Disposables.disposed();
    private Disposable timer = Disposables.disposed();
    private long timerAt = Long.MAX_VALUE;

    /** Who keeps track of it. */
    interface Listener {
        /** Its contribution is another one now; it will be published soon. */
        void changed();

        /** Does something once all that has changed until now is published. */
        void whenPublished(Runnable act);

        /** It speaks of a change where nothing differs. */
        void announced(Announced announced);
    }

    Tracked(
            Registration registration,
            Upstream upstream,
            @Nullable Listing lastGood,
            Freshness freshness,
            DiscoverySettings settings,
            Scheduler thread,
            Backoff backoff,
            Turns turns,
            Listener listener) {
        this.registration = registration;
        this.upstream = upstream;
        this.listing = lastGood;
        this.freshness = freshness;
        this.settings = settings;
        this.thread = thread;
        this.backoff = backoff;
        this.turns = turns;
        this.listener = listener;
        this.lists = new Lists(upstream, settings);
        this.signals = upstream.signals().subscribe(signal -> thread.schedule(() -> heard(signal)));
    }

    Upstream upstream() {
        return upstream;
    }

    @Nullable
    Listing listing() {
        return listing;
    }

    Freshness freshness() {
        return freshness;
    }

    boolean attempted() {
        return attempted;
    }

    Contribution contribution() {
        return new Contribution(registration, Optional.ofNullable(listing), trouble, freshness);
    }

    void reregistered(Registration now) {
        registration = now;
    }

    /** Reads everything now, or joins an attempt that is under way; the sink gets what stands at its end. */
    void refresh(Sinks.One<Contribution> asker) {
        waiting.add(asker);
        refresh();
    }

    void refresh() {
        due.addAll(ALL);
        if (!running) {
            attempt();
        }
    }

    private void heard(Signal signal) {
        if (ended) {
            return;
        }
        if (signal instanceof Signal.ToolsChanged) {
            hear(EnumSet.of(Lists.Kind.TOOLS));
        } else if (signal instanceof Signal.PromptsChanged) {
            hear(EnumSet.of(Lists.Kind.PROMPTS));
        } else if (signal instanceof Signal.ResourcesChanged) {
            hear(EnumSet.of(Lists.Kind.RESOURCES, Lists.Kind.TEMPLATES));
        } else if (signal instanceof Signal.ReachabilityChanged) {
            reachabilityChanged();
            return;
        } else {
            return;
        }
        if (!running) {
            attemptIn(settings.debounce());
        }
    }

    private void hear(EnumSet<Lists.Kind> changed) {
        due.addAll(changed);
        announced.addAll(changed);
    }

    /** A call noticed that the backend went away or came back; the lists tell whether that is so. */
    private void reachabilityChanged() {
        if (running || !attempted) {
            return;
        }
        Optional<String> now = upstream.trouble();
        boolean changed = now.isPresent() != trouble.isPresent();
        if (changed) {
            trouble = now;
            due.addAll(ALL);
            attemptIn(now.isPresent() ? backoff.after(1) : settings.debounce());
            listener.changed();
        }
    }

    private void attemptIn(Duration wait) {
        long at = System.nanoTime() + wait.toNanos();
        if (!timer.isDisposed() && timerAt - at <= 0) {
            return;
        }
        timer.dispose();
        timerAt = at;
        timer = thread.schedule(this::attempt, wait.toMillis(), TimeUnit.MILLISECONDS);
    }

    private void attempt() {
        timer.dispose();
        if (running || ended) {
            return;
        }
        running = true;
        turn = turns.take(this::ask);
    }

    private void ask() {
        EnumSet<Lists.Kind> wanted = due.isEmpty() || listing == null ? EnumSet.copyOf(ALL) : EnumSet.copyOf(due);
        boolean everything = wanted.size() == ALL.size();
        due.clear();
        EnumSet<Lists.Kind> said = EnumSet.copyOf(announced);
        announced.clear();
        Listing before = listing;
        boolean greeting = everything && isRenewable();
        long asked = System.nanoTime();
        attempt = Mono.defer(() -> greeting ? upstream.renew() : upstream.verdict())
                .publishOn(thread)
                .flatMap(verdict -> lists.read(verdict, before, wanted))
                .timeout(settings.attempt(), Mono.error(this::tooLong), thread)
                .publishOn(thread)
                .subscribe(found -> listed(found, asked, greeting, said), this::failed);
    }

    private Throwable tooLong() {
        String name = upstream.backend().name();
        return BackendFailure.timeout(
                name,
                "Backend '" + name + "' did not send all its lists within "
                        + settings.attempt().toSeconds() + " s");
    }

    /** A legacy backend is not probed each time: some open a session for whatever they do not understand. */
    private boolean isRenewable() {
        return upstream.lastVerdict()
                .map(known -> known.era() == io.sluice.protocol.Era.MODERN)
                .orElse(true);
    }

    private void listed(Lists.Found answer, long askedNanos, boolean greeted, EnumSet<Lists.Kind> said) {
        if (ended) {
            return;
        }
        Listing found = answer.listing();
        Listing before = listing;
        boolean differs = !found.equals(before);
        boolean news = !attempted || trouble.isPresent() || differs;
        if (differs) {
            // the old list is answered with until the next catalog is made, and lives no longer for what is new
            freshness = freshness.successor();
        }
        answer.renew(freshness, askedNanos, greeted);
        if (trouble.isPresent()) {
            log.info("Backend '{}' is back", upstream.backend().name());
        }
        failures = 0;
        listing = found;
        trouble = Optional.empty();
        if (offersFeed(found)) {
            upstream.listen();
        }
        finish(news, due.isEmpty() ? untilNext(found) : settings.debounce());
        if (before != null) {
            announce(before, found, said);
        }
    }

    /** Passes on what the backend said about lists in which nothing differs; the others speak for themselves. */
    private void announce(Listing before, Listing found, EnumSet<Lists.Kind> said) {
        boolean tools = said.contains(Lists.Kind.TOOLS) && before.tools().equals(found.tools());
        boolean prompts = said.contains(Lists.Kind.PROMPTS) && before.prompts().equals(found.prompts());
        boolean resources = said.contains(Lists.Kind.RESOURCES)
                && before.resources().equals(found.resources())
                && before.resourceTemplates().equals(found.resourceTemplates());
        if (tools || prompts || resources) {
            listener.whenPublished(
                    () -> listener.announced(new Announced(upstream.backend().name(), tools, prompts, resources)));
        }
    }

    private static boolean offersFeed(Listing found) {
        return offersChanges(found) || Lists.offers(found, "resources", "subscribe");
    }

    private static boolean offersChanges(Listing found) {
        return Lists.offers(found, "tools", "listChanged")
                || Lists.offers(found, "prompts", "listChanged")
                || Lists.offers(found, "resources", "listChanged");
    }

    private Duration untilNext(Listing found) {
        Duration usual = offersChanges(found) && upstream.isListening() ? settings.feedInterval() : settings.interval();
        boolean sooner = !found.ttl().isZero() && found.ttl().compareTo(usual) < 0;
        Duration shortest = settings.interval().dividedBy(6);
        return !sooner ? usual : found.ttl().compareTo(shortest) < 0 ? shortest : found.ttl();
    }

    private void failed(Throwable error) {
        if (ended) {
            return;
        }
        failures++;
        if (error instanceof BackendFailure failure) {
            upstream.report(failure);
        } else {
            log.warn(
                    "Backend '{}': its lists could not be read",
                    upstream.backend().name(),
                    error);
            upstream.report(BackendFailure.unavailable(
                    upstream.backend().name(),
                    "Backend '" + upstream.backend().name() + "' is unavailable: its lists could not be read, "
                            + error.getMessage(),
                    Duration.ofSeconds(1)));
        }
        Optional<String> now = upstream.trouble();
        boolean news = !attempted || !now.equals(trouble);
        if (news && failures == 1) {
            log.warn("{}", now.orElse(error.getMessage()));
        }
        trouble = now;
        due.addAll(ALL);
        finish(news, backoff.after(failures));
    }

    private void finish(boolean news, Duration untilNext) {
        attempted = true;
        running = false;
        turn.dispose();
        timerAt = Long.MAX_VALUE;
        attemptIn(untilNext);
        if (news) {
            listener.changed();
        }
        if (!waiting.isEmpty()) {
            Contribution now = contribution();
            List<Sinks.One<Contribution>> asked = List.copyOf(waiting);
            waiting.clear();
            listener.whenPublished(() -> asked.forEach(asker -> asker.tryEmitValue(now)));
        }
    }

    /** Stops asking now; the way to the backend stays. */
    void stop() {
        ended = true;
        signals.dispose();
        turn.dispose();
        attempt.dispose();
        timer.dispose();
        waiting.forEach(Sinks.One::tryEmitEmpty);
        waiting.clear();
    }

    /** Stops asking now; completes when the backend has been left. */
    Mono<Void> end() {
        stop();
        upstream.dispose();
        return upstream.end();
    }
}
