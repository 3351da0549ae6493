package io.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.seal.Keyring;
import io.sluice.session.SessionStore;
import io.sluice.testing.FakeBackend;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** Tasks: the extension of 2026-07-28, those of 2025-11-25, and the latter for clients of the former. */
class TasksTest {
    private static final String ONE = "only-for-tests-one-0123456789";
    private static final String TWO = "only-for-tests-two-9876543210";
    private static final String DECLARED = ModernRequest.VERSION
            + ",'io.modelcontextprotocol/clientCapabilities':{'extensions':{'io.modelcontextprotocol/tasks':{}}}";
    private static final String TASK =
            "\"taskId\":\"t 1/ü\",\"status\":\"working\",\"createdAt\":\"2026-01-01T00:00:00Z\","
                    + "\"lastUpdatedAt\":\"2026-01-01T00:00:00Z\"";

    private static final String WORK =
            "{\"name\":\"work\",\"inputSchema\":{\"type\":\"object\"},\"execution\":{\"taskSupport\":\"%s\"}}";

    private final Keyring keys = Keyring.random();
    private final FakeBackend modern = FakeBackend.modern()
            .capabilities("{\"tools\":{},\"extensions\":{\"io.modelcontextprotocol/tasks\":{}}}")
            .on(
                    "tools/call",
                    (request, answer) -> answer.result("{\"resultType\":\"task\"," + TASK + ",\"ttlMs\":60000}"))
            .on(
                    "tasks/get",
                    (request, answer) -> answer.result("{\"resultType\":\"complete\"," + TASK
                            + ",\"ttlMs\":60000,\"result\":{\"taskId\":\"t 1/ü\"}}"))
            .on("tasks/update", (request, answer) -> answer.result("{\"resultType\":\"complete\"}"))
            .on("tasks/cancel", (request, answer) -> answer.result("{\"resultType\":\"complete\"}"));
    private final FakeBackend legacy = FakeBackend.legacy()
            .capabilities(
                    "{\"tools\":{\"listChanged\":true},\"tasks\":{\"cancel\":{},\"requests\":{\"tools\":{\"call\":{}}}}}")
            .on("tools/call", (request, answer) -> answer.result("{\"task\":{" + TASK + ",\"ttl\":60000}}"))
            .on("tasks/get", (request, answer) -> answer.result("{" + TASK + ",\"ttl\":60000}"))
            .on("tasks/cancel", (request, answer) -> answer.result("{" + TASK + ",\"ttl\":60000}"))
            .on(
                    "tasks/result",
                    (request, answer) -> answer.result(
                            "{\"content\":[],\"_meta\":{\"io.modelcontextprotocol/related-task\":{\"taskId\":\"t 1/ü\"}}}"));
    private final TestGateway gateway = replica();
    private final WireClient one = gateway.client().with("Authorization", "Bearer " + ONE);

    private TestGateway replica() {
        return TestGateway.setUp()
                .sharing(keys, SessionStore.ofOneReplica())
                .token("one", ONE)
                .token("two", TWO)
                .start();
    }

    @AfterEach
    void close() throws Exception {
        gateway.close();
    }

    private static JsonNode modern(TestGateway at, String token, String method, String members) {
        ModernRequest request =
                ModernRequest.of(method, members).meta(DECLARED).header("Authorization", "Bearer " + token);
        int quote = members.indexOf("':'") + 3;
        request.header("Mcp-Name", members.substring(quote, members.indexOf('\'', quote)));
        return request.send(at).json();
    }

    private static FakeBackend.Received last(FakeBackend backend, String method) {
        List<FakeBackend.Received> all = backend.received(method);
        return all.get(all.size() - 1);
    }

