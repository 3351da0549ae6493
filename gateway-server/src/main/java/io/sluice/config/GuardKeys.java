package io.sluice.config;

import io.sluice.balance.BalanceSettings;
import io.sluice.balance.BalanceSettings.Strategy;
import io.sluice.config.GatewayConfig.PolicyRule;
import io.sluice.guard.BreakerSettings;
import io.sluice.guard.DeadlineRule;
import io.sluice.guard.GateSettings;
import io.sluice.guard.LimitSettings;
import io.sluice.guard.RateRule;
import io.sluice.upstream.BackendPolicy;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The keys of what callers may do and of how backends are treated. */
final class GuardKeys {
    private GuardKeys() {}

    private static final int MOST = 1_000_000;

    private static final Key<String> TENANT =
            Key.optional("tenant", Shape.word(), "not about tenants", "Glob of tenants; each has its own budget.");
    private static final Key<String> CALLER = Key.optional(
            "caller",
            Shape.word(),
            "not about callers",
            "Glob of callers, the names of tokens; each has its own budget.");
    private static final Key<String> BACKEND =
            Key.optional("backend", Shape.word(), "not about backends", "Glob of backends; each has its own budget.");
    private static final Key<String> TOOL = Key.optional(
            "tool",
            Shape.word(),
            "not about tools",
            "Glob of tools, bare or as backend__name; each has its own budget.");
    private static final Key<Integer> CALLS =
            Key.optional("calls", Shape.integer(1, MOST), "required", "So many calls …");
    private static final Key<Duration> PER = Key.of("per", Shape.duration(), "1s", "… in so much time.");
    private static final Key<Integer> BURST =
            Key.optional("burst", Shape.integer(1, MOST), "calls", "So many calls may come at once after a pause.");
    static final Section<RateRule> RATE =
            new Section<>(List.of(TENANT, CALLER, BACKEND, TOOL, CALLS, PER, BURST), GuardKeys::rate);

    private static Optional<RateRule> rate(Section.Fields f) {
        Optional<String> tenant = f.find(TENANT);
        Optional<String> caller = f.find(CALLER);
        Optional<String> backend = f.find(BACKEND);
        Optional<String> tool = f.find(TOOL);
        Duration per = f.value(PER);
        Optional<Integer> burst = f.find(BURST);
        return ConfigKeys.required(f, CALLS)
                .map(calls -> new RateRule(tenant, caller, backend, tool, calls, per, burst.orElse(calls)));
    }

    private static final Key<List<RateRule>> RATES = Key.listOf(
            "rates",
            RATE,
            "none",
            "Limits on calls of tools, prompts and resources. All that match must have something left.");
    private static final Key<Integer> IDENTICAL = Key.of(
            "identicalCalls",
            Shape.integer(0, 10_000),
            "0",
            "How often a caller may call the same tool with the same arguments within identicalWithin; 0 for as often"
                    + " as it likes. Stops agents that loop.");
    private static final Key<Duration> IDENTICAL_WITHIN =
            Key.of("identicalWithin", Shape.duration(), "60s", "The time that identicalCalls is about.");
    private static final Key<List<String>> BACKGROUND = Key.listOf(
            "background",
            Shape.word(),
            "none",
            "Globs of callers whose calls may wait: they are refused first when there is not room for all.");
    private static final Key<String> DEADLINE_BACKEND = Key.of("backend", Shape.word(), "*", "Glob of backends.");
    private static final Key<String> DEADLINE_TOOL = Key.optional(
            "tool",
            Shape.word(),
            "all calls, those of prompts and resources too",
            "Glob of tools, bare or as backend__name.");
    private static final Key<Duration> WITHIN = Key.optional(
            "within",
            Shape.duration(),
            "required",
            "The time that a call has from its arrival to the end of its answer, waiting and second attempts included;"
                    + " it has it again from each progress notification.");
    private static final Key<Duration> AT_MOST = Key.optional(
            "atMost",
            Shape.duration(),
            "ten times within, but not less than 10m",
            "The time that it has in all, however much progress it reports.");
    static final Section<DeadlineRule> DEADLINE =
            new Section<>(List.of(DEADLINE_BACKEND, DEADLINE_TOOL, WITHIN, AT_MOST), GuardKeys::deadline);

