package io.sluice.registry.redis;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.protocol.RawJson;
import io.sluice.registry.Change;
import io.sluice.registry.Fence;
import io.sluice.registry.RecordKind;
import io.sluice.registry.RegistryRefusal;
import io.sluice.registry.RegistrySnapshot;
import io.sluice.registry.SharedRecord;
import io.sluice.registry.redis.History.Kind;
import io.sluice.registry.redis.History.Operation;
import io.sluice.registry.redis.History.Outcome;
import io.sluice.seal.Keyring;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.UnaryOperator;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import reactor.core.publisher.Mono;

/**
 * Each check of histories finds nothing wrong with the protocol as it is, and something with the protocol when the part
 * that it is about is taken out.
 */
final class BrokenProtocolTest {
    private static final Duration PATIENCE = Duration.ofSeconds(15);
    private static final UnaryOperator<String> INTACT = UnaryOperator.identity();

    private final RedisProcess redis = RedisProcess.durable();
    private final Keyring keyring = Keyring.random();
    private final History history = new History();
    private final List<Runnable> closers = new ArrayList<>();

    @AfterEach
    void close() {
        closers.forEach(Runnable::run);
        redis.close();
    }

    @Test
    void lostAnswerDoublesNothing() {
        assertThat(HistoryCheck.register(lostAnswer(INTACT))).isEmpty();
        assertThat(history.acknowledged()).isEqualTo(2);
    }

    @Test
    void withoutOperationIdsALostAnswerIsNoticed(@TempDir Path folder) throws IOException {
        History broken = lostAnswer(without("if done then return {'dup', done} end"));
        broken.write(folder);

        assertThat(folder.resolve("operations"))
                .content()
                .contains("outcome=FAILED")
                .contains("v2");
        assertThat(folder.resolve("sightings")).content().contains("shared=\"v2\"");

        assertThat(HistoryCheck.register(broken)).anyMatch(wrong -> wrong.startsWith("refused, and seen"));
    }

    @Test
    void formerHolderDoesNothing() {
        assertThat(HistoryCheck.lease(formerHolder(INTACT))).isEmpty();
        assertThat(history.acknowledged()).isEqualTo(1);
    }

    @Test
    void withoutTheFenceAFormerHolderIsNoticed() {
        History broken = formerHolder(
                without("if job ~= '' and tonumber(token) < tonumber(m[2] or '0') then return {'fenced', m[2]} end"));

        assertThat(HistoryCheck.lease(broken)).anyMatch(wrong -> wrong.startsWith("a former holder acted"));
    }

    @Test
    void whatNeverArrivedIsNotAcknowledged() {
        RegistrySnapshot end = silence(false);

        assertThat(HistoryCheck.set(history, end)).isEmpty();
        assertThat(history.acknowledged()).isZero();
    }

    @Test
    void acknowledgementBeforeTheAnswerIsNoticed() {
        RegistrySnapshot end = silence(true);

        assertThat(HistoryCheck.set(history, end)).anyMatch(wrong -> wrong.startsWith("lost"));
    }

    @Test
    void withoutTheExpectedRevisionALostUpdateIsNoticed() {
        FaultProxy way = proxy();
        RedisRegistry one = replica(
                way, without("if expect >= 0 and expect ~= rev then" + " return {'conflict', tostring(rev)} end"));
        long first = put(one, "shared", "v1", Change.creating(), 0);

        put(one, "shared", "v2", Change.expecting(first), first);
        put(one, "shared", "v3", Change.expecting(first), first);

        assertThat(HistoryCheck.register(history)).anyMatch(wrong -> wrong.startsWith("condition met twice"));
    }

    @Test
    void replicaThatDoesNotFollowIsNoticed() {
        FaultProxy way = proxy();
        RedisRegistry deaf = replica(
                way,
                text -> text.replace(
                        "local out = {'changes', tostring(rev)",
                        "do return {'same', tostring(mine)} end\nlocal out = {'changes', tostring(rev)"));
        RedisRegistry one = replica(way, INTACT);
        put(one, "key", "v1", Change.any(), -1);

        assertThat(FaultRun.converged(List.of(one::snapshot, deaf::snapshot), Duration.ofSeconds(1)))
                .isFalse();
        assertThat(FaultRun.converged(List.of(one::snapshot, one::snapshot), Duration.ofSeconds(1)))
                .isTrue();
    }

    // Scenarios

