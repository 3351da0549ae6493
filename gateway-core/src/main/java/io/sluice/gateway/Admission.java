package io.sluice.gateway;

import io.sluice.balance.BalanceSettings.Strategy;
import io.sluice.call.Call;
import io.sluice.catalog.Target;
import io.sluice.envelope.Span;
import io.sluice.guard.Guard;
import io.sluice.guard.Priority;
import io.sluice.overload.Overload;
import io.sluice.protocol.McpMethod;
import io.sluice.upstream.BackendPolicy;
import io.sluice.upstream.Terms;
import io.sluice.upstream.Upstream;

/** Lets a call in, or refuses it, and says on what terms it travels. Nothing here waits. */
final class Admission {
    private final Guard guard;
    private final Overload overload;

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
                call.envelope().body(),
                arguments.isPresent() ? arguments.start() : 0,
                arguments.isPresent() ? arguments.end() : 0,
                System.nanoTime());
        return terms(call, target, upstream.policy(), tool, priority);
    }

    private Terms terms(Call call, Target target, BackendPolicy policy, boolean tool, Priority priority) {
        boolean believed = !tool || policy.trusted();
        boolean safe = believed && (target.readOnly() || target.idempotent());
        boolean hedged = believed && target.readOnly() && policy.hedge();
        long affinity = policy.balance().strategy() == Strategy.STICKY ? affinity(call, policy) : 0;
        return !safe && affinity == 0 && priority == Priority.INTERACTIVE
                ? Terms.ONCE
                : new Terms(false, priority, safe, hedged, affinity, null);
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
