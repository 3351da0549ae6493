package io.sluice.balance;

import io.sluice.guard.Breaker;
import io.sluice.guard.Durations;
import io.sluice.guard.Outcome;
import io.sluice.registry.Backend;
import io.sluice.registry.Endpoint;
import java.net.URI;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The endpoints of one backend, and the choice among them. An endpoint is out of the choice while it is drained, while
 * its breaker is open, and while it is ejected for doing worse than the others. When none is left, all that are not
 * drained are in again: a guess is better than nothing (Envoy calls it panic).
 *
 * <p>State belongs to each {@link EndpointState}; ejecting alone, which is rare, takes a monitor.
 */
public final class Endpoints {
    /** Told when an endpoint goes out of the choice, or comes back into it, because of what was seen here; not what is done by hand. */
    @FunctionalInterface
    public interface Listener {
        Listener NONE = (endpoint, ejectedFor) -> {};

        /** @param ejectedFor how long it is out; zero when it is back */
        void changed(Endpoint endpoint, Duration ejectedFor);
    }

    private static final Logger log = LoggerFactory.getLogger(Endpoints.class);
    private static final LoadBalancer.Eligible ELIGIBLE = EndpointState::isEligible;
    private static final LoadBalancer.Eligible UNDRAINED = (state, now) -> !state.isDrained();
    private static final LoadBalancer.Eligible ANY = (state, now) -> true;

    private final String backend;
    private final EndpointState[] all;
    private final LoadBalancer balancer;
    private final OutlierDetection outliers;
    private final LongSupplier nanos;
    private final AtomicLong comparedAt;
    private final Durations attempts = new Durations();
    private volatile Listener listener = Listener.NONE;

    /**
     * @param random draws candidates; called by many threads
     * @param nanos the monotonic clock, for what happens beside the path of calls
     */
    public Endpoints(Backend backend, BalanceSettings settings, RandomGenerator random, LongSupplier nanos) {
        this.backend = backend.name();
        this.outliers = settings.outliers();
        this.nanos = nanos;
        this.comparedAt = new AtomicLong(nanos.getAsLong());
        this.balancer = balancer(settings.strategy(), random);
        long now = nanos.getAsLong();
        boolean single = backend.endpoints().size() == 1;
        this.all = backend.endpoints().stream()
                .map(endpoint -> new EndpointState(
                        endpoint,
                        single ? null : breaker(endpoint, settings),
                        settings.slowStart().toNanos(),
                        now))
                .toArray(EndpointState[]::new);
    }

    private static LoadBalancer balancer(BalanceSettings.Strategy strategy, RandomGenerator random) {
        return switch (strategy) {
            case FASTEST -> LoadBalancer.fastest(random);
            case LEAST_REQUEST -> LoadBalancer.leastRequest(random);
            case ROUND_ROBIN -> LoadBalancer.roundRobin();
            case WEIGHTED -> LoadBalancer.weighted(random);
            case STICKY -> LoadBalancer.sticky(random);
        };
    }

    private Breaker breaker(Endpoint endpoint, BalanceSettings settings) {
        return new Breaker(
                backend + " " + shown(endpoint),
                settings.breaker(),
                nanos,
                (breaker, before, after) -> log.info(
                        "Endpoint {} of backend '{}': its breaker went from {} to {}",
                        shown(endpoint),
                        backend,
                        before,
                        after));
    }

    /** Without the query, which may carry a key. */
    static String shown(Endpoint endpoint) {
        String text = endpoint.url().toString();
        int query = text.indexOf('?');
        return query < 0 ? text : text.substring(0, query);
    }

    public void listener(Listener other) {
        listener = other;
    }

    public int size() {
        return all.length;
    }

    public List<EndpointState> states() {
        return List.of(all);
    }

    /** How long attempts took until the head of their answer came. */
    public Durations attempts() {
        return attempts;
    }

    // ---- picking

