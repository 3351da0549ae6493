package io.sluice.upstream;

import io.netty.channel.EventLoop;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.sluice.balance.Attempt;
import io.sluice.balance.Endpoints;
import io.sluice.guard.Outcome;
import io.sluice.guard.Permit;
import io.sluice.guard.RetryBudget;
import io.sluice.registry.Endpoint;
import io.sluice.rejection.Rejection;
import io.sluice.rejection.Rejection.BackendFailure;
import io.sluice.wire.Lost;
import java.net.ConnectException;
import java.time.Duration;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;
import reactor.core.Exceptions;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;

/**
 * How often and where a request is sent: to the endpoint that was picked, once more where that is known to do no harm
 * (bytes that never left, a refused connection when there is another endpoint, and, within a budget, what is
 * repeatable), and to a second endpoint meanwhile when the first is slow and the call's terms allow it. Every attempt
 * is picked and ended for itself; the permit is one for all of them and is ended once.
 *
 * <p>Safe for use by many threads.
 */
final class HttpAttempts {
    private static final int RETRY_PERCENT = 20;
    private static final int RETRIES_AT_LEAST = 3;

    private final HttpExchanges exchanges;
    private final Endpoints endpoints;
    private final BackendPolicy policy;
    private final Reachability reachability;
    private final Failures failures;
    private final Scheduler timer;
    private final RetryBudget budget = new RetryBudget(RETRY_PERCENT, RETRIES_AT_LEAST);

    HttpAttempts(
            HttpExchanges exchanges,
            Endpoints endpoints,
            BackendPolicy policy,
            Reachability reachability,
            Failures failures,
            Scheduler timer) {
        this.exchanges = exchanges;
        this.endpoints = endpoints;
        this.policy = policy;
        this.reachability = reachability;
        this.failures = failures;
        this.timer = timer;
    }

    /** What second attempts are paid from. */
    RetryBudget budget() {
        return budget;
    }

    /** On this event loop at once, which is the one of this thread. */
    Prompted sendNow(Ask ask, Permit permit, EventLoop eventLoop, Prompt prompt) {
        budget.earn();
        Prompted prompted = new Prompted(this, exchanges, ask, first(ask, permit), permit, eventLoop, prompt);
        try {
            exchanges.send(prompted, true, eventLoop);
        } catch (RuntimeException mistake) {
            prompted.abandon();
            prompted.attempt.end(Outcome.IGNORED, System.nanoTime());
            throw mistake;
        }
        return prompted;
    }

    /** @param permit held until the last byte of the answer; null for what lives long and is not counted */
    Mono<Answer> send(Ask ask, boolean shared, @Nullable Permit permit) {
        budget.earn();
        Attempt first = first(ask, permit);
        return outcome(once(ask, shared, first, permit), ask, shared, first, permit);
    }

    /** What comes of a request that was sent once and may be sent again. */
    Mono<Answer> outcome(Mono<Answer> once, Ask ask, boolean shared, Attempt first, @Nullable Permit permit) {
        return once.onErrorResume(
                        error -> mayRepeat(ask, error), error -> again(ask, shared, second(ask, first, error), permit))
                .flatMap(answer -> answer.status() >= 502
                                && answer.status() <= 504
                                && ask.endpoint() == null
                                && mayHelp(ask)
                                && budget.trySpend()
                        ? elsewhere(ask, shared, first, answer, permit)
                        : Mono.just(answer))
                .onErrorMap(error -> refusal(ask, first.endpoint(), error))
                .doOnError(error -> end(permit, Outcome.FAILED))
                .doOnCancel(() -> end(permit, Outcome.IGNORED))
                .flatMap(this::readable);
    }

    static void end(@Nullable Permit permit, Outcome outcome) {
        if (permit != null) {
            permit.end(outcome, System.nanoTime());
        }
    }

    private boolean mayHelp(Ask ask) {
        return policy.retry() && ask.repeatable() && endpoints.size() > 1;
    }

    private Mono<Answer> elsewhere(Ask ask, boolean shared, Attempt first, Answer answer, @Nullable Permit permit) {
        return answer.refused()
                .then(Mono.defer(
                        () -> again(ask, shared, endpoints.pickOther(first.state(), System.nanoTime()), permit)));
    }

    private Mono<Answer> again(Ask ask, boolean shared, Attempt second, @Nullable Permit permit) {
        if (permit != null) {
            permit.retried();
        }
        return exchanges.attempt(ask.again(), shared, second, permit);
    }

