package io.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.bridge.Crossing;
import io.sluice.bridge.Fate;
import io.sluice.bridge.Pairing;
import io.sluice.protocol.Era;
import io.sluice.testing.FakeBackend;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Sends every message of {@link Crossing} in every pairing of eras, and looks whether it fares as the table says. */
class CrossingTest {
    private static final Path PAGE = Path.of("..", "docs", "bridging.md");
    private static final String URI = "test://one";
    private static final String CAPABILITIES =
            "'elicitation':{'form':{},'url':{}},'sampling':{},'roots':{'listChanged':true},"
                    + "'extensions':{'io.modelcontextprotocol/tasks':{}}";
    private static final String OFFERED = "{\"tools\":{\"listChanged\":true},\"prompts\":{\"listChanged\":true},"
            + "\"resources\":{\"listChanged\":true,\"subscribe\":true},\"logging\":{},\"completions\":{},";
    private static final String OLD_TASKS =
            OFFERED + "\"tasks\":{\"list\":{},\"cancel\":{},\"requests\":{\"tools\":{\"call\":{}}}}}";
    private static final String NEW_TASKS = OFFERED + "\"extensions\":{\"io.modelcontextprotocol/tasks\":{}}}";
    private static final String TASK = "\"taskId\":\"t-1\",\"status\":\"working\","
            + "\"createdAt\":\"2026-01-01T00:00:00Z\",\"lastUpdatedAt\":\"2026-01-01T00:00:00Z\"";
    private static final Map<Pairing, Bench> BENCHES = new EnumMap<>(Pairing.class);

    @BeforeAll
    static void start() {
        for (Pairing pairing : Pairing.values()) {
            BENCHES.put(pairing, new Bench(pairing));
        }
    }

    @AfterAll
    static void stop() {
        BENCHES.values().forEach(bench -> bench.gateway.close());
        BENCHES.clear();
    }

    /** One client, one gateway, one backend. */
    private static final class Bench {
        private final Pairing pairing;
        private final FakeBackend backend;
        private final TestGateway gateway;
        private final @Nullable WireClient client;
        private final Map<String, BlockingQueue<JsonNode>> answers = new ConcurrentHashMap<>();
        private int id = 100;

        Bench(Pairing pairing) {
            this.pairing = pairing;
            backend = (pairing.backend() == Era.LEGACY ? FakeBackend.legacy() : FakeBackend.modern())
                    .capabilities(pairing.backend() == Era.LEGACY ? OLD_TASKS : NEW_TASKS)
                    .tool(
                            "work",
                            "{\"name\":\"work\",\"execution\":{\"taskSupport\":\"required\"}}",
                            arguments -> "done")
                    .list("resources", "[{\"uri\":\"" + URI + "\",\"name\":\"one\"}]")
                    .list("prompts", "[{\"name\":\"greet\",\"arguments\":[{\"name\":\"who\"}]}]");
            String type = pairing.backend() == Era.MODERN ? "\"resultType\":\"complete\"," : "";
            backend.on("prompts/get", (request, answer) -> answer.result("{" + type + "\"messages\":[]}"));
            backend.on("resources/read", (request, answer) -> answer.result("{" + type + "\"contents\":[]}"));
            backend.on(
                    "completion/complete",
                    (request, answer) -> answer.result("{" + type + "\"completion\":{\"values\":[]}}"));
            backend.on("", (request, answer) -> {
                answersTo(request.id().asString()).add(request.json());
                answer.accepted();
            });
            backend.on(
                    "tasks/get",
                    (request, answer) -> answer.result("{" + type + TASK.replace("working", "completed") + "}"));
            backend.on("tasks/update", (request, answer) -> answer.result("{\"resultType\":\"complete\"}"));
            backend.on("tasks/cancel", (request, answer) -> answer.result("{" + type + TASK + "}"));
            backend.on("tasks/result", (request, answer) -> answer.result("{\"content\":[]}"));
            gateway = TestGateway.start().with("b", backend).listeningTo(backend);
            client = pairing.client() == Era.LEGACY
                    ? gateway.client("/mcp/b").initialize("2025-11-25", "{" + CAPABILITIES + "}")
                    : null;
        }

