package io.sluice.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.testing.FakeBackend;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Programs that speak HTTP and JSON and no MCP use servers of both eras. */
final class ClientApiTest {
    private static final HttpClient http = HttpClient.newHttpClient();
    private static final CountDownLatch ended = new CountDownLatch(1);

    @TempDir
    static Path scratch;

    private static FakeBackend modern;
    private static FakeBackend legacy;
    private static InProcess gateway;

    private record Got(int status, String type, JsonNode json) {}

    @BeforeAll
    static void start() throws Exception {
        modern = serving(FakeBackend.modern());
        legacy = serving(FakeBackend.legacy());
        gateway = InProcess.start(scratch, "server: { port: 0, drainTimeout: 1s }");
    }

    private static FakeBackend serving(FakeBackend fake) {
        String complete = fake.speaksModern() ? "\"resultType\":\"complete\"," : "";
        return fake.tool(
                        "search",
                        arguments -> "found " + arguments.path("query").asString(""))
                .tool("slow", arguments -> {
                    try {
                        return "" + ended.await(20, TimeUnit.SECONDS);
                    } catch (InterruptedException e) {
                        throw new IllegalStateException(e);
                    }
                })
                .list("prompts", "[{\"name\":\"code_review\",\"arguments\":[{\"name\":\"language\"}]}]")
                .list("resources", "[{\"uri\":\"file:///readme\",\"name\":\"readme\",\"mimeType\":\"text/plain\"}]")
                .on(
                        "resources/read",
                        (request, answer) -> answer.result("{" + complete
                                + "\"contents\":[{\"uri\":\"file:///readme\",\"text\":\"Resource content here\"}]}"))
                .on(
                        "prompts/get",
                        (request, answer) -> answer.result("{" + complete
                                + "\"messages\":[{\"role\":\"user\",\"content\":{\"type\":\"text\",\"text\":\"Review "
                                + request.params().at("/arguments/language").asString("") + "\"}}]}"));
    }

    @AfterAll
    static void stop() {
        ended.countDown();
        gateway.close();
        modern.close();
        legacy.close();
    }

