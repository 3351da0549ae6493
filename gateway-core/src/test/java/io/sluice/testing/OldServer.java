package io.sluice.testing;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.sluice.registry.Backend;
import io.sluice.registry.Transport;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A server of 2024-11-05: {@code GET /sse} opens a session's stream, {@code POST /messages?session=…} sends to it. Its tools: {@code session} answers with the session's number, {@code ask} asks its
 * client for a sample first, {@code never} does not answer.
 */
public final class OldServer implements AutoCloseable {
    private static final JsonMapper JSON = JsonMapper.shared();

    private final HttpServer server;
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final Map<String, OutputStream> streams = new ConcurrentHashMap<>();
    private final Map<String, JsonNode> asking = new ConcurrentHashMap<>();
    private final AtomicInteger numbers = new AtomicInteger();
    private final List<String> received = new CopyOnWriteArrayList<>();
    private volatile String address = "/messages?session=";

    public OldServer() {
        try {
            server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        server.setExecutor(threads);
        server.createContext("/sse", this::open);
        server.createContext("/messages", this::take);
        server.start();
    }

    /** What the endpoint event says before the session's number. */
    public OldServer sayingToPostTo(String prefix) {
        address = prefix;
        return this;
    }

    public Backend backend(String name) {
        return Backend.of(name, "http://127.0.0.1:" + server.getAddress().getPort() + "/sse", Backend.Source.FILE)
                .via(Transport.SSE);
    }

    /** Methods and the like that arrived, in order. */
    public List<String> received() {
        return received;
    }

    public int openStreams() {
        return streams.size();
    }

    /** Cuts every stream, as a restart does. */
    public void cut() {
        streams.values().forEach(stream -> {
            try {
                stream.close();
            } catch (IOException gone) {
                // as wanted
            }
        });
        streams.clear();
    }

    private void open(HttpExchange exchange) throws IOException {
        exchange.getResponseHeaders().set("Content-Type", "text/event-stream");
        exchange.sendResponseHeaders(200, 0);
        String session = Integer.toString(numbers.incrementAndGet());
        OutputStream stream = exchange.getResponseBody();
        streams.put(session, stream);
        write(stream, "event: endpoint\ndata: " + address + session + "\n\n");
    }

    private static void write(OutputStream stream, String text) throws IOException {
        synchronized (stream) {
            stream.write(text.getBytes(StandardCharsets.UTF_8));
            stream.flush();
        }
    }

    private void say(String session, String json) throws IOException {
        OutputStream stream = streams.get(session);
        if (stream != null) {
            try {
                write(stream, "event: message\ndata: " + json.replace('\'', '"') + "\n\n");
            } catch (IOException left) {
                streams.remove(session);
            }
        }
    }

    private void take(HttpExchange exchange) throws IOException {
        String session = exchange.getRequestURI().getQuery().replace("session=", "");
        JsonNode message = JSON.readTree(exchange.getRequestBody().readAllBytes());
        boolean known = streams.containsKey(session);
        exchange.sendResponseHeaders(known ? 202 : 404, -1);
        exchange.close();
        if (known) {
            received.add(message.path("method").asString("response") + " " + session);
            answer(session, message);
        }
    }

    private void answer(String session, JsonNode message) throws IOException {
        String id = message.path("id").toString();
        switch (message.path("method").asString("")) {
            case "initialize" ->
                result(
                        session,
                        id,
                        "{'protocolVersion':'2024-11-05','capabilities':{'tools':{'listChanged':true}},"
                                + "'serverInfo':{'name':'old','version':'1'}}");
            case "tools/list" ->
                result(
                        session,
                        id,
                        "{'tools':[{'name':'session','inputSchema':{'type':'object'}},"
                                + "{'name':'ask','inputSchema':{'type':'object'}},{'name':'never','inputSchema':{'type':'object'}}]}");
            case "tools/call" -> {
                String tool = message.path("params").path("name").asString("");
                if (tool.equals("session")) {
                    text(session, id, session);
                } else if (tool.equals("ask")) {
                    asking.put(session, message);
                    say(
                            session,
                            "{'jsonrpc':'2.0','id':'ask','method':'sampling/createMessage','params':{'messages':[],'maxTokens':1}}");
                }
            }
            case "" -> {
                JsonNode call = asking.remove(session);
                if (call != null) {
                    text(session, call.path("id").toString(), message.has("error") ? "declined" : "answered");
                }
            }
            default -> {
                if (message.has("id")) {
                    say(
                            session,
                            "{'jsonrpc':'2.0','id':" + id + ",'error':{'code':-32601,'message':'Method not found'}}");
                }
            }
        }
    }

    private void result(String session, String id, String result) throws IOException {
        say(session, "{'jsonrpc':'2.0','id':" + id + ",'result':" + result + "}");
    }

    private void text(String session, String id, String text) throws IOException {
        result(session, id, "{'content':[{'type':'text','text':'" + text + "'}]}");
    }

    @Override
    public void close() {
        cut();
        server.stop(0);
        threads.shutdownNow();
    }
}
