package io.sluice.gateway;

import io.sluice.testing.FakeBackend;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import tools.jackson.databind.JsonNode;

/**
 * A legacy backend whose tools ask the client something in the middle of a call. Each asks with real requests on the
 * stream of the call and says in its result what it was answered.
 */
final class AskingBackend implements AutoCloseable {
    static final String FORM = "'mode':'form','message':'who?','requestedSchema':{'type':'object','properties':{}}";

    private final FakeBackend backend;
    private final AtomicInteger asked = new AtomicInteger();
    private final Map<String, BlockingQueue<JsonNode>> answers = new ConcurrentHashMap<>();
    private final BlockingQueue<JsonNode> cancelled = new LinkedBlockingQueue<>();

    AskingBackend() {
        backend = FakeBackend.legacy();
        backend.on("", (request, answer) -> {
            answers.computeIfAbsent(request.id().asString(), id -> new LinkedBlockingQueue<>())
                    .add(request.json());
            answer.accepted();
        });
        backend.on("notifications/cancelled", (request, answer) -> {
            cancelled.add(request.params());
            answer.accepted();
        });
    }

    FakeBackend fake() {
        return backend;
    }

    /** The conversation of one call, from the backend's end. */
    final class Talk {
        private final FakeBackend.Received request;
        private final FakeBackend.Stream stream;

        private Talk(FakeBackend.Received request, FakeBackend.Stream stream) {
            this.request = request;
            this.stream = stream;
        }

        JsonNode arguments() {
            return request.params().path("arguments");
        }

        /** Sends a request on the call's stream and waits for nothing; returns its id. */
        String ask(String method, String params) {
            String id = "ask-" + asked.incrementAndGet();
            stream.message(
                    json("{'jsonrpc':'2.0','id':'" + id + "','method':'" + method + "','params':{" + params + "}}"));
            return id;
        }

        /** The whole response to a request. */
        JsonNode answer(String id) throws InterruptedException {
            return AskingBackend.this.answer(id);
        }

        String token() {
            return request.params().path("_meta").path("progressToken").toString();
        }

        Talk progress(int value) {
            stream.message(json("{'jsonrpc':'2.0','method':'notifications/progress','params':{'progressToken':"
                    + token() + ",'progress':" + value + "}}"));
            return this;
        }

        Talk message(String json) {
            stream.message(json(json));
            return this;
        }

        void say(String text) {
            stream.message("{\"jsonrpc\":\"2.0\",\"id\":" + request.id()
                    + ",\"result\":{\"content\":[{\"type\":\"text\",\"text\":" + quoted(text) + "}]}}");
            stream.end();
        }

        void fail(String text) {
            stream.message("{\"jsonrpc\":\"2.0\",\"id\":" + request.id()
                    + ",\"result\":{\"isError\":true,\"content\":[{\"type\":\"text\",\"text\":" + quoted(text)
                    + "}]}}");
            stream.end();
        }

        JsonNode id() {
            return request.id();
        }
    }

    /** What a tool does in a call. */
    @FunctionalInterface
    interface Tool {
        void run(Talk talk) throws Exception;
    }

    AskingBackend tool(Tool tool) {
        backend.on("tools/call", (request, answer) -> tool.run(new Talk(request, answer.events())));
        return this;
    }

    /** A tool that asks once, by this method, and repeats the answer. */
    AskingBackend asking(String method, String params) {
        return tool(talk -> talk.say("answered " + talk.answer(talk.ask(method, params))));
    }

    /** The response that came for a request of this id; fails when none comes. */
    JsonNode answer(String id) throws InterruptedException {
        JsonNode answer =
                answers.computeIfAbsent(id, key -> new LinkedBlockingQueue<>()).poll(10, TimeUnit.SECONDS);
        if (answer == null) {
            throw new IllegalStateException("nobody answered " + id); // ends the script, should it be one that waits
        }
        return answer;
    }

    /** The result that came for a request of this id, among refusals of those who were asked as well. */
    JsonNode result(String id) throws InterruptedException {
        JsonNode answer = answer(id);
        while (!answer.has("result")) {
            answer = answer(id);
        }
        return answer.path("result");
    }

    /** The parameters of the next {@code notifications/cancelled}. */
    JsonNode cancelled() throws InterruptedException {
        JsonNode params = cancelled.poll(10, TimeUnit.SECONDS);
        if (params == null) {
            throw new IllegalStateException("nothing was cancelled");
        }
        return params;
    }

    boolean nothingCancelled() {
        return cancelled.isEmpty();
    }

    static String json(String singleQuoted) {
        return singleQuoted.replace('\'', '"');
    }

    static String quoted(String text) {
        return tools.jackson.databind.json.JsonMapper.shared().writeValueAsString(text);
    }

    @Override
    public void close() {
        backend.close();
    }
}
