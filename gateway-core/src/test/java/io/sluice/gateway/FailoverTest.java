package io.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.balance.BalanceSettings;
import io.sluice.balance.BalanceSettings.Strategy;
import io.sluice.registry.Backend;
import io.sluice.registry.Endpoint;
import io.sluice.testing.FakeBackend;
import io.sluice.upstream.BackendPolicy;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** One endpoint of several dies, and nobody notices. */
class FailoverTest {
    /** In turn, so that each endpoint certainly gets its calls. */
    private static final BackendPolicy IN_TURN =
            BackendPolicy.STANDARD.withBalance(BalanceSettings.STANDARD.withStrategy(Strategy.ROUND_ROBIN));

    private final TestGateway gateway = TestGateway.setUp()
            .upstream(settings -> settings.withPolicies(backend -> IN_TURN))
            .start();

    @AfterEach
    void close() {
        gateway.close();
    }

    static Backend of(String name, FakeBackend... endpoints) {
        return new Backend(
                name,
                Arrays.stream(endpoints)
                        .map(endpoint -> Endpoint.of(endpoint.url()))
                        .toList(),
                Map.of(),
                Optional.empty(),
                Backend.DEFAULT_TIMEOUT,
                List.of(),
                List.of(),
                List.of(),
                true,
                Backend.Source.FILE);
    }

    private List<FakeBackend> three(Supplier<FakeBackend> kind) {
        List<FakeBackend> all = Stream.generate(kind).limit(3).toList();
        all.forEach(gateway::closing);
        gateway.with(of("search", all.toArray(FakeBackend[]::new)));
        return all;
    }

    private static String call(int id) {
        return "{'jsonrpc':'2.0','id':" + id + ",'method':'tools/call','params':{'name':'echo','arguments':{'n':" + id
                + "}}}";
    }

    private static void calls(WireClient client, int count) {
        for (int i = 0; i < count; i++) {
            assertThat(client.post(call(i)).json().at("/result/content/0/text").asString())
                    .isEqualTo("{\"n\":" + i + "}");
        }
    }

    private static void modernCalls(WireClient client, int count) {
        for (int i = 0; i < count; i++) {
            assertThat(client.modern("" + i, "tools/call", "'name':'echo','arguments':{'n':" + i + "}")
                            .json()
                            .at("/result/content/0/text")
                            .asString())
                    .isEqualTo("{\"n\":" + i + "}");
        }
    }

    /** A call that is written while its connection is being reset may have been executed, and is not repeated. */
    private static void isDown(FakeBackend endpoint, WireClient client) {
        endpoint.down();
        org.awaitility.Awaitility.await()
                .until(() -> client.post(call(7)).body().contains("\\\"n\\\":7"));
    }

    private static FakeBackend busiest(List<FakeBackend> all) {
        return all.stream()
                .max((a, b) -> Integer.compare(a.count("tools/call"), b.count("tools/call")))
                .orElseThrow();
    }

    @Test
    void modernCallsGoOnWhenAnEndpointDies() {
        List<FakeBackend> all = three(FakeBackend::modern);
        modernCalls(gateway.client(), 30);
        assertThat(all).allMatch(endpoint -> endpoint.count("tools/call") > 0);

        isDown(all.get(1), gateway.client());

        modernCalls(gateway.client(), 60);
    }

    @Test
    void sessionlessCallsOfALegacyBackendUseAllEndpointsAndSurviveTheDeathOfAny() {
        List<FakeBackend> all = three(FakeBackend::legacy);
        calls(gateway.client(), 30);
        assertThat(all).allMatch(endpoint -> endpoint.count("tools/call") > 0);
        assertThat(all).allMatch(endpoint -> endpoint.sessions().size() == 1);

        for (FakeBackend endpoint : all) {
            isDown(endpoint, gateway.client());
            calls(gateway.client(), 30);
            endpoint.up();
        }
    }

    private static RawExchange.Got logging(TestGateway gateway, String level) {
        return ModernRequest.call("echo", "{}")
                .alsoMeta("'io.modelcontextprotocol/logLevel':'" + level + "'")
                .send(gateway);
    }

