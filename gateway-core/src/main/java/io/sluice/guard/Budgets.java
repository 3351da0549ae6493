package io.sluice.guard;

import io.sluice.auth.Caller;
import io.sluice.catalog.Glob;
import io.sluice.rejection.Rejection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * The budgets that the rate rules make. Which of them a call is charged to is found out once for each caller and tool;
 * afterwards it is one look-up. Budgets belong to names, not to sessions or connections: starting anew gains nothing.
 *
 * <p>Budgets that nobody uses are full and can be forgotten, which is done when there are many.
 */
final class Budgets {
    private static final int MANY = 50_000;
    private static final Charge[] NONE = new Charge[0];

    /** What a call is charged to, and the rule it comes from. */
    private record Charge(RateRule rule, String whose, Budget budget) {}

    /** Who calls what. */
    private record Use(String tenant, String caller, String backend, String tool) {}

    private final List<RateRule> rules;
    private final ConcurrentHashMap<Use, Charge[]> uses = new ConcurrentHashMap<>();
    private final ConcurrentHashMap<String, Budget> budgets = new ConcurrentHashMap<>();
    private final AtomicBoolean tidying = new AtomicBoolean();
    private final AtomicLong refused = new AtomicLong();
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

    /** Charges all that match, or none. */
    void take(Caller caller, String backend, String tool, long nowNanos) {
        Use use = new Use(caller.tenant(), caller.subject(), backend, tool);
        Charge[] charges = uses.get(use);
        if (charges == null) {
            charges = charges(use, nowNanos);
        }
        for (int i = 0; i < charges.length; i++) {
            long wait = charges[i].budget().take(nowNanos);
            if (wait > 0) {
                for (int j = 0; j < i; j++) {
                    charges[j].budget().giveBack();
                }
                refused.incrementAndGet();
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

    private Charge[] charges(Use use, long nowNanos) {
        if (uses.size() >= MANY) {
            tidy(nowNanos);
        }
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
        Charge[] charges = found.isEmpty() ? NONE : found.toArray(Charge[]::new);
        uses.put(use, charges);
        return charges;
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
            uses.clear();
        } finally {
            tidying.set(false);
        }
    }
}
