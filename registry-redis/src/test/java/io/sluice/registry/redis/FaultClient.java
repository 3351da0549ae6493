package io.sluice.registry.redis;

import io.sluice.registry.RecordKind;
import io.sluice.registry.SharedRecord;
import io.sluice.registry.redis.FaultWire.Answer;
import io.sluice.registry.redis.FaultWire.Wish;
import io.sluice.registry.redis.History.Kind;
import io.sluice.registry.redis.History.Operation;
import io.sluice.registry.redis.History.Outcome;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** Changes the registry through one replica of {@link FaultRun}, one change after the other. For one thread. */
final class FaultClient {
    private static final int SHARED_KEYS = 8;
    private static final int MOST_OWN_KEYS = 20;
    private static final long DOWN_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

    private final int number;
    private final ReplicaProcess replica;
    private final Random random;
    private final History history;
    private final Collection<String> lost;
    private final Deque<String> own = new ArrayDeque<>();
    private int asked;
    private long held;

    /** @param lost takes what this client alone can know to be wrong */
    FaultClient(int number, ReplicaProcess replica, Random random, History history, Collection<String> lost) {
        this.number = number;
        this.replica = replica;
        this.random = random;
        this.history = history;
        this.lost = lost;
    }

    void work(BooleanSupplier over) {
        while (!over.getAsBoolean()) {
            if (!replica.isUp()) {
                LockSupport.parkNanos(DOWN_NANOS);
                continue;
            }
            int what = random.nextInt(10);
            if (what < 3 && own.size() < MOST_OWN_KEYS) {
                create();
            } else if (what < 5 && own.size() > 2) {
                delete();
            } else if (what < 9) {
                change();
            } else {
                lead();
            }
        }
    }

    private String next() {
        return "\"" + number + "." + ++asked + "\"";
    }

    private void create() {
        String value = next();
        String key = "own-" + number + "-" + asked;
        if (put(RecordKind.PROFILE, key, value, -1, 0) == Outcome.OK) {
            own.add(key);
        }
    }

    private void delete() {
        String key = own.remove();
        Answer answer = replica.ask(Wish.DELETE, RecordKind.PROFILE, key, "", -1, 0);
        if (answer.outcome() == Outcome.OK && answer.number() == 0) {
            lost.add("lost before it was deleted: " + key);
        }
        history.add(new Operation(Kind.DELETE, key, next(), -1, "", 0, answer.outcome(), 0));
    }

    private void change() {
        String key = "shared-" + random.nextInt(SHARED_KEYS);
        SharedRecord there = replica.snapshot().records(RecordKind.NAME).get(key);
        put(RecordKind.NAME, key, next(), there == null ? 0 : there.revision(), 0);
    }

    private void lead() {
        Answer given = replica.ask(Wish.LEAD, RecordKind.NAME, FaultRun.JOB, "", -1, 0);
        if (given.number() > 0) {
            held = given.number();
        }
        // otherwise it goes on with what it held, as a sleeper would
        if (held > 0) {
            put(RecordKind.CLIENT, "led", next(), -1, held);
        }
    }

    private Outcome put(RecordKind kind, String key, String value, long expected, long token) {
        Answer answer = replica.ask(Wish.PUT, kind, key, value, expected, token);
        history.add(new Operation(
                Kind.PUT, key, value, expected, replica.name(), token, answer.outcome(), answer.number()));
        return answer.outcome();
    }
}
