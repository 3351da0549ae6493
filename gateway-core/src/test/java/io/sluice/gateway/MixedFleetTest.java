package io.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.testing.FakeBackend;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Clients of four revisions call tools of three kinds of backends, all at once: most calls are plain, one in ten asks
 * the client something, one in twenty is cancelled. Every answer is checked, and at the end nothing is left.
 *
 * <p>The full form: {@code ./mvnw -pl gateway-core test -Dtest=MixedFleetTest -Dsluice.fleet.calls=10000}
 */
class MixedFleetTest {
    private static final int CALLS = Integer.getInteger("sluice.fleet.calls", 480);
    private static final int WORKERS = 11;
    private static final List<String> BACKENDS = List.of("old", "new", "dual");
    private static final List<String> CLIENTS = List.of("2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28");
    private static final JsonMapper JSON = JsonMapper.shared();

    private final Queue<String> wrong = new ConcurrentLinkedQueue<>();
    private final Map<String, AtomicInteger> done = new ConcurrentHashMap<>();

    // ---- the backends

    private static final class Scripted {
        private final FakeBackend fake;
        private final AtomicInteger asked = new AtomicInteger();
        private final Map<String, BlockingQueue<JsonNode>> answers = new ConcurrentHashMap<>();
        private final Map<String, CountDownLatch> running = new ConcurrentHashMap<>();
        private final AtomicInteger cancelled = new AtomicInteger();

        Scripted(FakeBackend fake) {
            this.fake = fake;
            for (String tool : List.of("ask", "slow")) {
                fake.tool(tool, arguments -> "");
            }
            fake.forgetful();
            fake.on("", (request, answer) -> {
                answers(request.id().asString()).add(request.json());
                answer.accepted();
            });
            fake.on("notifications/cancelled", (request, answer) -> {
                CountDownLatch call = running.remove(request.header("mcp-session-id") + " "
                        + request.params().path("requestId"));
                if (call != null) {
                    call.countDown();
                }
                answer.accepted();
            });
            fake.on("tools/call", this::call);
        }

        private BlockingQueue<JsonNode> answers(String id) {
            return answers.computeIfAbsent(id, key -> new LinkedBlockingQueue<>());
        }

        private void call(FakeBackend.Received request, FakeBackend.Answer answer) throws Exception {
            boolean modern = request.params().path("_meta").has("io.modelcontextprotocol/protocolVersion");
            String word = request.params().path("arguments").path("word").asString("");
            String complete = modern ? "\"resultType\":\"complete\"," : "";
            switch (request.params().path("name").asString()) {
                case "ask" -> ask(request, answer, modern, word);
                case "slow" -> slow(request, answer, modern);
                default -> {
                    if (word.hashCode() % 2 == 0) {
                        answer.result(content(complete, word));
                    } else {
                        FakeBackend.Stream stream = answer.events();
                        stream.comment();
                        end(stream, request, content(complete, word));
                    }
                }
            }
        }

        private void ask(FakeBackend.Received request, FakeBackend.Answer answer, boolean modern, String word)
                throws Exception {
            if (modern) {
                JsonNode given = request.params().path("inputResponses").path("who");
                if (given.isMissingNode()) {
                    answer.result("{\"resultType\":\"input_required\",\"inputRequests\":{\"who\":{"
                            + "\"method\":\"roots/list\"}},\"requestState\":\"state of " + word + "\"}");
                } else if (request.params().path("requestState").asString("").equals("state of " + word)) {
                    answer.result(content("\"resultType\":\"complete\",", word + " " + uri(given)));
                } else {
                    answer.error(200, -32602, "another state");
                }
                return;
            }
            String id = "ask-" + fake.port() + "-" + asked.incrementAndGet();
            FakeBackend.Stream stream = answer.events();
            stream.message("{\"jsonrpc\":\"2.0\",\"id\":\"" + id + "\",\"method\":\"roots/list\"}");
            JsonNode response = answers(id).poll(30, TimeUnit.SECONDS);
            answers.remove(id);
            end(
                    stream,
                    request,
                    content("", word + " " + uri(response == null ? request.id() : response.path("result"))));
        }

