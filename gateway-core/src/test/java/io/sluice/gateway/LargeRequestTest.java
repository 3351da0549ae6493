package io.sluice.gateway;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.testing.FakeBackend;
import io.sluice.upstream.BackendPolicy;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A request that is too large for one buffer: read where it arrived, sent on from there, and held no longer than that. */
class LargeRequestTest {
    private static final String READS =
            "{'name':'look','inputSchema':{'type':'object'},'annotations':{'readOnlyHint':true}}".replace('\'', '"');
    private static final String MIRRORED = """
            {"name":"forecast","inputSchema":{"type":"object","properties":{
              "city":{"type":"string","x-mcp-header":"City"}}}}""".replace("\n", "");

    private static final String DONE = "{\"resultType\":\"complete\",\"content\":[]}";

    private final TestGateway gateway = TestGateway.setUp()
            .upstream(settings -> settings.withPolicies(backend -> BackendPolicy.STANDARD.withTrusted(true)))
            .start();

    @AfterEach
    void close() {
        gateway.close();
    }

    private static String text(int bytes) {
        return "Zürich \\u00e9\\n 日本語 \\\" \\ud83d\\ude00 \uD83D\uDE00 plain text that is a little longer "
                .repeat(bytes / 80 + 1);
    }

    private static byte[] body(String members) {
        return ("{\"jsonrpc\":\"2.0\",\"id\":\"big\",\"method\":\"tools/call\",\"params\":{" + members
                        + ",\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
                        + "\"io.modelcontextprotocol/clientCapabilities\":{}}}}")
                .getBytes(UTF_8);
    }

    private static String arguments(int bytes) {
        return "\"arguments\":{\"text\":\"" + text(bytes) + "\",\"numbers\":[1,-2.50,3e2],\"n\\u0061me\":\"inner\"}";
    }

    private static String named(String tool) {
        return "\"name\":\"" + tool + "\"";
    }

    private static List<String> headers(String tool, String... more) {
        return Stream.concat(
                        Stream.of(
                                "Content-Type: application/json",
                                "Accept: application/json, text/event-stream",
                                "MCP-Protocol-Version: 2026-07-28",
                                "Mcp-Method: tools/call",
                                "Mcp-Name: " + tool),
                        Stream.of(more))
                .toList();
    }

    private RawExchange.Got send(String tool, byte[] body, String... more) {
        return RawExchange.send(gateway.port(), "POST", "/mcp", headers(tool, more), body);
    }

