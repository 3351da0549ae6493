package io.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.testing.FakeBackend;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

class LegacySessionTest {
    private static final String PING = "{'jsonrpc':'2.0','id':1,'method':'ping'}";
    private static final String ALICE = "alice-token-7Q2mX9vB4kLp";
    private static final String BOB = "bob-token-3R8nY1wC6jHs";

    private static final FakeBackend weather = FakeBackend.legacy();
    private static TestGateway gateway;

    @BeforeAll
    static void start() {
        gateway = TestGateway.start().with("weather", weather);
    }

    @AfterAll
    static void stop() throws Exception {
        gateway.close();
    }

    private static String initialize(String version) {
        return "{'jsonrpc':'2.0','id':'i','method':'initialize','params':{'protocolVersion':'" + version
                + "','capabilities':{},'clientInfo':{'name':'wire','version':'1'}}}";
    }

    private static WireClient session() {
        return gateway.client().initialize("2025-11-25", "{}");
    }

    @ParameterizedTest
    @ValueSource(strings = {"2025-03-26", "2025-06-18", "2025-11-25"})
    void knownRevisionIsAgreedTo(String version) {
        WireClient.Got got = gateway.client().post(initialize(version));

        assertThat(got.status()).isEqualTo(200);
        assertThat(got.json().at("/id").asString()).isEqualTo("i");
        assertThat(got.json().at("/result/protocolVersion").asString()).isEqualTo(version);
        assertThat(got.json().at("/result/serverInfo/name").asString()).isEqualTo("sluice");
        assertThat(got.json().at("/result/capabilities/tools/listChanged").asBoolean())
                .isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"2026-07-28", "2024-11-05", "1999-12-31", "", "draft"})
    void otherRevisionIsAnsweredWithTheLatestLegacyOne(String version) {
        WireClient.Got got = gateway.client().post(initialize(version));

        assertThat(got.status()).isEqualTo(200);
        assertThat(got.json().at("/result/protocolVersion").asString()).isEqualTo("2025-11-25");
        assertThat(got.header("Mcp-Session-Id")).isNotEmpty();
    }

    @Test
    void sessionIdsAreShortVisibleAsciiAndNeverTheSame() {
        String first = gateway.client().post(initialize("2025-11-25")).header("Mcp-Session-Id");
        String second = gateway.client().post(initialize("2025-11-25")).header("Mcp-Session-Id");

        assertThat(first).hasSizeLessThan(512).matches("[\\x21-\\x7e]+").isNotEqualTo(second);
    }

    @Test
    void initializedIsAccepted() {
        WireClient.Got got = session().post("{'jsonrpc':'2.0','method':'notifications/initialized'}");

        assertThat(got.status()).isEqualTo(202);
        assertThat(got.body()).isEmpty();
    }

    @Test
    void pingIsAnsweredByTheGateway() {
        int before = weather.count("ping");

        WireClient.Got got = session().post(PING);

        assertThat(got.body()).isEqualTo("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}");
        assertThat(weather.count("ping")).isEqualTo(before);
    }

    @Test
    void listsComeOutOfTheCatalog() {
        WireClient client = session();
        int before = weather.countHttp("POST");

        JsonNode tools =
                client.post("{'jsonrpc':'2.0','id':1,'method':'tools/list'}").json();
        JsonNode prompts = client.post("{'jsonrpc':'2.0','id':2,'method':'prompts/list','params':{}}")
                .json();
        JsonNode resources = client.post("{'jsonrpc':'2.0','id':3,'method':'resources/list'}")
                .json();
        JsonNode templates = client.post("{'jsonrpc':'2.0','id':4,'method':'resources/templates/list'}")
                .json();

        assertThat(tools.at("/result/tools/0/name").asString()).isEqualTo("echo");
        assertThat(tools.at("/result").propertyNames()).containsExactly("tools");
        assertThat(prompts.at("/result/prompts").isArray()).isTrue();
        assertThat(resources.at("/result/resources").isArray()).isTrue();
        assertThat(templates.at("/result/resourceTemplates").isArray()).isTrue();
        assertThat(weather.countHttp("POST")).isEqualTo(before);
    }

    @ParameterizedTest
    @ValueSource(strings = {"tools/list", "prompts/list", "resources/list", "resources/templates/list"})
    void cursorThatWasNeverGivenOutIsRefused(String method) {
        WireClient.Got got =
                session().post("{'jsonrpc':'2.0','id':1,'method':'" + method + "','params':{'cursor':'page2'}}");

        assertThat(got.status()).isEqualTo(200);
        assertThat(got.json().at("/error/code").asInt()).isEqualTo(-32602);
    }

    @Test
    void whatNoBackendOffersIsNoMethod() throws Exception {
        try (TestGateway small =
                TestGateway.start().with("plain", FakeBackend.legacy().capabilities("{\"tools\":{}}"))) {
            WireClient client = small.client().initialize("2025-11-25", "{}");
            for (String method : List.of(
                    "prompts/list",
                    "prompts/get",
                    "resources/list",
                    "resources/read",
                    "logging/setLevel",
                    "resources/subscribe",
                    "completion/complete",
                    "tasks/list",
                    "server/discover",
                    "no/such")) {
                WireClient.Got got = client.post("{'jsonrpc':'2.0','id':9,'method':'" + method + "','params':{}}");

                assertThat(got.status()).as(method).isEqualTo(200);
                assertThat(got.json().at("/error/code").asInt()).as(method).isEqualTo(-32601);
                assertThat(got.json().at("/id").asInt()).isEqualTo(9);
            }
        }
    }

    @Test
    void unknownForgedForeignMisplacedAndEndedSessionsGetOneAnswer() throws Exception {
        try (TestGateway guarded = TestGateway.setUp()
                .token("alice", ALICE)
                .token("bob", BOB)
                .start()
                .with("weather", FakeBackend.legacy())) {
            WireClient alice = guarded.client().with("Authorization", "Bearer " + ALICE);
            String id = alice.post(initialize("2025-11-25")).header("Mcp-Session-Id");
            String ended = alice.post(initialize("2025-11-25")).header("Mcp-Session-Id");
            assertThat(alice.delete("Mcp-Session-Id", ended).status()).isEqualTo(204);
            char last = id.charAt(id.length() - 3);
            String forged =
                    id.substring(0, id.length() - 3) + (last == 'A' ? 'B' : 'A') + id.substring(id.length() - 2);
            WireClient bob = guarded.client().with("Authorization", "Bearer " + BOB);
            WireClient elsewhere = alice.at("/mcp/weather");
            Map<String, Function<String, WireClient.Got>> verbs = Map.of(
                    "POST " + ALICE,
                    session -> alice.post(PING, "Mcp-Session-Id", session),
                    "GET " + ALICE,
                    session -> alice.get("Mcp-Session-Id", session, "Accept", "text/event-stream"),
                    "DELETE " + ALICE,
                    session -> alice.delete("Mcp-Session-Id", session),
                    "POST " + BOB,
                    session -> bob.post(PING, "Mcp-Session-Id", session),
                    "GET " + BOB,
                    session -> bob.get("Mcp-Session-Id", session, "Accept", "text/event-stream"),
                    "DELETE " + BOB,
                    session -> bob.delete("Mcp-Session-Id", session),
                    "POST elsewhere",
                    session -> elsewhere.post(PING, "Mcp-Session-Id", session));

            Map<String, List<String>> answers = new java.util.TreeMap<>();
            verbs.forEach((verb, ask) -> {
                boolean foreign = !verb.endsWith(ALICE);
                for (String session : List.of("nonsense", forged, ended, foreign ? id : "x".repeat(2000))) {
                    answers.computeIfAbsent(verb.substring(0, verb.indexOf(' ')), v -> new ArrayList<>())
                            .add(withoutDate(ask.apply(session)));
                }
            });

            answers.forEach((verb, all) -> {
                assertThat(all.get(0)).as(verb).startsWith("404").contains("Session not found");
                assertThat(Map.copyOf(all.stream().collect(Collectors.groupingBy(a -> a, Collectors.counting()))))
                        .as(verb)
                        .hasSize(1);
            });
            assertThat(alice.post(PING, "Mcp-Session-Id", id).status()).isEqualTo(200);
        }
    }

    /** Status, headers and body, but for the id of the request, which differs by nothing here, and the time. */
    private static String withoutDate(WireClient.Got got) {
        String headers = got.headers().map().entrySet().stream()
                .filter(header -> !header.getKey().toLowerCase(Locale.ROOT).equals("date"))
                .map(Object::toString)
                .sorted()
                .collect(Collectors.joining("; "));
        return got.status() + " " + headers + " " + got.body();
    }

    @Test
    void deletedSessionIsGone() {
        WireClient client = session();

        WireClient.Got first = client.delete();
        WireClient.Got second = client.delete();

        assertThat(first.status()).isEqualTo(204);
        assertThat(second.status()).isEqualTo(404);
        assertThat(client.post(PING).status()).isEqualTo(404);
    }

    @Test
    void streamAndEndNeedASession() {
        assertThat(gateway.client().get("Accept", "text/event-stream").status()).isEqualTo(400);
        assertThat(gateway.client().delete().status()).isEqualTo(400);
    }

    @Test
    void streamNeedsAClientThatTakesEvents() {
        assertThat(session().get("Accept", "application/json").status()).isEqualTo(406);
    }

    @Test
    void callsWithoutSessionAreServed() {
        WireClient.Got got = gateway.client()
                .post("{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{'name':'echo','arguments':{'a':1}}}");

        assertThat(got.json().at("/result/content/0/text").asString()).isEqualTo("{\"a\":1}");
    }

    @Test
    void callsWithoutSessionAreRefusedWhereSessionsAreRequired() throws Exception {
        try (TestGateway strict = TestGateway.setUp()
                .settings(settings -> settings.withSessionless(false))
                .start()
                .with("weather", FakeBackend.legacy())) {
            WireClient.Got got = strict.client().post(PING);

            assertThat(got.status()).isEqualTo(400);
            assertThat(got.json().at("/error/message").asString()).contains("Mcp-Session-Id", "initialize");
            assertThat(strict.client().initialize("2025-11-25", "{}").post(PING).status())
                    .isEqualTo(200);
        }
    }

    @Test
    void anyLegacyRevisionMayStandInTheHeader() {
        WireClient client = session();

        for (String version : List.of("2025-03-26", "2025-06-18", "2025-11-25", "2024-11-05")) {
            assertThat(client.post(PING, "MCP-Protocol-Version", version).status())
                    .as(version)
                    .isEqualTo(200);
        }
    }

    @Test
    void unknownRevisionInTheHeaderIsRefused() {
        WireClient.Got got = session().post(PING, "MCP-Protocol-Version", "2031-01-01");

        assertThat(got.status()).isEqualTo(400);
        assertThat(got.json().at("/error/code").asInt()).isEqualTo(-32022);
        assertThat(got.json().at("/error/data/requested").asString()).isEqualTo("2031-01-01");
    }

    @Test
    void initializeNamesNoSession() {
        WireClient.Got got =
                gateway.client().post(initialize("2025-06-18"), "Mcp-Session-Id", "left over from yesterday");

        assertThat(got.status()).isEqualTo(200);
    }

    @Test
    void backendIsToldWhatTheClientIs() {
        WireClient client = gateway.client().initialize("2025-06-18", "{'elicitation':{},'sampling':{},'roots':{}}");

        client.post("{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{'name':'echo'}}");

        JsonNode params = weather.received("initialize").stream()
                .map(FakeBackend.Received::params)
                .filter(sent -> sent.at("/protocolVersion").asString("").equals("2025-06-18"))
                .findFirst()
                .orElseThrow();
        assertThat(params.at("/capabilities").propertyNames())
                .containsExactlyInAnyOrder("elicitation", "sampling", "roots");
        assertThat(params.at("/clientInfo/name").asString()).isEqualTo("sluice");
    }

    @Test
    void logLevelReachesSessionsThatAreOpen() {
        WireClient client = session();
        client.post("{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{'name':'echo'}}");
        List<FakeBackend.Received> calls = weather.received("tools/call");
        String upstream = Objects.requireNonNull(calls.get(calls.size() - 1).header("mcp-session-id"));

        WireClient.Got got =
                client.post("{'jsonrpc':'2.0','id':2,'method':'logging/setLevel','params':{'level':'debug'}}");

        assertThat(got.json().at("/result").isEmpty()).isTrue();
        assertThat(levelsOf(upstream)).containsExactly("debug");
    }

    @Test
    void logLevelReachesSessionsThatAreOpenedLater() {
        WireClient client = session();
        client.post("{'jsonrpc':'2.0','id':1,'method':'logging/setLevel','params':{'level':'warning'}}");

        client.post("{'jsonrpc':'2.0','id':2,'method':'tools/call','params':{'name':'echo'}}");

        List<FakeBackend.Received> calls = weather.received("tools/call");
        String upstream = Objects.requireNonNull(calls.get(calls.size() - 1).header("mcp-session-id"));
        assertThat(levelsOf(upstream)).containsExactly("warning");
        assertThat(weather.received().stream()
                        .filter(request -> upstream.equals(request.header("mcp-session-id")))
                        .map(FakeBackend.Received::method)
                        .filter(method -> !method.isEmpty()))
                .containsSubsequence("notifications/initialized", "logging/setLevel", "tools/call");
    }

    private static List<String> levelsOf(String upstreamSession) {
        return weather.received("logging/setLevel").stream()
                .filter(request -> upstreamSession.equals(request.header("mcp-session-id")))
                .map(request -> request.params().path("level").asString())
                .toList();
    }

    @Test
    void unknownLogLevelIsRefused() {
        WireClient.Got got =
                session().post("{'jsonrpc':'2.0','id':1,'method':'logging/setLevel','params':{'level':'loud'}}");

        assertThat(got.json().at("/error/code").asInt()).isEqualTo(-32602);
        assertThat(got.json().at("/error/message").asString()).contains("debug", "emergency");
    }

    @Test
    void sessionOutlivesABackendThatForgetsItsOwn() throws Exception {
        FakeBackend forgetful = FakeBackend.legacy();
        try (TestGateway fresh = TestGateway.start().with("forgetful", forgetful)) {
            WireClient client = fresh.client().initialize("2025-11-25", "{}");
            client.post("{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{'name':'echo'}}");
            forgetful.forgetSessions();

            WireClient.Got got = client.post(
                    "{'jsonrpc':'2.0','id':2,'method':'tools/call','params':{'name':'echo','arguments':{'b':2}}}");

            assertThat(got.json().at("/result/content/0/text").asString()).isEqualTo("{\"b\":2}");
        }
    }

    /** What the client was told belongs to a session that is no more, so one call says so; the next starts anew. */
    @Test
    void backendThatForgetsATalkativeSessionIsUsableAgain() throws Exception {
        FakeBackend forgetful = FakeBackend.legacy();
        try (TestGateway fresh = TestGateway.start().with("forgetful", forgetful)) {
            WireClient client = fresh.client().initialize("2025-11-25", "{}");
            String call = "{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{'name':'echo'}}";
            client.post(call);
            try (WireClient.Stream stream = client.listen()) {
                await().until(() -> forgetful.openFeeds() >= 2);
                forgetful.push("notifications/message", "{\"level\":\"info\",\"data\":\"hello\"}");
                assertThat(stream.message().at("/params/data").asString()).isEqualTo("hello");
                forgetful.forgetSessions();

                List<WireClient.Got> got = List.of(client.post(call), client.post(call));

                assertThat(got.get(0).json().at("/result/isError").asBoolean(false))
                        .isTrue();
                assertThat(got.get(0).body()).contains("Backend 'forgetful' has forgotten the session");
                assertThat(got.get(1).json().at("/result/content").isArray()).isTrue();
                assertThat(got.get(1).json().at("/result/isError").asBoolean(false))
                        .isFalse();
            }
        }
    }

    @Test
    void sessionEndsWithTheBackendsOwnWhereTheBackendIsAllThereIs() throws Exception {
        FakeBackend forgetful = FakeBackend.legacy();
        try (TestGateway fresh = TestGateway.start().with("forgetful", forgetful)) {
            WireClient client = fresh.client("/mcp/forgetful").initialize("2025-11-25", "{}");
            String call = "{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{'name':'echo'}}";
            client.post(call);
            try (WireClient.Stream stream = client.listen()) {
                await().until(() -> forgetful.openFeeds() >= 2);
                forgetful.push("notifications/message", "{\"level\":\"info\",\"data\":\"hello\"}");
                stream.message();
                forgetful.forgetSessions();

                assertThat(client.post(call).status()).isEqualTo(404);
                assertThat(client.post(PING).status()).isEqualTo(404);
                assertThat(stream.line()).isNull();
            }
        }
    }
}
