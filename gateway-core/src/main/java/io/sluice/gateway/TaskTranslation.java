package io.sluice.gateway;

import io.sluice.bridge.NewToOld;
import io.sluice.bridge.TaskWords;
import io.sluice.call.Answer;
import io.sluice.call.Call;
import io.sluice.call.JsonRpc;
import io.sluice.catalog.Target;
import io.sluice.catalog.TaskSupport;
import io.sluice.envelope.Envelope;
import io.sluice.envelope.Json;
import io.sluice.envelope.Span;
import io.sluice.protocol.McpMethod;
import io.sluice.protocol.RawJson;
import io.sluice.rejection.Rejection;
import io.sluice.upstream.LegacySession;
import io.sluice.upstream.Terms;
import io.sluice.upstream.Upstream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.TimeoutException;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;

/**
 * Tasks of a legacy backend for modern clients. Nothing is kept: each request for a task is answered by asking the
 * backend. A tool that must be called as a task can be called by clients that know no tasks as well; then the gateway
 * waits for the result. Tasks run in the session that all callers share, which declares nothing that a client could be
 * asked for, so that none ever waits for input.
 */
final class TaskTranslation {
    private static final String COMPLETE = "{\"resultType\":\"complete\"";

    /** Of waiting for a task in the place of a client that knows none. */
    private static final Duration PATIENCE = Duration.ofMinutes(10);

    private static final long SHORTEST_PAUSE_MILLIS = 50;
    private static final long USUAL_PAUSE_MILLIS = 1_000;
    private static final long LONGEST_PAUSE_MILLIS = 30_000;

    private final TaskIds ids;
    private final Scheduler timer;

    TaskTranslation(TaskIds ids, Scheduler timer) {
        this.ids = ids;
        this.timer = timer;
    }

    /** Whether a call of a modern client is to be made as a task. One that can be asked something is not, if it need not be. */
    static boolean isFor(Call call, Target target) {
        if (target.tasks() == TaskSupport.FORBIDDEN
                || call.method() != McpMethod.TOOLS_CALL
                || !call.mount().takesTasks(target.backend())) {
            return false;
        }
        return target.tasks() == TaskSupport.REQUIRED
                || (TaskIds.declared(call.envelope())
                        && !NewToOld.features(call.envelope()).interactive());
    }

    /** Calls a tool as a task. */
    Mono<Answer> call(Call call, Target target, Upstream upstream, Terms terms) {
        boolean known = TaskIds.declared(call.envelope());
        return upstream.shared()
                .flatMap(session -> begin(call, target, session, terms).flatMap(response -> {
                    Span task = TaskWords.created(response);
                    if (!task.isPresent()) {
                        return Mono.just(translated(response, call, target));
                    }
                    String id = response.text(response.member(task, "taskId"));
                    return known
                            ? Mono.just(created(response, task, id, call, target))
                            : await(session, id, pause(response, task), call, target);
                }));
    }

    private static Mono<Envelope> begin(Call call, Target target, LegacySession session, Terms terms) {
        return session.keptRequest(
                        call.envelope(),
                        NewToOld.request(call.envelope(), Targets.rename(call, target))
                                .putParamsMember("task", RawJson.EMPTY_OBJECT),
                        Hops.before(call.inbound()),
                        terms)
                .reply()
                .flatMap(reply -> Replies.response(reply, target.backend()));
    }

    private Answer created(Envelope response, Span task, String id, Call call, Target target) {
        String name = ids.name(TaskIds.Holder.of(call), target.backend(), id);
        String members = TaskWords.members(response, task, name, TaskWords.status(response, task));
        return result(call, "{\"resultType\":\"task\"," + members + "}");
    }

    private Mono<Answer> await(LegacySession session, String id, Duration first, Call call, Target target) {
        String backend = target.backend();
        return Mono.delay(first, timer)
                .then(ask(session, McpMethod.TASKS_GET, id, backend))
                .expand(seen -> isOver(seen)
                        ? Mono.empty()
                        : Mono.delay(pause(seen, seen.result()), timer)
                                .then(ask(session, McpMethod.TASKS_GET, id, backend)))
                .last()
                .then(ask(session, McpMethod.TASKS_RESULT, id, backend))
                .timeout(PATIENCE, timer)
                .onErrorMap(
                        TimeoutException.class,
                        late -> Rejection.BackendFailure.timeout(
                                backend,
                                "Backend '" + backend + "' has not finished this task in " + PATIENCE.toMinutes()
                                        + " minutes"))
                .doOnError(error -> cancel(session, id))
                .doOnCancel(() -> cancel(session, id))
                .map(outcome -> outcome.error().isPresent()
                        ? translated(read("\"error\":" + outcome.raw(outcome.error()), call, backend), call, target)
                        : translated(read("\"result\":" + TaskWords.result(outcome), call, backend), call, target));
    }

