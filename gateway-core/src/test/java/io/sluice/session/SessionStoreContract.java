package io.sluice.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.upstream.SessionHandle;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/** The meaning of {@link SessionStore} for replicas that share one, run by each implementation that can be shared. */
public abstract class SessionStoreContract {
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final Instant later = Instant.now().plus(Duration.ofHours(1));
    private final String session = UUID.randomUUID().toString().replace("-", "");

    /** A replica's view of the store. The same one for each call. */
    protected abstract SessionStore one();

    /** Another replica's. */
    protected abstract SessionStore another();

    private static SessionHandle handle(String id, String keeper) {
        return new SessionHandle(
                URI.create("http://127.0.0.1:1/mcp"), "2025-11-25", id, keeper, Optional.empty(), false);
    }

    private static <T> T now(Mono<T> result) {
        return Objects.requireNonNull(result.block(PATIENCE));
    }

    private static StoredEvents events(int from, int to, int bytes, boolean completed) {
        return new StoredEvents(
                Optional.of("7"),
                IntStream.rangeClosed(from, to)
                        .mapToObj(i -> new StoredEvents.Event(
                                "s." + i, ("%0" + bytes + "d").formatted(i).getBytes(StandardCharsets.US_ASCII)))
                        .toList(),
                completed);
    }

    private static List<String> ids(StoredEvents stored) {
        return stored.events().stream().map(StoredEvents.Event::id).toList();
    }

    @Test
    void nothingIsKnownOfAnUnknownSession() {
        assertThat(now(one().load(session))).isEqualTo(SessionRecord.EMPTY);
        assertThat(now(one().events(session, "0"))).isEqualTo(StoredEvents.NONE);
        assertThat(one().ended(session)).isFalse();
    }

    @Test
    void whatOneReplicaNotesAnotherReads() {
        one().note(session, new SessionNote.LogLevel("debug"));
        one().note(session, new SessionNote.Subscribed("test://a"));
        one().note(session, new SessionNote.Subscribed("test://b \"ü\""));
        one().note(session, new SessionNote.Unsubscribed("test://a"));
        one().note(session, new SessionNote.TaskBegun("task-1"));
        one().note(session, new SessionNote.TaskBegun("task-2"));
        one().note(session, new SessionNote.TaskForgotten("task-1"));
        one().note(session, new SessionNote.Holder("replica-1"));
        one().note(session, new SessionNote.LogLevel("error"));
        one().flush().block(PATIENCE);

        SessionRecord read = now(another().load(session));
        assertThat(read.subscriptions()).containsExactly("test://b \"ü\"");
        assertThat(read.tasks()).containsExactly("task-2");
        assertThat(read.logLevel()).contains("error");
        assertThat(read.holder()).contains("replica-1");
        assertThat(Duration.between(read.used(), Instant.now())).isLessThan(Duration.ofMinutes(2));
    }

    @Test
    void endIsKnownEverywhere() {
        one().end(session, later);

        assertThat(one().ended(session)).isTrue();
        await().atMost(PATIENCE).until(() -> another().ended(session));
    }

    @Test
    void endIsForgottenWhenTheSessionWouldHaveExpired() {
        one().end(session, Instant.now().minusSeconds(1));

        await().atMost(PATIENCE).until(() -> !one().ended(session));
    }

    @Test
    void handleThatIsKeptFirstIsEverybodys() {
        SessionHandle first = handle("first", "replica-1");

        assertThat(now(one().settle(session, "weather", null, first))).contains(first);
        assertThat(now(another().settle(session, "weather", null, handle("second", "replica-2"))))
                .contains(first);
        assertThat(now(another().load(session)).handles()).isEqualTo(Map.of("weather", first));
    }

