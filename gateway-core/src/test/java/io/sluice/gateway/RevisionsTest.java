package io.sluice.gateway;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.testing.FakeBackend;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** Legacy clients before a legacy backend that answers with a later revision than theirs. */
class RevisionsTest {
    private static final String ASKABLE = "{'elicitation':{},'sampling':{},'roots':{}}";
    private static final String CALL =
            "{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{'name':'echo','arguments':{}}}";
    private static final String FORM = "elicitation/create {\"message\":\"m\",\"requestedSchema\":{}}";
    private static final String URL = "elicitation/create {\"mode\":\"url\",\"message\":\"m\",\"url\":\"https://x\"}";
    private static final String SAMPLING =
            "sampling/createMessage {\"messages\":[{\"role\":\"user\",\"content\":{\"type\":\"text\"}}]}";
    private static final String BLOCKS =
            "sampling/createMessage {\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\"}]}]}";
    private static final String TOOL_BLOCK =
            "sampling/createMessage {\"messages\":[{\"role\":\"user\",\"content\":{\"type\":\"tool_result\"}}]}";
    private static final String TOOLS = "sampling/createMessage {\"messages\":[],\"tools\":[]}";
    private static final Map<String, String> QUESTIONS = Map.of(
            "form", FORM, "url", URL, "sampling", SAMPLING, "blocks", BLOCKS, "tool block", TOOL_BLOCK, "tools", TOOLS);

    private final FakeBackend backend = FakeBackend.legacy();
    private final BlockingQueue<JsonNode> answers = new LinkedBlockingQueue<>();
    private final TestGateway gateway = TestGateway.start().with("later", backend);

    @AfterEach
    void close() {
        gateway.close();
    }

    private static String request(String question) {
        String[] parts = question.split(" ", 2);
        return "{\"jsonrpc\":\"2.0\",\"id\":\"q\",\"method\":\"" + parts[0] + "\",\"params\":" + parts[1] + "}";
    }

    private void collectAnswers() {
        backend.on("", (request, answer) -> {
            answers.add(request.json());
            answer.accepted();
        });
    }

    /** @param code of the error for the backend; 0 when the client is asked */
    @ParameterizedTest(name = "{1} for {0}: {2}")
    @CsvSource({
        "2025-03-26, form, -32601",
        "2025-03-26, url, -32601",
        "2025-03-26, sampling, 0",
        "2025-03-26, blocks, -32602",
        "2025-06-18, form, 0",
        "2025-06-18, url, -32602",
        "2025-06-18, sampling, 0",
        "2025-06-18, blocks, -32602",
        "2025-06-18, tool block, -32602",
        "2025-06-18, tools, -32602",
        "2025-11-25, url, 0",
        "2025-11-25, blocks, 0",
        "2025-11-25, tools, 0"
    })
    void backendIsRefusedWhatTheClientsRevisionDoesNotHave(String version, String question, int code) throws Exception {
        collectAnswers();
        String asked = requireNonNull(QUESTIONS.get(question));
        backend.on("tools/call", (request, answer) -> {
            FakeBackend.Stream stream = answer.events();
            stream.message(request(asked));
            JsonNode given = answers.poll(10, TimeUnit.SECONDS);
            stream.message("{\"jsonrpc\":\"2.0\",\"id\":" + request.id() + ",\"result\":{\"content\":[],\"given\":"
                    + given + "}}");
            stream.end();
        });
        WireClient client = gateway.client().initialize(version, ASKABLE);

        try (WireClient.Stream stream = client.stream(CALL)) {
            JsonNode message = stream.message();
            if (code == 0) {
                assertThat(message.path("params").toString()).isEqualTo(asked.split(" ", 2)[1]);
                client.post("{'jsonrpc':'2.0','id':" + message.path("id") + ",'result':{'x':1}}");
                message = stream.message();
                assertThat(message.at("/result/given/result/x").asInt()).isEqualTo(1);
            } else {
                assertThat(message.at("/result/given/error/code").asInt()).isEqualTo(code);
            }
        }
    }

    @Test
    void whatIsAskedOnTheSessionsOwnStreamIsRefusedAlike() throws Exception {
        collectAnswers();
        WireClient client = gateway.client().initialize("2025-03-26", ASKABLE);
        client.post(CALL);
        await().atMost(TestGateway.PATIENCE).until(() -> backend.openFeeds() >= 1);

        backend.push(request(FORM));

        JsonNode refused = answers.poll(10, TimeUnit.SECONDS);
        assertThat(String.valueOf(refused)).contains("-32601");
    }

    @ParameterizedTest
    @CsvSource({"2025-03-26, true", "2025-06-18, false", "2025-11-25, false"})
    void linkIsTheTextOfItsUriForTheEarliestRevision(String version, boolean text) {
        String link = "{\"type\":\"resource_link\",\"uri\":\"test://a\",\"name\":\"a\",\"size\":1.0}";
        String audio = "{\"type\":\"audio\",\"data\":\"AA==\",\"mimeType\":\"audio/wav\"}";
        String shown = text ? "{\"type\":\"text\",\"text\":\"test://a\"}" : link;
        backend.on(
                "tools/call",
                (request, answer) -> answer.result("{\"content\":[" + audio + "," + link + "],\"icons\":[]}"));
        backend.list("prompts", "[{\"name\":\"greet\"}]")
                .on(
                        "prompts/get",
                        (request, answer) ->
                                answer.result("{\"messages\":[{\"role\":\"user\",\"content\":" + link + "}]}"));
        gateway.closing(backend);
        WireClient client = gateway.with("again", backend).client("/mcp/again").initialize(version, "{}");

        assertThat(client.post(CALL).body())
                .contains("\"result\":{\"content\":[" + audio + "," + shown + "],\"icons\":[]}");
        assertThat(client.post("{'jsonrpc':'2.0','id':2,'method':'prompts/get','params':{'name':'greet'}}")
                        .body())
                .contains("{\"messages\":[{\"role\":\"user\",\"content\":" + shown + "}]}");
        backend.asEvents();
        assertThat(client.post(CALL).body()).contains(shown);
    }

    @ParameterizedTest
    @CsvSource({"2025-03-26, false", "2025-06-18, false", "2025-11-25, true"})
    void onlyTheLatestRevisionGetsAnEventWithoutData(String version, boolean priming) {
        backend.asEvents();

        String body = gateway.client().initialize(version, "{}").post(CALL).body();

        assertThat(body.lines().filter(line -> line.equals("data:") || line.equals("data: ")))
                .as(body)
                .hasSize(priming ? 1 : 0);
    }

    @ParameterizedTest
    @CsvSource({"2025-03-26, 200", "2025-06-18, 400", "2025-11-25, 400"})
    void onlyTheEarliestRevisionHasBatches(String version, int status) {
        assertThat(gateway.client()
                        .initialize(version, "{}")
                        .post("[" + CALL + ",{'jsonrpc':'2.0','id':2,'method':'ping'}]")
                        .status())
                .isEqualTo(status);
    }
}
