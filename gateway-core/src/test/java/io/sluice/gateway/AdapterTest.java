package io.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.adapter.Adapters;
import io.sluice.adapter.LocalContent;
import io.sluice.adapter.LocalServer;
import io.sluice.envelope.Json;
import io.sluice.protocol.Era;
import io.sluice.protocol.RawJson;
import io.sluice.registry.Backend;
import io.sluice.registry.Endpoint;
import io.sluice.registry.Transport;
import io.sluice.rejection.Rejection.BackendFailure;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import tools.jackson.databind.JsonNode;

/** A backend behind an adapter is a backend like any other, for clients of both eras. */
class AdapterTest {
    private static final String CALL =
            "{'jsonrpc':'2.0','id':5,'method':'tools/call','params':{'name':'add','arguments':{'to':2}}}";

    private final Calculator calculator = new Calculator();
    private final TestGateway gateway = TestGateway.setUp()
            .upstream(settings -> settings.withAdapters(
                    Adapters.of(Map.of("calculator", backend -> new LocalServer(calculator), "picky", backend -> {
                        throw new IllegalArgumentException("its settings name no formula");
                    }))))
            .start();

    @AfterEach
    void close() {
        gateway.close();
    }

    private static Backend backend(String name, String kind) {
        return new Backend(
                name,
                List.of(Endpoint.inside(kind, name)),
                Map.of(),
                Optional.empty(),
                Backend.DEFAULT_TIMEOUT,
                List.of(),
                List.of(),
                List.of(),
                true,
                Backend.Source.FILE,
                new Transport(kind, RawJson.EMPTY_OBJECT));
    }

    /** Has tools whose calls do what the test says. */
    private static final class Calculator implements LocalContent {
        private final List<RawJson> tools = new CopyOnWriteArrayList<>(
                List.of(RawJson.of("{\"name\":\"add\",\"inputSchema\":{\"type\":\"object\"}}")));
        private final Sinks.Many<Offering> changes = Sinks.many().multicast().directBestEffort();
        private final AtomicInteger left = new AtomicInteger();
        private final AtomicInteger begun = new AtomicInteger();
        private volatile Flux<Step> steps =
                Flux.just(new Step.Result(RawJson.of("{\"content\":[{\"type\":\"text\",\"text\":\"4\"}]}")));
        private volatile Era era = Era.MODERN;

        private Offering now() {
            return Offering.ofTools(RawJson.of("{\"name\":\"calculator\",\"version\":\"1\"}"), tools);
        }

        @Override
        public Mono<Offering> offering() {
            return Mono.fromSupplier(this::now);
        }

        @Override
        public Flux<Step> perform(Asked asked) {
            begun.incrementAndGet();
            era = asked.era();
            return steps.doOnCancel(left::incrementAndGet);
        }

        @Override
        public Flux<Offering> changes() {
            return changes.asFlux();
        }
    }

    @Test
    void toolIsListedAndCalledByClientsOfBothErasWithoutTranslation() {
        gateway.with(backend("sums", "calculator"));

        WireClient legacy = gateway.client().initialize("2025-06-18", "{}");
        assertThat(legacy.post("{'jsonrpc':'2.0','id':1,'method':'tools/list'}")
                        .json()
                        .at("/result/tools/0/name")
                        .asString())
                .isEqualTo("add");
        assertThat(legacy.post(CALL).json().toString())
                .isEqualTo(
                        "{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"4\"}]}}");
        assertThat(calculator.era).isEqualTo(Era.LEGACY);

        JsonNode modern = gateway.client()
                .modern("'c'", "tools/call", "'name':'add','arguments':{}")
                .json();
        assertThat(modern.at("/result/resultType").asString()).isEqualTo("complete");
        assertThat(modern.at("/result/content/0/text").asString()).isEqualTo("4");
        assertThat(modern.path("id").asString()).isEqualTo("c");
        assertThat(calculator.era).isEqualTo(Era.MODERN);
    }

    @Test
    void progressIsToldToWhoAskedForIt() {
        gateway.with(backend("sums", "calculator"));
        calculator.steps = Flux.just(
                new LocalContent.Step.Progress(1, 2.0, "half"),
                new LocalContent.Step.Result(RawJson.of("{\"content\":[]}")));

        String stream = ModernRequest.call("add", "{}")
                .alsoMeta("\"progressToken\":\"p\"")
                .send(gateway)
                .text();
        assertThat(stream)
                .contains("\"params\":{\"progressToken\":\"p\",\"progress\":1,\"total\":2,\"message\":\"half\"}")
                .contains("\"resultType\":\"complete\"");
        WireClient.Got plain = gateway.client().modern("1", "tools/call", "'name':'add','arguments':{}");
        assertThat(plain.json().path("result").path("content").isArray()).isTrue();
    }