    /** Sends the body in pieces of this size, each a packet, and as chunks where it does not say its length. */
    private JsonNode send(String tool, byte[] body, int piece, boolean chunked) throws IOException {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), gateway.port())) {
            socket.setTcpNoDelay(true);
            socket.setSoTimeout(10_000);
            OutputStream out = socket.getOutputStream();
            out.write(("POST /mcp HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                            + String.join("\r\n", headers(tool)) + "\r\n"
                            + (chunked ? "Transfer-Encoding: chunked" : "Content-Length: " + body.length) + "\r\n\r\n")
                    .getBytes(ISO_8859_1));
            for (int at = 0; at < body.length; at += piece) {
                int length = Math.min(piece, body.length - at);
                byte[] part = Arrays.copyOfRange(body, at, at + length);
                out.write(chunked ? chunk(part) : part);
            }
            if (chunked) {
                out.write("0\r\n\r\n".getBytes(ISO_8859_1));
            }
            String answer = new String(socket.getInputStream().readAllBytes(), UTF_8);
            return JsonMapper.shared().readTree(answer.substring(answer.indexOf("\r\n\r\n") + 4));
        }
    }

    private static byte[] chunk(byte[] part) {
        byte[] size = (Integer.toHexString(part.length) + "\r\n").getBytes(ISO_8859_1);
        byte[] chunk = Arrays.copyOf(size, size.length + part.length + 2);
        System.arraycopy(part, 0, chunk, size.length, part.length);
        chunk[chunk.length - 2] = '\r';
        chunk[chunk.length - 1] = '\n';
        return chunk;
    }

    static Stream<Arguments> arrivals() {
        return Stream.of(
                Arguments.of(1, false, 66_000),
                Arguments.of(7, false, 70_000),
                Arguments.of(67, true, 70_000),
                Arguments.of(4096, false, 300_000),
                Arguments.of(4096, true, 300_000),
                Arguments.of(Integer.MAX_VALUE, false, 1_000_000),
                Arguments.of(Integer.MAX_VALUE, true, 1_000_000));
    }

    @ParameterizedTest
    @MethodSource("arrivals")
    void requestIsChangedInItsNameAlone(int piece, boolean chunked, int bytes) throws IOException {
        FakeBackend mail = FakeBackend.modern().on("tools/call", (request, answer) -> answer.result(DONE));
        gateway.with("mail", mail).with("other", FakeBackend.modern());

        for (boolean nameFirst : new boolean[] {true, false}) {
            String before = nameFirst
                    ? named("mail__echo") + "," + arguments(bytes)
                    : arguments(bytes) + "," + named("mail__echo");
            String after = nameFirst ? named("echo") + "," + arguments(bytes) : arguments(bytes) + "," + named("echo");

            JsonNode answer = send("mail__echo", body(before), piece, chunked);

            assertThat(answer.path("id").asString()).isEqualTo("big");
            assertThat(answer.path("error").isMissingNode()).isTrue();
            List<FakeBackend.Received> received = mail.received("tools/call");
            assertThat(received.get(received.size() - 1).body()).isEqualTo(body(after));
        }
    }

    @Test
    void ambiguousOrInvalidRequestIsRefusedAndNothingIsSent() throws IOException {
        FakeBackend mail = FakeBackend.modern();
        gateway.with("mail", mail);
        byte[] invalid = body(named("echo") + "," + arguments(200_000));
        invalid[invalid.length - 200 - invalid.length % 2] = (byte) 0xC3; // in the text or behind it, never a character
        byte[] cutOff = Arrays.copyOf(invalid, 100_000);
        byte[] twice = body(named("echo") + "," + arguments(200_000) + ",\"n\\u0061me\":\"echo\"");
        byte[] deep = body(named("echo") + "," + arguments(200_000) + ",\"x\":" + "[".repeat(70) + "]".repeat(70));

        assertThat(send("echo", invalid).code()).isEqualTo(-32700);
        assertThat(send("echo", cutOff).code()).isEqualTo(-32700);
        assertThat(send("echo", deep).code()).isEqualTo(-32700);
        RawExchange.Got ambiguous = send("echo", twice);
        assertThat(ambiguous.code()).isEqualTo(-32600);
        assertThat(ambiguous.text()).contains("same key twice").contains("\"big\"");

        assertThat(mail.count("tools/call")).isZero();
    }

    @Test
    void headersAreComparedWithArgumentsWhereverTheyStand() {
        FakeBackend weather = FakeBackend.modern().tool("forecast", MIRRORED, arguments -> "fine");
        gateway.with("weather", weather);
        String city = "\"city\":\"Bern\"";
        byte[] body = body(named("forecast") + ",\"arguments\":{\"text\":\"" + text(150_000) + "\"," + city + "}");

        assertThat(send("forecast", body, "Mcp-Param-City: Bern")
                        .json()
                        .path("result")
                        .isObject())
                .isTrue();
        assertThat(send("forecast", body, "Mcp-Param-City: Basel").status()).isEqualTo(400);
        assertThat(weather.count("tools/call")).isEqualTo(1);
    }

    @Test
    void requestIsStillThereWhenItIsSentAgain() {
        FakeBackend first = FakeBackend.modern().tool("look", READS, arguments -> "seen");
        FakeBackend second = FakeBackend.modern().tool("look", READS, arguments -> "seen");
        first.on("tools/call", (request, answer) -> answer.reset());
        second.on("tools/call", (request, answer) -> answer.reset());
        gateway.closing(first);
        gateway.closing(second);
        gateway.with(FailoverTest.of("files", first, second));
        byte[] body = body(named("look") + "," + arguments(500_000));

        send("look", body); // lost at both

        List<FakeBackend.Received> received = Stream.of(first, second)
                .flatMap(backend -> backend.received("tools/call").stream())
                .toList();
        assertThat(received)
                .hasSize(2)
                .allSatisfy(each -> assertThat(each.body()).isEqualTo(body));
        assertThat(received.stream().map(each -> each.header("x-retry-attempt")))
                .contains("1");
    }

    @Test
    void requestGoesOnWithTheConnectionThatWasClosedMeanwhile() {
        FakeBackend mail = FakeBackend.modern().tool("look", READS, arguments -> "seen");
        gateway.with("mail", mail);
        byte[] body = body(named("look") + "," + arguments(500_000));
        mail.on("tools/call", (request, answer) -> {
            answer.result(DONE);
            answer.close();
        });
        for (int i = 0; i < 2; i++) {
            assertThat(send("look", body).json().path("result").isObject()).isTrue();
        }
        assertThat(mail.received("tools/call"))
                .hasSize(2)
                .allSatisfy(each -> assertThat(each.body()).isEqualTo(body));
    }

    @Test
    void clientsAndBackendsOfEveryEraGetLargeRequestsThrough() {
        FakeBackend modern = FakeBackend.modern();
        FakeBackend legacy = FakeBackend.legacy();
        gateway.with("modern", modern).with("legacy", legacy);
        String members = arguments(200_000);

        for (String tool : List.of("modern__echo", "legacy__echo")) {
            assertThat(send(tool, body(named(tool) + "," + members))
                            .json()
                            .path("result")
                            .isObject())
                    .as(tool)
                    .isTrue();
            JsonNode old = gateway.client()
                    .initialize("2025-11-25", "{}")
                    .raw(("{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"tools/call\",\"params\":{" + named(tool) + ","
                                    + members + "}}")
                            .getBytes(UTF_8))
                    .json();
            assertThat(old.path("id").asInt()).as(tool).isEqualTo(5);
        }

        for (FakeBackend backend : List.of(modern, legacy)) {
            assertThat(backend.received("tools/call"))
                    .hasSize(2)
                    .allSatisfy(
                            each -> assertThat(each.text()).contains(members).contains(named("echo")));
        }
    }

    @Test
    void requestThatItsBackendDoesNotReadIsReleasedWhenItsClientLeaves() throws IOException {
        FakeBackend mail = FakeBackend.modern();
        gateway.with("mail", mail);
        byte[] body = body(named("echo") + "," + arguments(3_900_000));
        mail.readingAtMost(3_900_000 / 2);

        RawExchange leaving = RawExchange.sent(gateway.port(), "POST", "/mcp", headers("echo"), body);
        await().until(() -> mail.leftUnread() == 1);
        leaving.close();

        await().until(() ->
                gateway.upstream("mail").endpoints().states().stream().allMatch(state -> state.inFlight() == 0));
        mail.readingAtMost(Integer.MAX_VALUE);
        assertThat(send("echo", body).json().path("result").isObject()).isTrue();
    }
}