        BlockingQueue<JsonNode> answersTo(String question) {
            return answers.computeIfAbsent(question, key -> new LinkedBlockingQueue<>());
        }

        JsonNode answerTo(String question) throws InterruptedException {
            JsonNode answer = answersTo(question).poll(10, TimeUnit.SECONDS);
            if (answer == null) {
                throw new IllegalStateException("nobody answered " + question);
            }
            return answer;
        }

        WireClient legacy() {
            return java.util.Objects.requireNonNull(client);
        }

        boolean isOld() {
            return pairing.client() == Era.LEGACY;
        }

        ModernRequest modern(String method, String members) {
            JsonNode params = JsonMapper.shared().readTree("{" + members.replace('\'', '"') + "}");
            ModernRequest request = ModernRequest.of(method, members)
                    .id(Integer.toString(++id))
                    .meta(ModernRequest.VERSION + ",'io.modelcontextprotocol/clientCapabilities':{" + CAPABILITIES
                            + "},'io.modelcontextprotocol/logLevel':'debug','progressToken':'p'");
            for (String name : List.of("name", "uri", "taskId")) {
                if (params.has(name)) {
                    request.header("Mcp-Name", params.path(name).asString());
                }
            }
            return request;
        }

        String request(String method, String members) {
            String meta = method.equals("tools/call") ? ",'_meta':{'progressToken':'p'}" : "";
            return "{'jsonrpc':'2.0','id':" + ++id + ",'method':'" + method + "','params':{" + members + meta + "}}";
        }

        /** A request and the whole answer to it; the last message of a stream. */
        Outcome ask(String method, String members) {
            if (isOld()) {
                WireClient.Got got = legacy().post(request(method, members));
                return new Outcome(got.status(), got.body());
            }
            RawExchange.Got got = modern(method, members).send(gateway, "/mcp/b");
            return new Outcome(got.status(), got.text());
        }

        int notify(String method, String members) {
            String json = "{'jsonrpc':'2.0','method':'" + method + "','params':{" + members + "}}";
            if (isOld()) {
                return legacy().post(json).status();
            }
            String meta = "'_meta':{" + ModernRequest.VERSION + ",'io.modelcontextprotocol/clientCapabilities':{}}";
            String modern = "{'jsonrpc':'2.0','method':'" + method + "','params':{" + members
                    + (members.isEmpty() ? "" : ",") + meta + "}}";
            return gateway.client("/mcp/b")
                    .post(modern, "MCP-Protocol-Version", "2026-07-28", "Mcp-Method", method)
                    .status();
        }

        void onCall(FakeBackend.Script script) {
            backend.on("tools/call", script);
        }

        void result(FakeBackend.Received request, FakeBackend.Stream stream) {
            String type = pairing.backend() == Era.MODERN ? "\"resultType\":\"complete\"," : "";
            stream.message("{\"jsonrpc\":\"2.0\",\"id\":" + request.id() + ",\"result\":{" + type
                    + "\"content\":[{\"type\":\"text\",\"text\":\"done\"}]}}");
            stream.end();
        }
    }

    private record Outcome(int status, String body) {
        List<JsonNode> messages() {
            return body.lines()
                    .filter(line -> (line.startsWith("data: ") && line.length() > 6) || line.startsWith("{"))
                    .map(line -> JsonMapper.shared().readTree(line.replaceFirst("^data: ", "")))
                    .toList();
        }

        JsonNode last() {
            return messages().get(messages().size() - 1);
        }

        JsonNode result() {
            return last().path("result");
        }

        Stream<JsonNode> of(String method) {
            return messages().stream()
                    .filter(message -> message.path("method").asString("").equals(method));
        }
    }