        private void slow(FakeBackend.Received request, FakeBackend.Answer answer, boolean modern) throws Exception {
            String token = request.params().path("_meta").path("progressToken").toString();
            CountDownLatch call = new CountDownLatch(1);
            if (!modern) {
                running.put(request.header("mcp-session-id") + " " + request.id(), call);
            }
            FakeBackend.Stream stream = answer.events();
            stream.message("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":"
                    + token + ",\"progress\":1}}");
            if (modern) {
                stream.untilClosed();
                cancelled.incrementAndGet();
            } else if (call.await(30, TimeUnit.SECONDS)) {
                cancelled.incrementAndGet();
                stream.end();
            }
        }

        private static String uri(JsonNode roots) {
            return roots.path("roots").path(0).path("uri").asString("nothing");
        }

        private static String content(String start, String text) {
            return "{" + start + "\"content\":[{\"type\":\"text\",\"text\":" + AskingBackend.quoted(text) + "}]}";
        }

        private static void end(FakeBackend.Stream stream, FakeBackend.Received request, String result) {
            stream.message("{\"jsonrpc\":\"2.0\",\"id\":" + request.id() + ",\"result\":" + result + "}");
            stream.end();
        }
    }

    // ---- the clients

    private void check(String what, String expected, String found) {
        done.computeIfAbsent(what, key -> new AtomicInteger()).incrementAndGet();
        if (!expected.equals(found)) {
            wrong.add(what + ": expected '" + expected + "', got " + found);
        }
    }

    private static String text(JsonNode message) {
        JsonNode text = message.path("result").path("content").path(0).path("text");
        return text.isString() ? text.asString() : message.toString();
    }

    private static JsonNode last(String body) {
        List<String> lines = body.lines()
                .filter(line -> line.startsWith("data: ") || line.startsWith("{"))
                .toList();
        return JSON.readTree(lines.get(lines.size() - 1).replaceFirst("data: ", ""));
    }

    private static String params(String tool, String word) {
        return "'name':'" + tool + "','arguments':{'word':'" + word + "'}";
    }

    private final class Worker extends Thread {
        private final TestGateway gateway;
        private final int first;
        private final Map<String, WireClient> sessions = new ConcurrentHashMap<>();
        private int id;

        Worker(TestGateway gateway, int first) {
            super("fleet-" + first);
            this.gateway = gateway;
            this.first = first;
        }

        @Override
        public void run() {
            for (int i = first; i < CALLS; i += WORKERS) {
                String client = CLIENTS.get(i % CLIENTS.size());
                String backend = BACKENDS.get(i / CLIENTS.size() % BACKENDS.size());
                int turn = i / (CLIENTS.size() * BACKENDS.size()) % 20;
                String act = turn % 10 == 3 ? "asked" : turn == 7 ? "cancelled" : "plain";
                String what = client + " " + backend + " " + act;
                try {
                    call(what, client, backend, act, "w" + i);
                } catch (Exception | AssertionError e) {
                    wrong.add(what + ": " + e);
                }
            }
            sessions.values().forEach(WireClient::delete);
        }

        private void call(String what, String client, String backend, String act, String word) throws Exception {
            boolean modern = client.equals("2026-07-28");
            String path = "/mcp/" + backend;
            WireClient session = modern
                    ? gateway.client(path)
                    : sessions.computeIfAbsent(
                            client + path, key -> gateway.client(path).initialize(client, "{'roots':{}}"));
            int number = ++id;
            switch (act) {
                case "asked" -> {
                    String root = "file:///" + word;
                    String roots = "{'roots':[{'uri':'" + root + "'}]}";
                    check(
                            what,
                            word + " " + root,
                            modern ? askedModern(path, word, roots) : asked(session, number, word, roots));
                }
                case "cancelled" -> {
                    if (modern) {
                        leave(path, word);
                    } else {
                        cancel(session, number, word);
                    }
                    check(what, "", "");
                }
                default ->
                    check(
                            what,
                            word,
                            modern
                                    ? text(last(modern("echo", word, "")
                                            .send(gateway, path)
                                            .text()))
                                    : text(last(session.post(request(number, "echo", word, ""))
                                            .body())));
            }
        }

