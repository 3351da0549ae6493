package io.sluice.discovery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.catalog.Catalog;
import io.sluice.catalog.CatalogSettings;
import io.sluice.catalog.Contribution;
import io.sluice.catalog.Definition;
import io.sluice.catalog.Listing;
import io.sluice.envelope.Envelope;
import io.sluice.protocol.Era;
import io.sluice.protocol.McpMethod;
import io.sluice.protocol.ProtocolVersion;
import io.sluice.protocol.RawJson;
import io.sluice.registry.Backend;
import io.sluice.registry.InMemoryRegistry;
import io.sluice.testing.FakeBackend;
import io.sluice.upstream.BuiltIn;
import io.sluice.upstream.Upstream;
import io.sluice.upstream.Ways;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.publisher.Mono;
import tools.jackson.databind.ObjectMapper;

class DiscoveryTest {
    private static final Duration PATIENCE = Ways.PATIENCE;

    @RegisterExtension
    final Ways ways = new Ways();

    private final InMemoryRegistry registry = new InMemoryRegistry();
    private Discovery discovery;

    @BeforeEach
    void start() {
        discovery = Discovery.start(registry, Ways.settings(), DiscoverySettings.DEFAULT);
        ways.closing((AutoCloseable) discovery::dispose);
    }

    private FakeBackend registered(FakeBackend backend, String name) {
        ways.closing(backend);
        registry.register(backend.backend(name)).block(PATIENCE);
        return backend;
    }

    private Contribution contribution(String name) {
        return discovery.state().contributions().stream()
                .filter(c -> c.registration().backend().name().equals(name))
                .findFirst()
                .orElseThrow(() -> new AssertionError("nothing of '" + name + "' yet"));
    }

    private List<String> tools(String name) {
        return contribution(name).listing().map(Listing::tools).orElse(List.of()).stream()
                .map(Definition::key)
                .toList();
    }

    private void awaitTools(String name, String... expected) {
        await().untilAsserted(() -> assertThat(tools(name)).containsExactly(expected));
    }

    @ParameterizedTest
    @ValueSource(strings = {"legacy", "modern"})
    void everythingABackendOffersIsListedByteForByte(String era) {
        String definition =
                "{\"name\":\"weird\", \"inputSchema\":{\"type\":\"object\",\"maximum\":1e400},\"z\":1.10,\"a\":2}";
        FakeBackend backend = era.equals("legacy") ? FakeBackend.legacy() : FakeBackend.modern();
        backend.tool("weird", definition, arguments -> "")
                .list("prompts", "[{\"name\":\"p\"}]")
                .list("resources", "[{\"uri\":\"file:///r\",\"name\":\"r\"}]")
                .list("resourceTemplates", "[{\"uriTemplate\":\"file:///{x}\",\"name\":\"t\"}]");
        registered(backend, "weather");

        awaitTools("weather", "echo", "weird");
        Listing listing = contribution("weather").listing().orElseThrow();
        assertThat(listing.tools().get(1).json()).isEqualTo(RawJson.of(definition));
        assertThat(listing.prompts()).extracting(Definition::key).containsExactly("p");
        assertThat(listing.resources()).extracting(Definition::key).containsExactly("file:///r");
        assertThat(listing.resourceTemplates()).extracting(Definition::key).containsExactly("file:///{x}");
        assertThat(listing.version().era()).isEqualTo(era.equals("legacy") ? Era.LEGACY : Era.MODERN);
        assertThat(listing.serverInfo()).contains(RawJson.of("{\"name\":\"fake\",\"version\":\"1\"}"));
        assertThat(listing.shareable()).isEqualTo(era.equals("modern"));
        assertThat(discovery.state().upstreams()).containsOnlyKeys("weather");
    }

    @Test
    void onlyWhatTheCapabilitiesNameIsAskedFor() {
        FakeBackend backend = registered(FakeBackend.legacy().capabilities("{\"tools\":{}}"), "weather");

        awaitTools("weather", "echo");
        assertThat(backend.count("prompts/list")).isZero();
        assertThat(backend.count("resources/list")).isZero();
        assertThat(backend.countHttp("GET")).isZero();
    }

