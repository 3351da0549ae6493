package io.sluice.gateway;

import io.sluice.balance.BalanceSettings.Strategy;
import io.sluice.call.Call;
import io.sluice.catalog.Target;
import io.sluice.envelope.Span;
import io.sluice.guard.DeadlineRule;
import io.sluice.guard.Guard;
import io.sluice.guard.Priority;
import io.sluice.overload.Overload;
import io.sluice.protocol.McpHeaders;
import io.sluice.protocol.McpMethod;
import io.sluice.rejection.Rejection;
import io.sluice.upstream.BackendPolicy;
import io.sluice.upstream.Terms;
import io.sluice.upstream.TimeLimit;
import io.sluice.upstream.Upstream;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** Lets a call in, or refuses it, and says on what terms it travels. Nothing here waits. */
final class Admission {
    private static final Duration NO_SOONER = Duration.ofSeconds(1);

    private static final byte[] NO_BYTES = {};

    private final Guard guard;
    private final Overload overload;

    /** By the time that a rule gives: there are as many as rules. */
    private final Map<Duration, Duration> timeouts = new ConcurrentHashMap<>();

    Admission(Guard guard, Overload overload) {
        this.guard = guard;
        this.overload = overload;
    }

    /** @throws io.sluice.rejection.Rejection when the caller, or all callers together, have used up what they may have */
    Terms admit(Call call, Target target, Upstream upstream) {
        Priority priority = guard.priority(call.caller());
        if (priority == Priority.BACKGROUND) {
            overload.checkBackground();
        }
        boolean tool = call.method() == McpMethod.TOOLS_CALL;
        Span arguments = tool ? call.envelope().arguments() : Span.NONE;
        guard.check(
                call.caller(),
                target.backend(),
                tool ? target.originalName() : "",
                guard.comparesCalls() ? call.envelope().body() : NO_BYTES,
                arguments.isPresent() ? arguments.start() : 0,
                arguments.isPresent() ? arguments.end() : 0,
                System.nanoTime());
        return terms(call, target, upstream.policy(), tool, priority, limit(call, target, tool));
    }

    /** The shorter of what the configuration gives the call, and what its caller says it has. */
    private @Nullable TimeLimit limit(Call call, Target target, boolean tool) {
        DeadlineRule rule = guard.deadline(target.backend(), tool ? target.originalName() : "");
        String said = call.inbound().headers().get(McpHeaders.TIMEOUT);
        if (rule == null && said == null) {
            return null;
        }
        long now = System.nanoTime();
        Duration own = said == null ? null : callersOwn(said);
        if (rule == null || own != null && own.compareTo(rule.within()) < 0) {
            Duration all = Objects.requireNonNull(own);
            return new TimeLimit(now, all, all, "that its caller gave it in " + McpHeaders.TIMEOUT, true);
        }
        boolean reports = call.envelope().metaProgressToken().isPresent();
        Duration most =
                !reports ? rule.within() : own == null || own.compareTo(rule.atMost()) > 0 ? rule.atMost() : own;
        return new TimeLimit(now, rule.within(), most, "that limits.deadlines gives it", false);
    }

    /** Of the single parts of the answer: no shorter than the limit, so that it is the limit that is named. */
    private @Nullable Duration timeout(@Nullable TimeLimit limit) {
        if (limit == null || limit.ownToCaller()) {
            return null;
        }
        Duration known = timeouts.get(limit.within());
        return known != null ? known : timeouts.computeIfAbsent(limit.within(), within -> within.plus(NO_SOONER));
    }

    private static Duration callersOwn(String said) {
        if (!said.matches("[1-9][0-9]{0,7}")) {
            throw Rejection.BadHttp.badRequest(
                    "Header " + McpHeaders.TIMEOUT + " must be milliseconds from 1 to 99999999");
        }
        return Duration.ofMillis(Long.parseLong(said));
    }

    private Terms terms(
            Call call,
            Target target,
            BackendPolicy policy,
            boolean tool,
            Priority priority,
            @Nullable TimeLimit limit) {
        boolean believed = !tool || policy.trusted();
        boolean safe = believed && (target.readOnly() || target.idempotent());
        boolean hedged = believed && target.readOnly() && policy.hedge();
        long affinity = policy.balance().strategy() == Strategy.STICKY ? affinity(call, policy) : 0;
        return !safe && affinity == 0 && limit == null && priority == Priority.INTERACTIVE
                ? Terms.ONCE
                : new Terms(false, priority, safe, hedged, affinity, timeout(limit), limit);
    }

    private static long affinity(Call call, BackendPolicy policy) {
        String named = policy.stickyHeader()
                .map(header -> call.inbound().headers().get(header))
                .orElse(null);
        String session = call.inbound().sessionId();
        String key = named != null
                ? named
                : session != null ? session : call.caller().subject();
        long hash = 1125899906842597L;
        for (int i = 0; i < key.length(); i++) {
            hash = 31 * hash + key.charAt(i);
        }
        return hash == 0 ? 1 : hash;
    }
}