    static Stream<Arguments> cells() {
        return Crossing.TABLE.stream()
                .flatMap(row -> Arrays.stream(Pairing.values())
                        .filter(pairing -> !(row.in(pairing) instanceof Fate.Absent))
                        .map(pairing -> Arguments.of(row.sender(), row.method(), pairing, row.in(pairing))));
    }

    @ParameterizedTest(name = "{1} from {0}, {2}")
    @MethodSource("cells")
    void messageFaresAsTheTableSays(Crossing.Sender sender, String method, Pairing pairing, Fate fate)
            throws Exception {
        Bench bench = java.util.Objects.requireNonNull(BENCHES.get(pairing));
        bench.backend.usual("tools/call");
        if (sender == Crossing.Sender.BACKEND) {
            fromBackend(bench, method, fate);
        } else if (method.startsWith("notifications/")) {
            notification(bench, method, fate);
        } else {
            request(bench, method, fate);
        }
    }

    // ---- requests of clients

    private static String members(String method) {
        return switch (method) {
            case "initialize" ->
                "'protocolVersion':'2025-11-25','capabilities':{},'clientInfo':{'name':'x','version':'1'}";
            case "tools/call" -> "'name':'echo','arguments':{}";
            case "prompts/get" -> "'name':'greet'";
            case "resources/read", "resources/subscribe", "resources/unsubscribe" -> "'uri':'" + URI + "'";
            case "completion/complete" ->
                "'ref':{'type':'ref/prompt','name':'greet'},'argument':{'name':'who','value':''}";
            case "logging/setLevel" -> "'level':'info'";
            case "subscriptions/listen" ->
                "'notifications':{'toolsListChanged':true,'resourceSubscriptions':['" + URI + "']}";
            case "tasks/get", "tasks/cancel", "tasks/result", "tasks/update" -> "'taskId':'t-1'";
            default -> "";
        };
    }

    private static void request(Bench bench, String method, Fate fate) throws Exception {
        String members = method.startsWith("tasks/") ? "'taskId':'" + task(bench, fate) + "'" : members(method);
        if (method.equals("logging/setLevel") && bench.isOld()) {
            bench.ask("tools/call", members("tools/call")); // which opens the session of this client at the backend
        }
        if (method.equals("resources/unsubscribe") && bench.isOld()) {
            bench.ask("resources/subscribe", members);
        }
        int before = bench.backend.count(method);
        if (method.equals("subscriptions/listen") && fate instanceof Fate.Mapped) {
            listening(bench, members);
            return;
        }

        Outcome outcome = bench.ask(method, members);

        if (fate instanceof Fate.Refused refused) {
            assertThat(outcome.status()).as(outcome.body()).isEqualTo(refused.status());
            assertThat(outcome.last().path("error").path("code").asInt()).isEqualTo(refused.code());
            assertThat(bench.backend.count(method)).isEqualTo(before);
            return;
        }
        assertThat(outcome.status()).as(outcome.body()).isEqualTo(200);
        assertThat(outcome.last().has("result")).as(outcome.body()).isTrue();
        if (fate instanceof Fate.Here) {
            assertThat(bench.backend.count(method)).isEqualTo(before);
            if (method.equals("logging/setLevel")) {
                bench.ask("tools/call", members("tools/call"));
                assertThat(last(bench, "tools/call")
                                .params()
                                .path("_meta")
                                .path("io.modelcontextprotocol/logLevel")
                                .asString())
                        .isEqualTo("info");
            }
            return;
        }
        if (method.startsWith("tasks/")) {
            assertThat(bench.backend.count(method)).isEqualTo(before + 1);
            assertThat(last(bench, method).params().path("taskId").asString()).isEqualTo("t-1");
            assertThat(outcome.body()).doesNotContain("\"t-1\"");
            assertThat(outcome.result().has("resultType")).isEqualTo(!bench.isOld());
            return;
        }
        if (method.endsWith("subscribe")) {
            subscribed(bench, method, before);
            return;
        }
        assertThat(bench.backend.count(method)).isGreaterThan(before);
        if (!method.equals("logging/setLevel")) {
            assertThat(outcome.result().has("resultType")).isEqualTo(!bench.isOld());
            assertThat(last(bench, method).params().path("_meta").has("io.modelcontextprotocol/protocolVersion"))
                    .isEqualTo(bench.pairing.backend() == Era.MODERN);
            assertThat(fate instanceof Fate.Exact).isEqualTo(bench.pairing.client() == bench.pairing.backend());
        }
    }