    @Test
    void allPagesAreRead() {
        List<String> pages = IntStream.range(0, 5)
                .mapToObj(page -> IntStream.range(0, 3)
                        .mapToObj(i -> "{\"name\":\"t" + (page * 3 + i) + "\"}")
                        .collect(Collectors.joining(",", "[", "]")))
                .toList();
        registered(FakeBackend.modern().on("tools/list", FakeBackend.pages("tools", pages)), "weather");

        await().untilAsserted(() -> assertThat(tools("weather"))
                .containsExactlyElementsOf(
                        IntStream.range(0, 15).mapToObj(i -> "t" + i).toList()));
    }

    @Test
    void endlessPagesEnd() {
        FakeBackend backend = registered(
                FakeBackend.legacy().on("tools/list", (request, answer) -> {
                    String cursor = request.params().path("cursor").asString("0");
                    answer.result("{\"tools\":[{\"name\":\"t" + cursor + "\"}],\"nextCursor\":\""
                            + (Integer.parseInt(cursor) + 1) + "\"}");
                }),
                "weather");

        await().untilAsserted(() -> assertThat(tools("weather")).hasSize(64));
        assertThat(backend.count("tools/list")).isEqualTo(64);
    }

    @Test
    void toolWithAVoidHeaderAnnotationIsLeftOut() {
        registered(
                FakeBackend.modern()
                        .tool(
                                "bad",
                                "{\"name\":\"bad\",\"inputSchema\":{\"type\":\"object\",\"properties\":{"
                                        + "\"a\":{\"type\":\"object\","
                                        + "\"x-mcp-header\":\"Region\"}}}}",
                                arguments -> ""),
                "weather");

        awaitTools("weather", "echo");
    }

    @Test
    void hangingBackendDelaysNobody() {
        CountDownLatch never = new CountDownLatch(1);
        ways.closing((AutoCloseable) never::countDown);
        registered(FakeBackend.legacy().on("server/discover", (request, answer) -> answer.untilClosed()), "a-hangs");
        registered(FakeBackend.modern(), "b-works");
        registered(FakeBackend.legacy().on("tools/list", (request, answer) -> never.await()), "c-hangs-later");

        await().atMost(Duration.ofSeconds(2))
                .untilAsserted(() -> assertThat(tools("b-works")).containsExactly("echo"));
        assertThat(discovery.state().contributions()).hasSize(3);
        await().untilAsserted(() -> assertThat(contribution("a-hangs").trouble())
                .hasValueSatisfying(text -> assertThat(text).contains("a-hangs", "did not answer within 2 s")));
    }

    @Test
    void backendThatComesLateIsFound() {
        FakeBackend backend = FakeBackend.legacy();
        backend.down();
        registered(backend, "weather");

        await().untilAsserted(() -> assertThat(contribution("weather").trouble())
                .hasValueSatisfying(
                        text -> assertThat(text).contains("has been unavailable since", "connection refused")));
        assertThat(contribution("weather").listing()).isEmpty();
        backend.up();

        awaitTools("weather", "echo");
        await().untilAsserted(
                        () -> assertThat(contribution("weather").trouble()).isEmpty());
    }

    @Test
    void lastGoodListingStaysWhileABackendIsAway() {
        FakeBackend backend = registered(FakeBackend.legacy(), "weather");
        awaitTools("weather", "echo");
        await().until(() -> backend.openFeeds() == 1);

        backend.down();

        await().untilAsserted(
                        () -> assertThat(contribution("weather").trouble()).isPresent());
        assertThat(tools("weather")).containsExactly("echo");
        backend.tool("new", arguments -> "");
        backend.up();
        awaitTools("weather", "echo", "new");
        await().untilAsserted(
                        () -> assertThat(contribution("weather").trouble()).isEmpty());
    }

