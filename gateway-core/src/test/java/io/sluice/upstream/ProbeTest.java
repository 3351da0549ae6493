package io.sluice.upstream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.protocol.Era;
import io.sluice.protocol.ProtocolVersion;
import io.sluice.registry.Backend;
import io.sluice.registry.Endpoint;
import io.sluice.rejection.Rejection.BackendFailure;
import io.sluice.testing.FakeBackend;
import io.sluice.testing.FakeBackend.Script;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Mono;

/** What counts as evidence of an era, case by case. */
class ProbeTest {
    @RegisterExtension
    final Ways ways = new Ways();

    private static Verdict ask(Upstream upstream) {
        return Objects.requireNonNull(upstream.verdict().block(Ways.PATIENCE));
    }

    @Test
    void modernBackendIsModernAndItsWholeAnswerIsKept() {
        FakeBackend backend = FakeBackend.modern();
        Upstream upstream = ways.to(backend);

        Verdict verdict = ask(upstream);

        assertThat(verdict.version()).isEqualTo(ProtocolVersion.V2026_07_28);
        assertThat(verdict.result().toString()).contains("\"ttlMs\":60000", "io.modelcontextprotocol/serverInfo");
        assertThat(backend.received("server/discover").get(0).headers())
                .containsEntry("mcp-method", "server/discover")
                .containsEntry("mcp-protocol-version", "2026-07-28")
                .containsEntry("accept", "application/json, text/event-stream")
                .containsEntry("content-type", "application/json")
                .containsEntry("user-agent", "sluice/test");
        assertThat(backend.count("initialize")).isZero();
    }

    @Test
    void answerOnAnEventStreamCountsLikeAnyOther() {
        FakeBackend backend = FakeBackend.modern().on("server/discover", (request, answer) -> {
            answer.events()
                    .comment()
                    .message("{\"jsonrpc\":\"2.0\",\"id\":" + request.id()
                            + ",\"result\":{\"supportedVersions\":[\"2026-07-28\"],\"capabilities\":{}}}")
                    .end();
        });

        assertThat(ask(ways.to(backend)).era()).isEqualTo(Era.MODERN);
    }

    static Stream<Arguments> legacyEvidence() {
        return Stream.of(
                row(
                        "a result without a modern version",
                        (request, answer) -> answer.result(
                                "{\"supportedVersions\":[\"2025-11-25\",\"2025-06-18\"],\"capabilities\":{}}")),
                row(
                        "-32022 with legacy versions only",
                        (request, answer) -> answer.error(
                                400,
                                -32022,
                                "Unsupported",
                                "{\"supported\":[\"2025-11-25\"],\"requested\":\"2026-07-28\"}")),
                row(
                        "-32022 with an unknown modern and a legacy version",
                        (request, answer) -> answer.error(
                                400, -32022, "Unsupported", "{\"supported\":[\"2027-01-01\",\"2025-11-25\"]}")),
                row("method not found", (request, answer) -> answer.error(200, -32601, "Method not found")),
                row("a 404", (request, answer) -> answer.status(404, "text/html", "<h1>Not found</h1>")),
                row("a 405", (request, answer) -> answer.status(405, "text/plain", "")),
                row(
                        "a 400 with a stack trace",
                        (request, answer) ->
                                answer.status(400, "application/json", "{\"cause\":null,\"stackTrace\":[]}")),
                row("an early draft's error code", (request, answer) -> answer.error(400, -32004, "Unsupported")),
                row(
                        "a 500 that says it does not know the method",
                        (request, answer) -> answer.error(500, -32601, "Method not found")),
                row("HTML", (request, answer) -> answer.status(200, "text/html", "<html></html>")),
                row("nothing", (request, answer) -> answer.status(200, "application/json", "")),
                row("202", (request, answer) -> answer.accepted()),
                row(
                        "an event stream without an answer",
                        (request, answer) -> answer.events().comment().end()));
    }