    private static boolean isOver(Envelope seen) {
        return seen.error().isPresent() || TaskWords.isOver(TaskWords.status(seen, seen.result()));
    }

    private static Duration pause(Envelope message, Span task) {
        Span interval = message.member(task, "pollInterval");
        String text = interval.isPresent() ? message.raw(interval).toString() : "";
        long millis = text.matches("\\d{1,9}") ? Long.parseLong(text) : USUAL_PAUSE_MILLIS;
        return Duration.ofMillis(Math.min(LONGEST_PAUSE_MILLIS, Math.max(SHORTEST_PAUSE_MILLIS, millis)));
    }

    private static void cancel(LegacySession session, String id) {
        session.call(McpMethod.TASKS_CANCEL.wire(), params(id))
                .flatMap(Replies::read)
                .subscribe(done -> {}, alreadyOver -> {});
    }

    /** {@code tasks/get}, {@code tasks/update} or {@code tasks/cancel}. */
    Mono<Answer> answer(Call call, Target target, Upstream upstream) {
        String id = target.originalName();
        String backend = target.backend();
        return upstream.shared().flatMap(session -> {
            Mono<Envelope> got = ask(session, McpMethod.TASKS_GET, id, backend);
            if (call.method() == McpMethod.TASKS_CANCEL) {
                // of a task that is over already that is an error in the legacy era, and none in the modern one
                got = ask(session, McpMethod.TASKS_CANCEL, id, backend)
                        .flatMap(done -> done.error().isPresent()
                                ? ask(session, McpMethod.TASKS_GET, id, backend)
                                : Mono.just(done));
            }
            return got.flatMap(message -> {
                if (message.error().isPresent()) {
                    return Mono.just(
                            translated(read("\"error\":" + message.raw(message.error()), call, backend), call, target));
                }
                return call.method() == McpMethod.TASKS_GET
                        ? describe(session, message, backend, target.exposedName())
                                .map(members -> result(call, COMPLETE + "," + members + "}"))
                        : Mono.just(result(call, COMPLETE + "}"));
            });
        });
    }

    /**
     * The whole description of a task, as the modern era has it, in members without braces.
     *
     * @param message the response to {@code tasks/get}
     */
    private static Mono<String> describe(LegacySession session, Envelope message, String backend, String name) {
        Span task = message.result();
        Span id = message.member(task, "taskId");
        String status = TaskWords.status(message, task);
        if (!message.isString(id) || !(status.equals("completed") || status.equals("failed"))) {
            String shown = TaskWords.isOver(status) ? status : "working";
            return Mono.just(TaskWords.members(message, task, name, shown));
        }
        return ask(session, McpMethod.TASKS_RESULT, message.text(id), backend)
                .map(outcome -> outcome.error().isPresent()
                        ? TaskWords.members(message, task, name, "failed") + ",\"error\":"
                                + outcome.raw(outcome.error())
                        : TaskWords.members(message, task, name, "completed") + ",\"result\":"
                                + TaskWords.result(outcome));
    }

    /** The same, asked for now; empty when the backend does not say. */
    static Mono<String> describe(Upstream upstream, String id, String name) {
        String backend = upstream.backend().name();
        return upstream.shared()
                .flatMap(session -> ask(session, McpMethod.TASKS_GET, id, backend)
                        .filter(message -> message.result().isPresent())
                        .flatMap(message -> describe(session, message, backend, name)))
                .onErrorComplete();
    }

    private static Mono<Envelope> ask(LegacySession session, McpMethod method, String id, String backend) {
        return session.call(method.wire(), params(id)).flatMap(reply -> Replies.response(reply, backend));
    }

    private static RawJson params(String id) {
        return RawJson.of("{\"taskId\":" + Json.quote(id) + "}");
    }

    private static Envelope read(String member, Call call, String backend) {
        String json = "{\"jsonrpc\":\"2.0\",\"id\":" + call.id().rawJson() + "," + member + "}";
        return Replies.read(json.getBytes(StandardCharsets.UTF_8), backend);
    }

    private static Answer translated(Envelope response, Call call, Target target) {
        return Answer.Message.of(NewToOld.response(response, call.envelope(), call.method(), target.backend()));
    }

    private static Answer result(Call call, String json) {
        return Answer.Message.of(JsonRpc.result(call.id(), json));
    }
}
