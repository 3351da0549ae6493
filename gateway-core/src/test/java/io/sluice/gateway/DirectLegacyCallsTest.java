package io.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.testing.FakeBackend;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * As {@link DirectCallsTest}, of calls with a legacy session and of calls between the eras: nobody can tell from the
 * answer which way it came, nor the backend from what it receives.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class DirectLegacyCallsTest {
    /** Eras of client and backend. */
    enum Pair {
        OLD_TO_OLD,
        OLD_TO_STATELESS,
        OLD_TO_NEW,
        NEW_TO_OLD
    }

    private final Map<Pair, FakeBackend> backends = new EnumMap<>(Map.of(
            Pair.OLD_TO_OLD, FakeBackend.legacy(),
            Pair.OLD_TO_STATELESS, FakeBackend.legacy().stateless(),
            Pair.OLD_TO_NEW, FakeBackend.modern(),
            Pair.NEW_TO_OLD, FakeBackend.legacy()));
    private final TestGateway direct = TestGateway.start();
    private final TestGateway general = TestGateway.setUp().withoutLane().start();
    private String directSession = "";
    private String generalSession = "";

    @BeforeAll
    void start() {
        backends.forEach((pair, backend) -> {
            backend.tool("echo", arguments -> arguments.toString());
            direct.with(backend.backend(name(pair)));
            general.with(backend.backend(name(pair)));
        });
        directSession = session(direct, "/mcp");
        generalSession = session(general, "/mcp");
    }

    @AfterAll
    void stop() throws Exception {
        direct.close();
        general.close();
        for (FakeBackend backend : backends.values()) {
            backend.close();
        }
    }

    private static String name(Pair pair) {
        return pair.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    private FakeBackend backend(Pair pair) {
        return Objects.requireNonNull(backends.get(pair));
    }

    private static byte[] json(String text) {
        return text.replace('\'', '"').getBytes(StandardCharsets.UTF_8);
    }

    private static String session(TestGateway gateway, String path) {
        RawExchange.Got got = RawExchange.send(
                gateway.port(),
                "POST",
                path,
                List.of("Content-Type: application/json", "Accept: application/json, text/event-stream"),
                json("{'jsonrpc':'2.0','id':0,'method':'initialize','params':{'protocolVersion':'2025-11-25',"
                        + "'capabilities':{},'clientInfo':{'name':'test','version':'1'}}}"));
        return got.header("Mcp-Session-Id");
    }

    private static RawExchange.Got old(TestGateway gateway, String session, String accept, String body) {
        return RawExchange.send(
                gateway.port(),
                "POST",
                "/mcp",
                List.of(
                        "Content-Type: application/json",
                        "Accept: " + accept,
                        "MCP-Protocol-Version: 2025-11-25",
                        "Mcp-Session-Id: " + session),
                json(body));
    }

    private static String call(String id, String tool, String more) {
        return "{'jsonrpc':'2.0','id':" + id + ",'method':'tools/call','params':{'name':'" + tool
                + "','arguments':{'a':1}" + more + "}}";
    }

    private RawExchange.Got send(TestGateway gateway, Pair pair, String accept) {
        String tool = name(pair) + "__echo";
        if (pair == Pair.NEW_TO_OLD) {
            return ModernRequest.call(tool, "{'a':1}")
                    .id("'one'")
                    .accept(accept)
                    .send(gateway);
        }
        String session = gateway == direct ? directSession : generalSession;
        return old(gateway, session, accept, call("'one'", tool, ",'_meta':{'progressToken':'p'}"));
    }

    static Stream<Arguments> cases() {
        return Stream.of(Pair.values())
                .flatMap(pair -> DirectCallsTest.behaviours().keySet().stream().map(each -> Arguments.of(pair, each)));
    }

    @ParameterizedTest
    @MethodSource("cases")
    void whateverTheBackendDoesTheAnswerIsTheSame(Pair pair, String behaviour) {
        FakeBackend backend = backend(pair);
        backend.usual("tools/call");
        send(direct, pair, "application/json"); // a session at the backend is open from here on
        send(general, pair, "application/json");
        backend.on(
                "tools/call",
                Objects.requireNonNull(DirectCallsTest.behaviours().get(behaviour)));

        assertSame(pair, "application/json, text/event-stream");
        if (pair == Pair.OLD_TO_OLD) {
            assertSame(pair, "application/json");
        }
    }

    private void assertSame(Pair pair, String accept) {
        FakeBackend backend = backend(pair);
        int before = backend.count("tools/call");
        RawExchange.Got one = send(direct, pair, accept);
        int between = backend.count("tools/call");
        RawExchange.Got other = send(general, pair, accept);
        List<FakeBackend.Received> seen = backend.received("tools/call");

        assertThat(one.status()).as(() -> one + " or " + other).isEqualTo(other.status());
        assertThat(timeless(one.text())).isEqualTo(timeless(other.text()));
        assertThat(DirectCallsTest.headers(one)).isEqualTo(DirectCallsTest.headers(other));
        assertThat(calls(seen.subList(before, between))).isEqualTo(calls(seen.subList(between, seen.size())));
    }

    /** Without what each gateway names by itself. */
    private static String timeless(String text) {
        return DirectCallsTest.timeless(text).replaceAll("(?m)^id: .*$", "id: (an event)");
    }

    private static List<String> calls(List<FakeBackend.Received> received) {
        List<String> calls = new ArrayList<>();
        for (FakeBackend.Received request : received) {
            TreeMap<String, String> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
            headers.putAll(request.headers());
            headers.remove("connection");
            headers.computeIfPresent("content-length", (name, length) -> "(so many)");
            headers.computeIfPresent("mcp-session-id", (name, session) -> "(a session)");
            calls.add(request.path() + " " + headers + " "
                    + DirectCallsTest.timeless(request.text())
                            .replaceAll("\"(id|progressToken)\":\\d+", "\"$1\":(a number)"));
        }
        return calls;
    }

    /** Requests of a legacy client, right and wrong. */
    private static List<String> requests() {
        return List.of(
                call("1", "old-to-old__echo", ""),
                call("'a \\u0022b'", "old-to-old__echo", ""),
                call("2", "nothing", ""),
                call("3", "old-to-new__echo", ",'_meta':{'progressToken':7,'x':1}"),
                "{'jsonrpc':'2.0','id':4,'method':'ping'}",
                "{'jsonrpc':'2.0','id':5,'method':'tools/list'}",
                "{'jsonrpc':'2.0','id':6,'method':'tools/list','params':{'cursor':'x'}}",
                "{'jsonrpc':'2.0','id':7,'method':'resources/list'}",
                "{'jsonrpc':'2.0','id':8,'method':'resources/read','params':{'uri':'mem://nothing'}}",
                "{'jsonrpc':'2.0','id':9,'method':'tools/burn'}",
                "{'jsonrpc':'2.0','id':10,'method':'server/discover'}",
                "{'jsonrpc':'2.0','id':11,'method':'tools/call','params':{}}",
                "{'jsonrpc':'2.0','id':12,'method':'logging/setLevel','params':{'level':'info'}}",
                "{'jsonrpc':'2.0','method':'notifications/initialized'}",
                "{'jsonrpc':'2.0','id':13,'result':{}}",
                "{'jsonrpc':'2.0','id':1",
                "[]");
    }

    @ParameterizedTest
    @MethodSource("requests")
    void whateverTheClientSaysTheAnswerIsTheSame(String request) {
        backends.values().forEach(backend -> backend.usual("tools/call"));

        for (String accept : List.of("application/json, text/event-stream", "application/json", "text/html")) {
            RawExchange.Got one = old(direct, directSession, accept, request);
            RawExchange.Got other = old(general, generalSession, accept, request);

            assertThat(one.status()).as(() -> one + " or " + other).isEqualTo(other.status());
            assertThat(timeless(one.text())).isEqualTo(timeless(other.text()));
            assertThat(DirectCallsTest.headers(one)).isEqualTo(DirectCallsTest.headers(other));
        }
        RawExchange.Got one = old(direct, "not-a-session", "application/json", request);
        RawExchange.Got other = old(general, "not-a-session", "application/json", request);
        assertThat(one.status()).isEqualTo(other.status());
        assertThat(one.text()).isEqualTo(other.text());
    }

    @ParameterizedTest
    @MethodSource("toOld")
    void cancelledCallReachesTheBackendUnderItsOwnIdAndHasNoAnswer(Pair pair) throws Exception {
        FakeBackend backend = backend(pair);
        backend.usual("tools/call");
        send(direct, pair, "application/json");
        CountDownLatch left = new CountDownLatch(1);
        backend.on("tools/call", (request, answer) -> {
            answer.untilClosed();
            left.countDown();
        });
        int calls = backend.count("tools/call");
        int cancelled = backend.count("notifications/cancelled");

        CompletableFuture<RawExchange.Got> got = CompletableFuture.supplyAsync(
                () -> old(direct, directSession, "application/json", call("'slow'", name(pair) + "__echo", "")));
        await().until(() -> backend.count("tools/call") > calls);
        RawExchange.Got told = old(
                direct,
                directSession,
                "application/json",
                "{'jsonrpc':'2.0','method':'notifications/cancelled','params':{'requestId':'slow','reason':'enough'}}");

        assertThat(told.status()).isEqualTo(202);
        assertThat(got.get(10, TimeUnit.SECONDS).status()).isEqualTo(202);
        assertThat(got.get().body()).isEmpty();
        await().until(() -> backend.count("notifications/cancelled") > cancelled);
        List<FakeBackend.Received> all = backend.received("tools/call");
        FakeBackend.Received notified =
                backend.received("notifications/cancelled").get(cancelled);
        assertThat(notified.params().path("requestId"))
                .isEqualTo(all.get(all.size() - 1).id());
        assertThat(notified.params().path("reason").asString()).isEqualTo("enough");
        assertThat(left.await(10, TimeUnit.SECONDS)).isTrue();
    }

    static Stream<Pair> toOld() {
        return Stream.of(Pair.OLD_TO_OLD, Pair.OLD_TO_STATELESS);
    }

    @ParameterizedTest
    @MethodSource("ofOld")
    void callOfAClientThatLeavesRunsOn(Pair pair) throws Exception {
        FakeBackend backend = backend(pair);
        backend.usual("tools/call");
        send(direct, pair, "application/json");
        CountDownLatch arrived = new CountDownLatch(1);
        CountDownLatch goOn = new CountDownLatch(1);
        CompletableFuture<String> written = new CompletableFuture<>();
        backend.on("tools/call", (request, answer) -> {
            arrived.countDown();
            goOn.await(10, TimeUnit.SECONDS);
            try {
                answer.result("{\"content\":[]}");
                written.complete("all");
            } catch (java.io.IOException gone) {
                written.complete("nothing");
            }
        });
        int before = inFlight(pair);
        try (RawExchange client = RawExchange.sent(
                direct.port(),
                "POST",
                "/mcp",
                List.of(
                        "Content-Type: application/json",
                        "Accept: application/json",
                        "Mcp-Session-Id: " + directSession),
                json(call("'left'", name(pair) + "__echo", "")))) {
            assertThat(client).isNotNull();
            assertThat(arrived.await(10, TimeUnit.SECONDS)).isTrue();
            assertThat(inFlight(pair)).isEqualTo(before + 1);
        }
        assertThat(old(direct, directSession, "application/json", "{'jsonrpc':'2.0','id':1,'method':'ping'}")
                        .status())
                .isEqualTo(200);
        assertThat(inFlight(pair)).isEqualTo(before + 1);
        goOn.countDown();

        assertThat(written.get(10, TimeUnit.SECONDS)).isEqualTo("all");
        await().until(() -> inFlight(pair) == before);
        backend.usual("tools/call");
        assertThat(send(direct, pair, "application/json").status()).isEqualTo(200);
    }

    static Stream<Pair> ofOld() {
        return Stream.of(Pair.OLD_TO_OLD, Pair.OLD_TO_STATELESS, Pair.OLD_TO_NEW);
    }

    private int inFlight(Pair pair) {
        return direct.upstream(name(pair)).gate().inFlight();
    }

    @Test
    void modernClientThatLeavesCancelsItsCallAtALegacyBackendOnce() throws Exception {
        FakeBackend backend = backend(Pair.NEW_TO_OLD);
        backend.usual("tools/call");
        send(direct, Pair.NEW_TO_OLD, "application/json");
        CountDownLatch arrived = new CountDownLatch(1);
        CountDownLatch closed = new CountDownLatch(1);
        backend.on("tools/call", (request, answer) -> {
            arrived.countDown();
            answer.untilClosed();
            closed.countDown();
        });
        int before = backend.count("notifications/cancelled");

        try (RawExchange client =
                ModernRequest.call(name(Pair.NEW_TO_OLD) + "__echo", "{}").sent(direct)) {
            assertThat(client).isNotNull();
            assertThat(arrived.await(10, TimeUnit.SECONDS)).isTrue();
        }

        assertThat(closed.await(10, TimeUnit.SECONDS)).isTrue();
        await().until(() -> backend.count("notifications/cancelled") > before);
        List<FakeBackend.Received> calls = backend.received("tools/call");
        assertThat(backend.received("notifications/cancelled")
                        .get(before)
                        .params()
                        .path("requestId"))
                .isEqualTo(calls.get(calls.size() - 1).id());
        backend.usual("tools/call");
        assertThat(send(direct, Pair.NEW_TO_OLD, "application/json").status()).isEqualTo(200);
        assertThat(backend.count("notifications/cancelled")).isEqualTo(before + 1);
    }

    @Test
    void sessionThatABackendForgotIsOpenedAnewForACallOnTheLane() {
        FakeBackend backend = backend(Pair.OLD_TO_OLD);
        backend.usual("tools/call");
        send(direct, Pair.OLD_TO_OLD, "application/json");
        backend.forgetSessions();

        RawExchange.Got got = send(direct, Pair.OLD_TO_OLD, "application/json");

        assertThat(got.status()).isEqualTo(200);
        assertThat(got.text()).contains("\"id\":\"one\"").contains("result");
    }
}
