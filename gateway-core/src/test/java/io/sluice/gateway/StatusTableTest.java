package io.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.testing.FakeBackend;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The statuses and codes of 2026-07-28, Streamable HTTP, as a client sees them, and which of several faults is
 * reported.
 */
class StatusTableTest {
    private static final String REGION = "{\"name\":\"regional\",\"inputSchema\":{\"type\":\"object\",\"properties\":"
            + "{\"region\":{\"type\":\"string\",\"x-mcp-header\":\"Region\"}}}}";

    private static FakeBackend backend;
    private static TestGateway gateway;

    @BeforeAll
    static void start() {
        backend = FakeBackend.modern()
                .capabilities("{\"tools\":{\"listChanged\":true},\"resources\":{}}")
                .list("resources", "[{\"uri\":\"test://one\",\"name\":\"one\"}]")
                .tool("regional", REGION, arguments -> "ok");
        gateway = TestGateway.setUp()
                .settings(settings -> settings.withMaxBodyBytes(16 * 1024))
                .start()
                .with("only", backend)
                .listeningTo(backend);
    }

    @AfterAll
    static void stop() throws Exception {
        gateway.close();
    }

    private static ModernRequest echo() {
        return ModernRequest.call("echo", "{'a':1}");
    }

    private static Arguments row(String name, ModernRequest request, int status, int code) {
        return Arguments.of(name, request, status, code, true);
    }

    private static Arguments rowWithoutId(String name, ModernRequest request, int status, int code) {
        return Arguments.of(name, request, status, code, false);
    }

