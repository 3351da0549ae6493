package io.sluice.stdio;

import io.sluice.adapter.Adapter.Outcome;
import io.sluice.rejection.Rejection.BackendFailure;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;

/**
 * A program that runs while it is needed: started when somebody asks for something, stopped when nobody has for a while,
 * replaced when it has lived long enough, and started again, with growing pauses, when it ends by itself. At most one
 * process is the current one; those that retire finish what they do.
 *
 * <p>State is owned by this object's monitor, which is never held while anything is sent, started or told.
 */
final class Program {
    private static final Logger log = LoggerFactory.getLogger(Program.class);
    private static final Duration FIRST_PAUSE = Duration.ofMillis(500);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);
    private static final Duration LEFT_ALONE = Duration.ofMinutes(10);
    private static final Duration HEALTHY = Duration.ofSeconds(10);
    private static final Duration DRAIN = Duration.ofSeconds(5);
    private static final Duration RETIREMENT = Duration.ofMinutes(1);

    private final String backend;
    private final StdioSettings settings;
    private final int maxMessageBytes;
    private final Scheduler timer;
    private final ProgramMemory memory;
    private final ProgramFeeds feeds;
    private final StderrTail tail = new StderrTail();
    private final Set<ProgramRun> retiring = ConcurrentHashMap.newKeySet();
    private final Disposable ticks;
    private @Nullable ProgramRun current;
    private boolean sleeping;
    private boolean closed;
    private int failures;
    private int starts;
    private long notBefore;
    private BackendFailure lastFailure;

    Program(
            String backend,
            StdioSettings settings,
            int maxMessageBytes,
            Scheduler timer,
            ProgramMemory memory,
            ProgramFeeds feeds) {
        this.backend = backend;
        this.settings = settings;
        this.maxMessageBytes = maxMessageBytes;
        this.timer = timer;
        this.memory = memory;
        this.feeds = feeds;
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

    String backend() {
        return backend;
    }

    StdioSettings settings() {
        return settings;
    }

    Scheduler timer() {
        return timer;
    }

    /** Starts a process for a run. Waits for the operating system. */
    StdioProcess start(ProgramRun run) throws IOException {
        return StdioProcess.start(settings, backend, tail, maxMessageBytes, run);
    }

    /** Whether it was stopped, being well. */
    synchronized boolean sleeps() {
        return sleeping;
    }

    /** The process that runs, or is being started. */
    synchronized @Nullable ProgramRun running() {
        return current;
    }

    /** Uses the process that runs, or a new one, which does not stop meanwhile for being idle; fails while a pause lasts. */
    Mono<Outcome> with(Function<ProgramRun, Mono<Outcome>> use) {
        return Mono.defer(() -> {
            ProgramRun next;
            boolean again;
            synchronized (this) {
                if (closed) {
                    return Mono.error(failure("it was removed", Duration.ZERO));
                }
                ProgramRun now = current;
                if (now != null) {
                    now.enter();
                    return use.apply(now).doFinally(end -> leave(now));
                }
                long wait = notBefore - System.nanoTime();
                if (wait > 0) {
                    return Mono.error(lastFailure);
                }
                next = new ProgramRun(this, memory, feeds);
                sleeping = false;
                next.enter();
                current = next;
                again = starts++ > 0;
            }
            next.started().subscribe(ignored -> {}, ignored -> {});
            if (again) {
                next.ready().subscribe(feeds::begun, ignored -> {});
            }
            return use.apply(next).doFinally(end -> leave(next));
        });
    }

    private synchronized void leave(ProgramRun run) {
        run.leave();
    }

    /** The operating system would not start it; says why to those who wait for it. */
    BackendFailure failedToStart(ProgramRun run, IOException e) {
        String reason = String.valueOf(e.getMessage());
        int detail = reason.indexOf("error=");
        return failed(
                run,
                "its command '" + settings.command() + "' cannot be started: "
                        + (detail < 0 ? reason : reason.substring(detail)));
    }

    /** A process is gone; says why to those who wait for it. */
    BackendFailure ended(ProgramRun run, int code, String why) {
        boolean asked = !run.isWanted();
        boolean probed;
        synchronized (this) {
            // Together: whoever hears that the program is a legacy one is not to find this process.
            probed = memory.endedInsteadOfAnswering(run.hasAnswered());
            if (probed) {
                forget(run);
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
        feeds.gap();
        return failure;
    }

    /** The last line that it wrote for people, as the end of a sentence; empty when it wrote none. */
    String said() {
        String last = tail.lastLine();
        return last.isEmpty() ? "" : "; the last it said: " + last;
    }

    private synchronized void forget(ProgramRun run) {
        if (current == run) {
            current = null;
        }
    }

    private BackendFailure failed(ProgramRun run, String how) {
        BackendFailure failure;
        Duration pause;
        synchronized (this) {
            if (current == run) {
                current = null;
            }
            boolean healthy = run.hasAnswered() && run.age().compareTo(HEALTHY) > 0;
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
        ProgramRun run;
        boolean idle;
        boolean old;
        synchronized (this) {
            run = current;
            if (run == null || !run.isAlive()) {
                return;
            }
            idle = !settings.idleTimeout().isZero()
                    && run.isQuiet()
                    && memory.subscribed().isEmpty()
                    && !feeds.areOfResources()
                    && run.unused().compareTo(settings.idleTimeout()) > 0;
            old = !settings.maxLifetime().isZero() && run.age().compareTo(settings.maxLifetime()) > 0;
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

    private Mono<Void> quietAfter(ProgramRun run, Duration longest) {
        return Flux.interval(Duration.ZERO, Duration.ofMillis(50), timer)
                .takeUntil(tick -> run.isQuiet())
                .take(longest)
                .then();
    }

    /** What an operator may want to know: the process, and the last lines that it wrote. */
    Optional<String> remarks() {
        ProgramRun run = running();
        StdioProcess process = run == null ? null : run.process();
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

    /** Lets what is under way finish for a moment, and stops whatever runs. Never fails. */
    Mono<Void> close() {
        return Mono.defer(() -> {
            ProgramRun run;
            synchronized (this) {
                closed = true;
                run = current;
            }
            ticks.dispose();
            Mono<Void> gone =
                    run == null ? Mono.empty() : quietAfter(run, DRAIN).then(Mono.defer(run::stop));
            return Mono.when(
                            gone,
                            Flux.fromIterable(retiring)
                                    .flatMap(ProgramRun::stop)
                                    .then())
                    .timeout(DRAIN.multipliedBy(2), timer)
                    .onErrorComplete();
        });
    }
}