    /** Begins a task, where that can be, and returns the name that the client has for it. */
    private static String task(Bench bench, Fate fate) {
        if (fate instanceof Fate.Refused) {
            return "t-1";
        }
        String backends = bench.pairing.backend() == Era.LEGACY
                ? "{\"task\":{" + TASK + ",\"ttl\":null}}"
                : "{\"resultType\":\"task\"," + TASK + ",\"ttlMs\":null}";
        bench.onCall((request, answer) -> answer.result(backends));
        JsonNode result = bench.ask("tools/call", "'name':'work','arguments':{}" + (bench.isOld() ? ",'task':{}" : ""))
                .result();
        return (bench.isOld() ? result.path("task") : result).path("taskId").asString();
    }

    private static FakeBackend.Received last(Bench bench, String method) {
        List<FakeBackend.Received> all = bench.backend.received(method);
        return all.get(all.size() - 1);
    }

    private static void subscribed(Bench bench, String method, int before) {
        if (bench.pairing.backend() == Era.LEGACY) {
            assertThat(bench.backend.count(method)).isEqualTo(before + 1);
            return;
        }
        boolean wanted = method.equals("resources/subscribe");
        await().atMost(TestGateway.PATIENCE)
                .until(() -> last(bench, "subscriptions/listen").text().contains(URI) == wanted);
    }

    private static void listening(Bench bench, String members) throws Exception {
        try (RawExchange open = bench.modern("subscriptions/listen", members).open(bench.gateway, "/mcp/b")) {
            String seen = open.until("\n\n");

            assertThat(seen)
                    .contains(
                            "notifications/subscriptions/acknowledged",
                            "\"toolsListChanged\":true",
                            "\"resourceSubscriptions\":[\"" + URI + "\"]");
            if (bench.pairing.backend() == Era.LEGACY) {
                assertThat(last(bench, "resources/subscribe").text()).contains(URI);
            } else {
                assertThat(last(bench, "subscriptions/listen").text()).contains(URI);
            }
        }
    }

    // ---- notifications of clients

    private static void notification(Bench bench, String method, Fate fate) throws Exception {
        if (method.equals("notifications/cancelled") && fate instanceof Fate.Mapped) {
            cancelled(bench);
            return;
        }
        if (bench.isOld()) {
            bench.ask("tools/call", members("tools/call"));
        }
        int before = bench.backend.count(method);

        int status = bench.notify(method, method.endsWith("progress") ? "'progressToken':'x','progress':1" : "");

        assertThat(status).isEqualTo(202);
        if (fate instanceof Fate.Exact) {
            await().atMost(TestGateway.PATIENCE).until(() -> bench.backend.count(method) == before + 1);
        } else {
            bench.ask("tools/call", members("tools/call"));
            assertThat(bench.backend.count(method)).isEqualTo(before);
        }
    }