    private static Got send(String method, String path, String body) throws Exception {
        HttpResponse<String> response = http.send(
                HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + gateway.port() + path))
                        .header("Content-Type", "application/json")
                        .method(method, BodyPublishers.ofString(body.replace('\'', '"')))
                        .build(),
                BodyHandlers.ofString());
        return new Got(
                response.statusCode(),
                response.headers().firstValue("Content-Type").orElse(""),
                JsonMapper.shared().readTree(response.body()));
    }

    private static Got connect(String url) throws Exception {
        return send(
                "POST",
                "/mcp/connect",
                "{'transport':'http','mcp_url':'" + url
                        + "','auth_type':'bearer','bearer_token':'your-token-here','name':'my-mcp-client','timeout':30}");
    }

    private static String url(String era) {
        return era.equals("modern") ? modern.url() : legacy.url();
    }

    private static List<String> names(JsonNode definitions, String key) {
        List<String> names = new ArrayList<>();
        definitions.forEach(definition -> names.add(definition.path(key).asString()));
        return names;
    }

    @ParameterizedTest
    @ValueSource(strings = {"modern", "legacy"})
    void clientListsCallsReadsAndLeaves(String era) throws Exception {
        Got connected = connect(url(era));
        String id = connected.json().path("client_id").asString();

        assertThat(connected.status()).isEqualTo(201);
        assertThat(connected.json().path("status").asString()).isEqualTo("connected");
        assertThat(connected.json().path("message").asString()).isEqualTo("Successfully connected to MCP server");
        assertThat(id).hasSize(36);
        assertThat(names(connected.json().path("tools"), "name")).contains("search");
        assertThat(names(connected.json().path("resources"), "uri")).containsExactly("file:///readme");
        assertThat(names(connected.json().path("prompts"), "name")).containsExactly("code_review");

        Got tools = send("GET", "/mcp/list_tools?client_id=" + id, "");
        assertThat(tools.json().path("status").asString()).isEqualTo("success");
        assertThat(tools.json().path("count").asInt())
                .isEqualTo(tools.json().path("tools").size());
        assertThat(send("GET", "/mcp/list_resources?client_id=" + id, "")
                        .json()
                        .path("count")
                        .asInt())
                .isEqualTo(1);
        assertThat(send("GET", "/mcp/list_prompts?client_id=" + id, "")
                        .json()
                        .path("count")
                        .asInt())
                .isEqualTo(1);

        Got called = send(
                "POST",
                "/mcp/call_tool",
                "{'client_id':'" + id + "','tool_name':'search','arguments':{'query':'async'},'timeout':60}");
        assertThat(called.json().path("status").asString()).isEqualTo("success");
        assertThat(called.json().at("/result/content/0/text").asString()).isEqualTo("found async");
        assertThat(called.json().has("error") && called.json().path("error").isNull())
                .isTrue();
        assertThat(called.json().path("execution_time").isNumber()).isTrue();

        Got read = send("POST", "/mcp/read_resource", "{'client_id':'" + id + "','uri':'file:///readme'}");
        assertThat(read.json().at("/content/text").asString()).isEqualTo("Resource content here");
        Got prompt = send(
                "POST",
                "/mcp/get_prompt",
                "{'client_id':'" + id + "','prompt_name':'code_review','arguments':{'language':'python'}}");
        assertThat(prompt.json().at("/content/messages/0/content/text").asString())
                .isEqualTo("Review python");

        Got one = send("GET", "/mcp/client/" + id, "");
        assertThat(one.json().at("/metadata/mcp_url").asString()).isEqualTo(url(era));
        assertThat(one.json().at("/metadata/name").asString()).isEqualTo("my-mcp-client");
        Got all = send("GET", "/mcp/clients", "");
        assertThat(names(all.json().path("clients"), "client_id")).contains(id);
        assertThat(all.json().toString() + one.json()).doesNotContain("your-token-here");
        assertThat(send("GET", "/health", "").json().path("active_clients").asInt())
                .isPositive();

        Got left = send("POST", "/mcp/disconnect", "{'client_id':'" + id + "'}");
        assertThat(left.json().path("status").asString()).isEqualTo("disconnected");
        Got gone = send("GET", "/mcp/list_tools?client_id=" + id, "");
        assertThat(gone.status()).isEqualTo(404);
        assertThat(gone.json().path("detail").asString()).isEqualTo("Client not found: " + id);
    }

    @Test
    void credentialsGoToTheServer() throws Exception {
        connect(modern.url());

        assertThat(modern.received("server/discover"))
                .last()
                .satisfies(
                        request -> assertThat(request.header("authorization")).isEqualTo("Bearer your-token-here"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"modern", "legacy"})
    void callThatTakesTooLongIsATimeout(String era) throws Exception {
        String id = connect(url(era)).json().path("client_id").asString();

        Got late = send(
                "POST", "/mcp/call_tool", "{'client_id':'" + id + "','tool_name':'slow','arguments':{},'timeout':0.2}");

        assertThat(late.status()).isEqualTo(408);
        assertThat(late.json().path("detail").asString()).isEqualTo("The server did not answer within 0.2 s");
    }

    @Test
    void unreachableServerIsAnErrorThatSaysWhy() throws Exception {
        Got refused = connect("http://127.0.0.1:1/mcp");

        assertThat(refused.status()).isEqualTo(500);
        assertThat(refused.type()).isEqualTo("application/problem+json");
        assertThat(refused.json().path("detail").asString())
                .startsWith("Failed to connect: The server")
                .contains("connection refused");
    }

    @Test
    void unknownToolIsAnErrorInTheAnswer() throws Exception {
        String id = connect(modern.url()).json().path("client_id").asString();

        Got unknown = send("POST", "/mcp/call_tool", "{'client_id':'" + id + "','tool_name':'nothing','arguments':{}}");

        assertThat(unknown.status()).isEqualTo(200);
        assertThat(unknown.json().path("status").asString()).isEqualTo("error");
        assertThat(unknown.json().path("error").asString()).isNotEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "/mcp/connect; {'transport':'carrier-pigeon','mcp_url':'http://127.0.0.1:1/mcp'}; 422",
                "/mcp/connect; {'transport':'http'}; 422",
                "/mcp/connect; {'transport':'http','mcp_url':'http://127.0.0.1:1/mcp','auth_type':'bearer'}; 422",
                "/mcp/connect; {'transport':'http','mcp_url':'http://127.0.0.1:1/mcp','timeout':-1}; 422",
                "/mcp/connect; {'transport':'http','mcp_url':'http://127.0.0.1:1/mcp','auth_type':'oauth','oauth_auth_url':'http://h/a'}; 422",
                "/mcp/connect; {'transport':'stdio','command':['node','server.js']}; 500",
                "/mcp/connect; not json; 400",
                "/mcp/call_tool; {'client_id':'x'}; 422",
                "/mcp/call_tool; {'client_id':'nobody','tool_name':'search'}; 404",
                "/mcp/read_resource; {'client_id':'nobody','uri':'x'}; 404",
                "/mcp/disconnect; {'client_id':'nobody'}; 404",
                "/mcp/disconnect; {}; 422"
            })
    void malformedRequestsAreRefused(String path, String body, int status) throws Exception {
        Got refused = send("POST", path, body);

        assertThat(refused.status()).as(refused.toString()).isEqualTo(status);
        assertThat(refused.json().path("detail").asString()).isNotEmpty();
    }

    @Test
    void programThatIsNotAllowedIsNotStarted() throws Exception {
        Got refused = send(
                "POST",
                "/mcp/connect",
                "{'transport':'stdio','command':['node','path/to/mcp-server.js'],'auth_type':'none'}");

        assertThat(refused.json().path("detail").asString()).contains("stdio.allow");
    }

    @Test
    void exampleRunsAsItStands() throws Exception {
        Path script = Path.of("..", "examples", "client-api", "run.sh")
                .toAbsolutePath()
                .normalize();
        ProcessBuilder run = new ProcessBuilder(script.toString(), "http://127.0.0.1:" + gateway.port(), modern.url())
                .redirectErrorStream(true);
        run.environment().put("CURL_ONLY", "1"); // the others take a compiler and a package that may not be there
        Process process = run.start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

        assertThat(process.waitFor()).as(said).isZero();
        assertThat(said).contains("ok: curl").endsWith("all is well\n");
    }
}