    /**
     * Where the next attempt goes.
     *
     * @param key what calls that belong to each other have in common, 0 for nothing
     * @param nowNanos {@link System#nanoTime()}
     */
    public Attempt pick(long key, long nowNanos) {
        if (all.length == 1) {
            return new Attempt(this, all[0], false, nowNanos);
        }
        EndpointState at = balancer.pick(all, ELIGIBLE, key, nowNanos);
        if (at != null) {
            Breaker breaker = at.breaker();
            if (breaker == null || breaker.tryAcquire()) {
                return new Attempt(this, at, true, nowNanos);
            }
            // Its breaker lets only a few through: any other that takes it will do.
            for (EndpointState state : all) {
                Breaker own = state.breaker();
                if (state != at && state.isEligible(nowNanos) && (own == null || own.tryAcquire())) {
                    return new Attempt(this, state, true, nowNanos);
                }
            }
        }
        return inPanic(key, nowNanos);
    }

    private Attempt inPanic(long key, long nowNanos) {
        EndpointState at = balancer.pick(all, UNDRAINED, key, nowNanos);
        if (at == null) {
            at = balancer.pick(all, ANY, key, nowNanos);
        }
        return new Attempt(this, at == null ? all[0] : at, false, nowNanos);
    }

    /** Another than the one just tried; the same where there is no other. */
    public Attempt pickOther(EndpointState than, long nowNanos) {
        if (all.length == 1) {
            return new Attempt(this, all[0], false, nowNanos);
        }
        LoadBalancer.Eligible others = (state, now) -> state != than && state.isEligible(now);
        EndpointState at = balancer.pick(all, others, 0, nowNanos);
        if (at == null) {
            at = balancer.pick(all, (state, now) -> state != than && !state.isDrained(), 0, nowNanos);
            return new Attempt(this, at == null ? than : at, false, nowNanos);
        }
        Breaker breaker = at.breaker();
        return new Attempt(this, at, breaker != null && breaker.tryAcquire(), nowNanos);
    }

    /** Where something is that cannot be elsewhere, whatever is thought of the place. */
    public Attempt pinned(Endpoint endpoint, long nowNanos) {
        EndpointState at = find(endpoint);
        if (at == null) {
            return pick(0, nowNanos);
        }
        Breaker breaker = at.breaker();
        return new Attempt(this, at, breaker != null && breaker.tryAcquire(), nowNanos);
    }

    /** Whether something new would be sent there. */
    public boolean isEligible(Endpoint endpoint, long nowNanos) {
        EndpointState at = find(endpoint);
        return at != null && at.isEligible(nowNanos);
    }

    private @Nullable EndpointState find(Endpoint endpoint) {
        for (EndpointState state : all) {
            if (state.endpoint().equals(endpoint)) {
                return state;
            }
        }
        return null;
    }

    /** As {@link #pick}, for something that is to stay there; nothing starts by this. */
    public Endpoint choose(long key, long nowNanos) {
        if (all.length == 1) {
            return all[0].endpoint();
        }
        EndpointState at = balancer.pick(all, ELIGIBLE, key, nowNanos);
        if (at == null) {
            at = balancer.pick(all, UNDRAINED, key, nowNanos);
        }
        return (at == null ? all[0] : at).endpoint();
    }

    // ---- learning

    void learn(EndpointState at, Outcome outcome, long nowNanos) {
        if (all.length == 1 || outcome == Outcome.IGNORED) {
            return;
        }
        if (outcome == Outcome.SUCCEEDED) {
            at.succeeded.incrementAndGet();
            if (at.failuresInARow.get() != 0) {
                at.failuresInARow.set(0);
            }
            if (at.isUnproven()) {
                at.unproven(false);
            }
            if (at.ejectedUntil.get() != 0) {
                settleEjection(at, nowNanos);
            }
        } else {
            at.failed.incrementAndGet();
            int inARow = at.failuresInARow.incrementAndGet();
            if (inARow >= mostFailures(at, nowNanos)) {
                eject(at, inARow + (inARow == 1 ? " failure" : " failures in a row"), nowNanos);
            } else if (at.isOnTrial(nowNanos)) {
                eject(at, "it still fails", nowNanos);
            }
        }
        long compared = comparedAt.get();
        if (nowNanos - compared >= outliers.interval().toNanos() && comparedAt.compareAndSet(compared, nowNanos)) {
            compare(nowNanos);
        }
    }

