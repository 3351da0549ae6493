package io.sluice.gateway;

import io.sluice.cache.Kept;
import io.sluice.cache.Place;
import io.sluice.cache.ResultCache;
import io.sluice.call.Answer;
import io.sluice.call.Call;
import io.sluice.catalog.Target;
import io.sluice.listener.Lane;
import io.sluice.parking.ParkedCalls;
import io.sluice.protocol.Era;
import io.sluice.protocol.McpMethod;
import io.sluice.rejection.Rejection;
import io.sluice.upstream.LegacySession;
import io.sluice.upstream.Terms;
import io.sluice.upstream.Upstream;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * Answers the requests of modern clients (2026-07-28): what the catalog knows from memory, the rest from the one
 * backend that has the target. A client that goes away cancels the subscription
 * to the answer, which closes the exchange with the backend: that is the modern way to cancel.
 */
final class ModernCalls {
    private final Listens listens;
    private final ParkedCalls parked;
    private final Admission admission;
    private final ResultCache cache;
    private final TaskIds tasks;
    private final TaskTranslation oldTasks;

    ModernCalls(
            Listens listens,
            ParkedCalls parked,
            Admission admission,
            ResultCache cache,
            TaskIds tasks,
            TaskTranslation oldTasks) {
        this.listens = listens;
        this.parked = parked;
        this.admission = admission;
        this.cache = cache;
        this.tasks = tasks;
        this.oldTasks = oldTasks;
    }

    Mono<Answer> serve(Call call, View view) {
        McpMethod method = call.method();
        if (!call.mount().offers(method, Era.MODERN)) {
            throw new Rejection.MethodNotFound(method.wire(), true);
        }
        return switch (method) {
            case DISCOVER -> Mono.just(discovered(call));
            case TOOLS_LIST, PROMPTS_LIST, RESOURCES_LIST, RESOURCE_TEMPLATES_LIST -> {
                Targets.refuseCursor(call.envelope());
                yield Mono.just(Answers.list(call));
            }
            case TOOLS_CALL, PROMPTS_GET, RESOURCES_READ, COMPLETION_COMPLETE -> forward(call, view);
            case TASKS_GET, TASKS_UPDATE, TASKS_CANCEL -> task(onHeap(call), view);
            case SUBSCRIPTIONS_LISTEN -> listens.open(onHeap(call), view);
            default -> throw new Rejection.MethodNotFound(method.wire(), true);
        };
    }

    /** For those who read a call after its request has ended, or do not know how to read a large one where it is. */
    private static Call onHeap(Call call) {
        call.envelope().onHeap();
        return call;
    }

    /** As {@link #serve}, on the short way: null for what has to wait for something. */
    Lane.@Nullable Ride serveNow(Call call, View view, Lane.Turn turn) {
        McpMethod method = call.method();
        if (!call.mount().offers(method, Era.MODERN)) {
            return null;
        }
        return switch (method) {
            case DISCOVER -> DirectCalls.answered(discovered(call), turn);
            case TOOLS_LIST, PROMPTS_LIST, RESOURCES_LIST, RESOURCE_TEMPLATES_LIST -> {
                Targets.refuseCursor(call.envelope());
                yield DirectCalls.list(call, turn);
            }
            case TOOLS_CALL, PROMPTS_GET, RESOURCES_READ, COMPLETION_COMPLETE -> forwardNow(call, view, turn);
            default -> null;
        };
    }

    private static Answer.Message discovered(Call call) {
        return Answers.result(call, call.mount().discoverResult());
    }

    private Lane.@Nullable Ride forwardNow(Call call, View view, Lane.Turn turn) {
        if (call.envelope().requestState().isPresent()) {
            return null; // may come back to a call that is parked
        }
        Target target = Targets.of(call);
        List<Map.Entry<String, String>> params = ModernChecks.checkParams(call.inbound(), call.envelope(), target);
        Upstream upstream = view.upstream(target.backend());
        if (!upstream.isKnownToSpeak(Era.MODERN)) {
            LegacySession shared = upstream.sharedNow();
            if (shared == null
                    || TaskTranslation.isFor(call, target)
                    || !Translation.isSimple(call, shared)
                    || cache.place(call, target, upstream, Era.LEGACY, null) != null) {
                return null;
            }
            Terms terms = admission.admit(call, target, upstream);
            return Translation.ride(call, target, upstream, parked, shared, terms, cache, turn);
        }
        Place place = cache.place(call, target, upstream, Era.MODERN, null);
        if (place != null) {
            return found(call, target, upstream, place, turn);
        }
        return Relay.ride(call, target, upstream, params, tasks, admission.admit(call, target, upstream), turn);
    }

    /** What is kept is there at once; what is not may be for several, and has to be waited for. */
    private Lane.@Nullable Ride found(Call call, Target target, Upstream upstream, Place place, Lane.Turn turn) {
        Kept kept = ExposedUris.change(call, target) ? null : place.find();
        if (kept == null) {
            return null;
        }
        admission.admit(call, target, upstream);
        turn.answer(200, Map.of(), "application/json", place.answer(kept));
        return DirectCalls.ANSWERED;
    }

    private Mono<Answer> forward(Call call, View view) {
        Target target = Targets.of(call);
        List<Map.Entry<String, String>> params = ModernChecks.checkParams(call.inbound(), call.envelope(), target);
        Upstream upstream = view.upstream(target.backend());
        Optional<ParkedCalls.Return> back = parked.comeBack(call);
        if (back.isPresent()) {
            return comeBack(onHeap(call), target, upstream, back.get());
        }
        Terms terms = admission.admit(call, target, upstream);
        return upstream.verdict()
                .flatMap(verdict -> verdict.era() == Era.MODERN
                        ? Relay.send(call, target, upstream, params, tasks, terms, cache)
                        : begin(onHeap(call), target, upstream, terms))
                .onErrorMap(Rejection.BackendFailure.class, e -> Replies.sinceWhen(upstream, e));
    }

    /** A request for a task, which its id leads to its backend. */
    private Mono<Answer> task(Call call, View view) {
        TaskIds.requireDeclared(call.envelope());
        Target target = tasks.target(call);
        Upstream upstream = view.upstream(target.backend());
        Terms terms = admission.admit(call, target, upstream);
        return upstream.verdict()
                .flatMap(verdict -> verdict.era() == Era.MODERN
                        ? Relay.send(call, target, upstream, List.of(), tasks, terms, cache)
                        : oldTasks.answer(call, target, upstream))
                .onErrorMap(Rejection.BackendFailure.class, e -> Replies.sinceWhen(upstream, e));
    }

    private Mono<Answer> begin(Call call, Target target, Upstream upstream, Terms terms) {
        if (call.envelope().requestState().isPresent()) {
            throw new Rejection.InvalidParams("params.requestState was not given for this call; call again without it");
        }
        return TaskTranslation.isFor(call, target)
                ? oldTasks.call(call, target, upstream, terms)
                : Translation.send(call, target, upstream, parked, terms, cache);
    }

    private Mono<Answer> comeBack(Call call, Target target, Upstream upstream, ParkedCalls.Return back) {
        if (back instanceof ParkedCalls.Return.Continued continued) {
            return FirstEvent.answer(call, continued.events());
        }
        if (back instanceof ParkedCalls.Return.Declined declined) {
            return Mono.just(Answer.Message.of(declined.response()));
        }
        return Translation.send(call, target, upstream, parked, admission.admit(call, target, upstream), cache);
    }
}
