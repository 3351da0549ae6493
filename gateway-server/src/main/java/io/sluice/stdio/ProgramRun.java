package io.sluice.stdio;

import io.sluice.adapter.Adapter.Outcome;
import io.sluice.adapter.Switchboard;
import io.sluice.envelope.Envelope;
import io.sluice.envelope.Json;
import io.sluice.envelope.MessageReader;
import io.sluice.rejection.Rejection.BackendFailure;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Schedulers;

/**
 * One process of a program, from its start to its end: greeted if a handshake is due, told what the ones before were
 * told, and used by any number of callers at a time. Starting and stopping wait for the operating system, which they do
 * on threads that may.
 */
final class ProgramRun implements StdioProcess.Listener {
    private static final Logger log = LoggerFactory.getLogger(ProgramRun.class);

    private final Program program;
    private final ProgramMemory memory;
    private final ProgramFeeds feeds;
    private final long startedAt = System.nanoTime();
    private final Switchboard switchboard;
    private final AtomicBoolean answered = new AtomicBoolean();
    private final Sinks.Empty<Void> over = Sinks.empty();
    private final Mono<ProgramRun> started = Mono.fromCallable(this::start)
            .subscribeOn(Schedulers.boundedElastic())
            .onErrorMap(IOException.class, this::cannotStart)
            .cache();
    private final Mono<ProgramRun> ready = started.flatMap(run -> greeted()).cache();
    private final Mono<Envelope> greeting = Mono.defer(this::handshake).cache();
    private volatile @Nullable StdioProcess process;
    private volatile long lastUsed = System.nanoTime();
    private volatile boolean wanted = true;

    /** Guarded by the program's monitor. */
    private int users;

    ProgramRun(Program program, ProgramMemory memory, ProgramFeeds feeds) {
        this.program = program;
        this.memory = memory;
        this.feeds = feeds;
        this.switchboard = new Switchboard(this::send, program.backend());
    }

    // ---- its use

    /** This, once its process runs. Fails when it cannot be started. */
    Mono<ProgramRun> started() {
        return started;
    }

    /** This, once it was greeted, if that is due. */
    Mono<ProgramRun> ready() {
        return ready;
    }

    /** Has the process answer a message, or take it. */
    Mono<Outcome> post(Envelope message) {
        return switchboard.post(message, null);
    }

    /** The same of a call, for the sake of which the process is kept running for a while. */
    Mono<Outcome> work(Envelope message) {
        lastUsed = System.nanoTime();
        return post(message).doFinally(end -> lastUsed = System.nanoTime());
    }

    /** Under the program's monitor, as the next. */
    void enter() {
        users++;
    }

    void leave() {
        users--;
    }

    /** Whether nobody uses it and nothing is under way. */
    boolean isQuiet() {
        synchronized (program) {
            return users == 0 && switchboard.underWay() == 0;
        }
    }

    /** Whether it runs, and has not ended yet. */
    boolean isAlive() {
        return process != null && !switchboard.isBroken();
    }

    boolean hasAnswered() {
        return answered.get();
    }

    /** Whether it was not asked to stop. */
    boolean isWanted() {
        return wanted;
    }

    Duration age() {
        return Duration.ofNanos(System.nanoTime() - startedAt);
    }

    Duration unused() {
        return Duration.ofNanos(System.nanoTime() - lastUsed);
    }

    /** The process, if it was started. */
    @Nullable
    StdioProcess process() {
        return process;
    }

    // ---- its process

    private ProgramRun start() throws IOException {
        StdioProcess next = program.start(this);
        process = next;
        log.info("Backend '{}': started its program as process {}", program.backend(), next.pid());
        switchboard.listen().subscribe(feeds::hear);
        if (!wanted) {
            stop();
        }
        return this;
    }

    private Throwable cannotStart(IOException e) {
        BackendFailure why = program.failedToStart(this, e);
        switchboard.broken(why);
        over.tryEmitEmpty();
        return why;
    }

    private boolean send(byte[] json) {
        StdioProcess pipe = process;
        return pipe != null && pipe.send(json);
    }

    /** The handshake, where one is due. */
    private Mono<ProgramRun> greeted() {
        Envelope hello = memory.hello();
        return hello == null ? Mono.just(this) : greet(hello).thenReturn(this);
    }

    @Override
    public void arrived(byte[] json) {
        answered.set(true);
        switchboard.arrived(json);
    }

    @Override
    public void ended(int code, String why) {
        BackendFailure failure = program.ended(this, code, why);
        switchboard.broken(failure);
        if (wanted) {
            over.tryEmitEmpty();
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

    /** How the process answers the handshake, which is made once. */
    Mono<Envelope> greet(Envelope initialize) {
        memory.greetWith(initialize);
        return greeting;
    }

    private Mono<Envelope> handshake() {
        Envelope hello = memory.hello();
        if (hello == null) {
            return Mono.error(new IllegalStateException("no handshake is due"));
        }
        Duration patience = program.settings().startTimeout();
        return post(hello)
                .timeout(patience, program.timer())
                .onErrorMap(TimeoutException.class, late -> {
                    stop();
                    return BackendFailure.timeout(
                            program.backend(),
                            "Backend '" + program.backend() + "' did not answer initialize within "
                                    + patience.toSeconds() + " s" + program.said());
                })
                .flatMap(outcome -> Mono.justOrEmpty(StdioAdapter.message(outcome)))
                .doOnNext(answer -> {
                    if (answer.error().isPresent()) {
                        memory.refusedHandshake();
                    } else {
                        memory.welcomed(answer);
                        tell(parsed("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}"));
                        restore();
                    }
                });
    }

    private void restore() {
        Envelope level = memory.logLevel();
        if (level != null) {
            tell(level);
        }
        for (String uri : memory.subscribed()) {
            tell(parsed("{\"jsonrpc\":\"2.0\",\"id\":\"again\",\"method\":\"resources/subscribe\",\"params\":{\"uri\":"
                    + Json.quote(uri) + "}}"));
        }
    }

    private void tell(Envelope message) {
        post(message).subscribe(ignored -> {}, ignored -> {});
    }

    private static Envelope parsed(String json) {
        return MessageReader.read(json.getBytes(StandardCharsets.UTF_8)).orElseThrow();
    }
}