    @Test
    void levelOfACallHoldsAtEveryEndpointOfTheSharedSession() {
        List<FakeBackend> all = three(FakeBackend::legacy);
        logging(gateway, "error");
        modernCalls(gateway.client(), 30);
        assertThat(all).allMatch(endpoint -> level(endpoint).equals("error"));

        logging(gateway, "debug");
        assertThat(all).allMatch(endpoint -> level(endpoint).equals("debug"));
        logging(gateway, "info");
        assertThat(all).allMatch(endpoint -> level(endpoint).equals("debug"));
    }

    /** The level that was set last. */
    private static String level(FakeBackend endpoint) {
        return endpoint.received("logging/setLevel").stream()
                .map(request -> request.params().path("level").asString())
                .reduce("", (before, after) -> after);
    }

    @Test
    void subscriptionIsMadeWhereItsChangesAreHeard() {
        List<FakeBackend> all = three(FakeBackend::legacy);
        calls(gateway.client(), 30);
        WireClient client = gateway.client("/mcp/search").initialize("2025-11-25", "{}");

        for (int i = 0; i < 10; i++) {
            client.post("{'jsonrpc':'2.0','id':1,'method':'resources/subscribe','params':{'uri':'test://" + i + "'}}");
        }

        assertThat(all.stream().map(endpoint -> endpoint.count("resources/subscribe")))
                .containsExactlyInAnyOrder(10, 0, 0);
        assertThat(all).allMatch(endpoint -> endpoint.count("resources/subscribe") == 0 || endpoint.openFeeds() == 1);
    }

    @Test
    void modernCallsOfALegacyBackendDoSoToo() {
        List<FakeBackend> all = three(FakeBackend::legacy);
        modernCalls(gateway.client(), 30);

        isDown(busiest(all), gateway.client());

        modernCalls(gateway.client(), 60);
    }

    @Test
    void modernCallIsCancelledAtTheEndpointWhereItIs() throws Exception {
        List<FakeBackend> all = three(FakeBackend::legacy);
        modernCalls(gateway.client(), 30);
        Map<FakeBackend, Integer> before =
                all.stream().collect(Collectors.toMap(each -> each, each -> each.count("tools/call")));
        all.forEach(endpoint -> endpoint.on("tools/call", (request, answer) -> answer.untilClosed()));

        for (int i = 1; i <= 6; i++) {
            int calls = 30 + i;
            try (RawExchange client = ModernRequest.call("echo", "{}").sent(gateway)) {
                assertThat(client).isNotNull();
                org.awaitility.Awaitility.await()
                        .until(() -> all.stream()
                                        .mapToInt(each -> each.count("tools/call"))
                                        .sum()
                                == calls);
            }
        }

        org.awaitility.Awaitility.await()
                .untilAsserted(() -> assertThat(all)
                        .allSatisfy(endpoint -> assertThat(endpoint.count("notifications/cancelled"))
                                .isPositive()
                                .isEqualTo(endpoint.count("tools/call") - before.getOrDefault(endpoint, 0))));
    }

    @Test
    void sessionOfAClientThatWasToldNothingMovesOffItsDeadEndpoint() {
        List<FakeBackend> all = three(FakeBackend::legacy);
        WireClient client = gateway.client().initialize("2025-11-25", "{}");
        calls(client, 10);
        FakeBackend home = busiest(all);
        assertThat(home.count("tools/call")).isEqualTo(10);

        isDown(home, client);

        calls(client, 20);
    }

    @Test
    void forgottenSessionAtOneOfTheEndpointsIsOpenedAnew() {
        List<FakeBackend> all = three(FakeBackend::legacy);
        calls(gateway.client(), 30);

        all.forEach(FakeBackend::forgetSessions);

        calls(gateway.client(), 30);
    }

    @Test
    void sessionsAtAllEndpointsEndWithTheRegistration() {
        List<FakeBackend> all = three(FakeBackend::legacy);
        calls(gateway.client(), 30);

        gateway.without("search");

        org.awaitility.Awaitility.await()
                .untilAsserted(() ->
                        assertThat(all).allMatch(endpoint -> endpoint.sessions().isEmpty()));
    }
}
