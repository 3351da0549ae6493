package io.sluice.registry.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.sluice.seal.Keyring;
import io.sluice.session.SessionNote;
import io.sluice.session.SessionStore;
import io.sluice.session.SessionStoreContract;
import io.sluice.session.StoredEvents;
import io.sluice.upstream.SessionHandle;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;

final class RedisSessionStoreTest extends SessionStoreContract {
    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final SessionHandle HANDLE = new SessionHandle(
            URI.create("http://127.0.0.1:1/mcp"), "2025-11-25", "canary-id", "replica", Optional.empty(), false);

    private final List<RedisConnections> open = new ArrayList<>();
    private final List<RedisSessionStore> stores = new ArrayList<>();
    private final Keyring keyring = Keyring.random();
    private final RedisSettings settings = patient(TestRedis.settings());
    private final RedisSessionStore one = store(settings);
    private final RedisSessionStore another = store(settings);

    private RedisSessionStore store(RedisSettings of) {
        RedisSessionStore store = RedisSessionStore.over(connect(of), keyring, Duration.ofMinutes(30));
        stores.add(store);
        return store;
    }

    private RedisConnections connect(RedisSettings of) {
        RedisConnections redis = RedisConnections.open(of);
        open.add(redis);
        await().atMost(PATIENCE).until(redis::isUp);
        return redis;
    }

    @AfterEach
    void close() {
        stores.forEach(RedisSessionStore::dispose);
        open.forEach(redis -> redis.close().block(PATIENCE));
    }

    @Override
    protected SessionStore one() {
        return one;
    }

    @Override
    protected SessionStore another() {
        return another;
    }

    private static <T> T now(Mono<T> result) {
        return Objects.requireNonNull(result.block(PATIENCE));
    }

    private static StoredEvents secret() {
        return new StoredEvents(
                Optional.of("1"),
                List.of(new StoredEvents.Event("s.1", "canary-event".getBytes(StandardCharsets.US_ASCII))),
                false);
    }

    @Test
    void whatIsSecretIsSealedInRedis() {
        now(one.settle("s", "weather", null, HANDLE));
        one.append("s", "s", secret()).block(PATIENCE);
        RedisConnections reader = connect(settings);

        String record = now(reader.command(
                        redis -> redis.hgetall(settings.key("sess:s")).collectList()))
                .stream()
                .map(field -> new String(field.getValue(), StandardCharsets.UTF_8))
                .reduce("", String::concat);
        String events = now(reader.command(
                        redis -> redis.xrange(settings.key("evt:s:s"), io.lettuce.core.Range.<String>unbounded())
                                .collectList()))
                .stream()
                .flatMap(entry -> entry.getBody().values().stream())
                .map(value -> new String(value, StandardCharsets.UTF_8))
                .reduce("", String::concat);

        assertThat(record).isNotEmpty().doesNotContain("canary", "127.0.0.1");
        assertThat(events).isNotEmpty().doesNotContain("canary");
    }

    @Test
    void handleCopiedToAnotherSessionOrBackendDoesNotOpen() {
        now(one.settle("s", "weather", null, HANDLE));
        RedisConnections writer = connect(settings);
        byte[] value = now(writer.command(redis -> redis.hget(settings.key("sess:s"), "u/weather")));

        writer.command(redis -> redis.hset(settings.key("sess:t"), "u/weather", value))
                .block(PATIENCE);
        writer.command(redis -> redis.hset(settings.key("sess:s"), "u/other", value))
                .block(PATIENCE);

        assertThat(now(one.load("t")).handles()).isEmpty();
        assertThat(now(one.load("s")).handles()).containsOnlyKeys("weather");
    }

    @Test
    void replicaThatComesLaterLearnsWhatHasEnded() {
        one.end("gone", Instant.now().plusSeconds(600));
        one.flush().block(PATIENCE);

        RedisSessionStore late = store(settings);

        await().atMost(PATIENCE).until(() -> late.ended("gone"));
    }

    @Test
    void endOfAnotherReplicaIsToldOnce() {
        List<String> told = new ArrayList<>();
        another.endedElsewhere().subscribe(told::add);

        one.end("gone", Instant.now().plusSeconds(600));

        await().atMost(PATIENCE).until(() -> another.ended("gone"));
        assertThat(told).containsExactly("gone");
    }

    @Test
    void whileRedisIsAwayNothingWaitsAndEndsAreSaidAfterwards() {
        try (RedisProcess process = RedisProcess.durable()) {
            RedisSettings own = RedisSettings.of(process.url(), "away");
            RedisSessionStore here = store(own);
            RedisSessionStore there = store(own);
            process.kill();
            await().atMost(PATIENCE)
                    .until(() ->
                            open.stream().noneMatch(redis -> redis.settings().equals(own) && redis.isUp()));

            assertThatThrownBy(() -> here.load("s").block(PATIENCE)).isInstanceOf(RedisAway.class);
            here.note("s", new SessionNote.LogLevel("debug"));
            here.end("s", Instant.now().plusSeconds(600));
            assertThat(here.ended("s")).isTrue();
            process.start();

            await().atMost(PATIENCE.multipliedBy(2)).until(() -> there.ended("s"));
        }
    }

    @Test
    void largeStreamIsBoundedInBytes() {
        byte[] big = new byte[200_000];
        java.util.Arrays.fill(big, (byte) 'x');
        for (int i = 1; i <= 20; i++) {
            one.append(
                            "big",
                            "s",
                            new StoredEvents(Optional.of("1"), List.of(new StoredEvents.Event("s." + i, big)), false))
                    .block(PATIENCE);
        }

        StoredEvents kept = now(one.events("big", "s"));

        assertThat(kept.events()).hasSizeBetween(2, 6);
        assertThat(kept.events().get(kept.events().size() - 1).id()).isEqualTo("s.20");
    }

    /** On a busy machine half a second is nothing. */
    private static RedisSettings patient(RedisSettings usual) {
        return new RedisSettings(
                usual.url(), usual.cluster(), Duration.ofSeconds(5), usual.connectTimeout(), usual.longestRetry());
    }
}