    static Stream<Arguments> rows() {
        ModernRequest unsupported = echo().header("MCP-Protocol-Version", "2099-01-01")
                .meta("'io.modelcontextprotocol/protocolVersion':'2099-01-01'," + ModernRequest.CAPABILITIES);
        ModernRequest legacyInEnvelope = echo().header("MCP-Protocol-Version", "2025-11-25")
                .meta("'io.modelcontextprotocol/protocolVersion':'2025-11-25'," + ModernRequest.CAPABILITIES);
        List<Arguments> rows = new ArrayList<>();
        rows.add(row("a call", echo(), 200, 0));
        rows.add(row(
                "a call with clientInfo",
                echo().alsoMeta("'io.modelcontextprotocol/clientInfo':{'name':'x'}"),
                200,
                0));
        rows.add(rowWithoutId("text/plain", echo().header("Content-Type", "text/plain"), 415, -32600));
        rows.add(rowWithoutId("no content type", echo().without("Content-Type"), 415, -32600));
        rows.add(rowWithoutId(
                "a charset other than UTF-8",
                echo().header("Content-Type", "application/json; charset=iso-8859-1"),
                415,
                -32600));
        rows.add(row("UTF-8 named", echo().header("Content-Type", "Application/JSON; charset=\"UTF-8\""), 200, 0));
        rows.add(rowWithoutId("too large", echo().body(" ".repeat(16 * 1024 + 1)), 413, -32600));
        rows.add(rowWithoutId("no JSON", echo().body("nonsense"), 400, -32700));
        rows.add(rowWithoutId("nothing", echo().body(" "), 400, -32700));
        rows.add(rowWithoutId("a number", echo().body("5"), 400, -32600));
        rows.add(rowWithoutId("a string", echo().body("\"tools/call\""), 400, -32600));
        rows.add(rowWithoutId("an empty array", echo().body("[]"), 400, -32600));
        rows.add(rowWithoutId(
                "an array of one modern request",
                echo().body("[" + new String(echo().bytes(), StandardCharsets.UTF_8) + "]"),
                400,
                -32600));
        rows.add(row("jsonrpc 1.0", echo().jsonrpc("1.0"), 400, -32600));
        rows.add(row("no method", echo().body("{\"jsonrpc\":\"2.0\",\"id\":7}"), 400, -32600));
        rows.add(rowWithoutId("a response", echo().body("{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}"), 400, -32600));
        rows.add(rowWithoutId("id null", echo().id("null"), 400, -32600));
        rows.add(rowWithoutId("a fractional id", echo().id("1.5"), 400, -32600));
        rows.add(row(
                "params an array",
                echo().body("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/list\",\"params\":[]}"),
                400,
                -32600));
        rows.add(row(
                "no _meta",
                echo().body("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/list\",\"params\":{}}"),
                400,
                -32602));
        rows.add(
                row("no params", echo().body("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/list\"}"), 400, -32602));
        rows.add(row("no version in _meta", echo().meta(ModernRequest.CAPABILITIES), 400, -32602));
        rows.add(row("no capabilities in _meta", echo().meta(ModernRequest.VERSION), 400, -32602));
        rows.add(row(
                "a version that is a number",
                echo().meta("'io.modelcontextprotocol/protocolVersion':1," + ModernRequest.CAPABILITIES),
                400,
                -32602));
        rows.add(row(
                "capabilities that are an array",
                echo().meta(ModernRequest.VERSION + ",'io.modelcontextprotocol/clientCapabilities':[]"),
                400,
                -32602));
        rows.add(row(
                "clientInfo that is a string",
                echo().alsoMeta("'io.modelcontextprotocol/clientInfo':'me'"),
                400,
                -32602));
        rows.add(row("no version header", echo().without("MCP-Protocol-Version"), 400, -32020));
        rows.add(row("another version header", echo().header("MCP-Protocol-Version", "2025-11-25"), 400, -32020));
        rows.add(row("no method header", echo().without("Mcp-Method"), 400, -32020));
        rows.add(row("another method header", echo().header("Mcp-Method", "tools/list"), 400, -32020));
        rows.add(row("the method in capitals", echo().header("Mcp-Method", "Tools/Call"), 400, -32020));
        rows.add(row("no name header", echo().without("Mcp-Name"), 400, -32020));
        rows.add(row("another name header", echo().header("Mcp-Name", "other"), 400, -32020));
        rows.add(row("an unsupported version", unsupported, 400, -32022));
        rows.add(row("a legacy version in the envelope", legacyInEnvelope, 400, -32022));
        rows.add(row("a param header missing", ModernRequest.call("regional", "{'region':'x'}"), 400, -32020));
        for (String removed : List.of(
                "initialize",
                "ping",
                "logging/setLevel",
                "no/such/method",
                "tasks/list",
                "tasks/result",
                "sampling/createMessage",
                "notifications/initialized")) {
            rows.add(row("method " + removed, ModernRequest.of(removed, ""), 404, -32601));
        }
        rows.add(
                row("resources/subscribe", ModernRequest.of("resources/subscribe", "'uri':'test://one'"), 404, -32601));
        rows.add(row(
                "resources/unsubscribe", ModernRequest.of("resources/unsubscribe", "'uri':'test://one'"), 404, -32601));
        rows.add(row("tasks/get", ModernRequest.of("tasks/get", "'taskId':'t'").header("Mcp-Name", "t"), 404, -32601));
        rows.add(row("a list nobody offers", ModernRequest.of("prompts/list", ""), 404, -32601));
        rows.add(row("a prompt where nobody offers any", ModernRequest.prompt("p"), 404, -32601));
        rows.add(row(
                "completion where nobody offers it",
                ModernRequest.of("completion/complete", "'ref':{'type':'ref/prompt','name':'p'}"),
                404,
                -32601));
        rows.add(row("an unknown tool", ModernRequest.call("nobody", "{}"), 200, -32602));
        rows.add(row("a bad cursor", ModernRequest.of("tools/list", "'cursor':'x'"), 200, -32602));
        rows.add(row("a listen without a filter", ModernRequest.of("subscriptions/listen", ""), 200, -32602));
        rows.add(row("an unknown resource", ModernRequest.read("test://two"), 200, -32602));
        return rows.stream();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("rows")
    void eachSituationHasItsStatusItsCodeAndTheRequestsId(
            String situation, ModernRequest request, int status, int code, boolean withId) {
        RawExchange.Got got = request.send(gateway);

        assertThat(got.status()).as(got.toString()).isEqualTo(status);
        assertThat(got.code()).as(got.toString()).isEqualTo(code);
        assertThat(got.json().has("id")).as(got.toString()).isEqualTo(withId);
        if (withId) {
            assertThat(got.json().path("id").toString()).isEqualTo("7");
        }
        assertThat(got.header("Content-Type")).isEqualTo("application/json");
        assertThat(got.header("Mcp-Session-Id")).isEmpty();
    }

    /** A way to be wrong, in the order in which faults are reported. */
    @SuppressWarnings("ImmutableEnumChecker") // its functions keep nothing
    enum Fault {
        CONTENT_TYPE(415, -32600, request -> request.header("Content-Type", "text/plain")),
        SHAPE(400, -32600, request -> request.jsonrpc("1.0")),
        ENVELOPE(400, -32602, request -> request.meta(ModernRequest.VERSION)),
        VERSION_HEADER(400, -32020, request -> request.header("MCP-Protocol-Version", "2025-06-18")),
        METHOD_HEADER(400, -32020, request -> request.header("Mcp-Method", "tools/list")),
        VERSION_MISSING(400, -32020, request -> request.without("MCP-Protocol-Version")),
        METHOD_MISSING(400, -32020, request -> request.without("Mcp-Method")),
        NAME(400, -32020, request -> request.header("Mcp-Name", "other")),
        PARAM(400, -32020, request -> request.header("Mcp-Param-Region", "other"));

        private final int status;
        private final int code;
        private final Consumer<ModernRequest> make;

        Fault(int status, int code, Consumer<ModernRequest> make) {
            this.status = status;
            this.code = code;
            this.make = make;
        }
    }

    private static final List<String> SAYS = List.of(
            "Content-Type",
            "jsonrpc",
            "clientCapabilities",
            "MCP-Protocol-Version says",
            "Mcp-Method says",
            "MCP-Protocol-Version is missing",
            "Mcp-Method is missing",
            "Mcp-Name says",
            "Mcp-Param-Region says");

    @SuppressWarnings("EnumOrdinal") // the order is what is tested
    static Stream<Arguments> pairs() {
        List<Arguments> pairs = new ArrayList<>();
        for (Fault first : Fault.values()) {
            for (Fault second : Fault.values()) {
                boolean sameHeader =
                        first.ordinal() + 2 == second.ordinal() && first.name().endsWith("_HEADER");
                if (first.ordinal() < second.ordinal() && !sameHeader) {
                    pairs.add(Arguments.of(first, second));
                }
            }
        }
        return pairs.stream();
    }

    @ParameterizedTest(name = "{0} and {1}")
    @MethodSource("pairs")
    @SuppressWarnings("EnumOrdinal") // the order is what is tested
    void ofTwoFaultsTheEarlierOneIsReported(Fault first, Fault second) {
        ModernRequest request = ModernRequest.call("regional", "{'region':'x'}").header("Mcp-Param-Region", "x");
        second.make.accept(request);
        first.make.accept(request);

        RawExchange.Got got = request.send(gateway);

        assertThat(got.status()).as(got.toString()).isEqualTo(first.status);
        assertThat(got.code()).as(got.toString()).isEqualTo(first.code);
        assertThat(got.json().path("error").path("message").asString()).contains(SAYS.get(first.ordinal()));
    }

    @Test
    void headersAreComparedBeforeTheVersionIsFoundUnsupported() {
        String meta = "'io.modelcontextprotocol/protocolVersion':'2099-01-01'," + ModernRequest.CAPABILITIES;

        assertThat(echo().meta(meta).send(gateway).code()).isEqualTo(-32020);
        assertThat(echo().meta(meta)
                        .header("MCP-Protocol-Version", "2099-01-01")
                        .header("Mcp-Method", "x")
                        .send(gateway)
                        .code())
                .isEqualTo(-32020);
        assertThat(echo().meta(meta)
                        .header("MCP-Protocol-Version", "2099-01-01")
                        .without("Mcp-Name")
                        .send(gateway)
                        .code())
                .isEqualTo(-32022);
    }

    @Test
    void headersAreComparedBeforeTheMethodIsFoundUnknown() {
        assertThat(ModernRequest.of("no/such", "")
                        .header("Mcp-Method", "x")
                        .send(gateway)
                        .code())
                .isEqualTo(-32020);
    }

    @Test
    void unsupportedVersionIsAnsweredWithTheSupportedOnes() {
        RawExchange.Got got = echo().header("MCP-Protocol-Version", "2099-01-01")
                .meta("'io.modelcontextprotocol/protocolVersion':'2099-01-01'," + ModernRequest.CAPABILITIES)
                .send(gateway);

        assertThat(got.json().path("error").path("data").toString())
                .isEqualTo("{\"supported\":[\"2026-07-28\",\"2025-11-25\",\"2025-06-18\",\"2025-03-26\"],"
                        + "\"requested\":\"2099-01-01\"}");
    }

    @Test
    void missingResourceIsNamedInTheData() {
        RawExchange.Got got = ModernRequest.read("test://no \\\"such\\\"")
                .header("Mcp-Name", "test://no \"such\"")
                .send(gateway);

        assertThat(got.status()).isEqualTo(200);
        assertThat(got.json().path("error").path("data").path("uri").asString()).isEqualTo("test://no \"such\"");
    }

    @ParameterizedTest
    @ValueSource(strings = {"7", "-1", "9007199254740993", "\"a-17\"", "\"\"", "\"\\u00e9\\\"\"", "\"7\""})
    void idComesBackAsItWasSpelt(String id) {
        String unknown = ModernRequest.call("nobody", "{}").id(id).send(gateway).text();
        String mismatch =
                echo().id(id).header("Mcp-Name", "other").send(gateway).text();

        assertThat(unknown).contains("\"id\":" + id + ",");
        assertThat(mismatch).contains("\"id\":" + id + ",");
    }

    @Test
    void idIsFoundWhereverItStands() {
        String last =
                "{\"method\":\"tools/call\",\"params\":{\"name\":\"x\",\"_meta\":{}},\"jsonrpc\":\"2.0\",\"id\":\"z\"}";

        RawExchange.Got got = echo().body(last).send(gateway);

        assertThat(got.status()).isEqualTo(400);
        assertThat(got.code()).isEqualTo(-32602);
        assertThat(got.json().path("id").asString()).isEqualTo("z");
    }

    @Test
    void otherHttpMethodsAreRefusedWithWhatIsAllowed() {
        for (String method : List.of("PUT", "PATCH")) {
            RawExchange.Got got = RawExchange.send(
                    gateway.port(), method, "/mcp", List.of("Content-Type: application/json"), echo().bytes());

            assertThat(got.status()).as(got.toString()).isEqualTo(405);
            assertThat(got.header("Allow")).contains("POST");
        }
    }

    @Test
    void getAndDeleteWithoutASessionAreRefusedAndBringNone() {
        for (String method : List.of("GET", "DELETE")) {
            RawExchange.Got got = RawExchange.send(
                    gateway.port(),
                    method,
                    "/mcp",
                    List.of("Accept: text/event-stream", "MCP-Protocol-Version: 2026-07-28"),
                    new byte[0]);

            assertThat(got.status()).as(method + " " + got).isIn(400, 405);
            assertThat(got.header("Mcp-Session-Id")).isEmpty();
            assertThat(got.header("Content-Type")).isEqualTo("application/json");
        }
    }

    @Test
    void sessionIdOfAModernRequestIsIgnored() {
        RawExchange.Got got = echo().header("Mcp-Session-Id", "made up")
                .header("Last-Event-ID", "9")
                .send(gateway);

        assertThat(got.status()).isEqualTo(200);
        assertThat(got.header("Mcp-Session-Id")).isEmpty();
        assertThat(backend.received("tools/call"))
                .allSatisfy(
                        request -> assertThat(request.headers()).doesNotContainKeys("mcp-session-id", "last-event-id"));
    }

    @Test
    void modernNotificationIsAcceptedAndDropped() {
        int before = backend.received().size();

        RawExchange.Got got = echo().body("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{}}")
                .send(gateway);

        assertThat(got.status()).isEqualTo(202);
        assertThat(got.body()).isEmpty();
        assertThat(backend.received()).hasSize(before);
    }

    @Test
    void foreignOriginIsRefusedBeforeAnythingElse() {
        RawExchange.Got got = echo().header("Origin", "https://evil.example")
                .header("Content-Type", "text/plain")
                .send(gateway);

        assertThat(got.status()).isEqualTo(403);
    }

    @Test
    void jsonOnlyClientIsServedInJson() {
        for (String accept : List.of("application/json", "*/*", "application/*")) {
            RawExchange.Got got = echo().accept(accept).send(gateway);

            assertThat(got.status()).isEqualTo(200);
            assertThat(got.header("Content-Type")).isEqualTo("application/json");
        }
        assertThat(echo().without("Accept").send(gateway).status()).isEqualTo(200);
    }

    @Test
    void unknownMountIsNotFound() {
        RawExchange.Got got = echo().send(gateway, "/mcp/nobody");

        assertThat(got.status()).isEqualTo(404);
        assertThat(got.code()).isNotEqualTo(-32601);
        assertThat(got.header("Content-Type")).isEqualTo("application/json");
    }
}