    private static Arguments row(String what, Script script) {
        return Arguments.of(what, script);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("legacyEvidence")
    void isLegacy(String what, Script script) {
        FakeBackend backend = FakeBackend.legacy().on("server/discover", script);
        Upstream upstream = ways.to(backend);

        Verdict verdict = ask(upstream);

        assertThat(verdict.version()).isEqualTo(ProtocolVersion.V2025_11_25);
        assertThat(verdict.result().toString()).contains("\"serverInfo\"");
        assertThat(backend.count("initialize")).isEqualTo(1);
        assertThat(backend.count("notifications/initialized")).isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(ints = {401, 403, 408, 425, 429, 500, 502, 503, 504})
    void outageOrRefusedCredentialsAreNoEvidence(int status) {
        FakeBackend backend = FakeBackend.legacy()
                .on("server/discover", (request, answer) -> answer.status(status, "text/plain", "no"));
        Upstream upstream = ways.to(backend);

        assertThatThrownBy(() -> ask(upstream))
                .isInstanceOf(BackendFailure.class)
                .hasMessageContaining("Backend 'weather'")
                .hasMessageContaining(Integer.toString(status))
                .hasMessageContaining("since");

        assertThat(upstream.lastVerdict()).isEmpty();
        assertThat(upstream.trouble())
                .hasValueSatisfying(text -> assertThat(text).contains("weather", "since"));
        assertThat(backend.count("initialize")).isZero();
        backend.usual("server/discover");
        assertThat(ask(upstream).era()).isEqualTo(Era.LEGACY);
        assertThat(upstream.trouble()).isEmpty();
    }

    @Test
    void silenceIsNoEvidence() {
        FakeBackend backend = FakeBackend.legacy().on("server/discover", (request, answer) -> answer.untilClosed());
        Upstream upstream = ways.to(backend, Ways.settings().withProbeTimeout(Duration.ofMillis(200)));

        assertThatThrownBy(() -> ask(upstream))
                .isInstanceOf(BackendFailure.class)
                .hasMessageContaining("did not answer within 200 ms");
        assertThat(upstream.lastVerdict()).isEmpty();
    }

    @Test
    void refusedConnectionIsNoEvidence() {
        FakeBackend backend = FakeBackend.legacy();
        Upstream upstream = ways.to(backend);
        backend.down();

        assertThatThrownBy(() -> ask(upstream))
                .isInstanceOf(BackendFailure.class)
                .hasMessageContaining("connection refused")
                .hasMessageContaining(backend.url());

        backend.up();
        assertThat(ask(upstream).era()).isEqualTo(Era.LEGACY);
    }

    @Test
    void outageKeepsTheEarlierVerdict() {
        FakeBackend backend = FakeBackend.modern();
        Upstream upstream = ways.to(backend);
        Verdict before = ask(upstream);
        backend.down();
        upstream.suspect();

        assertThat(ask(upstream)).isEqualTo(before);
        assertThat(upstream.trouble()).isPresent();
    }

    @Test
    void unsupportedVersionWithOneWeKnowIsAskedOnceMore() {
        FakeBackend backend = FakeBackend.modern();
        backend.on("server/discover", (request, answer) -> {
            if (backend.count("server/discover") == 1) {
                answer.error(400, -32022, "Unsupported", "{\"supported\":[\"2026-07-28\"]}");
            } else {
                backend.usual(request, answer);
            }
        });

        assertThat(ask(ways.to(backend)).era()).isEqualTo(Era.MODERN);
        assertThat(backend.count("server/discover")).isEqualTo(2);
    }

    @Test
    void onlyUnknownModernVersionsAreAnErrorAndNotLegacy() {
        FakeBackend backend = FakeBackend.dual()
                .on(
                        "server/discover",
                        (request, answer) ->
                                answer.error(400, -32022, "Unsupported", "{\"supported\":[\"2027-03-01\"]}"));

        assertThatThrownBy(() -> ask(ways.to(backend))).hasMessageContaining("it speaks only 2027-03-01");
        assertThat(backend.count("initialize")).isZero();
    }

    @ParameterizedTest
    @ValueSource(ints = {-32020, -32021})
    void complaintAboutOurHeadersMeansModern(int code) {
        FakeBackend backend = FakeBackend.dual()
                .on("server/discover", (request, answer) -> answer.error(400, code, "Header mismatch"));

        assertThat(ask(ways.to(backend)).era()).isEqualTo(Era.MODERN);
    }

    @Test
    void neitherDiscoverNorInitializeIsSaidPlainly() {
        FakeBackend backend = FakeBackend.legacy()
                .on("initialize", (request, answer) -> answer.status(404, "text/plain", "nothing here"));

        assertThatThrownBy(() -> ask(ways.to(backend)))
                .isInstanceOf(BackendFailure.class)
                .hasMessageContaining("refused initialize with 404")
                .hasMessageContaining("is " + backend.url() + " its MCP endpoint?");
    }

    @Test
    void registeredEraIsNotProbed() {
        FakeBackend backend = ways.closing(FakeBackend.dual());
        Upstream upstream = ways.closing(Upstream.open(registered(backend, Era.LEGACY), Ways.settings()));

        assertThat(ask(upstream).era()).isEqualTo(Era.LEGACY);
        assertThat(backend.count("server/discover")).isZero();
    }

    @Test
    void backendRegisteredAsModernIsNeverInitialized() {
        FakeBackend backend = ways.closing(FakeBackend.legacy());
        Upstream upstream = ways.closing(Upstream.open(registered(backend, Era.MODERN), Ways.settings()));

        assertThatThrownBy(() -> ask(upstream)).hasMessageContaining("registered as modern");
        assertThat(backend.count("initialize")).isZero();
    }

    private static Backend registered(FakeBackend backend, Era era) {
        return new Backend(
                "weather",
                List.of(Endpoint.of(backend.url())),
                Map.of(),
                Optional.of(era),
                Duration.ofSeconds(5),
                List.of(),
                List.of(),
                List.of(),
                true,
                Backend.Source.FILE);
    }

    @Test
    void concurrentAskersShareOneProbe() {
        FakeBackend backend = FakeBackend.legacy();
        Upstream upstream = ways.to(backend);

        Mono.zip(upstream.verdict(), upstream.shared(), upstream.verdict(), upstream.shared())
                .block(Ways.PATIENCE);

        assertThat(backend.count("server/discover")).isEqualTo(1);
        assertThat(backend.count("initialize")).isEqualTo(1);
    }

    @Test
    void legacyVerdictIsCheckedAgainAfterADayAndAnUpgradeIsFound() {
        AtomicReference<Instant> now = new AtomicReference<>(Instant.parse("2026-11-21T12:00:00Z"));
        FakeBackend backend = FakeBackend.dual()
                .on("server/discover", (request, answer) -> answer.error(400, -32601, "Method not found"));
        Upstream upstream = ways.to(backend, Ways.settings().withClock(ticking(now)));
        assertThat(ask(upstream).era()).isEqualTo(Era.LEGACY);

        backend.usual("server/discover");
        now.set(now.get().plus(Duration.ofHours(23)));
        assertThat(ask(upstream).era()).isEqualTo(Era.LEGACY);
        now.set(now.get().plus(Duration.ofHours(2)));
        assertThat(ask(upstream).era()).isEqualTo(Era.MODERN);
    }

    @Test
    void failureIsRememberedForAMoment() {
        FakeBackend backend =
                FakeBackend.legacy().on("server/discover", (request, answer) -> answer.status(503, "text/plain", ""));
        Upstream upstream = ways.to(backend, Ways.settings().withFailureMemory(Duration.ofMinutes(1)));

        assertThatThrownBy(() -> ask(upstream)).hasMessageContaining("503");
        assertThatThrownBy(() -> ask(upstream)).hasMessageContaining("503").hasMessageContaining("since");

        assertThat(backend.count("server/discover")).isEqualTo(1);
    }

    private static Clock ticking(AtomicReference<Instant> now) {
        return new Clock() {
            @Override
            public java.time.ZoneId getZone() {
                return ZoneOffset.UTC;
            }

            @Override
            public Clock withZone(java.time.ZoneId zone) {
                return this;
            }

            @Override
            public Instant instant() {
                return now.get();
            }
        };
    }
}
