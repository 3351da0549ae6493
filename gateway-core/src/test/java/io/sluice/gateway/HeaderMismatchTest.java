package io.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.testing.FakeBackend;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The headers that mirror a body (2026-07-28, Streamable HTTP, Header value encoding and custom headers): compared
 * here, said anew towards the backend.
 */
class HeaderMismatchTest {
    private static final String ANNOTATED = """
            {"name":"regional","inputSchema":{"type":"object","properties":{
              "region":{"type":"string","x-mcp-header":"Region"},
              "count":{"type":"integer","x-mcp-header":"Count"},
              "flag":{"type":"boolean","x-mcp-header":"Flag"},
              "where":{"type":"object","properties":{"city":{"type":"string","x-mcp-header":"City"}}}}}}""".replace("\n", "");

    private static FakeBackend backend;
    private static TestGateway gateway;

    @BeforeAll
    static void start() {
        backend = FakeBackend.modern()
                .tool("regional", ANNOTATED, Object::toString)
                .on(
                        "resources/read",
                        (request, answer) -> answer.result(
                                "{\"resultType\":\"complete\",\"ttlMs\":0,\"cacheScope\":\"private\",\"contents\":[]}"));
        gateway = TestGateway.start().with("up", backend);
    }

    @AfterAll
    static void stop() throws Exception {
        gateway.close();
    }

    @ParameterizedTest
    @CsvSource(
            quoteCharacter = '"',
            value = {
                "eu-west,                     eu-west,                             0",
                "eu-west,                     =?base64?ZXUtd2VzdA==?=,             0",
                "Z\\u00fcrich,                =?base64?WsO8cmljaA==?=,             0",
                "\" x \",                     =?base64?IHgg?=,                     0",
                "a b\\tc,                     \"a b\tc\",                          0",
                "=?base64?eA==?=,             =?base64?PT9iYXNlNjQ/ZUE9PT89?=,     0",
                "=?base64?eA==,               =?base64?eA==,                       0",
                "=?BASE64?eA==?=,             =?BASE64?eA==?=,                     0",
                "=?base64?=,                  =?base64?=,                          0",
                "\"\",                        =?base64??=,                         0",
                "\"\",                        \"\",                                0",
                "\\u0065u-west,               eu-west,                             0",
                "\\ud83d\\ude00,              =?base64?8J+YgA==?=,                 0",
                "eu-west,                     eu-east,                             -32020",
                "eu-west,                     EU-WEST,                             -32020",
                "eu-west,                     \"\",                                -32020",
                "Z\\u00fcrich,                =?BASE64?WsO8cmljaA==?=,             -32020",
                "Z\\u00fcrich,                =?base64?WsO8cmljaA==,               -32020",
                "Z\\u00fcrich,                WsO8cmljaA==,                        -32020",
                "Z\\u00fcrich,                =?base64?WsO8cmljaA=?=,              -32020",
                "Z\\u00fcrich,                =?base64?WsO8cmljaA?=,               -32020",
                "Z\\u00fcrich,                =?base64?WsO8cmljaA===?=,            -32020",
                "Z\\u00fcrich,                =?base64?WsO8 cmljaA==?=,            -32020",
                "\\ud83d\\ude00,              =?base64?8J-YgA==?=,                 -32020",
                "eu-west,                     =?base64?!!!!?=,                     -32020",
                "eu-west,                     =?base64?/w==?=,                     -32020",
                "=?base64?eA==?=,             =?base64?eA==?=,                     -32020",
                "x,                           =?base64?eA==?=x,                    -32020",
            })
    void nameIsReadAsPlainTextOrAsBase64BetweenExactMarkers(String uri, String header, int code) {
        RawExchange.Got got = ModernRequest.read(uri).header("Mcp-Name", header).send(gateway, "/mcp/up");

        assertThat(got.code()).as(got.toString()).isEqualTo(code);
        assertThat(got.status()).isEqualTo(code == 0 ? 200 : 400);
        assertThat(got.json().path("id").asInt()).isEqualTo(7);
    }