    /**
     * The first attempt, and a second one at another endpoint when it takes longer than nearly all others did: whichever
     * answers first is taken, the other is given up (J. Dean and L. Barroso, <em>The Tail at Scale</em>, 2013).
     */
    private Mono<Answer> once(Ask ask, boolean shared, Attempt first, @Nullable Permit permit) {
        Mono<Answer> one = exchanges.attempt(ask, shared, first, permit);
        long patience = exchanges.slowNanos();
        if (!ask.terms().hedged() || ask.endpoint() != null || endpoints.size() < 2 || patience == Long.MAX_VALUE) {
            return one;
        }
        Mono<Answer> other = Mono.delay(Duration.ofNanos(Math.max(1_000_000, patience)), timer)
                .filter(late -> budget.trySpend())
                .flatMap(late -> again(ask, shared, endpoints.pickOther(first.state(), System.nanoTime()), permit))
                .onErrorComplete();
        return Mono.firstWithValue(one, other)
                .onErrorMap(NoSuchElementException.class, none -> cause(none))
                .doOnDiscard(Answer.class, Answer::close);
    }

    /** What kept the first attempt from answering; the second is silent about itself. */
    private static Throwable cause(NoSuchElementException none) {
        Throwable all = none.getCause();
        if (all != null) {
            for (Throwable each : Exceptions.unwrapMultiple(all)) {
                if (!(each instanceof NoSuchElementException)) {
                    return each;
                }
            }
        }
        return none;
    }

    /** @param permit goes back if no endpoint can be picked, which would be a mistake of our own */
    private Attempt first(Ask ask, @Nullable Permit permit) {
        long now = System.nanoTime();
        try {
            return ask.endpoint() == null
                    ? endpoints.pick(ask.terms().affinity(), now)
                    : endpoints.pinned(ask.endpoint(), now);
        } catch (RuntimeException mistake) {
            end(permit, Outcome.IGNORED);
            throw mistake;
        }
    }

    private Attempt second(Ask ask, Attempt first, Throwable error) {
        long now = System.nanoTime();
        return ask.endpoint() != null
                ? endpoints.pinned(ask.endpoint(), now)
                : error instanceof ConnectException ? endpoints.pickOther(first.state(), now) : endpoints.pick(0, now);
    }

    private Throwable refusal(Ask ask, Endpoint at, Throwable error) {
        Duration waited = ask.timeout() == null ? Duration.ZERO : ask.timeout();
        Rejection refusal = failures.beforeAnswer(error, at.url(), waited);
        if (!Failures.preventsConnection(error)) {
            boolean left = !(error instanceof Lost lost && lost.way() == Lost.Way.UNUSED);
            return left && !(error instanceof Rejection) && ask.mayHaveActed() && refusal instanceof BackendFailure vain
                    ? vain.outcomeUnknown()
                    : refusal;
        }
        if (ask.movable() && ask.endpoint() != null && endpoints.size() > 1) {
            return new Unreached(refusal);
        }
        if (refusal instanceof BackendFailure failure) {
            reachability.lost(failure);
        }
        return refusal;
    }

    /** We ask for no compression, so nobody here undoes it. */
    private Mono<Answer> readable(Answer answer) {
        String coding = answer.header(HttpHeaderNames.CONTENT_ENCODING);
        if (coding == null || coding.isEmpty() || coding.equalsIgnoreCase("identity")) {
            return Mono.just(answer);
        }
        answer.close();
        return Mono.error(failures.unavailable("it compressed its answer (" + coding + ") without being asked to"));
    }

    private boolean mayRepeat(Ask ask, Throwable error) {
        if (error instanceof ConnectException) {
            return ask.endpoint() == null && endpoints.size() > 1;
        }
        if (!(error instanceof Lost lost)) {
            return false;
        }
        // What never arrived makes nobody's load heavier; anything else is paid for.
        return lost.way() == Lost.Way.UNUSED
                || (ask.repeatable() && (policy.retry() || ask.terms().own()) && budget.trySpend());
    }
    /** The one endpoint that a request was for cannot be connected to, and the backend has others. */
    static final class Unreached extends RuntimeException {
        private static final long serialVersionUID = 1L;
        private final Rejection refusal;

        Unreached(Rejection refusal) {
            super("unreached", null, false, false);
            this.refusal = refusal;
        }

        Rejection refusal() {
            return refusal;
        }
    }
}