    /** One is enough where only a check has gone well; of an endpoint that another replica has ejected, half as many. */
    private int mostFailures(EndpointState at, long nowNanos) {
        if (at.isUnproven()) {
            return 1;
        }
        int most = outliers.consecutiveFailures();
        return at.isDoubted(nowNanos) ? Math.max(1, most / 2) : most;
    }

    /** An ejection that has run out is over once a call went well; until then the next failure renews it. */
    private void settleEjection(EndpointState at, long nowNanos) {
        long until = at.ejectedUntil.get();
        if (until != 0 && nowNanos - until >= 0 && at.ejectedUntil.compareAndSet(until, 0)) {
            back(at, "a call went well", nowNanos);
        }
    }

    private void back(EndpointState at, String why, long nowNanos) {
        backByHand(at, why, nowNanos);
        listener.changed(at.endpoint(), Duration.ZERO);
    }

    private void backByHand(EndpointState at, String why, long nowNanos) {
        at.joined(nowNanos);
        log.info("Endpoint {} of backend '{}' is back: {}", shown(at.endpoint()), backend, why);
    }

    private void eject(EndpointState at, String why, long nowNanos) {
        Duration out = ejectByHand(at, why, nowNanos);
        if (!out.isZero()) {
            if (at.isUnproven()) {
                at.heldUntil(nowNanos + outliers.ejection().toNanos());
            }
            listener.changed(at.endpoint(), out);
        }
    }

    /** For how long; not at all when it is out already, or too many are. */
    private Duration ejectByHand(EndpointState at, String why, long nowNanos) {
        Duration out;
        synchronized (this) {
            if (at.isEjected(nowNanos)) {
                return Duration.ZERO;
            }
            long alreadyOut = Arrays.stream(all)
                    .filter(state -> state != at && state.isEjected(nowNanos))
                    .count();
            if ((alreadyOut + 1) * 100 > (long) all.length * outliers.maxPercent()) {
                return Duration.ZERO;
            }
            at.ejections = at.ejections + 1;
            at.timesEjected.increment();
            long wanted = outliers.ejection().toNanos() * Math.min(at.ejections, 1000);
            out = Duration.ofNanos(Math.min(wanted, outliers.longestEjection().toNanos()));
            at.ejectedUntil.set(nonZero(nowNanos + out.toNanos()));
        }
        at.failuresInARow.set(0);
        log.warn(
                "Endpoint {} of backend '{}' is ejected for {} s: {}",
                shown(at.endpoint()),
                backend,
                TimeUnit.NANOSECONDS.toSeconds(out.toNanos()),
                why);
        return out;
    }

    private static long nonZero(long nanos) {
        return nanos == 0 ? 1 : nanos;
    }

    /** Ejects those whose share of successes is far below the others'. Called once for each interval. */
    private void compare(long nowNanos) {
        double[] rates = new double[all.length];
        int counted = 0;
        double sum = 0;
        for (int i = 0; i < all.length; i++) {
            int succeeded = all[i].succeeded.getAndSet(0);
            int calls = succeeded + all[i].failed.getAndSet(0);
            if (calls > 0 && calls == succeeded && all[i].ejections > 0 && !all[i].isEjected(nowNanos)) {
                int before = all[i].ejections;
                all[i].ejections = before - 1;
            }
            rates[i] = calls >= outliers.minimumCalls() ? succeeded / (double) calls : -1;
            if (rates[i] >= 0) {
                counted++;
                sum += rates[i];
            }
        }
        if (counted < outliers.minimumEndpoints()) {
            return;
        }
        double mean = sum / counted;
        double squares = 0;
        for (double rate : rates) {
            squares += rate >= 0 ? (rate - mean) * (rate - mean) : 0;
        }
        double lowest = mean - outliers.deviations() * Math.sqrt(squares / counted);
        for (int i = 0; i < all.length; i++) {
            if (rates[i] >= 0 && rates[i] < lowest) {
                eject(
                        all[i],
                        Math.round(rates[i] * 100) + " % of its calls succeeded, of all " + Math.round(mean * 100)
                                + " %",
                        nowNanos);
            }
        }
    }