    @Test
    void nameOutsideOfAsciiIsNotTakenUnencoded() {
        for (String raw : List.of("Z\u00fcrich", "Z\u00c3\u00bcrich")) {
            RawExchange.Got got =
                    ModernRequest.read("Zürich").header("Mcp-Name", raw).send(gateway, "/mcp/up");

            assertThat(got.status()).as(got.toString()).isEqualTo(400);
        }
    }

    @Test
    void whiteSpaceAroundAValueAndTheCaseOfNamesDoNotCount() {
        RawExchange.Got got = ModernRequest.call("echo", "{}")
                .without("Mcp-Name")
                .without("Mcp-Method")
                .without("MCP-Protocol-Version")
                .also("mCp-nAmE", " \t echo \t ")
                .also("MCP-METHOD", "  tools/call")
                .also("mcp-protocol-version", "2026-07-28\t")
                .send(gateway);

        assertThat(got.status()).as(got.toString()).isEqualTo(200);
    }

    @Test
    void doubledMirrorHeadersAreRefusedEvenWhenTheyAgree() {
        for (String line : List.of(
                "MCP-Protocol-Version=2026-07-28",
                "Mcp-Method=tools/call",
                "Mcp-Name=regional",
                "Mcp-Param-Region=x",
                "mcp-param-region=y",
                "Mcp-Param-Unknown=1")) {
            String name = line.substring(0, line.indexOf('='));
            int before = backend.count("tools/call");
            RawExchange.Got got = ModernRequest.call("regional", "{'region':'x'}")
                    .header("Mcp-Param-Region", "x")
                    .header("MCP-Param-Unknown", "1")
                    .also(name, line.substring(line.indexOf('=') + 1))
                    .send(gateway);

            assertThat(got.status()).as(line + ": " + got).isEqualTo(400);
            assertThat(got.code()).isEqualTo(-32020);
            assertThat(got.json().path("id").asInt()).isEqualTo(7);
            assertThat(backend.count("tools/call")).isEqualTo(before);
        }
    }

    @Test
    void hugeNamesAreRefusedAsHugeHeaders() {
        String name = "n".repeat(64 * 1024);

        RawExchange.Got got = ModernRequest.call(name, "{}").send(gateway);

        assertThat(got.status()).isEqualTo(431);
    }

    @ParameterizedTest
    @CsvSource(
            quoteCharacter = '"',
            nullValues = "-",
            value = {
                "\"{}\",                                    -,       -,                        0",
                "\"{'region':'x'}\",                        Region,  x,                        0",
                "\"{'region':'Z\\u00fcrich'}\",             Region,  =?base64?WsO8cmljaA==?=,  0",
                "\"{'region':null}\",                       -,       -,                        0",
                "\"{'region':'null'}\",                     Region,  null,                     0",
                "\"{'count':42}\",                          Count,   42,                       0",
                "\"{'count':42}\",                          Count,   42.0,                     0",
                "\"{'count':42.0}\",                        Count,   42,                       0",
                "\"{'count':4.2e1}\",                       Count,   42,                       0",
                "\"{'flag':true}\",                         Flag,    true,                     0",
                "\"{'flag':false}\",                        Flag,    false,                    0",
                "\"{'where':{'city':'Bern'}}\",             City,    Bern,                     0",
                "\"{'where':'Bern'}\",                      -,       -,                        0",
                "\"{'where':{}}\",                          -,       -,                        0",
                "\"{'city':'Bern'}\",                       -,       -,                        0",
                "\"{'region':''}\",                         Region,  \"\",                     0",
                "\"{'region':'x'}\",                        -,       -,                        -32020",
                "\"{'region':'x'}\",                        Region,  y,                        -32020",
                "\"{'region':'x'}\",                        Region,  X,                        -32020",
                "\"{}\",                                    Region,  x,                        -32020",
                "\"{'region':null}\",                       Region,  null,                     -32020",
                "\"{'region':'42'}\",                       Region,  42.0,                     -32020",
                "\"{'region':'x'}\",                        Region,  =?base64?!?=,             -32020",
                "\"{'count':42}\",                          -,       -,                        -32020",
                "\"{'count':42}\",                          Count,   43,                       -32020",
                "\"{'count':42}\",                          Count,   x,                        -32020",
                "\"{'count':9007199254740993}\",            Count,   9007199254740992,         -32020",
                "\"{'count':42}\",                          Count,   =?base64?2aTZog==?=,      -32020",
                "\"{'flag':true}\",                         Flag,    True,                     -32020",
                "\"{'flag':true}\",                         Flag,    1,                        -32020",
                "\"{'where':{'city':'Bern'}}\",             -,       -,                        -32020",
                "\"{'where':{'city':'Bern'}}\",             City,    Basel,                    -32020",
                "\"{'city':'Bern'}\",                       City,    Bern,                     -32020",
            })
    void annotatedArgumentsAreMirroredExactly(String arguments, String name, String value, int code) {
        ModernRequest request = ModernRequest.call("regional", arguments);
        if (name != null) {
            request.header("Mcp-Param-" + name, value);
        }
        int before = backend.count("tools/call");

        RawExchange.Got got = request.send(gateway);

        assertThat(got.code()).as(got.toString()).isEqualTo(code);
        assertThat(got.status()).isEqualTo(code == 0 ? 200 : 400);
        assertThat(backend.count("tools/call") - before).isEqualTo(code == 0 ? 1 : 0);
    }

