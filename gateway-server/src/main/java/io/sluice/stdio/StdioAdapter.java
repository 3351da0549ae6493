package io.sluice.stdio;

import io.sluice.adapter.Adapter;
import io.sluice.envelope.Envelope;
import io.sluice.envelope.Kind;
import io.sluice.envelope.MessageReader;
import io.sluice.envelope.Patch;
import io.sluice.envelope.Span;
import io.sluice.protocol.ErrorCodes;
import io.sluice.protocol.McpMethod;
import io.sluice.rejection.Rejection.BackendFailure;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;

/**
 * One program behind one backend, shared by all callers: decides what of a message is for its process and what is
 * answered from memory. To {@code upstream} it looks like a server without sessions.
 *
 * <p>{@link Program} starts and stops the process, each of which is a {@link ProgramRun}. The handshake of a legacy
 * program is done there, once for each process, and what is to survive a restart (the log level, subscriptions, feeds)
 * is asked for anew. Lists are kept in {@link ProgramMemory}, so that a program that sleeps is not woken to repeat
 * itself. Safe for use by many threads.
 */
final class StdioAdapter implements Adapter {
    private static final Duration PROBE = Duration.ofSeconds(5);
    private static final Set<McpMethod> REMEMBERED = Set.of(
            McpMethod.TOOLS_LIST, McpMethod.PROMPTS_LIST, McpMethod.RESOURCES_LIST, McpMethod.RESOURCE_TEMPLATES_LIST);

    private final ProgramMemory memory = new ProgramMemory();
    private final ProgramFeeds feeds = new ProgramFeeds();
    private final Scheduler timer;
    private final Program program;

    StdioAdapter(String backend, StdioSettings settings, int maxMessageBytes, Scheduler timer) {
        this.timer = timer;
        this.program = new Program(backend, settings, maxMessageBytes, timer, memory, feeds);
    }

    // ---- messages

    @Override
    public Mono<Outcome> post(Post post) {
        Envelope message = post.message();
        McpMethod method = message.knownMethod().orElse(null);
        if (message.kind() != Kind.REQUEST || method == null) {
            return method == McpMethod.NOTIFICATION_INITIALIZED ? Mono.just(Outcome.Accepted.INSTANCE) : pass(message);
        }
        return switch (method) {
            case DISCOVER -> discover(message);
            case INITIALIZE -> initialize(message);
            case SUBSCRIPTIONS_LISTEN -> feed(message);
            case LOGGING_SET_LEVEL -> {
                memory.logLevel(message);
                yield work(message);
            }
            case RESOURCES_SUBSCRIBE ->
                work(message).doOnNext(ok -> uri(message).ifPresent(memory.subscribed()::add));
            case RESOURCES_UNSUBSCRIBE -> {
                uri(message).ifPresent(memory.subscribed()::remove);
                yield work(message);
            }
            default -> REMEMBERED.contains(method) ? list(message) : work(message);
        };
    }

    private static Optional<String> uri(Envelope message) {
        return message.isString(message.uri()) ? Optional.of(message.text(message.uri())) : Optional.empty();
    }

    /** A notification or response, for the process that runs; there is nothing to tell one that does not. */
    private Mono<Outcome> pass(Envelope message) {
        ProgramRun run = program.running();
        return run == null ? Mono.just(Outcome.Accepted.INSTANCE) : run.post(message);
    }

    private Mono<Outcome> work(Envelope message) {
        return program.with(run -> run.ready().flatMap(ready -> ready.work(message)));
    }

    private Mono<Outcome> list(Envelope message) {
        String key = message.method() + " "
                + (message.cursor().isPresent() ? message.raw(message.cursor()).toString() : "");
        Envelope known = memory.answer(key);
        if (known != null && program.sleeps()) {
            return Mono.just(answer(message, known));
        }
        return program.with(run -> run.ready().flatMap(ready -> ready.post(message)))
                .doOnNext(outcome -> message(outcome)
                        .filter(answer -> answer.result().isPresent())
                        .ifPresent(answer -> memory.answered(key, answer)));
    }

    /** An earlier answer under another id. */
    private static Outcome answer(Envelope request, Envelope earlier) {
        return Outcome.Message.of(new Patch(earlier)
                .replace(earlier.idSpan(), request.raw(request.idSpan()))
                .toBytes());
    }

    /** What came as one message. */
    static Optional<Envelope> message(Outcome outcome) {
        return outcome instanceof Outcome.Message whole ? MessageReader.read(whole.json()) : Optional.empty();
    }

    // ---- which era

    /**
     * 2026-07-28, stdio: a server that does not know the modern era answers with an error, not at all, or by ending. The last two are found out once; a program that ended is started again for the
     * legacy handshake.
     */
    private Mono<Outcome> discover(Envelope message) {
        if (memory.isLegacy()) {
            return Mono.just(unknownMethod(message));
        }
        Envelope known = memory.answer(message.method());
        if (known != null && program.sleeps()) {
            return Mono.just(answer(message, known));
        }
        memory.probing(true);
        return program.with(run -> run.started().flatMap(started -> started.post(message)))
                .timeout(PROBE, timer)
                .doOnNext(outcome -> message(outcome).ifPresent(answer -> {
                    if (answer.error().isPresent()) {
                        Span code = answer.member(answer.error(), "code");
                        boolean modern = code.isPresent()
                                && answer.raw(code).toString().equals("" + ErrorCodes.UNSUPPORTED_PROTOCOL_VERSION);
                        memory.speaksLegacy(!modern);
                    } else {
                        memory.answered(message.method(), answer);
                    }
                }))
                .onErrorResume(TimeoutException.class, silent -> {
                    memory.speaksLegacy(true);
                    return Mono.just(unknownMethod(message));
                })
                .onErrorResume(
                        BackendFailure.class,
                        failure -> memory.isLegacy() ? Mono.just(unknownMethod(message)) : Mono.error(failure))
                .doFinally(end -> memory.probing(false));
    }

    private static Outcome unknownMethod(Envelope message) {
        return Outcome.Message.of(("{\"jsonrpc\":\"2.0\",\"id\":" + message.raw(message.idSpan())
                        + ",\"error\":{\"code\":" + ErrorCodes.METHOD_NOT_FOUND + ",\"message\":\"Method not found\"}}")
                .getBytes(StandardCharsets.UTF_8));
    }

    private Mono<Outcome> initialize(Envelope message) {
        Envelope known = memory.welcome();
        if (known != null) {
            return Mono.just(answer(message, known));
        }
        return program.with(
                run -> run.started().flatMap(started -> started.greet(message)).map(answer -> answer(message, answer)));
    }

    // ---- feeds

    @Override
    public Mono<Outcome> stream(@Nullable String session) {
        return Mono.just(new Outcome.Messages(feeds.all()));
    }

    /** A modern feed, which outlives the process: the next one is asked for it as well. */
    private Mono<Outcome> feed(Envelope message) {
        return work(message)
                .map(first -> first instanceof Outcome.Messages messages
                        ? new Outcome.Messages(feeds.outliving(message, messages.json()))
                        : first);
    }

    // ---- the program

    @Override
    public Optional<String> remarks() {
        return program.remarks();
    }

    @Override
    public Mono<Void> close() {
        return program.close();
    }
}