    @Test
    void clientThatLeavesEndsTheWork() throws Exception {
        gateway.with(backend("sums", "calculator"));
        calculator.steps = Flux.<LocalContent.Step>just(new LocalContent.Step.Progress(1, null, null))
                .concatWith(Flux.never());

        RawExchange client = ModernRequest.call("add", "{}")
                .alsoMeta("\"progressToken\":\"p\"")
                .open(gateway);
        client.until("notifications/progress");
        client.close();

        await().atMost(TestGateway.PATIENCE).until(() -> calculator.left.get() == 1);
    }

    @Test
    void legacyClientsCancellationEndsTheWork() {
        gateway.with(backend("sums", "calculator"));
        calculator.steps = Flux.never();
        WireClient client = gateway.client().initialize("2025-11-25", "{}");

        Thread calling = new Thread(() -> client.post(CALL));
        calling.start();
        await().atMost(TestGateway.PATIENCE).until(() -> calculator.begun.get() == 1);
        client.post("{'jsonrpc':'2.0','method':'notifications/cancelled','params':{'requestId':5}}");

        await().atMost(TestGateway.PATIENCE).until(() -> calculator.left.get() >= 1 && !calling.isAlive());
    }

    @Test
    void changedToolsAreListedAnew() {
        gateway.with(backend("sums", "calculator"));
        await().atMost(TestGateway.PATIENCE).until(() -> calculator.changes.currentSubscriberCount() > 0);

        calculator.tools.add(RawJson.of("{\"name\":\"subtract\",\"inputSchema\":{\"type\":\"object\"}}"));
        calculator.changes.tryEmitNext(calculator.now());

        gateway.whenCatalog(catalog -> new String(
                        catalog.aggregate()
                                .list(
                                        io.sluice.protocol.McpMethod.TOOLS_LIST,
                                        io.sluice.protocol.ProtocolVersion.LATEST_LEGACY)
                                .bytes(),
                        StandardCharsets.UTF_8)
                .contains(Json.quote("subtract")));
    }

    @Test
    void failureIsSaidInASentence() {
        gateway.with(backend("sums", "calculator"));
        calculator.steps = Flux.error(
                BackendFailure.unavailable("sums", "Backend 'sums' is unavailable: out of paper", Duration.ZERO));

        JsonNode result = gateway.client()
                .modern("1", "tools/call", "'name':'add','arguments':{}")
                .json()
                .path("result");
        assertThat(result.path("isError").asBoolean()).isTrue();
        assertThat(result.at("/content/0/text").asString()).contains("out of paper");
    }

    @Test
    void callThatTakesTooLongIsGivenUp() {
        Backend impatient = backend("sums", "calculator");
        gateway.with(new Backend(
                "sums",
                impatient.endpoints(),
                Map.of(),
                Optional.empty(),
                Duration.ofMillis(200),
                List.of(),
                List.of(),
                List.of(),
                true,
                Backend.Source.FILE,
                impatient.transport()));
        calculator.steps = Flux.never();

        JsonNode result = gateway.client()
                .modern("1", "tools/call", "'name':'add','arguments':{}")
                .json()
                .path("result");
        assertThat(result.at("/content/0/text").asString()).contains("did not answer within 200 ms");
        assertThat(calculator.left).hasValue(1);
    }

    @Test
    void transportThatNobodyKnowsAndSettingsThatCannotBeMeantAreTrouble() {
        List<String> troubles = new ArrayList<>();
        for (String kind : List.of("carrier-pigeon", "picky")) {
            gateway.register(backend(kind, kind));
            await().atMost(TestGateway.PATIENCE)
                    .until(() -> gateway.discovery().state().upstreams().containsKey(kind)
                            && gateway.discovery()
                                    .state()
                                    .upstreams()
                                    .get(kind)
                                    .trouble()
                                    .isPresent());
            troubles.add(Objects.requireNonNull(
                            gateway.discovery().state().upstreams().get(kind))
                    .trouble()
                    .orElseThrow());
        }

        assertThat(troubles.get(0)).endsWith("this gateway does not know the transport 'carrier-pigeon'");
        assertThat(troubles.get(1)).endsWith("its settings name no formula");
    }
}