        private String request(int number, String tool, String word, String more) {
            return "{'jsonrpc':'2.0','id':" + number + ",'method':'tools/call','params':{" + params(tool, word) + more
                    + "}}";
        }

        private ModernRequest modern(String tool, String word, String more) {
            return ModernRequest.of("tools/call", params(tool, word) + more)
                    .header("Mcp-Name", tool)
                    .meta(ModernRequest.VERSION
                            + ",'io.modelcontextprotocol/clientCapabilities':{'roots':{}},'progressToken':'" + word
                            + "'");
        }

        private String asked(WireClient session, int number, String word, String roots) {
            try (WireClient.Stream stream = session.stream(request(number, "ask", word, ""))) {
                JsonNode question = stream.message();
                session.post("{'jsonrpc':'2.0','id':" + question.path("id") + ",'result':" + roots + "}");
                return text(stream.message());
            }
        }

        private String askedModern(String path, String word, String roots) {
            JsonNode result =
                    last(modern("ask", word, "").send(gateway, path).text()).path("result");
            String key = result.path("inputRequests").propertyNames().iterator().next();
            String back = ",'inputResponses':{'" + key + "':" + roots + "},'requestState':'"
                    + result.path("requestState").asString() + "'";
            return text(last(modern("ask", word, back).send(gateway, path).text()));
        }

        private void cancel(WireClient session, int number, String word) {
            String token = ",'_meta':{'progressToken':'" + word + "'}";
            try (WireClient.Stream stream = session.stream(request(number, "slow", word, token))) {
                stream.message();
                session.post("{'jsonrpc':'2.0','method':'notifications/cancelled','params':{'requestId':" + number
                        + ",'reason':'enough'}}");
            }
        }

        private void leave(String path, String word) throws Exception {
            try (RawExchange open = modern("slow", word, "").open(gateway, path)) {
                open.until("\"progress\":1");
            }
        }
    }

    @Test
    void everyClientGetsItsOwnAnswersFromEveryBackendAndNothingIsLeft() throws Exception {
        List<Scripted> backends = List.of(
                new Scripted(FakeBackend.legacy()),
                new Scripted(FakeBackend.modern()),
                new Scripted(FakeBackend.dual()));
        TestGateway gateway = TestGateway.start();
        for (int i = 0; i < backends.size(); i++) {
            gateway.with(BACKENDS.get(i), backends.get(i).fake);
        }
        long began = System.nanoTime();

        List<Worker> workers = new ArrayList<>();
        for (int i = 0; i < WORKERS; i++) {
            workers.add(new Worker(gateway, i));
        }
        workers.forEach(Thread::start);
        for (Worker worker : workers) {
            worker.join();
        }

        int calls = done.values().stream().mapToInt(AtomicInteger::get).sum();
        int cancellations = done.entrySet().stream()
                .filter(entry -> entry.getKey().endsWith("cancelled"))
                .mapToInt(entry -> entry.getValue().get())
                .sum();
        System.out.printf(
                "mixed fleet: %d calls, %d cancelled, %d wrong, %d ms%n",
                calls,
                cancellations,
                wrong.size(),
                Duration.ofNanos(System.nanoTime() - began).toMillis());
        assertThat(wrong).isEmpty();
        assertThat(calls).isEqualTo(CALLS);
        assertThat(done).hasSize(CLIENTS.size() * BACKENDS.size() * 3);
        await().atMost(TestGateway.PATIENCE).untilAsserted(() -> {
            assertThat(gateway.gateway().parkedCalls()).isZero();
            assertThat(gateway.gateway().conversations()).isZero();
            assertThat(gateway.gateway().activeClients()).isZero();
            assertThat(backends.stream()
                            .mapToInt(backend -> backend.cancelled.get())
                            .sum())
                    .isEqualTo(cancellations);
            assertThat(backends).allSatisfy(backend -> {
                assertThat(backend.answers).isEmpty();
                assertThat(backend.running).isEmpty();
            });
        });
        gateway.gateway().dispose();
        gateway.discovery().dispose();
        await("sessions at the backends")
                .atMost(TestGateway.PATIENCE)
                .untilAsserted(() -> assertThat(backends)
                        .allSatisfy(
                                backend -> assertThat(backend.fake.sessions()).isEmpty()));
        gateway.close();
    }
}