    @Test
    void modernTaskIsKnownUnderANameThatLeadsToItsBackend() {
        gateway.with("modern", modern);

        JsonNode created = modern(gateway, ONE, "tools/call", "'name':'echo','arguments':{}")
                .path("result");
        String name = created.path("taskId").asString();

        assertThat(created.path("resultType").asString()).isEqualTo("task");
        assertThat(name).matches("task-[A-Za-z0-9_-]+");
        for (String method : List.of("tasks/get", "tasks/update", "tasks/cancel")) {
            JsonNode answer = modern(gateway, ONE, method, "'taskId':'" + name + "'");
            assertThat(answer.path("result").path("resultType").asString()).isEqualTo("complete");
            assertThat(last(modern, method).params().path("taskId").asString()).isEqualTo("t 1/ü");
            assertThat(last(modern, method).header("Mcp-Name")).isEqualTo("=?base64?dCAxL8O8?=");
        }
        JsonNode got =
                modern(gateway, ONE, "tasks/get", "'taskId':'" + name + "'").path("result");
        assertThat(got.path("taskId").asString()).isEqualTo(name);
        assertThat(got.path("result").path("taskId").asString()).isEqualTo("t 1/ü");
    }

    @Test
    void anyReplicaKnowsATask() throws Exception {
        gateway.with("modern", modern);
        String name = modern(gateway, ONE, "tools/call", "'name':'echo','arguments':{}")
                .path("result")
                .path("taskId")
                .asString();

        try (TestGateway other = replica().with(modern.backend("modern"))) {
            JsonNode got = modern(other, ONE, "tasks/get", "'taskId':'" + name + "'");

            assertThat(got.path("result").path("taskId").asString()).isEqualTo(name);
        }
    }

    @Test
    void taskOfAnotherCallerIsUnknown() {
        gateway.with("modern", modern);
        String name = modern(gateway, ONE, "tools/call", "'name':'echo','arguments':{}")
                .path("result")
                .path("taskId")
                .asString();

        for (String id : List.of(name, name + "A", "t 1", "task-", "task-AAAA")) {
            JsonNode got = modern(gateway, id.equals(name) ? TWO : ONE, "tasks/get", "'taskId':'" + id + "'");
            assertThat(got.path("error").path("code").asInt()).as(id).isEqualTo(-32602);
        }
        assertThat(modern.count("tasks/get")).isZero();
    }

    @Test
    void requestThatDoesNotDeclareTheExtensionLacksIt() {
        gateway.with("modern", modern);

        RawExchange.Got got = ModernRequest.of("tasks/get", "'taskId':'t'")
                .header("Mcp-Name", "t")
                .header("Authorization", "Bearer " + ONE)
                .send(gateway);

        assertThat(got.status()).isEqualTo(400);
        assertThat(got.json().path("error").path("code").asInt()).isEqualTo(-32021);
        assertThat(got.json().at("/error/data/requiredCapabilities/extensions").toString())
                .isEqualTo("{\"io.modelcontextprotocol/tasks\":{}}");
    }

    @Test
    void tasksAreOfferedWhereABackendHasThem() {
        gateway.with("plain", FakeBackend.modern());
        String discover = "server/discover";
        assertThat(one.modern("1", discover, "").body()).doesNotContain("tasks");

        gateway.with("modern", modern);

        assertThat(one.modern("1", discover, "").body()).contains("\"io.modelcontextprotocol/tasks\":{}");
        assertThat(initialized()).doesNotContain("tasks");

        gateway.with("legacy", legacy);

        assertThat(initialized())
                .contains("\"tasks\":{\"list\":{},\"cancel\":{},\"requests\":{\"tools\":{\"call\":{}}}}");
    }

    private String initialized() {
        return one.post("{'jsonrpc':'2.0','id':1,'method':'initialize','params':{'protocolVersion':'2025-11-25',"
                        + "'capabilities':{},'clientInfo':{'name':'x','version':'1'}}}")
                .body();
    }

