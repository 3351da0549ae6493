package io.sluice.guard;

import io.sluice.auth.Caller;
import io.sluice.catalog.Glob;
import io.sluice.rejection.Rejection;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * Admits calls: within what their caller, their backend and their tool may have, and while this gateway and the backend
 * have room. Refuses by throwing. Reads no clock and takes no lock; safe for use by many threads.
 *
 * <p>One line on the path of a call is {@code guard.check(caller, backend, tool, …, now)}, which costs nothing that would
 * have to be given back, the other {@link Gate#tryAdmit}.
 */
@SuppressWarnings("EnumOrdinal") // an array beats an EnumMap: no look-up, no boxing
public final class Guard {
    /** Why a call was refused before any backend was thought of: a closed set, fit for a tag. */
    public enum Limit {
        /** Its caller has used up what is its own. */
        CALLER,
        /** All callers together have used up what they share. */
        SHARED,
        /** It is the same call again and again. */
        IDENTICAL
    }

    private volatile State state = new State(LimitSettings.NONE, null);
    private volatile Deadlines deadlines = new Deadlines(List.of());
    private final LongAdder[] limited = {new LongAdder(), new LongAdder(), new LongAdder()};

    private static final class State {
        private final LimitSettings settings;
        private final Budgets budgets;
        private final @Nullable IdenticalCalls identical;

        private final @Nullable SharedBudgets shared;

        private State(LimitSettings settings, @Nullable SharedBudgets shared) {
            this.settings = settings;
            this.shared = shared;
            this.budgets = new Budgets(settings.rates(), shared);
            this.identical = settings.identicalCalls() == 0
                    ? null
                    : new IdenticalCalls(
                            settings.identicalCalls(),
                            settings.identicalWithin().toNanos());
        }
    }

    public Guard() {}

    public Guard(LimitSettings settings) {
        apply(settings);
    }

    /**
     * From now on the budgets of rates are those of all replicas together. To be called before there are calls.
     *
     * @param wake told, by any thread, that there is something to settle; must not wait
     * @return where the account of the replicas is settled
     */
    public SharedBudgets share(Runnable wake) {
        SharedBudgets shared = new SharedBudgets(wake);
        state = new State(state.settings, shared);
        return shared;
    }

    /** Goes on with other limits. Budgets start anew only if they changed. */
    public void apply(LimitSettings settings) {
        if (!settings.deadlines().equals(deadlines.rules())) {
            deadlines = new Deadlines(settings.deadlines());
        }
        State now = state;
        LimitSettings others = settings.withDeadlines(List.of());
        if (!others.equals(now.settings)) {
            state = new State(others, now.shared);
        }
    }

    /**
     * How long a call may take by the configuration; null for as long as its backend may.
     *
     * @param tool the tool as the backend knows it, empty for a call of anything else
     */
    public @Nullable DeadlineRule deadline(String backend, String tool) {
        return deadlines.of(backend, tool);
    }

    /**
     * Charges a call to every budget it belongs to.
     *
     * @param tool the target as the backend knows it
     * @param body the request; of it {@code from} to {@code to} is what makes two calls the same
     * @throws Rejection.Limited when the caller has used up what it may have
     * @throws Rejection.BackendFailure when all callers together have, of a backend or a tool
     */
    public void check(Caller caller, String backend, String tool, byte[] body, int from, int to, long nowNanos) {
        State now = state;
        IdenticalCalls identical = now.identical;
        if (identical != null && to <= body.length) { // both may have come with a reload just now
            long seed = 31L * (31L * caller.hashCode() + backend.hashCode()) + tool.hashCode();
            long wait = identical.take(IdenticalCalls.hash(seed, body, from, to), nowNanos);
            if (wait > 0) {
                limited[Limit.IDENTICAL.ordinal()].increment();
                throw Rejection.BackendFailure.limited(
                        backend,
                        "The same call of '" + tool + "' with the same arguments was made "
                                + now.settings.identicalCalls() + " times within "
                                + now.settings.identicalWithin().toSeconds()
                                + " s; its answer will hardly change: use the one you have, or change the arguments",
                        Duration.ofNanos(wait));
            }
        }
        if (!now.budgets.isEmpty()) {
            try {
                now.budgets.take(caller, backend, tool, nowNanos);
            } catch (Rejection refused) {
                boolean personal = refused instanceof Rejection.Limited;
                limited[(personal ? Limit.CALLER : Limit.SHARED).ordinal()].increment();
                throw refused;
            }
        }
    }

    /** Whether {@link #check} looks at the body. */
    public boolean comparesCalls() {
        return state.identical != null;
    }

    /** Whose calls go first. */
    public Priority priority(Caller caller) {
        List<String> background = state.settings.background();
        return background.isEmpty() || !Glob.anyMatches(background, caller.subject())
                ? Priority.INTERACTIVE
                : Priority.BACKGROUND;
    }

    /** Calls refused since the start. */
    public long limited(Limit why) {
        return limited[why.ordinal()].sum();
    }

    /**
     * A limit that concerns a backend.
     *
     * @param refused calls of this backend that it has refused since limits were last changed
     */
    public record Rate(RateRule rule, long refused) {}

    /** The limits that concern a backend, in the order of the configuration. */
    public List<Rate> rates(String backend) {
        return state.budgets.of(backend);
    }

    /** Calls refused for a rate since its limits were last changed. */
    public long refused() {
        return state.budgets.refused();
    }
}