    /** Those that get no calls although nobody has drained them. */
    public List<EndpointState> out(long nowNanos) {
        return all.length == 1
                ? List.of()
                : Arrays.stream(all)
                        .filter(state ->
                                !state.isDrained() && (state.ejectedUntil.get() != 0 || !state.isEligible(nowNanos)))
                        .toList();
    }

    /**
     * What an active check found out. One that went well brings an ejected endpoint back, but not one that was ejected by
     * hand, nor, for a while, one whose next call failed when a check had brought it back: that answers checks and
     * nothing else.
     */
    public void checked(Endpoint endpoint, boolean healthy) {
        EndpointState at = find(endpoint);
        if (at == null || all.length == 1) {
            return;
        }
        long now = nanos.getAsLong();
        if (healthy) {
            if (at.isHeld(now)) {
                return;
            }
            if (at.ejectedUntil.getAndSet(0) != 0) {
                at.unproven(true);
                back(at, "a health check went well", now);
            } else if (at.failuresInARow.get() != 0) {
                at.joined(now);
            }
            Breaker breaker = at.breaker();
            if (breaker != null) {
                breaker.halfOpen();
            }
        } else {
            long until = at.ejectedUntil.get();
            if (until != 0 && until - now < outliers.ejection().toNanos()) {
                at.ejectedUntil.compareAndSet(
                        until, nonZero(now + outliers.ejection().toNanos()));
            } else if (until == 0 && at.failuresInARow.incrementAndGet() >= outliers.consecutiveFailures()) {
                eject(at, "its health checks fail", now);
            }
        }
    }

    // ---- said by hand, or by other replicas

    /** The endpoint at this address, if there is one. */
    public Optional<EndpointState> at(URI url) {
        return Arrays.stream(all)
                .filter(state -> state.endpoint().url().equals(url))
                .findFirst();
    }

    /**
     * Another replica has ejected an endpoint for so long, or with zero has it back. Its calls are not ours, and what is
     * between it and the endpoint may not be between us and it: so the endpoint only gets half its share here meanwhile,
     * and half as many failures eject it.
     */
    public void doubt(URI url, Duration ejectedElsewhere) {
        if (all.length == 1) {
            return;
        }
        at(url).ifPresent(state -> {
            long now = nanos.getAsLong();
            boolean before = state.isDoubted(now);
            long longest = Math.min(
                    ejectedElsewhere.toNanos(), outliers.longestEjection().toNanos());
            state.doubted(longest <= 0 ? 0 : nonZero(now + longest));
            if (longest > 0 && !before && !state.isEjected(now)) {
                log.info(
                        "Endpoint {} of backend '{}' was ejected by another replica: it gets half its share here for {} s",
                        shown(state.endpoint()),
                        backend,
                        TimeUnit.NANOSECONDS.toSeconds(longest));
            }
        });
    }

    /** Gives it no new attempts, or again. */
    public void drain(EndpointState state, boolean drained) {
        state.drained(drained, nanos.getAsLong());
        log.info(
                "Endpoint {} of backend '{}' {} by hand",
                shown(state.endpoint()),
                backend,
                drained ? "is drained" : "takes calls again");
    }

    /** Takes it out of the choice for a while, or back in with zero. Not more than half can be out. */
    public void eject(EndpointState state, Duration out) {
        long now = nanos.getAsLong();
        if (out.isZero()) {
            state.heldUntil(now);
            if (state.ejectedUntil.getAndSet(0) != 0) {
                backByHand(state, "somebody said so", now);
            }
            return;
        }
        ejectByHand(state, "somebody said so", now);
        if (state.isEjected(now)) {
            state.ejectedUntil.set(nonZero(now + out.toNanos()));
            state.heldUntil(now + out.toNanos());
        }
    }

    /** Gives it another share than the registered one, until the backend is registered anew. */
    public void weight(EndpointState state, int weight) {
        if (weight < 1) {
            throw new IllegalArgumentException("weight " + weight + " is not at least 1");
        }
        state.weight(weight);
        log.info("Endpoint {} of backend '{}' has weight {} by hand", shown(state.endpoint()), backend, weight);
    }

    /** Closes the breakers of all endpoints. */
    public void resetBreakers() {
        for (EndpointState state : all) {
            Breaker breaker = state.breaker();
            if (breaker != null) {
                breaker.reset();
            }
        }
    }
}
