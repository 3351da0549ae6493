package io.sluice.testing;

import io.sluice.registry.Backend;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A real HTTP server on a port of its own that behaves like an MCP server, or as badly as a test wants: it can stall,
 * drip, reset, lie, answer as JSON or as an event stream, keep legacy sessions and forget them. It counts and keeps
 * what it was sent.
 *
 * <p>{@link #legacy()}, {@link #modern()} and {@link #dual()} are complete, small servers; {@link #on} replaces how one
 * JSON-RPC method is answered, {@link #onGet} and {@link #onDelete} the other HTTP methods. Every connection has a
 * thread of its own, so a script may simply wait.
 */
public final class FakeBackend implements AutoCloseable {
    public static final String MODERN = "2026-07-28";
    public static final String LEGACY = "2025-11-25";

    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final Map<String, Script> scripts = new ConcurrentHashMap<>();
    private final Map<String, Function<JsonNode, String>> tools = new ConcurrentHashMap<>();
    private final Map<String, String> definitions = new LinkedHashMap<>();
    private final Map<String, String> lists = new ConcurrentHashMap<>();
    private final List<Received> received = new CopyOnWriteArrayList<>();
    private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
    private final Set<String> sessions = ConcurrentHashMap.newKeySet();
    private final List<Stream> feeds = new CopyOnWriteArrayList<>();
    private final AtomicInteger connections = new AtomicInteger();
    private final AtomicInteger sessionNumber = new AtomicInteger();
    private final boolean speaksLegacy;
    private final boolean speaksModern;
    private final int port;
    private volatile ServerSocket listening;
    private volatile Thread accepting;
    private @Nullable HeldPort held;
    private volatile boolean stateful = true;
    private volatile boolean asEvents;
    private final CountDownLatch closing = new CountDownLatch(1);
    private final AtomicInteger leftUnread = new AtomicInteger();
    private volatile int mostBytes = Integer.MAX_VALUE;
    private volatile boolean keeping = true;
    private volatile boolean getStream = true;
    private volatile boolean forgetsWith400;
    private volatile String legacyVersion = LEGACY;
    private volatile String capabilities =
            "{\"tools\":{\"listChanged\":true},\"resources\":{\"subscribe\":true,\"listChanged\":true},"
                    + "\"prompts\":{\"listChanged\":true},\"logging\":{},\"completions\":{}}";
    private volatile Script get = this::feed;
    private volatile Script delete = this::endSession;

    private FakeBackend(boolean speaksLegacy, boolean speaksModern) {
        this.speaksLegacy = speaksLegacy;
        this.speaksModern = speaksModern;
        this.listening = listen(0);
        this.port = listening.getLocalPort();
        this.accepting = accept(listening);
        tool("echo", "{\"name\":\"echo\",\"inputSchema\":{\"type\":\"object\"}}", arguments -> arguments.toString());
    }

    /** How one request is answered. May block; an exception ends the connection. */
    @FunctionalInterface
    public interface Script {
        void answer(Received request, Answer answer) throws Exception;
    }

    /**
     * One request as it came. Header names are in lower case. {@code json} is a missing node when the body is no JSON.
     */
    public record Received(String httpMethod, String path, Map<String, String> headers, byte[] body, JsonNode json) {
        public String method() {
            return json.path("method").asString("");
        }

        public JsonNode id() {
            return json.path("id");
        }

        public JsonNode params() {
            return json.path("params");
        }

        public @Nullable String header(String name) {
            return headers.get(name.toLowerCase(Locale.ROOT));
        }

        public String text() {
            return new String(body, StandardCharsets.UTF_8);
        }
    }

    /** A server of 2025-11-25 with sessions, a GET stream and one tool, {@code echo}. */
    public static FakeBackend legacy() {
        return new FakeBackend(true, false);
    }

    /** A server of 2026-07-28 with one tool, {@code echo}, that checks the headers of each request against its body. */
    public static FakeBackend modern() {
        return new FakeBackend(false, true);
    }

    /** A server of both, as most SDKs make them. */
    public static FakeBackend dual() {
        return new FakeBackend(true, true);
    }

    // ---- what it is like

    /** Replaces how a JSON-RPC method is answered, in either era, before anything about it is checked. */
    public FakeBackend on(String method, Script script) {
        scripts.put(method, script);
        return this;
    }

    /** The method is answered as usual again. */
    public FakeBackend usual(String method) {
        scripts.remove(method);
        return this;
    }

    public FakeBackend onGet(Script script) {
        get = script;
        return this;
    }

    public FakeBackend onDelete(Script script) {
        delete = script;
        return this;
    }

    /** Answers requests with event streams instead of JSON bodies. */
    public FakeBackend asEvents() {
        asEvents = true;
        return this;
    }

    /** Issues no session ids. */
    public FakeBackend stateless() {
        stateful = false;
        getStream = false;
        return this;
    }

    /** Keeps nothing of what it was sent, for tests that send a lot. */
    public FakeBackend forgetful() {
        keeping = false;
        return this;
    }

    public boolean speaksModern() {
        return speaksModern;
    }

    /** Answers 405 to GET. */
    public FakeBackend withoutGetStream() {
        getStream = false;
        return this;
    }

    /** Answers a forgotten session with 400 instead of 404, as a widely copied server does. */
    public FakeBackend forgettingWith400() {
        forgetsWith400 = true;
        return this;
    }

    /** What {@code initialize} answers, whatever was asked for. */
    public FakeBackend version(String version) {
        legacyVersion = version;
        return this;
    }

    public FakeBackend capabilities(String json) {
        capabilities = json;
        return this;
    }

    /** Offers a tool; the function gets the arguments and gives the text of the result. */
    public FakeBackend tool(String name, String definitionJson, Function<JsonNode, String> answer) {
        synchronized (definitions) {
            definitions.put(name, definitionJson);
        }
        tools.put(name, answer);
        return this;
    }

    public FakeBackend tool(String name, Function<JsonNode, String> answer) {
        return tool(name, "{\"name\":\"" + name + "\",\"inputSchema\":{\"type\":\"object\"}}", answer);
    }

    public FakeBackend withoutTool(String name) {
        synchronized (definitions) {
            definitions.remove(name);
        }
        tools.remove(name);
        return this;
    }

    /**
     * What a list method's result holds: {@code prompts}, {@code resources} or {@code resourceTemplates}, as a JSON
     * array.
     */
    public FakeBackend list(String member, String jsonArray) {
        lists.put(member, jsonArray);
        return this;
    }

    // ---- what happened

    public String url() {
        return "http://127.0.0.1:" + port + "/mcp";
    }

    public int port() {
        return port;
    }

    /** A registration of this server with nothing else said about it. */
    public Backend backend(String name) {
        return Backend.of(name, url(), Backend.Source.FILE);
    }

    /** Everything it was sent, in order. */
    public List<Received> received() {
        return List.copyOf(received);
    }

    /** The requests and notifications of one JSON-RPC method. */
    public List<Received> received(String method) {
        return received.stream()
                .filter(request -> request.method().equals(method))
                .toList();
    }

    public int count(String method) {
        return received(method).size();
    }

    /** Requests of one HTTP method. */
    public int countHttp(String httpMethod) {
        return (int) received.stream()
                .filter(request -> request.httpMethod().equals(httpMethod))
                .count();
    }

    /** Connections accepted so far. */
    public int connections() {
        return connections.get();
    }

    public int openConnections() {
        return sockets.size();
    }

    public Set<String> sessions() {
        return Set.copyOf(sessions);
    }

    /** GET streams and listen streams that are open now. */
    public int openFeeds() {
        return feeds.size();
    }

    /** Whether the GET stream of the session is open in which a tool was called last. */
    public boolean hasFeedOfTheLastCall() {
        List<Received> calls = received("tools/call");
        String session = calls.isEmpty() ? null : calls.get(calls.size() - 1).header("mcp-session-id");
        return session != null && feeds.stream().anyMatch(feed -> session.equals(feed.session));
    }

    // ---- what it does by itself

    /** Sends a message on every open GET or listen stream. In the modern era a subscription id is added. */
    public void push(String json) {
        for (Stream feed : feeds) {
            feed.message(json);
        }
    }

    public void push(String method, String paramsJson) {
        push("{\"jsonrpc\":\"2.0\",\"method\":\"" + method + "\",\"params\":" + paramsJson + "}");
    }

    /** Ends every open GET or listen stream; with a reset when {@code rudely}. */
    public void dropFeeds(boolean rudely) {
        for (Stream feed : feeds) {
            feed.drop(rudely);
        }
    }

    /** Knows none of its sessions any more. */
    public void forgetSessions() {
        sessions.clear();
    }

    /**
     * Stops listening and resets every connection: what a crash looks like. The port stays this one's for {@link
     * #up()}.
     */
    public void down() {
        try {
            listening.close();
            accepting.join(); // until it has left accept(), the kernel still takes connections for it
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        sockets.forEach(FakeBackend::reset);
        sessions.clear();
        if (held == null) {
            held = new HeldPort(port);
        }
    }

    /** Listens again after {@link #down()}. */
    public void up() {
        release();
        listening = listen(port);
        accepting = accept(listening);
    }

    /** From now on leaves a body longer than this where it is, until the backend is closed. */
    public FakeBackend readingAtMost(int bytes) {
        mostBytes = bytes;
        return this;
    }

    /** How many bodies were left. */
    public int leftUnread() {
        return leftUnread.get();
    }

    @Override
    public void close() {
        closing.countDown();
        down();
        release();
    }

    private void release() {
        HeldPort now = held;
        if (now != null) {
            now.close();
            held = null;
        }
    }

    // ---- the server

    private static ServerSocket listen(int port) {
        try {
            ServerSocket socket = new ServerSocket();
            socket.setReuseAddress(true);
            socket.bind(new InetSocketAddress(InetAddress.getByAddress(new byte[] {127, 0, 0, 1}), port), 512);
            return socket;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Thread accept(ServerSocket server) {
        return thread("fake-backend-accept", () -> {
            while (!server.isClosed()) {
                Socket socket;
                try {
                    socket = server.accept();
                } catch (IOException closed) {
                    return;
                }
                connections.incrementAndGet();
                sockets.add(socket);
                thread("fake-backend", () -> serve(socket));
            }
        });
    }

    private static Thread thread(String name, Runnable task) {
        Thread thread = new Thread(task, name);
        thread.setDaemon(true);
        thread.start();
        return thread;
    }

    private void serve(Socket socket) {
        try (socket) {
            socket.setTcpNoDelay(true);
            InputStream in = new BufferedInputStream(socket.getInputStream());
            while (true) {
                Received request = read(in);
                if (request == null) {
                    return;
                }
                if (keeping) {
                    received.add(request);
                }
                Answer answer = new Answer(socket, in, request);
                respond(request, answer);
                answer.finish();
                if (answer.closed) {
                    return;
                }
            }
        } catch (Exception ended) {
            // the test, or the other side, has ended it
        } finally {
            sockets.remove(socket);
        }
    }

    private @Nullable Received read(InputStream in) throws IOException, InterruptedException {
        String requestLine = line(in);
        if (requestLine.isEmpty()) {
            return null;
        }
        String[] parts = requestLine.split(" ");
        Map<String, String> headers = new LinkedHashMap<>();
        for (String line = line(in); !line.isEmpty(); line = line(in)) {
            int colon = line.indexOf(':');
            headers.merge(
                    line.substring(0, colon).toLowerCase(Locale.ROOT),
                    line.substring(colon + 1).trim(),
                    (a, b) -> a + "\n" + b);
        }
        int length = Integer.parseInt(headers.getOrDefault("content-length", "0"));
        if (length > mostBytes) {
            leftUnread.incrementAndGet();
            closing.await();
        }
        byte[] body = in.readNBytes(length);
        return new Received(parts[0], parts[1], headers, body, parsed(body));
    }

    private static JsonNode parsed(byte[] body) {
        try {
            return body.length == 0 ? JSON.missingNode() : JSON.readTree(body);
        } catch (JacksonException notJson) {
            return JSON.missingNode();
        }
    }

    private static String line(InputStream in) throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        for (int b = in.read(); b >= 0 && b != '\n'; b = in.read()) {
            if (b != '\r') {
                line.write(b);
            }
        }
        return line.toString(StandardCharsets.ISO_8859_1);
    }

    private void respond(Received request, Answer answer) throws Exception {
        switch (request.httpMethod()) {
            case "GET" -> get.answer(request, answer);
            case "DELETE" -> delete.answer(request, answer);
            default -> post(request, answer);
        }
    }

    private void post(Received request, Answer answer) throws Exception {
        Script script = scripts.get(request.method());
        if (script != null) {
            script.answer(request, answer);
        } else if (request.params().path("_meta").has("io.modelcontextprotocol/protocolVersion")) {
            modern(request, answer);
        } else {
            legacy(request, answer);
        }
    }

    /** Answers as if there were no script: for scripts that only want to look, or to wait first. */
    public void usual(Received request, Answer answer) throws Exception {
        if (request.params().path("_meta").has("io.modelcontextprotocol/protocolVersion")) {
            modern(request, answer);
        } else {
            legacy(request, answer);
        }
    }

    // ---- the modern era

    private void modern(Received request, Answer answer) throws Exception {
        if (!speaksModern) {
            answer.error(400, -32000, "Bad Request: Server not initialized");
            return;
        }
        String target = request.params()
                .path(request.method().equals("resources/read") ? "uri" : "name")
                .asString("");
        boolean named = Set.of("tools/call", "prompts/get", "resources/read").contains(request.method());
        if (!MODERN.equals(request.header("mcp-protocol-version"))
                || !request.method().equals(request.header("mcp-method"))
                || (named && !target.equals(request.header("mcp-name")) && !isEncoded(request.header("mcp-name")))) {
            answer.error(400, -32020, "Header mismatch");
            return;
        }
        switch (request.method()) {
            case "server/discover" ->
                answer.result("{\"resultType\":\"complete\",\"supportedVersions\":[\"" + MODERN
                        + "\"],\"capabilities\":" + capabilities
                        + ",\"ttlMs\":60000,\"cacheScope\":\"public\",\"_meta\":{"
                        + "\"io.modelcontextprotocol/serverInfo\":"
                        + "{\"name\":\"fake\",\"version\":\"1\"}}}");
            case "subscriptions/listen" -> listen(request, answer);
            default ->
                method(request, answer, "\"resultType\":\"complete\",", "\"ttlMs\":0,\"cacheScope\":\"public\",");
        }
    }

    private static boolean isEncoded(@Nullable String header) {
        return header != null && header.startsWith("=?base64?");
    }

    private void listen(Received request, Answer answer) throws Exception {
        String id = request.id().toString();
        Stream stream = answer.events();
        stream.subscriptionId = id;
        feeds.add(stream);
        try {
            stream.message("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/subscriptions/acknowledged\",\"params\":"
                    + "{\"notifications\":" + request.params().path("notifications") + "}}");
            stream.untilClosed();
        } finally {
            feeds.remove(stream);
        }
    }

    // ---- the legacy era

    private void legacy(Received request, Answer answer) throws Exception {
        if (!speaksLegacy) {
            answer.error(400, -32602, "Missing _meta");
            return;
        }
        if (request.method().equals("initialize")) {
            initialize(answer);
            return;
        }
        String session = request.header("mcp-session-id");
        if (stateful && session == null) {
            answer.error(400, -32000, "Bad Request: Mcp-Session-Id header is required");
            return;
        }
        if (stateful && !sessions.contains(session)) {
            if (forgetsWith400) {
                answer.error(400, -32000, "Bad Request: No valid session ID provided");
            } else {
                answer.error(404, -32001, "Session not found");
            }
            return;
        }
        if (request.id().isMissingNode() || request.method().isEmpty()) {
            answer.accepted();
        } else {
            method(request, answer, "", "");
        }
    }

    private void initialize(Answer answer) throws IOException {
        if (stateful) {
            String id = "session-" + sessionNumber.incrementAndGet();
            sessions.add(id);
            answer.header("Mcp-Session-Id", id);
        }
        answer.result("{\"protocolVersion\":\"" + legacyVersion + "\",\"capabilities\":" + capabilities
                + ",\"serverInfo\":{\"name\":\"fake\",\"version\":\"1\"}}");
    }

    private void feed(Received request, Answer answer) throws Exception {
        if (!getStream || !speaksLegacy) {
            answer.status(405, "text/plain", "no");
            return;
        }
        String session = request.header("mcp-session-id");
        if (stateful && (session == null || !sessions.contains(session))) {
            answer.error(404, -32001, "Session not found");
            return;
        }
        Stream stream = answer.events();
        stream.session = session;
        feeds.add(stream);
        try {
            stream.comment();
            stream.untilClosed();
        } finally {
            feeds.remove(stream);
        }
    }

    private void endSession(Received request, Answer answer) throws IOException {
        String session = request.header("mcp-session-id");
        boolean known = session != null && sessions.remove(session);
        answer.status(known ? 200 : 404, "text/plain", "");
    }

    // ---- methods of both

    private void method(Received request, Answer answer, String start, String caching) throws IOException {
        String method = request.method();
        String result = switch (method) {
            case "ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe" -> "{}";
            case "tools/list" -> "{" + start + caching + "\"tools\":" + toolDefinitions() + "}";
            case "prompts/list" -> "{" + start + caching + "\"prompts\":" + array("prompts") + "}";
            case "resources/list" -> "{" + start + caching + "\"resources\":" + array("resources") + "}";
            case "resources/templates/list" ->
                "{" + start + caching + "\"resourceTemplates\":" + array("resourceTemplates") + "}";
            case "tools/call" -> call(request, start);
            default -> null;
        };
        if (result == null) {
            answer.error(start.isEmpty() ? 200 : 404, -32601, "Method not found");
        } else if (result.isEmpty()) {
            answer.error(200, -32602, "Unknown tool");
        } else if (asEvents) {
            Stream stream = answer.events();
            stream.message("{\"jsonrpc\":\"2.0\",\"id\":" + request.id() + ",\"result\":" + result + "}");
            stream.end();
        } else {
            answer.result(result);
        }
    }

    private String array(String member) {
        return lists.getOrDefault(member, "[]");
    }

    private String toolDefinitions() {
        synchronized (definitions) {
            return definitions.values().toString();
        }
    }

    private String call(Received request, String start) {
        Function<JsonNode, String> tool =
                tools.get(request.params().path("name").asString(""));
        if (tool == null) {
            return "";
        }
        return "{" + start + "\"content\":[{\"type\":\"text\",\"text\":"
                + JSON.writeValueAsString(tool.apply(request.params().path("arguments"))) + "}]}";
    }

    private static void reset(Socket socket) {
        try {
            socket.setSoLinger(true, 0);
            socket.close();
        } catch (IOException alreadyGone) {
            // as wanted
        }
    }

    /** The answer to one request. Every method writes at once. */
    public static final class Answer {
        private final Socket socket;
        private final InputStream in;
        private final OutputStream out;
        private final Received request;
        private final Map<String, String> headers = new LinkedHashMap<>();
        private @Nullable Stream stream;
        private boolean closed;

        private Answer(Socket socket, InputStream in, Received request) throws IOException {
            this.socket = socket;
            this.in = in;
            this.out = socket.getOutputStream();
            this.request = request;
        }

        /** Adds a header to what is written next. */
        public Answer header(String name, String value) {
            headers.put(name, value);
            return this;
        }

        /** The result of the request, under its id, as JSON. */
        public void result(String resultJson) throws IOException {
            json("{\"jsonrpc\":\"2.0\",\"id\":" + id() + ",\"result\":" + resultJson + "}");
        }

        /** An error response under the request's id. */
        public void error(int status, int code, String message) throws IOException {
            error(status, code, message, "");
        }

        public void error(int status, int code, String message, String dataJson) throws IOException {
            status(
                    status,
                    "application/json",
                    "{\"jsonrpc\":\"2.0\",\"id\":" + id() + ",\"error\":{\"code\":" + code + ",\"message\":"
                            + JSON.writeValueAsString(message)
                            + (dataJson.isEmpty() ? "" : ",\"data\":" + dataJson) + "}}");
        }

        private String id() {
            return request.id().isMissingNode() ? "null" : request.id().toString();
        }

        public void json(String body) throws IOException {
            status(200, "application/json", body);
        }

        public void accepted() throws IOException {
            status(202, null, "");
        }

        public void status(int status, @Nullable String type, String body) throws IOException {
            byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
            if (type != null) {
                header("Content-Type", type);
            }
            header("Content-Length", Integer.toString(bytes.length));
            head(status);
            out.write(bytes);
            out.flush();
        }

        /** Status line and headers, as collected. */
        public void head(int status) throws IOException {
            StringBuilder head = new StringBuilder("HTTP/1.1 " + status + " Status\r\n");
            headers.forEach((name, value) ->
                    head.append(name).append(": ").append(value).append("\r\n"));
            headers.clear();
            out.write(head.append("\r\n").toString().getBytes(StandardCharsets.ISO_8859_1));
            out.flush();
        }

        /** Bytes as they are, framing and all. */
        public void raw(String bytes) throws IOException {
            out.write(bytes.getBytes(StandardCharsets.UTF_8));
            out.flush();
        }

        /** A JSON body written in pieces of {@code size} bytes, each on its own. */
        public void drip(String body, int size) throws IOException {
            byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
            header("Content-Type", "application/json")
                    .header("Content-Length", Integer.toString(bytes.length))
                    .head(200);
            for (int at = 0; at < bytes.length; at += size) {
                out.write(bytes, at, Math.min(size, bytes.length - at));
                out.flush();
            }
        }

        /** Starts an event stream. */
        public Stream events() throws IOException {
            header("Content-Type", "text/event-stream")
                    .header("Transfer-Encoding", "chunked")
                    .head(200);
            Stream started = new Stream(this);
            stream = started;
            return started;
        }

        /** Waits until the other side closes the connection, and leaves it closed. */
        public void untilClosed() throws IOException {
            closed = true;
            while (in.read() >= 0) {
                // nothing may come while an answer is due
            }
        }

        /** Breaks the connection off with a reset. */
        public void reset() {
            closed = true;
            FakeBackend.reset(socket);
        }

        /** Closes the connection after what has been written. */
        public void close() throws IOException {
            closed = true;
            socket.close();
        }

        private void finish() {
            if (stream != null) {
                closed |= !stream.ended;
            }
        }
    }

    /** An event stream. May be written to by any thread; writing to one the other side has left does nothing. */
    public static final class Stream {
        private final Answer answer;
        private final CountDownLatch dropped = new CountDownLatch(1);
        private volatile boolean ended;
        private volatile @Nullable String subscriptionId;
        private volatile @Nullable String session;

        private Stream(Answer answer) {
            this.answer = answer;
        }

        /** One message as one event. */
        public Stream message(String json) {
            String id = subscriptionId;
            String sent = id == null || json.contains("\"id\":")
                    ? json
                    : json.replaceFirst(
                                    "\"params\":\\{",
                                    "\"params\":{\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":"
                                            + java.util.regex.Matcher.quoteReplacement(id) + "},")
                            .replace("},}", "}}");
            return raw("event: message\ndata: " + sent + "\n\n");
        }

        public Stream message(String id, String json) {
            return raw("id: " + id + "\ndata: " + json + "\n\n");
        }

        public Stream comment() {
            return raw(": still here\n\n");
        }

        /** Any text, in one chunk. */
        public synchronized Stream raw(String text) {
            byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
            try {
                answer.out.write((Integer.toHexString(bytes.length) + "\r\n").getBytes(StandardCharsets.US_ASCII));
                answer.out.write(bytes);
                answer.out.write("\r\n".getBytes(StandardCharsets.US_ASCII));
                answer.out.flush();
            } catch (IOException gone) {
                // the reader has left
            }
            return this;
        }

        /** Ends the stream; the connection stays. */
        public synchronized void end() {
            ended = true;
            try {
                answer.out.write("0\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
                answer.out.flush();
            } catch (IOException gone) {
                // the reader has left
            }
        }

        /** Waits until the other side closes the connection, or {@link FakeBackend#dropFeeds} ends the stream. */
        public void untilClosed() throws IOException, InterruptedException {
            thread("fake-backend-watch", () -> {
                try {
                    answer.untilClosed();
                } catch (IOException gone) {
                    // as good as closed
                }
                dropped.countDown();
            });
            if (!dropped.await(60, TimeUnit.SECONDS)) {
                throw new IOException("nobody closed the stream");
            }
        }

        private void drop(boolean rudely) {
            if (rudely) {
                answer.reset();
            } else {
                end();
                try {
                    answer.close();
                } catch (IOException gone) {
                    // as wanted
                }
            }
            dropped.countDown();
        }
    }

    /** The pages of a list for {@link #on}: each cursor leads to the next. */
    public static Script pages(String member, List<String> arrays) {
        return (request, answer) -> {
            String cursor = request.params().path("cursor").asString("0");
            int page = Integer.parseInt(cursor);
            String next = page + 1 < arrays.size() ? ",\"nextCursor\":\"" + (page + 1) + "\"" : "";
            answer.result("{\"resultType\":\"complete\",\"ttlMs\":0,\"cacheScope\":\"private\",\"" + member + "\":"
                    + arrays.get(page) + next + "}");
        };
    }
}
