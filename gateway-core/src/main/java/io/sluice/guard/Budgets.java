package io.sluice.guard;

import io.sluice.auth.Caller;
import io.sluice.catalog.Glob;
import io.sluice.rejection.Rejection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * The budgets that the rate rules make. Which of them a call is charged to is found out once for each caller and tool;
 * afterwards it is one look-up, for those who call often without an object for the question. Budgets belong to names, not to sessions or connections: starting anew gains nothing.
 *
 * <p>Budgets that nobody uses are full and can be forgotten, which is done when there are many.
 */
final class Budgets {
    private static final int MANY = 50_000;
    private static final Charge[] NONE = new Charge[0];

    /** What a call is charged to, and the rule it comes from. */
    private record Charge(RateRule rule, String whose, Budget budget) {}

    /** What was refused by which rule. */
    private record Refusal(RateRule rule, String backend) {}

    /** Who calls what. */
    private record Use(String tenant, String caller, String backend, String tool) {}

    /** What is known of uses, until everything is forgotten. */
    private static final class Known {
        private static final int RECENT = 1 << 10;

        private record Entry(Use use, Charge[] charges) {
            boolean isOf(Caller caller, String backend, String tool) {
                return use.tool.equals(tool)
                        && use.backend.equals(backend)
                        && use.caller.equals(caller.subject())
                        && use.tenant.equals(caller.tenant());
            }
        }

        private final ConcurrentHashMap<Use, Entry> all = new ConcurrentHashMap<>();
        private final AtomicReferenceArray<@Nullable Entry> recent = new AtomicReferenceArray<>(RECENT);

        private static int slot(Caller caller, String backend, String tool) {
            int hash = 31 * (31 * caller.subject().hashCode() + backend.hashCode()) + tool.hashCode();
            return (hash ^ hash >>> 16) & RECENT - 1;
        }
    }

    private final List<RateRule> rules;
    private volatile Known known = new Known();
    private final ConcurrentHashMap<String, Budget> budgets = new ConcurrentHashMap<>();
    private final AtomicBoolean tidying = new AtomicBoolean();
    private final AtomicLong refused = new AtomicLong();
    private final ConcurrentHashMap<Refusal, LongAdder> refusals = new ConcurrentHashMap<>();
    private final @Nullable SharedBudgets shared;

    /** @param shared null when this replica is alone */
    Budgets(List<RateRule> rules, @Nullable SharedBudgets shared) {
        this.rules = rules.stream().distinct().toList();
        this.shared = shared;
    }

    boolean isEmpty() {
        return rules.isEmpty();
    }

    long refused() {
        return refused.get();
    }

    /** The rules that concern a backend, and how many calls of it each has refused. */
    List<Guard.Rate> of(String backend) {
        return rules.stream()
                .filter(rule ->
                        rule.backend().isEmpty() || Glob.matches(rule.backend().get(), backend))
                .map(rule -> new Guard.Rate(
                        rule,
                        Optional.ofNullable(refusals.get(new Refusal(rule, backend)))
                                .map(LongAdder::sum)
                                .orElse(0L)))
                .toList();
    }

    /** Charges all that match, or none. */
    void take(Caller caller, String backend, String tool, long nowNanos) {
        Known now = known;
        int slot = Known.slot(caller, backend, tool);
        Known.Entry entry = now.recent.get(slot);
        if (entry == null || !entry.isOf(caller, backend, tool)) {
            entry = entry(now, new Use(caller.tenant(), caller.subject(), backend, tool), nowNanos);
            now.recent.set(slot, entry);
        }
        Charge[] charges = entry.charges();
        for (int i = 0; i < charges.length; i++) {
            long wait = charges[i].budget().take(nowNanos);
            if (wait > 0) {
                for (int j = 0; j < i; j++) {
                    charges[j].budget().giveBack();
                }
                refused.incrementAndGet();
                refusals.computeIfAbsent(new Refusal(charges[i].rule(), backend), key -> new LongAdder())
                        .increment();
                throw refusal(charges[i], backend, Duration.ofNanos(wait));
            }
        }
    }

    private static Rejection refusal(Charge charge, String backend, Duration wait) {
        String sentence = charge.whose() + " is at its limit of "
                + charge.rule().words() + "; there is room again in " + InWords.of(wait);
        return charge.rule().isPersonal()
                ? new Rejection.Limited(sentence, wait)
                : Rejection.BackendFailure.limited(backend, sentence, atLeastAMilli(wait));
    }

    private static Duration atLeastAMilli(Duration wait) {
        return wait.compareTo(Duration.ofMillis(1)) < 0 ? Duration.ofMillis(1) : wait;
    }

    private Known.Entry entry(Known now, Use use, long nowNanos) {
        Known.Entry entry = now.all.get(use);
        if (entry == null) {
            if (now.all.size() >= MANY) {
                tidy(nowNanos);
            }
            entry = new Known.Entry(use, charges(use, nowNanos));
            now.all.put(use, entry);
        }
        return entry;
    }

    private Charge[] charges(Use use, long nowNanos) {
        List<Charge> found = new ArrayList<>();
        for (RateRule rule : rules) {
            if (matches(rule, use)) {
                StringBuilder name = new StringBuilder().append(rule.identity());
                List<String> whose = new ArrayList<>();
                rule.tenant().ifPresent(glob -> named(name, whose, "Tenant", use.tenant()));
                rule.caller().ifPresent(glob -> named(name, whose, "Caller", use.caller()));
                rule.backend().ifPresent(glob -> named(name, whose, "Backend", use.backend()));
                rule.tool().ifPresent(glob -> {
                    name.append('\n').append(use.backend());
                    named(name, whose, "Tool", use.tool());
                });
                Budget budget = budgets.computeIfAbsent(name.toString(), key -> budget(rule, key, nowNanos));
                found.add(new Charge(rule, whose.isEmpty() ? "The gateway" : String.join(", ", whose), budget));
            }
        }
        return found.isEmpty() ? NONE : found.toArray(Charge[]::new);
    }

    private Budget budget(RateRule rule, String name, long nowNanos) {
        long shortest = shared == null ? 1 : SharedBudgets.SHORTEST_BURST_NANOS / rule.interval();
        int burst = (int) Math.max(rule.burst(), Math.min(Integer.MAX_VALUE, shortest));
        return new Budget(name, new Gcra(rule.interval(), burst, nowNanos), shared);
    }

    private static void named(StringBuilder name, List<String> whose, String kind, String value) {
        name.append('\n').append(kind.charAt(0)).append(value);
        whose.add((whose.isEmpty() ? kind : kind.toLowerCase(java.util.Locale.ROOT)) + " '" + value + "'");
    }

    private static boolean matches(RateRule rule, Use use) {
        return rule.tenant().filter(glob -> !Glob.matches(glob, use.tenant())).isEmpty()
                && rule.caller()
                        .filter(glob -> !Glob.matches(glob, use.caller()))
                        .isEmpty()
                && rule.backend()
                        .filter(glob -> !Glob.matches(glob, use.backend()))
                        .isEmpty()
                && rule.tool()
                        .filter(glob -> !Glob.matches(glob, use.tool())
                                && !Glob.matches(glob, use.backend() + "__" + use.tool()))
                        .isEmpty();
    }

    /** Forgets what a new beginning would not change. */
    private void tidy(long nowNanos) {
        if (!tidying.compareAndSet(false, true)) {
            return;
        }
        try {
            budgets.values().removeIf(budget -> budget.isFull(nowNanos));
            known = new Known();
        } finally {
            tidying.set(false);
        }
    }
}