    @Test
    void mismatchNamesTheHeader() {
        String text = ModernRequest.call("regional", "{'where':{'city':'Bern'}}")
                .header("Mcp-Param-City", "Basel")
                .send(gateway)
                .text();

        assertThat(text).contains("Mcp-Param-City").contains("Basel").doesNotContain("Bern");
    }

    @Test
    void paramHeadersReachTheBackendAsTheClientWroteThem() {
        RawExchange.Got got = ModernRequest.call("regional", "{'region':'x'}")
                .header("Mcp-Param-Region", "=?base64?eA==?=")
                .header("mcp-param-UNKNOWN", "=?base64?!?=")
                .send(gateway);

        assertThat(got.status()).isEqualTo(200);
        FakeBackend.Received received = last();
        assertThat(received.header("Mcp-Param-Region")).isEqualTo("=?base64?eA==?=");
        assertThat(received.header("Mcp-Param-Unknown")).isEqualTo("=?base64?!?=");
    }

    @Test
    void renamedToolIsCalledByItsOwnNameInHeaderAndBody() {
        RawExchange.Got got = ModernRequest.call("up__regional", "{'region':'x','name':'up__regional'}")
                .header("Mcp-Param-Region", "x")
                .send(gateway);

        assertThat(got.status()).as(got.toString()).isEqualTo(200);
        FakeBackend.Received received = last();
        assertThat(received.header("Mcp-Name")).isEqualTo("regional");
        assertThat(received.header("Mcp-Method")).isEqualTo("tools/call");
        assertThat(received.header("MCP-Protocol-Version")).isEqualTo("2026-07-28");
        assertThat(received.header("Mcp-Param-Region")).isEqualTo("x");
        assertThat(received.params().path("name").asString()).isEqualTo("regional");
        assertThat(received.params().path("arguments").path("name").asString()).isEqualTo("up__regional");
    }

    @Test
    void renamedToolStillHasToBeNamedAlikeByHeaderAndBody() {
        assertThat(ModernRequest.call("up__regional", "{}")
                        .header("Mcp-Name", "regional")
                        .send(gateway)
                        .code())
                .isEqualTo(-32020);
    }

    @Test
    void nameThatNeedsItIsEncodedTowardsTheBackend() {
        ModernRequest.read("test://Z\\u00fcrich")
                .header("Mcp-Name", "=?base64?dGVzdDovL1rDvHJpY2g=?=")
                .send(gateway, "/mcp/up");

        FakeBackend.Received received =
                backend.received().get(backend.received().size() - 1);
        assertThat(received.header("Mcp-Name")).isEqualTo("=?base64?dGVzdDovL1rDvHJpY2g=?=");
        assertThat(received.text()).contains("test://Z\\u00fcrich");
    }

    private static FakeBackend.Received last() {
        List<FakeBackend.Received> calls = backend.received("tools/call");
        return calls.get(calls.size() - 1);
    }
}