    @Test
    void handleIsReplacedByWhoKnowsTheWholeOfIt() {
        SessionHandle first = handle("first", "replica-1");
        SessionHandle left =
                new SessionHandle(first.endpoint(), first.revision(), first.id(), "", Optional.of("event 9"), true);
        now(one().settle(session, "weather", null, first));

        assertThat(now(another().settle(session, "weather", first.tellingClient(), handle("x", "replica-2"))))
                .contains(first);
        assertThat(now(another().settle(session, "weather", first, left))).contains(left);
        assertThat(now(one().settle(session, "weather", left, null))).isEmpty();
        assertThat(now(one().load(session)).handles()).isEmpty();
    }

    @Test
    void ofManyWhoSettleAtOnceOneWins() {
        List<Optional<SessionHandle>> told = now(Flux.range(0, 32)
                .flatMap(
                        i -> Mono.defer(() -> (i % 2 == 0 ? one() : another())
                                        .settle(session, "weather", null, handle("id " + i, "replica " + i)))
                                .subscribeOn(Schedulers.boundedElastic()),
                        32)
                .collectList());

        assertThat(told).hasSize(32);
        Set<Optional<SessionHandle>> different = new HashSet<>(told);
        assertThat(different).hasSize(1);
        assertThat(told.get(0))
                .isEqualTo(
                        Optional.ofNullable(now(one().load(session)).handles().get("weather")));
    }

    @Test
    void streamIsKeptInOrderWithItsEnd() {
        one().append(session, "s", events(1, 3, 1, false)).block(PATIENCE);
        StoredEvents open = now(another().events(session, "s"));
        one().append(session, "s", events(4, 5, 1, true)).block(PATIENCE);
        StoredEvents ended = now(another().events(session, "s"));

        assertThat(ids(open)).containsExactly("s.1", "s.2", "s.3");
        assertThat(open.completed()).isFalse();
        assertThat(ids(ended)).containsExactly("s.1", "s.2", "s.3", "s.4", "s.5");
        assertThat(ended.completed()).isTrue();
        assertThat(ended.request()).contains("7");
        assertThat(new String(ended.events().get(4).json(), StandardCharsets.US_ASCII))
                .isEqualTo("5");
    }

    @Test
    void endOfAStreamCanBeKeptByItself() {
        one().append(session, "s", events(1, 1, 1, false)).block(PATIENCE);
        one().append(session, "s", events(2, 1, 1, true)).block(PATIENCE);

        StoredEvents kept = now(another().events(session, "s"));
        assertThat(ids(kept)).containsExactly("s.1");
        assertThat(kept.completed()).isTrue();
    }

    @Test
    void onlyTheLatestEventsAreKept() {
        for (int i = 0; i < 4; i++) {
            one().append(session, "many", events(i * 200 + 1, i * 200 + 200, 8, false))
                    .block(PATIENCE);
        }

        List<String> kept = ids(now(one().events(session, "many")));
        assertThat(kept).hasSizeBetween(SessionStore.MOST_EVENTS, 2 * SessionStore.MOST_EVENTS);
        assertThat(kept.get(kept.size() - 1)).isEqualTo("s.800");
    }

    @Test
    void streamsOfSessionsAreApart() {
        one().append(session, "s", events(1, 1, 1, false)).block(PATIENCE);

        assertThat(now(one().events(session, "t"))).isEqualTo(StoredEvents.NONE);
        assertThat(now(one().events("other" + session, "s"))).isEqualTo(StoredEvents.NONE);
    }

    @Test
    void forgottenSessionIsAsIfItHadNeverBeenButHasEndedStill() {
        now(one().settle(session, "weather", null, handle("first", "replica-1")));
        one().note(session, new SessionNote.LogLevel("debug"));
        one().end(session, later);
        one().flush().then(one().forget(session)).block(PATIENCE);

        assertThat(now(another().load(session))).isEqualTo(SessionRecord.EMPTY);
        assertThat(one().ended(session)).isTrue();
    }

    @Test
    void secretsAreNotShown() {
        assertThat(handle("very secret id", "replica-1").toString()).doesNotContain("very secret id");
    }
}