    private static void cancelled(Bench bench) throws Exception {
        boolean old = bench.pairing.backend() == Era.LEGACY;
        CountDownLatch over = new CountDownLatch(1);
        bench.backend.on("notifications/cancelled", (request, answer) -> {
            answer.accepted();
            over.countDown();
        });
        bench.onCall((request, answer) -> {
            FakeBackend.Stream stream = answer.events();
            stream.message(progress(request));
            if (old) {
                over.await(10, TimeUnit.SECONDS);
                stream.end();
            } else {
                stream.untilClosed();
                over.countDown();
            }
        });
        try (WireClient.Stream stream = bench.legacy().stream(bench.request("tools/call", members("tools/call")))) {
            stream.message();
            bench.notify("notifications/cancelled", "'requestId':" + bench.id);

            assertThat(over.await(10, TimeUnit.SECONDS)).isTrue();
        }
        if (old) {
            assertThat(last(bench, "notifications/cancelled").params().path("requestId"))
                    .isEqualTo(last(bench, "tools/call").id());
        }
        bench.backend.usual("notifications/cancelled");
    }

    private static String progress(FakeBackend.Received request) {
        return "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":"
                + request.params().path("_meta").path("progressToken") + ",\"progress\":1}}";
    }

    // ---- what backends send

    private static void fromBackend(Bench bench, String method, Fate fate) throws Exception {
        switch (method) {
            case "ping" -> pinged(bench);
            case "elicitation/create", "sampling/createMessage", "roots/list" -> questioned(bench, method, fate);
            case "notifications/cancelled" -> withdrawn(bench);
            case "notifications/progress", "notifications/message" -> duringACall(bench, method);
            case "notifications/tasks/status", "notifications/tasks" -> taskChanged(bench, method, fate);
            case "notifications/subscriptions/acknowledged" -> acknowledged(bench);
            default -> pushed(bench, method, fate);
        }
    }

    private static void pinged(Bench bench) {
        bench.onCall((request, answer) -> {
            FakeBackend.Stream stream = answer.events();
            stream.message("{\"jsonrpc\":\"2.0\",\"id\":\"ping-1\",\"method\":\"ping\"}");
            bench.answerTo("ping-1");
            bench.result(request, stream);
        });

        Outcome outcome = bench.ask("tools/call", members("tools/call"));

        assertThat(outcome.messages()).hasSize(1);
    }

    private static String question(String method) {
        return switch (method) {
            case "elicitation/create" ->
                "{\"mode\":\"form\",\"message\":\"m\",\"requestedSchema\":{\"type\":\"object\"}}";
            case "sampling/createMessage" -> "{\"messages\":[],\"maxTokens\":1}";
            default -> "{\"x\":1}";
        };
    }

    private static String answer(String method) {
        return switch (method) {
            case "elicitation/create" -> "{'action':'decline'}";
            case "sampling/createMessage" -> "{'role':'assistant','model':'m','content':{'type':'text','text':'t'}}";
            default -> "{'roots':[]}";
        };
    }

    private static void questioned(Bench bench, String method, Fate fate) throws Exception {
        String expected = answer(method).replace('\'', '"');
        BlockingQueue<String> heard = new LinkedBlockingQueue<>();
        bench.onCall((request, answer) -> {
            if (bench.pairing.backend() == Era.LEGACY) {
                FakeBackend.Stream stream = answer.events();
                String id = "q-" + bench.id;
                stream.message("{\"jsonrpc\":\"2.0\",\"id\":\"" + id + "\",\"method\":\"" + method + "\",\"params\":"
                        + question(method) + "}");
                heard.add(bench.answerTo(id).path("result").toString());
                bench.result(request, stream);
                return;
            }
            JsonNode given = request.params().path("inputResponses").path("k");
            if (given.isMissingNode()) {
                answer.result("{\"resultType\":\"input_required\",\"inputRequests\":{\"k\":{\"method\":\"" + method
                        + "\",\"params\":" + question(method) + "}},\"requestState\":\"s\"}");
            } else {
                heard.add(given.toString());
                answer.result("{\"resultType\":\"complete\",\"content\":[]}");
            }
        });

        if (bench.isOld()) {
            try (WireClient.Stream stream = bench.legacy().stream(bench.request("tools/call", members("tools/call")))) {
                JsonNode asked = stream.message();
                assertThat(asked.path("method").asString()).isEqualTo(method);
                assertThat(asked.path("params").toString()).isEqualTo(question(method));
                bench.legacy().post("{'jsonrpc':'2.0','id':" + asked.path("id") + ",'result':" + answer(method) + "}");
                assertThat(stream.message().has("result")).isTrue();
            }
        } else {
            JsonNode result = bench.ask("tools/call", members("tools/call")).result();
            String key = result.path("inputRequests").propertyNames().iterator().next();
            assertThat(fate instanceof Fate.Exact).isEqualTo(key.equals("k"));
            assertThat(result.path("inputRequests").path(key).path("params").toString())
                    .isEqualTo(question(method));
            Outcome outcome = bench.ask(
                    "tools/call",
                    members("tools/call") + ",'inputResponses':{'" + key + "':" + answer(method) + "},'requestState':'"
                            + result.path("requestState").asString() + "'");
            assertThat(outcome.result().path("resultType").asString())
                    .as(outcome.body())
                    .isEqualTo("complete");
        }
        assertThat(heard.poll(10, TimeUnit.SECONDS)).isEqualTo(expected);
    }