    @Test
    void legacyTaskIsKnownUnderANameThatLeadsToItsBackend() {
        gateway.with("legacy", legacy);
        WireClient client = one.initialize("2025-11-25", "{}");

        JsonNode task = client.post("{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{'name':'echo',"
                        + "'arguments':{},'task':{'ttl':60000}}}")
                .json()
                .path("result")
                .path("task");
        String name = task.path("taskId").asString();

        assertThat(task.path("ttl").asInt()).isEqualTo(60000);
        assertThat(last(legacy, "tools/call").params().path("task").toString()).isEqualTo("{\"ttl\":60000}");
        assertThat(legacyTask(client, "tasks/get", name).path("taskId").asString())
                .isEqualTo(name);
        assertThat(legacyTask(client, "tasks/cancel", name).path("taskId").asString())
                .isEqualTo(name);
        assertThat(legacyTask(client, "tasks/result", name).path("_meta").toString())
                .isEqualTo("{\"io.modelcontextprotocol/related-task\":{\"taskId\":\"" + name + "\"}}");
        for (String method : List.of("tasks/get", "tasks/cancel", "tasks/result")) {
            assertThat(last(legacy, method).params().path("taskId").asString()).isEqualTo("t 1/ü");
        }
    }

    @Test
    void sessionListsTheTasksThatItBegan() {
        gateway.with("legacy", legacy);
        WireClient client = one.initialize("2025-11-25", "{}");
        String list = "{'jsonrpc':'2.0','id':3,'method':'tasks/list'}";
        assertThat(client.post(list).json().path("result").toString()).isEqualTo("{\"tasks\":[]}");
        String name = client.post("{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{'name':'echo','task':{}}}")
                .json()
                .at("/result/task/taskId")
                .asString();

        JsonNode tasks = client.post(list).json().at("/result/tasks");

        assertThat(tasks.size()).isEqualTo(1);
        assertThat(tasks.at("/0/taskId").asString()).isEqualTo(name);
        legacy.on("tasks/get", (request, answer) -> answer.error(200, -32602, "Unknown task"));
        assertThat(client.post(list).json().at("/result/tasks").size()).isZero();
        assertThat(gateway.client()
                        .with("Authorization", "Bearer " + TWO)
                        .initialize("2025-11-25", "{}")
                        .post(list)
                        .json()
                        .path("result")
                        .toString())
                .isEqualTo("{\"tasks\":[]}");
    }

    @Test
    void changesOfAModernTaskAreToldOnListen() throws Exception {
        gateway.with("modern", modern);
        String name = modern(gateway, ONE, "tools/call", "'name':'echo','arguments':{}")
                .at("/result/taskId")
                .asString();

        try (RawExchange open = listening("'taskIds':['" + name + "','task-unknown']")) {
            assertThat(open.until("\n\n")).contains("\"notifications\":{\"taskIds\":[\"" + name + "\"]}");
            modern.push("notifications/tasks", "{" + TASK + ",\"ttlMs\":null}");

            assertThat(open.until("notifications/tasks\""))
                    .contains("\"taskId\":\"" + name + "\"", "subscriptionId\":7")
                    .doesNotContain("t 1/");
        }
        assertThat(last(modern, "subscriptions/listen").text())
                .contains("\"taskIds\":[\"t 1/ü\"]", "\"io.modelcontextprotocol/tasks\":{}");
    }

    @Test
    void changesOfALegacyTaskAreToldOnListenAsTheWholeTask() throws Exception {
        legacy.tool("work", WORK.formatted("required"), arguments -> "");
        gateway.with("legacy", legacy).listeningTo(legacy);
        String name = modern(gateway, ONE, "tools/call", "'name':'work','arguments':{}")
                .at("/result/taskId")
                .asString();
        legacy.on("tasks/get", (request, answer) -> answer.result("{" + TASK.replace("working", "completed") + "}"));

        try (RawExchange open = listening("'taskIds':['" + name + "']")) {
            open.until("acknowledged");
            legacy.push("notifications/tasks/status", "{" + TASK.replace("working", "completed") + ",\"ttl\":null}");

            assertThat(open.until("notifications/tasks\""))
                    .contains("\"taskId\":\"" + name + "\"", "\"status\":\"completed\"", "\"result\":{\"content\":[]");
        }
    }

