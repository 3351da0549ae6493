package io.sluice.registry.redis;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;

import io.sluice.guard.Guard;
import io.sluice.guard.SharedBudgets;
import io.sluice.guard.SharedBudgets.Debt;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the account of the budgets that replicas share in Redis. One thread of its own tells Redis what was spent here,
 * soon after it was, and learns what is left; calls never wait for it. An answer that does not come soon means that
 * everybody goes on within its share.
 */
public final class RedisBudgets implements AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(RedisBudgets.class);
    private static final Script SETTLE = Script.beside(RedisBudgets.class, "settle.lua");

    /** Between rounds. */
    private static final Duration GAP = Duration.ofMillis(10);

    /** Between rounds while Redis cannot be reached. */
    private static final Duration AWAY_GAP = Duration.ofMillis(200);

    /** How long the last slices are good for without an answer. */
    private static final Duration SOON = Duration.ofMillis(100);

    /** Budgets in one round, so that Redis is kept for less than a few milliseconds. */
    private static final int MOST_BUDGETS = 500;

    private final RedisConnections redis;
    private final IntSupplier replicas;
    private final String self = Long.toString(new SecureRandom().nextLong() >>> 1, 36);
    private final SharedBudgets budgets;
    private final RedisClock clock = new RedisClock();
    private final Thread thread;
    /** Whether the log says that Redis is away. Of the thread. */
    private boolean told;

    private volatile boolean idle;
    private volatile boolean closed;

    private RedisBudgets(RedisConnections redis, Guard guard, IntSupplier replicas) {
        this.redis = redis;
        this.replicas = replicas;
        this.thread = new Thread(this::run, "sluice-budgets");
        this.thread.setDaemon(true);
        this.budgets = guard.share(this::wake);
    }

    /**
     * Makes the budgets of this guard those of all replicas. To be called before there are calls.
     *
     * @param redis is not closed with this
     * @param replicas how many replicas there are as far as is known, this one included; asked by a thread that may wait
     */
    public static RedisBudgets share(RedisConnections redis, Guard guard, IntSupplier replicas) {
        RedisBudgets shared = new RedisBudgets(redis, guard, replicas);
        shared.thread.start();
        return shared;
    }

    /** Whether Redis could be asked when it was last tried. */
    boolean isAway() {
        return budgets.isAway();
    }

    /** By the thread of a call: neither waits nor takes a lock. */
    private void wake() {
        if (idle) {
            LockSupport.unpark(thread);
        }
    }

    private void run() {
        while (!closed) {
            budgets.replicas(replicas.getAsInt());
            boolean away = budgets.isAway();
            if (away || budgets.isOwing()) {
                try {
                    round();
                } catch (RuntimeException e) {
                    budgets.away(true);
                    log.error("Shared budgets could not be settled; each replica keeps to its share", e);
                }
                LockSupport.parkNanos((budgets.isAway() ? AWAY_GAP : GAP).toNanos());
            } else {
                idle = true;
                if (!budgets.isOwing()) {
                    LockSupport.parkNanos(TimeUnit.SECONDS.toNanos(1));
                }
                idle = false;
            }
        }
    }

    /** While Redis is away nothing is said but that: what it cannot hear now it would hear much later, all at once. */
    private void round() {
        List<Debt> debts = budgets.isAway() ? List.of() : budgets.debts(MOST_BUDGETS, System.nanoTime());
        long sent = System.nanoTime();
        CompletableFuture<@Nullable List<Object>> answer =
                redis.run(SETTLE, keys(debts), arguments(debts)).toFuture();
        try {
            List<Object> said;
            try {
                said = requireNonNull(answer.get(SOON.toMillis(), TimeUnit.MILLISECONDS));
            } catch (TimeoutException e) {
                budgets.away(true);
                said = requireNonNull(answer.get()); // ends with the timeout of the command
            }
            settle(debts, said, sent);
        } catch (ExecutionException e) {
            Throwable why = e.getCause() == null ? e : e.getCause();
            if (why instanceof RedisAway) {
                budgets.owedStill(debts);
            } // else Redis may have charged them: charging them twice would refuse calls for nothing
            budgets.away(true);
            if (!told) {
                told = true;
                log.warn(
                        "Rate limits cannot be shared, so this replica keeps to its share of them: {}",
                        why.getMessage());
            }
        } catch (InterruptedException e) {
            closed = true;
        }
    }

    private void settle(List<Debt> debts, List<Object> said, long sent) {
        if (said.size() != debts.size() * 2 + 1) {
            throw new IllegalStateException("settle.lua said " + said);
        }
        long then = clock.here((Long) said.get(0), sent, System.nanoTime());
        for (int i = 0; i < debts.size(); i++) {
            budgets.settled(
                    debts.get(i),
                    Duration.ofNanos(TimeUnit.MICROSECONDS.toNanos((Long) said.get(2 * i + 1))),
                    (Long) said.get(2 * i + 2) == 1,
                    then);
        }
        budgets.away(false);
        if (told) {
            told = false;
            log.info("Rate limits are shared with the other replicas again");
        }
    }

    private List<String> keys(List<Debt> debts) {
        List<String> keys = new ArrayList<>(debts.size() + 1);
        keys.add(redis.settings().key("rl"));
        debts.forEach(debt -> keys.add(redis.settings().key("rl:" + digest(debt.name()))));
        return keys;
    }

    /** Names of callers are nobody else's business, and may be long. */
    private static String digest(String name) {
        try {
            byte[] sum = MessageDigest.getInstance("SHA-256").digest(name.getBytes(UTF_8));
            return Base64.getUrlEncoder().withoutPadding().encodeToString(sum);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private byte[][] arguments(List<Debt> debts) {
        List<String> arguments = new ArrayList<>(debts.size() * 4 + 1);
        arguments.add(self);
        for (Debt debt : debts) {
            arguments.add(Long.toString(debt.calls()));
            arguments.add(micros(debt.interval()));
            arguments.add(micros(debt.burst()));
            arguments.add(micros(debt.age()));
        }
        return arguments.stream().map(text -> text.getBytes(UTF_8)).toArray(byte[][]::new);
    }

    private static String micros(Duration time) {
        return Double.toString(time.toNanos() / 1e3);
    }

    /** Ends the thread. What it had not said yet is not said any more. */
    @Override
    public void close() {
        closed = true;
        LockSupport.unpark(thread);
    }
}