    private static Optional<DeadlineRule> deadline(Section.Fields f) {
        String backend = f.value(DEADLINE_BACKEND);
        Optional<String> tool = f.find(DEADLINE_TOOL);
        Optional<Duration> most = f.find(AT_MOST);
        return ConfigKeys.required(f, WITHIN).flatMap(within -> {
            Duration all = most.orElse(longer(within.multipliedBy(10), Duration.ofMinutes(10)));
            if (all.compareTo(within) < 0) {
                f.in().fault(f.at(), f.path() + ": 'atMost' is less than 'within'");
                return Optional.empty();
            }
            return Optional.of(new DeadlineRule(backend, tool, within, all));
        });
    }

    private static Duration longer(Duration one, Duration other) {
        return one.compareTo(other) < 0 ? other : one;
    }

    private static final Key<List<DeadlineRule>> DEADLINES = Key.listOf(
            "deadlines",
            DEADLINE,
            "as their backends may",
            "How long calls may take. The first that matches counts; a caller may ask for less.");
    static final Section<LimitSettings> LIMITS_SECTION = new Section<>(
            List.of(RATES, IDENTICAL, IDENTICAL_WITHIN, BACKGROUND, DEADLINES),
            f -> Optional.of(new LimitSettings(
                    f.value(RATES),
                    f.value(IDENTICAL),
                    f.value(IDENTICAL_WITHIN),
                    f.value(BACKGROUND),
                    f.value(DEADLINES))));
    static final Key<LimitSettings> LIMITS = Key.section("limits", LIMITS_SECTION, "What callers may do.");

    private static final BackendPolicy STANDARD = BackendPolicy.STANDARD;
    private static final BreakerSettings BREAKING = BreakerSettings.STANDARD;