    private static void withdrawn(Bench bench) {
        CountDownLatch asked = new CountDownLatch(1);
        bench.onCall((request, answer) -> {
            FakeBackend.Stream stream = answer.events();
            stream.message("{\"jsonrpc\":\"2.0\",\"id\":\"w-1\",\"method\":\"roots/list\"}");
            if (!bench.isOld()) {
                asked.await(10, TimeUnit.SECONDS);
            }
            stream.message(
                    "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":\"w-1\"}}");
            bench.result(request, stream);
        });

        Outcome outcome = bench.ask("tools/call", members("tools/call"));
        if (bench.isOld()) {
            assertThat(outcome.of("notifications/cancelled")
                            .map(message ->
                                    message.path("params").path("requestId").asString()))
                    .containsExactly(outcome.messages().get(0).path("id").asString());
            return;
        }
        asked.countDown();
        while (outcome.result().has("inputRequests")) { // until the withdrawal has arrived
            outcome = bench.ask(
                    "tools/call",
                    members("tools/call") + ",'requestState':'"
                            + outcome.result().path("requestState").asString() + "'");
        }
        assertThat(outcome.body()).contains("done");
    }

    private static void duringACall(Bench bench, String method) {
        bench.onCall((request, answer) -> {
            FakeBackend.Stream stream = answer.events();
            stream.message(
                    method.endsWith("progress")
                            ? progress(request)
                            : "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":"
                                    + "{\"level\":\"info\",\"data\":1}}");
            bench.result(request, stream);
        });

        Outcome outcome = bench.ask("tools/call", members("tools/call"));

        assertThat(outcome.of(method)).hasSize(1);
        if (method.endsWith("progress")) {
            assertThat(outcome.of(method)
                            .map(message ->
                                    message.path("params").path("progressToken").asString()))
                    .containsExactly("p");
        }
    }

    private static void pushed(Bench bench, String method, Fate fate) throws Exception {
        String params = method.endsWith("updated")
                ? "{\"uri\":\"" + URI + "\"}"
                : method.endsWith("complete") ? "{\"elicitationId\":\"e\"}" : "{}";
        if (bench.isOld()) {
            bench.ask("tools/call", members("tools/call"));
            bench.ask("resources/subscribe", "'uri':'" + URI + "'");
            int feeds = bench.pairing.backend() == Era.LEGACY ? 2 : 1; // the gateway's, and this client's
            await().atMost(TestGateway.PATIENCE).until(() -> bench.backend.openFeeds() >= feeds);
            try (WireClient.Stream stream = bench.legacy().listen()) {
                bench.backend.push(method, params);
                JsonNode message = stream.message();
                while (!message.path("method").asString("").equals(method)) {
                    message = stream.message();
                }
                assertThat(message.path("params").has("_meta")).isFalse();
            }
            bench.ask("resources/unsubscribe", "'uri':'" + URI + "'");
            return;
        }
        String all = "'notifications':{'toolsListChanged':true,'promptsListChanged':true,'resourcesListChanged':true,"
                + "'resourceSubscriptions':['" + URI + "']}";
        try (RawExchange open = bench.modern("subscriptions/listen", all).open(bench.gateway, "/mcp/b")) {
            open.until("acknowledged");
            bench.backend.push(method, params);
            if (fate instanceof Fate.Dropped) {
                bench.backend.push("notifications/tools/list_changed", "{}");
                assertThat(open.until("notifications/tools/list_changed")).doesNotContain(method);
            } else {
                open.until(method);
            }
        }
    }