    private RawExchange listening(String filter) throws java.io.IOException {
        return ModernRequest.of("subscriptions/listen", "'notifications':{" + filter + "}")
                .meta(DECLARED)
                .header("Authorization", "Bearer " + ONE)
                .open(gateway);
    }

    @Test
    void legacyTaskIsTheModernClientsInItsOwnWords() {
        legacy.tool("work", WORK.formatted("optional"), arguments -> "");
        gateway.with("legacy", legacy);

        JsonNode created = modern(gateway, ONE, "tools/call", "'name':'work','arguments':{}")
                .path("result");
        String name = created.path("taskId").asString();
        assertThat(created.path("resultType").asString()).isEqualTo("task");
        assertThat(created.path("ttlMs").asInt()).isEqualTo(60000);
        assertThat(last(legacy, "tools/call").params().path("task").toString()).isEqualTo("{}");

        JsonNode working = got(name);
        assertThat(working.path("status").asString()).isEqualTo("working");
        assertThat(working.path("taskId").asString()).isEqualTo(name);
        assertThat(working.has("result")).isFalse();

        legacy.on("tasks/get", (request, answer) -> answer.result("{" + TASK.replace("working", "failed") + "}"));
        assertThat(got(name).path("status").asString()).isEqualTo("completed");
        assertThat(got(name).path("result").toString()).isEqualTo("{\"content\":[]}");

        legacy.on("tasks/result", (request, answer) -> answer.error(200, -32603, "broken"));
        assertThat(got(name).path("status").asString()).isEqualTo("failed");
        assertThat(got(name).at("/error/code").asInt()).isEqualTo(-32603);

        legacy.on("tasks/cancel", (request, answer) -> answer.error(200, -32602, "is over"));
        assertThat(modern(gateway, ONE, "tasks/cancel", "'taskId':'" + name + "'")
                        .path("result")
                        .toString())
                .isEqualTo("{\"resultType\":\"complete\"}");

        legacy.on("tasks/get", (request, answer) -> answer.error(200, -32602, "Unknown task"));
        for (String method : List.of("tasks/get", "tasks/update", "tasks/cancel")) {
            assertThat(modern(gateway, ONE, method, "'taskId':'" + name + "'")
                            .at("/error/code")
                            .asInt())
                    .isEqualTo(-32602);
        }
    }

    private JsonNode got(String name) {
        return modern(gateway, ONE, "tasks/get", "'taskId':'" + name + "'").path("result");
    }

    @Test
    void toolThatNeedsATaskIsWaitedForWhenTheClientKnowsNone() {
        legacy.tool("work", WORK.formatted("required"), arguments -> "");
        gateway.with("legacy", legacy);
        AtomicInteger asked = new AtomicInteger();
        legacy.on(
                "tasks/get",
                (request, answer) ->
                        answer.result("{" + (asked.incrementAndGet() < 3 ? TASK : TASK.replace("working", "completed"))
                                + ",\"pollInterval\":1}"));
        legacy.on(
                "tools/call",
                (request, answer) -> answer.result("{\"task\":{" + TASK + ",\"ttl\":null,\"pollInterval\":1}}"));

        JsonNode answer =
                one.modern("5", "tools/call", "'name':'work','arguments':{}").json();

        assertThat(answer.path("result").toString()).isEqualTo("{\"resultType\":\"complete\",\"content\":[]}");
        assertThat(answer.path("id").asInt()).isEqualTo(5);
        assertThat(asked).hasValue(3);
    }

    @Test
    void toolOfABackendWithoutTasksIsCalledAsAlways() {
        gateway.with("plain", FakeBackend.legacy().tool("work", WORK.formatted("required"), arguments -> "done"));

        assertThat(modern(gateway, ONE, "tools/call", "'name':'work','arguments':{}")
                        .toString())
                .contains("done");
    }

    private static JsonNode legacyTask(WireClient client, String method, String name) {
        return client.post("{'jsonrpc':'2.0','id':2,'method':'" + method + "','params':{'taskId':'" + name + "'}}")
                .json()
                .path("result");
    }
}