    private static final Key<String> OF = Key.of(
            "backend", Shape.word(), "*", "Glob of backends that this entry is about; the first that matches counts.");
    private static final Key<Strategy> BALANCE = Key.of(
            "balance",
            Shape.choice(strategies()),
            "fastest",
            "How endpoints are chosen: of two at random the one with fewer and faster calls (fastest), the one with the"
                    + " fewest calls (least-request), in turn (round-robin), at random by weight (weighted), or the same"
                    + " for the same session, caller or header (sticky).");
    private static final Key<String> STICKY_HEADER = Key.optional(
            "stickyHeader",
            Shape.word(),
            "the session, else the caller",
            "With balance sticky: the header whose value decides.");
    private static final Key<Duration> SLOW_START = Key.of(
            "slowStart",
            Shape.durationOrNone(),
            "3s",
            "How long an endpoint that comes back takes to get its full share.");
    private static final Key<Duration> HEALTH_CHECK = Key.of(
            "healthCheck",
            Shape.durationOrNone(),
            "2s",
            "How often an endpoint that is out is asked, in its own protocol, whether it is back; 0s never.");
    private static final Key<Integer> CONCURRENT =
            Key.of("maxConcurrent", Shape.integer(1, 10_000), "500", "Most calls that the backend gets at a time.");
    private static final Key<Boolean> ADAPTIVE = Key.of(
            "adaptive", Shape.flag(), "true", "Let fewer calls through while the backend slows down under them.");
    private static final Key<Integer> QUEUE =
            Key.of("queue", Shape.integer(0, 100_000), "1000", "How many more calls may wait for a place.");
    private static final Key<Duration> QUEUE_WAIT =
            Key.of("queueWait", Shape.duration(), "10s", "How long a call may wait for a place.");
    private static final Key<Boolean> BREAKER = Key.of(
            "breaker",
            Shape.flag(),
            "true",
            "Give the backend, and each of several endpoints, a rest when too many calls fail.");
    private static final Key<Integer> FAILURE_RATE =
            Key.of("failureRate", Shape.integer(1, 100), "50", "Percentage of calls within 30 s at which it does.");
    private static final Key<Integer> MINIMUM_CALLS =
            Key.of("minimumCalls", Shape.integer(1, MOST), "10", "Fewer calls than this within 30 s say nothing.");
    private static final Key<Duration> SLOW_CALL =
            Key.optional("slowCall", Shape.duration(), "never", "From when on a call counts as slow.");
    private static final Key<Integer> SLOW_RATE = Key.of(
            "slowRate",
            Shape.integer(1, 100),
            "100",
            "Percentage of slow calls at which the backend gets a rest as well.");
    private static final Key<Boolean> RETRY = Key.of(
            "retry",
            Shape.flag(),
            "true",
            "Repeat a call whose answer was lost, once and where that does no harm: reads, and tools that are trusted to"
                    + " say so.");
    private static final Key<Boolean> TRUSTED = Key.of(
            "trustAnnotations",
            Shape.flag(),
            "false",
            "Believe readOnlyHint and idempotentHint of the backend's tools.");
    private static final Key<Boolean> HEDGE = Key.of(
            "hedge",
            Shape.flag(),
            "false",
            "Ask a second endpoint as well when a read takes longer than 19 of 20 others.");
    private static final Key<Duration> LONGEST = Key.of(
            "maxDuration",
            Shape.duration(),
            "10m",
            "How long the event stream of a call may go on, whatever it reports.");
    static final Section<PolicyRule> POLICY = new Section<>(
            List.of(
                    OF,
                    BALANCE,
                    STICKY_HEADER,
                    SLOW_START,
                    HEALTH_CHECK,
                    CONCURRENT,
                    ADAPTIVE,
                    QUEUE,
                    QUEUE_WAIT,
                    BREAKER,
                    FAILURE_RATE,
                    MINIMUM_CALLS,
                    SLOW_CALL,
                    SLOW_RATE,
                    RETRY,
                    TRUSTED,
                    HEDGE,
                    LONGEST),
            f -> Optional.of(policy(f)));
    static final Key<List<PolicyRule>> RESILIENCE = Key.listOf(
            "resilience", POLICY, "the defaults", "How backends are treated, however they came to be registered.");

    private static PolicyRule policy(Section.Fields f) {
        BreakerSettings breaker = BREAKING.withEnabled(f.value(BREAKER))
                .withFailures(f.value(FAILURE_RATE), f.value(MINIMUM_CALLS))
                .withSlow(f.find(SLOW_CALL).orElse(BREAKING.slowCall()), f.value(SLOW_RATE));
        BackendPolicy policy = STANDARD.withBalance(BalanceSettings.STANDARD
                        .withStrategy(f.value(BALANCE))
                        .withSlowStart(f.value(SLOW_START))
                        .withBreaker(breaker))
                .withGate(GateSettings.STANDARD
                        .withBreaker(breaker)
                        .withConcurrent(f.value(CONCURRENT), f.value(ADAPTIVE))
                        .withQueue(f.value(QUEUE), f.value(QUEUE_WAIT)))
                .withHealthCheck(f.value(HEALTH_CHECK))
                .withRetry(f.value(RETRY))
                .withTrusted(f.value(TRUSTED))
                .withHedge(f.value(HEDGE))
                .withLongest(f.value(LONGEST));
        return new PolicyRule(
                f.value(OF), f.find(STICKY_HEADER).map(policy::withStickyHeader).orElse(policy));
    }

    private static Map<String, Strategy> strategies() {
        Map<String, Strategy> words = new LinkedHashMap<>();
        for (Strategy strategy : Strategy.values()) {
            words.put(strategy.name().toLowerCase(java.util.Locale.ROOT).replace('_', '-'), strategy);
        }
        return words;
    }
}
