package io.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.testing.FakeBackend;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** Clients of 2025 before a backend that speaks only 2026-07-28. */
class OldToNewTest {
    private static final String META = "io.modelcontextprotocol/";

    private final FakeBackend backend = FakeBackend.modern();
    private final TestGateway gateway = TestGateway.start().with("modern", backend);
    private final WireClient client = gateway.client().initialize("2025-11-25", "{}");

    @AfterEach
    void close() throws Exception {
        gateway.close();
    }

    private static String call(String more) {
        return "{'jsonrpc':'2.0','id':'mine','method':'tools/call','params':{'name':'echo','arguments':{'n':1}" + more
                + "}}";
    }

    private FakeBackend.Received lastCall() {
        List<FakeBackend.Received> calls = backend.received("tools/call");
        return calls.get(calls.size() - 1);
    }

    @Test
    void requestGetsItsEnvelopeAndKeepsTheRest() {
        client.post(call(",'_meta':{'progressToken':5,'x':{'y':1}}"));

        FakeBackend.Received request = lastCall();
        JsonNode meta = request.params().path("_meta");
        assertThat(request.header("Mcp-Protocol-Version")).isEqualTo("2026-07-28");
        assertThat(request.header("Mcp-Method")).isEqualTo("tools/call");
        assertThat(request.header("Mcp-Name")).isEqualTo("echo");
        assertThat(request.header("Mcp-Session-Id")).isNull();
        assertThat(meta.path(META + "protocolVersion").asString()).isEqualTo("2026-07-28");
        assertThat(meta.path(META + "clientInfo").path("name").asString()).isEqualTo("sluice");
        assertThat(meta.path(META + "clientCapabilities").toString()).isEqualTo("{}");
        assertThat(meta.path("progressToken").asInt()).isEqualTo(5);
        assertThat(meta.path("x").toString()).isEqualTo("{\"y\":1}");
        assertThat(request.params().path("arguments").toString()).isEqualTo("{\"n\":1}");
    }

    @Test
    void definitionThatHasChangedIsReadAnewAndTheCallSentAgain() {
        backend.tool(
                "echo",
                "{\"name\":\"echo\",\"inputSchema\":{\"type\":\"object\",\"properties\":{\"n\":"
                        + "{\"type\":\"integer\",\"x-mcp-header\":\"Number\"}}}}",
                arguments -> "");
        backend.on("tools/call", (request, answer) -> {
            if (request.header("mcp-param-number") == null) {
                answer.error(400, -32020, "Header Mcp-Param-Number is missing");
            } else {
                backend.usual(request, answer);
            }
        });

        WireClient.Got got = client.post(call(""));

        assertThat(got.json().has("result")).as(got.body()).isTrue();
        assertThat(got.body()).doesNotContain("isError");
        assertThat(lastCall().header("mcp-param-number")).isEqualTo("1");
        assertThat(backend.count("tools/call")).isEqualTo(2);
    }

    @Test
    void callIsSentAgainOnlyOnce() {
        backend.on("tools/call", (request, answer) -> answer.error(400, -32020, "Header mismatch"));

        WireClient.Got got = client.post(call(""));

        assertThat(got.body()).contains("isError", "'modern'");
        assertThat(backend.count("tools/call")).isEqualTo(2);
    }

    @Test
    void resultLosesWhatOldClientsDoNotKnow() {
        backend.on(
                "tools/call",
                (request, answer) -> answer.result("{\"resultType\":\"complete\",\"content\":[],"
                        + "\"ttlMs\":5,\"structuredContent\":{\"v\":1.10},\"cacheScope\":\"public\",\"z\":1e400}"));

        WireClient.Got got = client.post(call(""));

        assertThat(got.body())
                .isEqualTo("{\"jsonrpc\":\"2.0\",\"id\":\"mine\",\"result\":{\"content\":[],"
                        + "\"structuredContent\":{\"v\":1.10},\"z\":1e400}}");
    }

    @Test
    void structuredContentThatIsNoObjectBecomesText() {
        backend.on(
                "tools/call",
                (request, answer) ->
                        answer.result("{\"resultType\":\"complete\",\"content\":[],\"structuredContent\":[1.10,2]}"));

        JsonNode result = client.post(call("")).json().path("result");

        assertThat(result.has("structuredContent")).isFalse();
        assertThat(result.at("/content/0/text").asString()).isEqualTo("[1.10,2]");
    }

