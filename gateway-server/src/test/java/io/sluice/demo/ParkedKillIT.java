package io.sluice.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.registry.redis.TestRedis;
import io.sluice.testing.FakeBackend;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Two replicas, each a process, on one Redis. A legacy backend asks the person a modern client has something, and the
 * call waits at the first replica: the answer arrives at the second, once while the first lives, and once after it was
 * killed with {@code kill -9}.
 */
final class ParkedKillIT {
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    @SuppressWarnings("InlineFormatString") // it is long
    private static final String QUESTION =
            "{\"jsonrpc\":\"2.0\",\"id\":\"%s\",\"method\":\"elicitation/create\",\"params\":"
                    + "{\"mode\":\"form\",\"message\":\"who?\",\"requestedSchema\":{\"type\":\"object\",\"properties\":{}}}}";

    @TempDir
    private Path folder;

    private final DemoHttp http = new DemoHttp();
    private ReplicaProcesses processes;
    private final Map<String, BlockingQueue<JsonNode>> answers = new ConcurrentHashMap<>();
    private final AtomicInteger asked = new AtomicInteger();

    @BeforeEach
    void prepare() {
        processes = new ReplicaProcesses(folder, http);
    }

    @Test
    void callWaitsForAnAnswerThatArrivesElsewhereUntilItsReplicaIsKilled() throws Exception {
        try (FakeBackend backend = asking()) {
            List<Replica> replicas = replicas(backend);
            Replica owner = replicas.get(0);
            Replica other = replicas.get(1);
            // ready is who has asked every backend, or has waited for it long enough
            for (Replica replica : replicas) {
                await().atMost(PATIENCE).until(() -> lists(replica).contains("echo"));
            }

            assertThat(call(other, answerTo(parked(owner)))
                            .at("/result/content/0/text")
                            .asString())
                    .isEqualTo("{\"action\":\"accept\",\"content\":{\"name\":\"Ada\"}}");

            String late = answerTo(parked(owner));
            owner.now().kill();
            JsonNode lost = call(other, late);
            assertThat(lost.at("/error/code").asInt()).as(lost.toString()).isEqualTo(-32602);
            assertThat(lost.at("/error/message").asString()).isEqualTo("request state expired, call again");

            assertThat(call(other, answerTo(parked(other)))
                            .at("/result/content/0/text")
                            .asString())
                    .contains("Ada");
        } finally {
            processes.close();
        }
    }

    /** Asks with each call, and says in the result what it was told. */
    private FakeBackend asking() {
        FakeBackend backend = FakeBackend.legacy();
        backend.on("", (request, answer) -> {
            answersTo(request.id().asString()).add(request.json());
            answer.accepted();
        });
        return backend.on("tools/call", (request, answer) -> {
            FakeBackend.Stream stream = answer.events();
            String question = "q-" + asked.incrementAndGet();
            stream.message(QUESTION.formatted(question));
            JsonNode given = answersTo(question).poll(PATIENCE.toSeconds(), TimeUnit.SECONDS);
            String text =
                    given == null ? "nobody answered" : given.path("result").toString();
            stream.message(
                    "{\"jsonrpc\":\"2.0\",\"id\":" + request.id() + ",\"result\":{\"content\":[{\"type\":\"text\","
                            + "\"text\":" + JsonMapper.shared().writeValueAsString(text) + "}]}}");
            stream.end();
        });
    }

    private BlockingQueue<JsonNode> answersTo(String question) {
        return answers.computeIfAbsent(question, key -> new LinkedBlockingQueue<>());
    }

    private List<Replica> replicas(FakeBackend backend) throws Exception {
        String key = ReplicaProcesses.newKey();
        Map<String, String> environment = Map.of(
                "REDIS_URL", TestRedis.url(), "SLUICE_REDIS_CLUSTER", TestRedis.newCluster(), "SLUICE_SECRET_KEY", key);
        Path config = Replica.config(folder, "{\"mcpServers\": {\"old\": {\"url\": \"%s\"}}}".formatted(backend.url()));
        return processes.start(2, config, number -> environment);
    }

    /** The state of a call that waits for its client. */
    private String parked(Replica at) throws Exception {
        JsonNode result = call(at, "").path("result");
        assertThat(result.path("resultType").asString()).as(result.toString()).isEqualTo("input_required");
        return result.path("requestState").asString();
    }

    private static String answerTo(String state) {
        return ",\"inputResponses\":{\"elicitation-1\":{\"action\":\"accept\",\"content\":{\"name\":\"Ada\"}}},"
                + "\"requestState\":\"" + state + "\"";
    }

    private JsonNode call(Replica at, String more) throws Exception {
        return ask(at, "tools/call", "\"name\":\"echo\",\"arguments\":{}" + more + ",", "Mcp-Name", "echo");
    }

    private List<String> lists(Replica at) throws Exception {
        return ask(at, "tools/list", "").at("/result/tools").findValuesAsString("name");
    }

    private JsonNode ask(Replica at, String method, String params, String... headers) throws Exception {
        String body = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"" + method + "\",\"params\":{" + params
                + "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
                + "\"io.modelcontextprotocol/clientCapabilities\":{\"elicitation\":{}}}}}";
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + at.port() + "/mcp"))
                .header("Content-Type", "application/json")
                .header("Accept", "application/json, text/event-stream")
                .header("MCP-Protocol-Version", "2026-07-28")
                .header("Mcp-Method", method)
                .POST(HttpRequest.BodyPublishers.ofString(body));
        if (headers.length > 0) {
            request.headers(headers);
        }
        HttpResponse<String> response = http.send(request.build(), PATIENCE);
        String last = response.body()
                .lines()
                .filter(line -> line.startsWith("{") || line.startsWith("data: {"))
                .reduce("{}", (before, line) -> line.replaceFirst("^data: ", ""));
        return JsonMapper.shared().readTree(last);
    }
}