    /** A change is made, and its answer lost; the client's second attempt must not be told that it failed. */
    private History lostAnswer(UnaryOperator<String> edit) {
        FaultProxy way = proxy();
        RedisRegistry one = replica(way, edit);
        RedisRegistry witness = replica(proxy(), INTACT);
        long first = put(one, "shared", "v1", Change.creating(), 0);
        Change change = Change.expecting(first);

        way.loseAnswerTo(quoted("v2"));
        CompletableFuture<@Nullable SharedRecord> running =
                one.put(RecordKind.NAME, "shared", body("v2"), change).toFuture();
        Awaitility.await().atMost(PATIENCE).until(() -> witness.snapshot().revision() > first);
        way.cut();
        record("shared", "v2", first, Mono.fromFuture(running));
        history.saw("witness", RegistrySnapshot.EMPTY, witness.snapshot());
        return history;
    }

    /** A leader falls asleep, another is made leader, and the first goes on where it was. */
    private History formerHolder(UnaryOperator<String> edit) {
        RedisRegistry one = replica(proxy(), edit);
        RedisRegistry two = replica(proxy(), edit);
        Fence first = requireNonNull(one.lead("job", Duration.ofMillis(200)).block(PATIENCE));
        Fence second = Awaitility.await()
                .atMost(PATIENCE)
                .until(() -> two.lead("job", Duration.ofMinutes(1)).block(PATIENCE), fence -> fence != null);

        fenced(two, "two", second, "v-two");
        fenced(one, "one", first, "v-one");
        return history;
    }

    /** Nothing that is asked arrives. */
    private RegistrySnapshot silence(boolean acknowledgeAnyway) {
        FaultProxy way = proxy();
        RedisRegistry one = replica(way, INTACT);
        way.turn(FaultProxy.Mode.SILENT);
        Mono<SharedRecord> asked = one.put(RecordKind.NAME, "key", body("v1"), Change.any());
        record(
                "key",
                "v1",
                -1,
                acknowledgeAnyway
                        ? asked.onErrorReturn(
                                new SharedRecord(RecordKind.NAME, "key", body("v1"), 1, 1, Optional.empty()))
                        : asked);
        way.turn(FaultProxy.Mode.PASS);
        return Replicas.current(replica(proxy(), INTACT)).snapshot();
    }

    private void fenced(RedisRegistry replica, String owner, Fence fence, String value) {
        Outcome outcome = Outcome.OK;
        long revision = 0;
        try {
            revision = requireNonNull(replica.put(
                                    RecordKind.NAME,
                                    "led",
                                    body(value),
                                    Change.any().fencedBy(fence))
                            .block(PATIENCE))
                    .revision();
        } catch (RuntimeException e) {
            outcome = History.outcome(e);
        }
        history.add(new Operation(Kind.PUT, "led", quoted(value), -1, owner, fence.token(), outcome, revision));
    }

    private long put(RedisRegistry replica, String key, String value, Change change, long expected) {
        return record(key, value, expected, replica.put(RecordKind.NAME, key, body(value), change));
    }

    private long record(String key, String value, long expected, Mono<SharedRecord> asked) {
        Outcome outcome = Outcome.OK;
        long revision = 0;
        try {
            revision = requireNonNull(asked.block(PATIENCE)).revision();
        } catch (RuntimeException e) {
            Throwable cause = e.getCause() instanceof RegistryRefusal refusal ? refusal : e;
            outcome = History.outcome(cause);
        }
        history.add(new Operation(Kind.PUT, key, quoted(value), expected, "", 0, outcome, revision));
        return revision;
    }

    private FaultProxy proxy() {
        FaultProxy proxy = new FaultProxy(redis.port());
        closers.add(proxy::close);
        return proxy;
    }

    private RedisRegistry replica(FaultProxy way, UnaryOperator<String> edit) {
        RedisConnections connections = RedisConnections.open(RedisSettings.of(way.url(), "broken"));
        RedisRegistry registry = RedisRegistry.open(connections, keyring, Replicas.quick(), edit);
        closers.add(0, () -> {
            registry.close().block(PATIENCE);
            connections.close().block(PATIENCE);
        });
        return Replicas.current(registry);
    }

    private static UnaryOperator<String> without(String part) {
        return text -> text.replace(part, "");
    }

    private static RawJson body(String value) {
        return RawJson.of(quoted(value));
    }

    private static String quoted(String value) {
        return "\"" + value + "\"";
    }
}