    @Test
    void eventsAreRelayedAsTheyCome() throws Exception {
        CountDownLatch seen = new CountDownLatch(1);
        backend.on("tools/call", (request, answer) -> {
            FakeBackend.Stream stream = answer.events();
            stream.message("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":"
                    + request.params().at("/_meta/progressToken") + ",\"progress\":1}}");
            if (seen.await(10, TimeUnit.SECONDS)) {
                stream.message("{\"jsonrpc\":\"2.0\",\"id\":" + request.id()
                        + ",\"result\":{\"resultType\":\"complete\",\"content\":[]}}");
            }
            stream.end();
        });

        try (WireClient.Stream stream = client.stream(call(",'_meta':{'progressToken':'tok'}"))) {
            assertThat(stream.field("id: ")).isNotEmpty();
            assertThat(stream.message().at("/params/progressToken").asString()).isEqualTo("tok");
            seen.countDown();
            assertThat(stream.message().toString())
                    .isEqualTo("{\"jsonrpc\":\"2.0\",\"id\":\"mine\",\"result\":{\"content\":[]}}");
            assertThat(stream.line()).isNull();
        }
    }

    @Test
    void logLevelOfTheSessionTravelsWithEachCall() {
        client.post("{'jsonrpc':'2.0','id':1,'method':'logging/setLevel','params':{'level':'notice'}}");

        client.post(call(""));

        assertThat(lastCall().params().at("/_meta").path(META + "logLevel").asString())
                .isEqualTo("notice");
        assertThat(backend.count("logging/setLevel")).isZero();
    }

    @Test
    void missingResourceHasTheOldCode() {
        backend.list("resources", "[{\"uri\":\"file:///a\",\"name\":\"a\"}]");
        gateway.without("modern").with("modern", backend);
        backend.on(
                "resources/read",
                (request, answer) -> answer.error(200, -32602, "Resource not found", "{\"uri\":\"file:///a\"}"));

        WireClient.Got got =
                client.post("{'jsonrpc':'2.0','id':1,'method':'resources/read','params':{'uri':'file:///a'}}");

        assertThat(got.json().at("/error/code").asInt()).isEqualTo(-32002);
        assertThat(got.json().at("/error/data/uri").asString()).isEqualTo("file:///a");
    }

    @Test
    void whoCannotBeAskedIsToldInASentence() {
        backend.on(
                "tools/call",
                (request, answer) -> answer.result("{\"resultType\":\"input_required\","
                        + "\"inputRequests\":{\"a\":{\"method\":\"elicitation/create\",\"params\":{\"message\":\"?\"}}},"
                        + "\"requestState\":\"s\"}"));

        JsonNode result = client.post(call("")).json().path("result");

        assertThat(result.path("isError").asBoolean()).isTrue();
        assertThat(result.at("/content/0/text").asString()).contains("Backend 'modern'");
        assertThat(result.has("inputRequests")).isFalse();
    }

    @Test
    void capabilityThatTheClientLacksIsToldInASentence() {
        backend.on(
                "tools/call",
                (request, answer) -> answer.error(
                        400, -32021, "Missing capability", "{\"requiredCapabilities\":{\"sampling\":{}}}"));

        JsonNode got = client.post(call("")).json();

        assertThat(got.at("/result/isError").asBoolean()).isTrue();
        assertThat(got.at("/result/content/0/text").asString()).contains("Backend 'modern'", "sampling");
    }

    @Test
    void sessionsAreTheGatewaysOwn() {
        client.post(call(""));
        gateway.client().post(call(""));
        client.delete();

        assertThat(backend.received().stream()
                        .filter(request -> request.headers().containsKey("mcp-session-id")))
                .isEmpty();
        assertThat(backend.countHttp("DELETE")).isZero();
        assertThat(backend.countHttp("GET")).isZero();
    }

    @Test
    void backendOfBothErasIsSpokenToInTheClients() {
        FakeBackend dual = FakeBackend.dual().withoutTool("echo").tool("both", arguments -> "");
        gateway.with("dual", dual);

        client.post(call("").replace("echo", "both"));

        FakeBackend.Received request = dual.received("tools/call").get(0);
        assertThat(request.header("Mcp-Session-Id")).isNotNull();
        assertThat(request.header("Mcp-Protocol-Version")).startsWith("2025-");
        assertThat(request.params().has("_meta")).isFalse();
    }
}