    private static void taskChanged(Bench bench, String method, Fate fate) throws Exception {
        String name = task(bench, fate);
        String params = "{" + TASK.replace("working", "completed") + "}";
        if (bench.isOld()) {
            await().atMost(TestGateway.PATIENCE).until(() -> bench.backend.openFeeds() >= 2);
            try (WireClient.Stream stream = bench.legacy().listen()) {
                bench.backend.push(method, params);
                JsonNode message = stream.message();
                assertThat(message.path("method").asString()).isEqualTo(method);
                assertThat(message.path("params").path("taskId").asString()).isEqualTo(name);
            }
            return;
        }
        try (RawExchange open = bench.modern("subscriptions/listen", "'notifications':{'taskIds':['" + name + "']}")
                .open(bench.gateway, "/mcp/b")) {
            open.until("acknowledged");
            bench.backend.push(method, params);
            assertThat(open.until("notifications/tasks\""))
                    .contains(name, "completed")
                    .doesNotContain("\"t-1\"");
        }
    }

    private static void acknowledged(Bench bench) throws Exception {
        if (bench.isOld()) {
            try (WireClient.Stream stream = bench.legacy().listen()) {
                bench.ask("resources/subscribe", "'uri':'" + URI + "'"); // listens anew, which is acknowledged
                bench.backend.push("notifications/tools/list_changed", "{}");
                JsonNode message = stream.message();
                while (!message.path("method").asString("").endsWith("tools/list_changed")) {
                    assertThat(message.toString()).doesNotContain("acknowledged");
                    message = stream.message();
                }
            }
            bench.ask("resources/unsubscribe", "'uri':'" + URI + "'");
            return;
        }
        try (RawExchange open = bench.modern("subscriptions/listen", "'notifications':{'toolsListChanged':true}")
                .open(bench.gateway, "/mcp/b")) {
            assertThat(open.until("\n\n"))
                    .contains("acknowledged", "\"io.modelcontextprotocol/subscriptionId\":" + bench.id);
        }
    }

    // ---- the page

    @Test
    void pageHoldsTheTable() throws IOException {
        String page = Files.readString(PAGE);
        String written = page;
        for (Crossing.Sender sender : Crossing.Sender.values()) {
            String mark = sender.name().toLowerCase(java.util.Locale.ROOT);
            String begin = "<!-- " + mark + " -->\n";
            int from = written.indexOf(begin) + begin.length();
            int to = written.indexOf("<!-- /" + mark + " -->");
            written = written.substring(0, from) + Crossing.markdown(sender) + written.substring(to);
        }
        if (Boolean.getBoolean("sluice.docs.write")) {
            Files.writeString(PAGE, written);
        }

        assertThat(Files.readString(PAGE)).isEqualTo(written);
    }

    @Test
    void everyMethodOfTheProtocolHasARow() {
        assertThat(Crossing.TABLE.stream().map(Crossing::method))
                .containsAll(Arrays.stream(io.sluice.protocol.McpMethod.values())
                        .map(io.sluice.protocol.McpMethod::wire)
                        .toList());
    }
}