    @ParameterizedTest
    @ValueSource(strings = {"legacy", "modern"})
    void changeIsReadAgainWithinATenthOfASecond(String era) {
        FakeBackend backend = registered(era.equals("legacy") ? FakeBackend.legacy() : FakeBackend.modern(), "weather");
        awaitTools("weather", "echo");
        await().until(() -> backend.openFeeds() == 1);
        int prompts = backend.count("prompts/list");

        backend.tool("new", arguments -> "");
        long start = System.nanoTime();
        for (int i = 0; i < 50; i++) {
            backend.push("notifications/tools/list_changed", "{}");
        }

        discovery.states().filter(state -> tools("weather").contains("new")).blockFirst(PATIENCE);
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofMillis(500));
        assertThat(backend.count("tools/list")).isLessThan(20);
        assertThat(backend.count("prompts/list")).isEqualTo(prompts);
    }

    @Test
    void unchangedBackendKeepsItsUpstreamAndAChangedOneGetsAnother() {
        registered(FakeBackend.legacy(), "stays");
        FakeBackend backend = registered(FakeBackend.legacy(), "changes");
        awaitTools("stays", "echo");
        awaitTools("changes", "echo");
        Map<String, Upstream> before = discovery.state().upstreams();

        registry.register(backend.backend("changes").withHeaders(Map.of("X-Key", "2")))
                .block(PATIENCE);

        await().untilAsserted(() ->
                assertThat(discovery.state().upstreams().get("changes")).isNotSameAs(before.get("changes")));
        assertThat(discovery.state().upstreams().get("stays")).isSameAs(before.get("stays"));
        assertThat(Objects.requireNonNull(before.get("changes")).isDisposed()).isTrue();
        assertThat(tools("changes")).containsExactly("echo");
        await().untilAsserted(() -> assertThat(backend.received("tools/list"))
                .last()
                .satisfies(r -> assertThat(r.header("x-key")).isEqualTo("2")));
    }

    @Test
    void removedBackendIsGoneAndItsSessionEnded() {
        FakeBackend backend = registered(FakeBackend.legacy(), "weather");
        awaitTools("weather", "echo");

        registry.remove("weather").block(PATIENCE);

        await().untilAsserted(() -> assertThat(discovery.state()).isEqualTo(DiscoveryState.EMPTY));
        await().untilAsserted(() -> assertThat(backend.sessions()).isEmpty());
    }

    @Test
    void refreshAnswersWithWhatTheBackendOffersNow() {
        FakeBackend backend = ways.closing(FakeBackend.modern());
        registry.register(backend.backend("weather")).block(PATIENCE);

        Contribution first = Objects.requireNonNull(discovery.refresh("weather").block(PATIENCE));
        backend.tool("new", arguments -> "");
        Contribution second =
                Objects.requireNonNull(discovery.refresh("weather").block(PATIENCE));

        assertThat(first.listing().orElseThrow().tools())
                .extracting(Definition::key)
                .containsExactly("echo");
        assertThat(second.listing().orElseThrow().tools())
                .extracting(Definition::key)
                .containsExactly("echo", "new");
        assertThat(second.listing().orElseThrow().version()).isEqualTo(ProtocolVersion.V2026_07_28);
        assertThat(discovery.refresh("nobody").blockOptional(PATIENCE)).isEmpty();
    }

    @Test
    void refreshOfAHangingBackendAnswersInTime() {
        Discovery hasty = Discovery.start(
                registry, Ways.settings(), DiscoverySettings.DEFAULT.withFirstAttempt(Duration.ofMillis(200)));
        ways.closing((AutoCloseable) hasty::dispose);
        registered(FakeBackend.legacy().on("server/discover", (request, answer) -> answer.untilClosed()), "weather");

        Optional<Contribution> answer = hasty.refresh("weather").blockOptional(Duration.ofSeconds(1));

        assertThat(answer).hasValueSatisfying(c -> assertThat(c.listing()).isEmpty());
    }

    @Test
    void firstRoundEndsWhenEachBackendWasAskedOnce() {
        InMemoryRegistry filled = new InMemoryRegistry();
        FakeBackend works = ways.closing(FakeBackend.legacy());
        FakeBackend gone = FakeBackend.legacy();
        gone.down();
        filled.register(works.backend("works")).block(PATIENCE);
        filled.register(gone.backend("gone")).block(PATIENCE);

        Discovery started = Discovery.start(filled, Ways.settings(), DiscoverySettings.DEFAULT);
        ways.closing((AutoCloseable) started::dispose);
        started.firstRound().block(PATIENCE);

        assertThat(started.state().contributions())
                .extracting(c -> c.listing().isPresent(), c -> c.trouble().isPresent())
                .containsExactlyInAnyOrder(
                        org.assertj.core.groups.Tuple.tuple(true, false),
                        org.assertj.core.groups.Tuple.tuple(false, true));
    }

    @Test
    void listsAreReadAgainWhenTheirTimeHasPassed() {
        Discovery eager = Discovery.start(
                registry, Ways.settings(), DiscoverySettings.DEFAULT.withInterval(Duration.ofMillis(60)));
        ways.closing((AutoCloseable) eager::dispose);
        FakeBackend backend = FakeBackend.modern().capabilities("{\"tools\":{}}");
        Backend registered = ways.closing(backend).backend("weather");
        registry.register(registered).block(PATIENCE);
        eager.refresh("weather").block(PATIENCE);

        backend.tool("new", arguments -> "");

        await().untilAsserted(() -> assertThat(eager.state()
                        .contributions()
                        .get(0)
                        .listing()
                        .orElseThrow()
                        .tools())
                .extracting(Definition::key)
                .containsExactly("echo", "new"));
    }

    @Test
    void promiseOfTheNextListIsNotSaidOfTheOneBefore() {
        AtomicReference<String> said = new AtomicReference<>(tools("old", 20));
        registered(
                FakeBackend.modern()
                        .capabilities("{\"tools\":{}}")
                        .on("tools/list", (request, answer) -> answer.result(said.get())),
                "weather");
        awaitTools("weather", "old");
        Contribution first = contribution("weather");

        said.set(tools("new", 40_000));
        discovery.refresh("weather").block(PATIENCE);
        awaitTools("weather", "new");
        Contribution second = contribution("weather");
        discovery.refresh("weather").block(PATIENCE);

        await().untilAsserted(() -> assertThat(lifeOfTools(first)).isZero());
        assertThat(lifeOfTools(second)).isBetween(1L, 40_000L);
        assertThat(contribution("weather").freshness())
                .as("of a list that is the same")
                .isSameAs(second.freshness());
    }

    private static String tools(String name, int ttlMillis) {
        return "{\"resultType\":\"complete\",\"tools\":[{\"name\":\"" + name
                + "\",\"inputSchema\":{\"type\":\"object\"}}],\"ttlMs\":" + ttlMillis + ",\"cacheScope\":\"public\"}";
    }

    private static long lifeOfTools(Contribution contribution) {
        byte[] nothing = {};
        byte[] list = Catalog.build(List.of(contribution), Catalog.EMPTY, CatalogSettings.DEFAULT)
                .aggregate()
                .list(McpMethod.TOOLS_LIST, ProtocolVersion.LATEST_MODERN)
                .between(nothing, nothing);
        return new ObjectMapper().readTree(list).path("ttlMs").asLong(-1);
    }

    @Test
    void whatIsStoppedOpensNoBackendAnymore() throws InterruptedException {
        CountDownLatch asked = new CountDownLatch(1);
        CountDownLatch stopping = new CountDownLatch(1);
        AtomicBoolean late = new AtomicBoolean();
        host("first", () -> {
            asked.countDown();
            awaitUninterrupted(stopping);
        });
        assertThat(asked.await(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();

        host("second", () -> late.set(true));
        Mono<Void> stopped = discovery.stop();
        stopped.subscribe();
        stopping.countDown();
        stopped.block(PATIENCE);

        assertThat(late).isFalse();
    }

    /** @param greeted done on the discovery's thread when the backend is first asked */
    private void host(String name, Runnable greeted) {
        discovery.host(Backend.of(name, "http://localhost:1/mcp", Backend.Source.BUILT_IN), new BuiltIn() {
            @Override
            public RawJson discoverResult() {
                greeted.run();
                return RawJson.EMPTY_OBJECT;
            }

            @Override
            public Mono<byte[]> answer(Envelope request) {
                return Mono.never();
            }
        });
    }

    private static void awaitUninterrupted(CountDownLatch latch) {
        try {
            assertThat(latch.await(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void oneListThatFailsDoesNotHideTheOthers() {
        registered(
                FakeBackend.legacy().on("prompts/list", (request, answer) -> answer.status(500, "text/plain", "oops")),
                "weather");

        awaitTools("weather", "echo");
        assertThat(contribution("weather").listing().orElseThrow().prompts()).isEmpty();
    }
}
