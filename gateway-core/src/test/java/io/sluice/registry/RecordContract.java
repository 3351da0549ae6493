package io.sluice.registry;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.sluice.protocol.RawJson;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import reactor.test.StepVerifier;

/** What every {@link Registry} promises about the records that are not backends. */
public abstract class RecordContract {
    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final Duration SHORT = Duration.ofMillis(400);

    private AtomicReference<Registry> opened = new AtomicReference<>();

    /** An empty registry that no other test uses. Called before each test; whoever extends this closes it. */
    protected abstract Registry open();

    @BeforeEach
    void openRegistry() {
        opened = new AtomicReference<>(open());
    }

    @ParameterizedTest
    @EnumSource(RecordKind.class)
    void recordIsKeptAsItWasGiven(RecordKind kind) {
        RawJson body = RawJson.of("{\"n\":1.10, \"text\":\"ü \\\"|\\\\ \"}");

        SharedRecord kept = put(kind, "a/b|c ü", body);

        assertThat(kept.body()).isEqualTo(body);
        assertThat(kept.since()).isEqualTo(kept.revision());
        await().atMost(PATIENCE)
                .untilAsserted(
                        () -> assertThat(registry().snapshot().records(kind)).containsEntry("a/b|c ü", kept));
    }

    @Test
    void kindsAndBackendsDoNotMeet() {
        put(RecordKind.CLIENT, "weather", RawJson.of("1"));
        put(RecordKind.PROFILE, "weather", RawJson.of("2"));
        Registration backend = requireNonNull(registry()
                .register(Backend.of("weather", "http://127.0.0.1:1/mcp", Backend.Source.API))
                .block(PATIENCE));

        await().atMost(PATIENCE).until(() -> registry().snapshot().revision() == backend.revision());
        RegistrySnapshot now = registry().snapshot();
        assertThat(requireNonNull(now.records(RecordKind.CLIENT).get("weather")).body())
                .isEqualTo(RawJson.of("1"));
        assertThat(requireNonNull(now.records(RecordKind.PROFILE).get("weather"))
                        .body())
                .isEqualTo(RawJson.of("2"));
        assertThat(now.registrations()).containsOnlyKeys("weather");
        assertThat(backend.since()).isEqualTo(backend.revision());
    }

    @Test
    void sameRecordAgainIsNoChange() {
        SharedRecord first = put(RecordKind.CLIENT, "weather", RawJson.of("{}"));

        assertThat(put(RecordKind.CLIENT, "weather", RawJson.of("{}"))).isEqualTo(first);

        assertThat(put(RecordKind.CLIENT, "weather", RawJson.of("[]")).revision())
                .isEqualTo(first.revision() + 1);
    }

    @Test
    void deletedRecordIsGone() {
        SharedRecord kept = put(RecordKind.PROFILE, "reading", RawJson.of("{}"));

        assertThat(delete(RecordKind.PROFILE, "reading", Change.expecting(kept.revision())))
                .isTrue();
        assertThat(delete(RecordKind.PROFILE, "reading", Change.any())).isFalse();

        await().atMost(PATIENCE).until(() -> registry().snapshot().revision() == kept.revision() + 1);
        assertThat(registry().snapshot().records(RecordKind.PROFILE)).isEmpty();
    }

    @Test
    void onlyOneOfTwoCreatesARecord() {
        registry()
                .put(RecordKind.NAME, "tool/echo", RawJson.of("\"a\""), Change.creating())
                .block(PATIENCE);

        assertThatThrownBy(() -> registry()
                        .put(RecordKind.NAME, "tool/echo", RawJson.of("\"b\""), Change.creating())
                        .block(PATIENCE))
                .isInstanceOf(RegistryRefusal.Conflict.class);
    }

    @Test
    void recordWithATimeToLiveEndsUnlessRenewed() {
        long revision = requireNonNull(registry()
                        .put(RecordKind.REPLICA, "s", RawJson.EMPTY_OBJECT, Optional.of(SHORT), Change.any())
                        .block(PATIENCE))
                .revision();
        assertThat(requireNonNull(registry().renew(RecordKind.REPLICA, "s").block(PATIENCE)))
                .isTrue();

        await().atMost(PATIENCE).until(() -> registry().snapshot().revision() == revision + 1);

        assertThat(registry().snapshot().records(RecordKind.REPLICA)).isEmpty();
        assertThat(requireNonNull(registry().renew(RecordKind.REPLICA, "s").block(PATIENCE)))
                .isFalse();
    }

    @Test
    void recordPutWithoutATimeToLiveStays() {
        registry()
                .put(RecordKind.CLIENT, "a", RawJson.EMPTY_OBJECT, Optional.of(SHORT), Change.any())
                .block(PATIENCE);
        put(RecordKind.CLIENT, "a", RawJson.EMPTY_OBJECT);
        long revision = requireNonNull(registry()
                        .put(
                                RecordKind.CLIENT,
                                "b",
                                RawJson.EMPTY_OBJECT,
                                Optional.of(SHORT.multipliedBy(2)),
                                Change.any())
                        .block(PATIENCE))
                .revision();

        await().atMost(PATIENCE).until(() -> registry().snapshot().revision() == revision + 1);

        assertThat(registry().snapshot().records(RecordKind.CLIENT)).containsOnlyKeys("a");
    }

    @Test
    void watcherOfAKindHearsOnlyOfThatKind() {
        StepVerifier.create(registry()
                        .watch(RecordKind.CLIENT)
                        .map(all -> all.keySet().toString()))
                .expectNext("[]")
                .then(() -> put(RecordKind.PROFILE, "x", RawJson.EMPTY_OBJECT))
                .then(() -> put(RecordKind.CLIENT, "a", RawJson.EMPTY_OBJECT))
                .expectNext("[a]")
                .then(() -> delete(RecordKind.CLIENT, "a", Change.any()))
                .expectNext("[]")
                .thenCancel()
                .verify(PATIENCE);
    }

    @Test
    void watcherOfBackendsHearsNothingOfRecords() {
        StepVerifier.create(registry()
                        .watch()
                        .map(now -> now.registrations().keySet().toString()))
                .expectNext("[]")
                .then(() -> put(RecordKind.PROFILE, "x", RawJson.EMPTY_OBJECT))
                .then(() -> registry()
                        .register(Backend.of("weather", "http://127.0.0.1:1/mcp", Backend.Source.API))
                        .block(PATIENCE))
                .expectNext("[weather]")
                .thenCancel()
                .verify(PATIENCE);
    }

    private Registry registry() {
        return requireNonNull(opened.get());
    }

    private SharedRecord put(RecordKind kind, String id, RawJson body) {
        return requireNonNull(registry().put(kind, id, body, Change.any()).block(PATIENCE));
    }

    private boolean delete(RecordKind kind, String id, Change change) {
        return requireNonNull(registry().delete(kind, id, change).block(PATIENCE));
    }
}
