package io.sluice.guard;

import java.time.Duration;
import java.util.Optional;

/**
 * A limit on calls. Each distinct combination of the things it names has a budget of its own: a rule with a caller of
 * {@code *} gives each caller its own, one with a backend alone gives that backend one for all callers together.
 *
 * @param tenant glob of tenants, if it is about tenants
 * @param caller glob of callers' names, if it is about callers
 * @param backend glob of backends, if it is about backends
 * @param tool glob of tools, bare or as {@code backend__name}, if it is about tools
 * @param calls so many
 * @param per in so much time
 * @param burst so many at once after a pause
 */
public record RateRule(
        Optional<String> tenant,
        Optional<String> caller,
        Optional<String> backend,
        Optional<String> tool,
        int calls,
        Duration per,
        int burst) {
    public RateRule {
        if (calls < 1 || burst < 1 || per.isNegative() || per.isZero()) {
            throw new IllegalArgumentException("a rate is at least one call in some time");
        }
    }

    /** Nanoseconds that one call costs. */
    long interval() {
        return Math.max(1, per.toNanos() / calls);
    }

    /** Tells it from every other rule: two rules that say the same are the same. */
    String identity() {
        return calls + "/" + per.toNanos() + "/" + burst + part("t", tenant) + part("c", caller) + part("b", backend)
                + part("o", tool);
    }

    private static String part(String letter, Optional<String> glob) {
        return glob.map(text -> letter + text.length() + ":" + text).orElse("");
    }

    /** Whether it is about who calls, so that others are not concerned when it is reached. */
    boolean isPersonal() {
        return tenant.isPresent() || caller.isPresent();
    }

    String words() {
        return calls + " calls in " + (per.toMillis() % 1000 == 0 ? per.toSeconds() + " s" : per.toMillis() + " ms");
    }
}
