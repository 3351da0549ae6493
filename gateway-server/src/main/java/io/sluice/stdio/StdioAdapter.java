package io.sluice.stdio;

import io.sluice.adapter.Adapter;
import io.sluice.adapter.Switchboard;
import io.sluice.envelope.Envelope;
import io.sluice.envelope.Kind;
import io.sluice.envelope.MessageReader;
import io.sluice.envelope.Patch;
import io.sluice.envelope.Span;
import io.sluice.protocol.ErrorCodes;
import io.sluice.protocol.McpMethod;
import io.sluice.rejection.Rejection.BackendFailure;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import reactor.core.publisher.BufferOverflowStrategy;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/**
 * One program behind one backend, shared by all callers. It is started when somebody asks for something, stopped when nobody has for a while, replaced when it has lived long enough, and started again,
 * with growing pauses, when it ends by itself.
 *
 * <p>To {@code upstream} it looks like a server without sessions. The handshake of a legacy program is done here, once for each process, and what is to survive a restart (the log level, subscriptions,
 * feeds) is asked for anew. Lists are remembered, so that a program that sleeps is not woken to repeat itself.
 *
 * <p>State is owned by this object's monitor, which is never held while anything is sent, started or told.
 */
final class StdioAdapter implements Adapter {
    private static final Logger log = LoggerFactory.getLogger(StdioAdapter.class);
    private static final Duration FIRST_PAUSE = Duration.ofMillis(500);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);
    private static final Duration LEFT_ALONE = Duration.ofMinutes(10);
    private static final Duration HEALTHY = Duration.ofSeconds(10);
    private static final Duration PROBE = Duration.ofSeconds(5);
    private static final Duration DRAIN = Duration.ofSeconds(5);
    private static final Duration RETIREMENT = Duration.ofMinutes(1);
    private static final int MOST_UNREAD = 1024;
    private static final Set<McpMethod> REMEMBERED = Set.of(
            McpMethod.TOOLS_LIST, McpMethod.PROMPTS_LIST, McpMethod.RESOURCES_LIST, McpMethod.RESOURCE_TEMPLATES_LIST);
    private static final List<McpMethod> LIST_CHANGES = List.of(
            McpMethod.NOTIFICATION_TOOLS_LIST_CHANGED,
            McpMethod.NOTIFICATION_PROMPTS_LIST_CHANGED,
            McpMethod.NOTIFICATION_RESOURCES_LIST_CHANGED);

    private final String backend;
    private final StdioSettings settings;
    private final int maxMessageBytes;
    private final Scheduler timer;
    private final StderrTail tail = new StderrTail();
    private final Sinks.Many<byte[]> heard = Sinks.many().multicast().directBestEffort();
    private final Map<String, Envelope> remembered = new ConcurrentHashMap<>();
    private final Set<String> subscribed = ConcurrentHashMap.newKeySet();
    private final Map<Object, Feeding> feeds = new ConcurrentHashMap<>();
    private final Set<Run> retiring = ConcurrentHashMap.newKeySet();
    private final Sinks.Many<Run> begun = Sinks.many().multicast().directBestEffort();
    private final Disposable ticks;
    private @Nullable Run current;
    private @Nullable Envelope initialize;
    private @Nullable Envelope welcome;
    private @Nullable Envelope logLevel;
    private boolean knownLegacy;
    private boolean probing;
    private boolean sleeping;
    private boolean closed;
    private int failures;
    private int starts;
    private long notBefore;
    private BackendFailure lastFailure;

    StdioAdapter(String backend, StdioSettings settings, int maxMessageBytes, Scheduler timer) {
        this.backend = backend;
        this.settings = settings;
        this.maxMessageBytes = maxMessageBytes;
        this.timer = timer;
        this.notBefore = System.nanoTime();
        this.lastFailure = failure("it was never started", Duration.ZERO);
        long tick = Math.max(50, Math.min(10_000, shortest(settings).toMillis() / 4));
        this.ticks = timer.schedulePeriodically(this::tick, tick, tick, TimeUnit.MILLISECONDS);
    }

    private static Duration shortest(StdioSettings settings) {
        Duration idle = settings.idleTimeout().isZero() ? LEFT_ALONE : settings.idleTimeout();
        Duration life = settings.maxLifetime().isZero() ? LEFT_ALONE : settings.maxLifetime();
        return idle.compareTo(life) < 0 ? idle : life;
    }

    /** One process, from its start to its end. */
    private final class Run implements StdioProcess.Listener {
        private final long startedAt = System.nanoTime();
        private final Switchboard switchboard = new Switchboard(this::send, backend);
        private final AtomicBoolean answered = new AtomicBoolean();
        private final Sinks.Empty<Void> over = Sinks.empty();
        private final Mono<Run> started = Mono.fromCallable(this::start)
                .subscribeOn(Schedulers.boundedElastic())
                .onErrorMap(IOException.class, this::cannotStart)
                .cache();
        private final Mono<Run> ready = started.flatMap(run -> greeted()).cache();
        private volatile @Nullable StdioProcess process;
        private volatile long lastUsed = System.nanoTime();
        private volatile boolean wanted = true;

        /** Guarded by the adapter's monitor. */
        private int users;

        private Run start() throws IOException {
            StdioProcess next = StdioProcess.start(settings, backend, tail, maxMessageBytes, this);
            process = next;
            log.info("Backend '{}': started its program as process {}", backend, next.pid());
            switchboard.listen().subscribe(StdioAdapter.this::hear);
            if (!wanted) {
                stop();
            }
            return this;
        }

        private Throwable cannotStart(IOException e) {
            BackendFailure why = failedToStart(this, e);
            switchboard.broken(why);
            over.tryEmitEmpty();
            return why;
        }

        private boolean send(byte[] json) {
            StdioProcess pipe = process;
            return pipe != null && pipe.send(json);
        }

        /** The handshake, where one is due. */
        private Mono<Run> greeted() {
            Envelope hello;
            synchronized (StdioAdapter.this) {
                hello = initialize;
            }
            return hello == null ? Mono.just(this) : greet(hello).thenReturn(this);
        }

        @Override
        public void arrived(byte[] json) {
            answered.set(true);
            switchboard.arrived(json);
        }

        @Override
        public void ended(int code, String why) {
            BackendFailure failure = StdioAdapter.this.ended(this, code, why);
            switchboard.broken(failure);
            if (wanted) {
                over.tryEmitEmpty();
            }
        }

        boolean isQuiet() {
            synchronized (StdioAdapter.this) {
                return users == 0 && switchboard.underWay() == 0;
            }
        }

        /** Ends it in the background; completes when nothing of it is left. */
        Mono<Void> stop() {
            wanted = false;
            StdioProcess running = process;
            if (running != null) {
                Mono.<Void>fromRunnable(running::stop)
                        .subscribeOn(Schedulers.boundedElastic())
                        .doFinally(end -> over.tryEmitEmpty())
                        .subscribe();
            }
            return over.asMono();
        }

        private final Mono<Envelope> greeting = Mono.defer(this::handshake).cache();

        private Mono<Envelope> greet(Envelope hello) {
            synchronized (StdioAdapter.this) {
                if (initialize == null) {
                    initialize = hello;
                }
            }
            return greeting;
        }

        private Mono<Envelope> handshake() {
            Envelope hello;
            synchronized (StdioAdapter.this) {
                hello = initialize;
            }
            if (hello == null) {
                return Mono.error(new IllegalStateException("no handshake is due"));
            }
            return switchboard
                    .post(hello, null)
                    .timeout(settings.startTimeout(), timer)
                    .onErrorMap(TimeoutException.class, late -> {
                        stop();
                        return BackendFailure.timeout(
                                backend,
                                "Backend '" + backend + "' did not answer initialize within "
                                        + settings.startTimeout().toSeconds() + " s" + said());
                    })
                    .flatMap(outcome -> Mono.justOrEmpty(message(outcome)))
                    .doOnNext(answer -> {
                        if (answer.error().isPresent()) {
                            refusedHandshake();
                        } else {
                            welcomed(answer);
                            switchboard
                                    .post(
                                            parsed("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}"),
                                            null)
                                    .subscribe(ignored -> {}, ignored -> {});
                            restore();
                        }
                    });
        }

        private void restore() {
            Envelope level;
            synchronized (StdioAdapter.this) {
                level = logLevel;
            }
            if (level != null) {
                switchboard.post(level, null).subscribe(ignored -> {}, ignored -> {});
            }
            for (String uri : subscribed) {
                switchboard
                        .post(
                                parsed(
                                        "{\"jsonrpc\":\"2.0\",\"id\":\"again\",\"method\":\"resources/subscribe\",\"params\":{\"uri\":"
                                                + io.sluice.envelope.Json.quote(uri) + "}}"),
                                null)
                        .subscribe(ignored -> {}, ignored -> {});
            }
        }
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
                synchronized (this) {
                    logLevel = message;
                }
                yield work(message);
            }
            case RESOURCES_SUBSCRIBE ->
                work(message).doOnNext(ok -> uri(message).ifPresent(subscribed::add));
            case RESOURCES_UNSUBSCRIBE -> {
                uri(message).ifPresent(subscribed::remove);
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
        Run run = running();
        return run == null ? Mono.just(Outcome.Accepted.INSTANCE) : run.switchboard.post(message, null);
    }

    private Mono<Outcome> work(Envelope message) {
        return with(run -> run.ready.flatMap(ready -> {
            run.lastUsed = System.nanoTime();
            return run.switchboard.post(message, null).doFinally(end -> run.lastUsed = System.nanoTime());
        }));
    }

    private Mono<Outcome> list(Envelope message) {
        String key = message.method() + " "
                + (message.cursor().isPresent() ? message.raw(message.cursor()).toString() : "");
        Envelope known = remembered.get(key);
        if (known != null && sleeps()) {
            return Mono.just(answer(message, known));
        }
        return with(run -> run.ready.flatMap(ready -> run.switchboard.post(message, null)))
                .doOnNext(outcome -> message(outcome)
                        .filter(answer -> answer.result().isPresent())
                        .ifPresent(answer -> remembered.put(key, answer)));
    }

    /** An earlier answer under another id. */
    private static Outcome answer(Envelope request, Envelope earlier) {
        return Outcome.Message.of(new Patch(earlier)
                .replace(earlier.idSpan(), request.raw(request.idSpan()))
                .toBytes());
    }

    private static Optional<Envelope> message(Outcome outcome) {
        return outcome instanceof Outcome.Message whole ? MessageReader.read(whole.json()) : Optional.empty();
    }

    private static Envelope parsed(String json) {
        return MessageReader.read(json.getBytes(StandardCharsets.UTF_8)).orElseThrow();
    }

    // ---- which era

    /**
     * 2026-07-28, stdio: a server that does not know the modern era answers with an error, not at all, or by ending. The last two are found out once; a program that ended is started again for the
     * legacy handshake.
     */
    private Mono<Outcome> discover(Envelope message) {
        synchronized (this) {
            if (knownLegacy) {
                return Mono.just(unknownMethod(message));
            }
        }
        Envelope known = remembered.get(message.method());
        if (known != null && sleeps()) {
            return Mono.just(answer(message, known));
        }
        synchronized (this) {
            probing = true;
        }
        return with(run -> run.started.flatMap(started -> run.switchboard.post(message, null)))
                .timeout(PROBE, timer)
                .doOnNext(outcome -> message(outcome).ifPresent(answer -> {
                    if (answer.error().isPresent()) {
                        Span code = answer.member(answer.error(), "code");
                        boolean modern = code.isPresent()
                                && answer.raw(code).toString().equals("" + ErrorCodes.UNSUPPORTED_PROTOCOL_VERSION);
                        speaksLegacy(!modern);
                    } else {
                        remembered.put(message.method(), answer);
                    }
                }))
                .onErrorResume(TimeoutException.class, silent -> {
                    speaksLegacy(true);
                    return Mono.just(unknownMethod(message));
                })
                .onErrorResume(
                        BackendFailure.class,
                        failure -> diedOfIt() ? Mono.just(unknownMethod(message)) : Mono.error(failure))
                .doFinally(end -> {
                    synchronized (this) {
                        probing = false;
                    }
                });
    }

    private synchronized boolean diedOfIt() {
        return knownLegacy;
    }

    private synchronized void speaksLegacy(boolean legacy) {
        knownLegacy = legacy;
    }

    private static Outcome unknownMethod(Envelope message) {
        return Outcome.Message.of(("{\"jsonrpc\":\"2.0\",\"id\":" + message.raw(message.idSpan())
                        + ",\"error\":{\"code\":" + ErrorCodes.METHOD_NOT_FOUND + ",\"message\":\"Method not found\"}}")
                .getBytes(StandardCharsets.UTF_8));
    }

    private Mono<Outcome> initialize(Envelope message) {
        Envelope known;
        synchronized (this) {
            known = welcome;
        }
        if (known != null) {
            return Mono.just(answer(message, known));
        }
        return with(run -> run.started.flatMap(started -> run.greet(message)).map(answer -> answer(message, answer)));
    }

    private synchronized void welcomed(Envelope answer) {
        welcome = answer;
    }

    /** It may have been too slow for the probe: the next one decides anew. */
    private synchronized void refusedHandshake() {
        knownLegacy = false;
        initialize = null;
    }

    // ---- feeds

    @Override
    public Mono<Outcome> stream(@Nullable String session) {
        return Mono.just(new Outcome.Messages(
                heard.asFlux().onBackpressureBuffer(MOST_UNREAD, late -> {}, BufferOverflowStrategy.DROP_OLDEST)));
    }

    /** A modern feed, which outlives the process: the next one is asked for it as well. */
    private Mono<Outcome> feed(Envelope message) {
        return work(message).map(first -> {
            if (!(first instanceof Outcome.Messages messages)) {
                return first;
            }
            Feeding feeding = new Feeding(Sinks.empty(), isOfResources(message));
            Object key = new Object();
            feeds.put(key, feeding);
            Flux<byte[]> later = begun.asFlux()
                    .concatMap(run -> run.switchboard
                            .post(message, null)
                            .flatMapMany(again ->
                                    again instanceof Outcome.Messages more ? more.json() : Flux.<byte[]>empty())
                            .onErrorComplete());
            return new Outcome.Messages(Flux.merge(messages.json().concatWith(Flux.never()), later)
                    .takeUntilOther(feeding.ended().asMono())
                    .doFinally(end -> feeds.remove(key)));
        });
    }

    /** A feed that is open; {@code ofResources} when a process that sleeps would keep something from it. */
    private record Feeding(Sinks.Empty<Void> ended, boolean ofResources) {}

    private static boolean isOfResources(Envelope message) {
        return message.member(message.notifications(), "resourceSubscriptions").isPresent();
    }

    private void hear(byte[] json) {
        synchronized (heard) {
            heard.tryEmitNext(json);
        }
    }

    /** Nobody listened while it was down: whoever has a feed asks anew, and is told that anything may have changed. */
    private void gap() {
        feeds.values().forEach(feeding -> feeding.ended().tryEmitEmpty());
        for (McpMethod change : LIST_CHANGES) {
            hear(("{\"jsonrpc\":\"2.0\",\"method\":\"" + change.wire() + "\"}").getBytes(StandardCharsets.UTF_8));
        }
    }

    // ---- the process

    /** Whether it was stopped, being well. */
    private synchronized boolean sleeps() {
        return sleeping;
    }

    private synchronized @Nullable Run running() {
        return current;
    }

    /** Uses the process that runs, or a new one, which does not stop meanwhile for being idle; fails while a pause lasts. */
    private Mono<Outcome> with(Function<Run, Mono<Outcome>> use) {
        return Mono.defer(() -> {
            Run next;
            boolean again;
            synchronized (this) {
                if (closed) {
                    return Mono.error(failure("it was removed", Duration.ZERO));
                }
                Run now = current;
                if (now != null) {
                    now.users++;
                    return use.apply(now).doFinally(end -> leave(now));
                }
                long wait = notBefore - System.nanoTime();
                if (wait > 0) {
                    return Mono.error(lastFailure);
                }
                next = new Run();
                sleeping = false;
                next.users++;
                current = next;
                again = starts++ > 0;
            }
            next.started.subscribe(ignored -> {}, ignored -> {});
            if (again) {
                next.ready.subscribe(begun::tryEmitNext, ignored -> {});
            }
            return use.apply(next).doFinally(end -> leave(next));
        });
    }

    private synchronized void leave(Run run) {
        run.users--;
    }

    private BackendFailure failedToStart(Run run, IOException e) {
        String reason = String.valueOf(e.getMessage());
        int detail = reason.indexOf("error=");
        return failed(
                run,
                "its command '" + settings.command() + "' cannot be started: "
                        + (detail < 0 ? reason : reason.substring(detail)));
    }

    /** A process is gone; says why to those who wait for it. */
    private BackendFailure ended(Run run, int code, String why) {
        boolean asked = !run.wanted;
        boolean probed;
        synchronized (this) {
            probed = probing && !run.answered.get() && !knownLegacy;
            if (probed) {
                knownLegacy = true;
                if (current == run) {
                    current = null;
                }
            }
        }
        if (asked || probed) {
            log.info("Backend '{}': its program has ended{}", backend, probed ? " instead of answering a probe" : "");
            forget(run);
            return failure(asked ? "its program was stopped" : "its program ended", Duration.ofMillis(100));
        }
        String how = !why.isEmpty()
                ? why
                : code < 0 ? "its program closed its output" : "its program ended with exit code " + code;
        BackendFailure failure = failed(run, how + said());
        gap();
        return failure;
    }

    private String said() {
        String last = tail.lastLine();
        return last.isEmpty() ? "" : "; the last it said: " + last;
    }

    private synchronized void forget(Run run) {
        if (current == run) {
            current = null;
        }
    }

    private BackendFailure failed(Run run, String how) {
        BackendFailure failure;
        Duration pause;
        synchronized (this) {
            if (current == run) {
                current = null;
            }
            boolean healthy = run.answered.get() && System.nanoTime() - run.startedAt > HEALTHY.toNanos();
            failures = healthy ? 1 : failures + 1;
            boolean tooOften = failures > settings.maxRestarts();
            Duration growing = FIRST_PAUSE.multipliedBy(1L << Math.min(failures - 1, 10));
            pause = tooOften ? LEFT_ALONE : growing.compareTo(LONGEST_PAUSE) < 0 ? growing : LONGEST_PAUSE;
            String more = tooOften
                    ? "; that happened " + failures + " times in a row, so it is left alone until "
                            + Instant.now().plus(pause).truncatedTo(ChronoUnit.SECONDS)
                    : "";
            failure = failure(how + more, pause);
            notBefore = System.nanoTime() + pause.toNanos();
            lastFailure = failure;
        }
        log.warn("{}", failure.reason());
        return failure;
    }

    private BackendFailure failure(String what, Duration retryAfter) {
        return BackendFailure.unavailable(backend, "Backend '" + backend + "' is unavailable: " + what, retryAfter);
    }

    /** Stops what is idle or old. */
    private void tick() {
        Run run;
        boolean idle;
        boolean old;
        synchronized (this) {
            run = current;
            if (run == null || run.process == null || run.switchboard.isBroken()) {
                return;
            }
            long now = System.nanoTime();
            idle = !settings.idleTimeout().isZero()
                    && run.isQuiet()
                    && subscribed.isEmpty()
                    && !resourceFeeds()
                    && now - run.lastUsed > settings.idleTimeout().toNanos();
            old = !settings.maxLifetime().isZero()
                    && now - run.startedAt > settings.maxLifetime().toNanos();
            if (!idle && !old) {
                return;
            }
            sleeping = true;
            current = null; // the next call starts another, and this one may finish what it does
        }
        log.info("Backend '{}': its program is stopped, being {}", backend, idle ? "idle" : "old");
        retiring.add(run);
        quietAfter(run, RETIREMENT)
                .then(Mono.defer(run::stop))
                .doFinally(end -> retiring.remove(run))
                .subscribe();
    }

    private boolean resourceFeeds() {
        return feeds.values().stream().anyMatch(Feeding::ofResources);
    }

    private Mono<Void> quietAfter(Run run, Duration longest) {
        return Flux.interval(Duration.ZERO, Duration.ofMillis(50), timer)
                .takeUntil(tick -> run.isQuiet())
                .take(longest)
                .then();
    }

    @Override
    public Optional<String> remarks() {
        Run run = running();
        StdioProcess process = run == null ? null : run.process;
        List<String> lines = new ArrayList<>();
        int count;
        synchronized (this) {
            count = starts;
        }
        lines.add(
                process == null
                        ? "No process runs; " + count + " were started"
                        : "Process " + process.pid() + " runs since "
                                + process.since().truncatedTo(ChronoUnit.SECONDS) + "; " + count + " were started");
        lines.addAll(tail.lines());
        return Optional.of(String.join("\n", lines));
    }

    @Override
    public Mono<Void> close() {
        return Mono.defer(() -> {
            Run run;
            synchronized (this) {
                closed = true;
                run = current;
            }
            ticks.dispose();
            Mono<Void> gone =
                    run == null ? Mono.empty() : quietAfter(run, DRAIN).then(Mono.defer(run::stop));
            return Mono.when(
                            gone, Flux.fromIterable(retiring).flatMap(Run::stop).then())
                    .timeout(DRAIN.multipliedBy(2), timer)
                    .onErrorComplete();
        });
    }
}
