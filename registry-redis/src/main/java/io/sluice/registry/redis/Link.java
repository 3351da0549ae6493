package io.sluice.registry.redis;

import io.lettuce.core.RedisChannelHandler;
import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.RedisCommandTimeoutException;
import io.lettuce.core.RedisConnectionStateListener;
import io.lettuce.core.RedisReadOnlyException;
import io.lettuce.core.api.StatefulConnection;
import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Scheduler;

/**
 * One connection to Redis that is dialled again when it is lost, by us and not by Lettuce: Lettuce would send again what
 * it has not seen an answer to, and so do things twice. What is asked while there is no connection is refused at once.
 *
 * <p>Its monitor guards what is known of the connection and is never held while waiting.
 */
final class Link<C extends StatefulConnection<String, byte[]>> {
    private static final Logger log = LoggerFactory.getLogger(Link.class);
    private static final Duration FIRST_RETRY = Duration.ofMillis(50);

    /** A connection on which so many commands in a row went unanswered may lead nowhere; another is tried. */
    private static final int MOST_SILENCE = 6;

    private static final Pattern ELSEWHERE = Pattern.compile("MOVED |ASK |CLUSTERDOWN |READONLY |MASTERDOWN ");

    private final String purpose;
    private final Function<Link<C>, Mono<C>> dial;
    private final Consumer<C> onConnected;
    private final RedisSettings settings;
    private final Scheduler timer;
    private @Nullable C connection;
    private boolean dialling;
    private boolean closed;
    private int failures;
    private int silent;
    private Sinks.Empty<Void> settled = Sinks.empty();
    private String trouble = "it has not been reached yet";

    /**
     * @param onConnected told of each new connection before it is used
     * @param timer for pauses between attempts
     */
    Link(
            String purpose,
            Function<Link<C>, Mono<C>> dial,
            Consumer<C> onConnected,
            RedisSettings settings,
            Scheduler timer) {
        this.purpose = purpose;
        this.dial = dial;
        this.onConnected = onConnected;
        this.settings = settings;
        this.timer = timer;
    }

    /** Whether this Redis says that another one is in charge by now: after a fail-over, or when a slot has moved. */
    static boolean isElsewhere(Throwable e) {
        return e instanceof RedisReadOnlyException
                || e instanceof RedisCommandExecutionException
                        && e.getMessage() != null
                        && ELSEWHERE.matcher(e.getMessage()).lookingAt();
    }

    /** Dials, and goes on dialling until closed. */
    void open() {
        synchronized (this) {
            if (closed || dialling || connection != null) {
                return;
            }
            dialling = true;
            settled = Sinks.empty();
        }
        dial.apply(this).timeout(settings.connectTimeout()).subscribe(this::connected, this::failed);
    }

    /** Does something with the connection; a {@link RedisAway} when there is none. */
    <T> Mono<T> use(Function<C, Mono<T>> work) {
        return Mono.defer(() -> {
            C now = current();
            if (now == null) {
                return Mono.error(new RedisAway("Redis at " + settings.url() + " cannot be reached: " + why()));
            }
            return work.apply(now)
                    .doOnSuccess(done -> answered())
                    .doOnError(RedisCommandTimeoutException.class, e -> unanswered(now))
                    .doOnError(Link::isElsewhere, e -> lost(now, reason(e)));
        });
    }

    boolean isUp() {
        return current() != null;
    }

    synchronized String why() {
        return trouble;
    }

    private synchronized @Nullable C current() {
        C now = connection;
        return now != null && now.isOpen() ? now : null;
    }

    private void connected(C fresh) {
        synchronized (this) {
            dialling = false;
            failures = 0;
            silent = 0;
            settled.tryEmitEmpty();
            if (closed) {
                fresh.closeAsync();
                return;
            }
            connection = fresh;
        }
        fresh.addListener(new RedisConnectionStateListener() {
            @Override
            public void onRedisDisconnected(RedisChannelHandler<?, ?> handler) {
                lost(fresh, "the connection was lost");
            }
        });
        log.debug("Connected to {} for {}", settings.url(), purpose);
        onConnected.accept(fresh);
        if (!fresh.isOpen()) {
            lost(fresh, "the connection was lost");
        }
    }

    private void failed(Throwable e) {
        synchronized (this) {
            dialling = false;
            trouble = reason(e);
            failures++;
            settled.tryEmitEmpty();
        }
        log.debug("Cannot connect to {} for {}: {}", settings.url(), purpose, reason(e));
        later();
    }

    private void lost(C old, String why) {
        synchronized (this) {
            if (!old.equals(connection)) {
                return;
            }
            connection = null;
            trouble = why;
            failures++;
        }
        old.closeAsync();
        later();
    }

    /** After a random pause, whose longest doubles from one failure to the next. */
    private void later() {
        long longest = settings.longestRetry().toMillis();
        int doublings;
        synchronized (this) {
            if (closed) {
                return;
            }
            doublings = Math.min(failures, 16);
        }
        long ceiling = Math.min(longest, FIRST_RETRY.toMillis() << doublings);
        long pause = 1 + ThreadLocalRandom.current().nextLong(ceiling);
        timer.schedule(this::open, pause, TimeUnit.MILLISECONDS);
    }

    private synchronized void answered() {
        silent = 0;
    }

    private void unanswered(C on) {
        synchronized (this) {
            trouble = "it does not answer";
            if (++silent < MOST_SILENCE) {
                return;
            }
            silent = 0;
        }
        lost(on, "it does not answer");
    }

    /** Waits for an attempt that is under way: a client that is shut down in its midst complains. */
    Mono<Void> close() {
        return Mono.defer(() -> {
            C now;
            Mono<Void> attempt;
            synchronized (this) {
                closed = true;
                now = connection;
                connection = null;
                attempt = dialling ? settled.asMono() : Mono.empty();
            }
            return now == null ? attempt : attempt.then(Mono.fromFuture(now.closeAsync()));
        });
    }

    /** The innermost message; none of Lettuce's names a password. */
    private static String reason(Throwable e) {
        if (e instanceof TimeoutException) {
            return "it does not answer";
        }
        Throwable cause = e;
        while (cause.getCause() != null) {
            cause = cause.getCause();
        }
        String message = cause.getMessage();
        return message == null
                ? cause.getClass().getSimpleName()
                : message.replaceFirst("^\\w+\\(\\.\\.\\) failed with error\\(-?\\d+\\): ", "");
    }
}
