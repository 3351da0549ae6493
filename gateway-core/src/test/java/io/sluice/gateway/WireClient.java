package io.sluice.gateway;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A client that knows nothing but HTTP and JSON, so that tests say on the wire what they mean. JSON may be written with single quotes. */
public final class WireClient {
    private static final String BOTH = "application/json, text/event-stream";
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final HttpClient http =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final URI uri;
    private final List<String> always = new ArrayList<>();

    public WireClient(int port, String path) {
        this.uri = URI.create("http://127.0.0.1:" + port + path);
    }

    /** Sends these headers, as name, value, name, value, with every request. */
    public WireClient with(String... headers) {
        always.addAll(List.of(headers));
        return this;
    }

    public WireClient at(String path) {
        WireClient other = new WireClient(uri.getPort(), path);
        other.always.addAll(always);
        return other;
    }

    /** The headers sent with every request, as name, value, name, value. */
    List<String> headers() {
        return List.copyOf(always);
    }

    /** A whole response. */
    public record Got(int status, java.net.http.HttpHeaders headers, String body) {
        public JsonNode json() {
            return JsonMapper.shared().readTree(body.isEmpty() ? "null" : body);
        }

        public String header(String name) {
            return headers.firstValue(name).orElse("");
        }

        /** The data of each event of an SSE body. */
        public List<JsonNode> events() {
            return body.lines()
                    .filter(line -> line.startsWith("data: ") && line.length() > 6)
                    .map(line -> JsonMapper.shared().readTree(line.substring(6)))
                    .toList();
        }
    }

    /** A response that is still coming. */
    public static final class Stream implements AutoCloseable {
        private static final String END = "\0end";
        private final int status;
        private final java.net.http.HttpHeaders headers;
        private final java.io.InputStream body;
        private final BlockingQueue<String> lines = new LinkedBlockingQueue<>();

        Stream(HttpResponse<java.io.InputStream> response) {
            this.status = response.statusCode();
            this.headers = response.headers();
            this.body = response.body();
            Thread reader = new Thread(this::read, "wire-stream");
            reader.setDaemon(true);
            reader.start();
        }

        private void read() {
            try (var in = new java.io.BufferedReader(new java.io.InputStreamReader(body, StandardCharsets.UTF_8))) {
                for (String line = in.readLine(); line != null; line = in.readLine()) {
                    lines.add(line);
                }
            } catch (IOException gone) {
                // the end of the stream, whoever ended it
            }
            lines.add(END);
        }

        public int status() {
            return status;
        }

        public String header(String name) {
            return headers.firstValue(name).orElse("");
        }

        /** The next line that is not empty; null at the end. */
        public @Nullable String line() {
            try {
                while (true) {
                    String line = lines.poll(PATIENCE.toSeconds(), TimeUnit.SECONDS);
                    if (line == null) {
                        throw new AssertionError("nothing came within " + PATIENCE);
                    }
                    if (line.equals(END)) {
                        lines.add(END);
                        return null;
                    }
                    if (!line.isEmpty()) {
                        return line;
                    }
                }
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }

        /** The next JSON-RPC message. */
        public JsonNode message() {
            for (String line = line(); line != null; line = line()) {
                if (line.startsWith("data: ") && line.length() > 6) {
                    return JsonMapper.shared().readTree(line.substring(6));
                }
            }
            throw new AssertionError("the stream ended");
        }

        /** Reads on until a line that begins like this, and returns the rest of it. */
        public String field(String prefix) {
            for (String line = line(); line != null; line = line()) {
                if (line.startsWith(prefix)) {
                    return line.substring(prefix.length());
                }
            }
            throw new AssertionError("the stream ended without " + prefix);
        }

        /** Drops the connection. */
        @Override
        public void close() {
            try {
                body.close();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    public Got post(String json, String... headers) {
        return whole(request(headers).POST(HttpRequest.BodyPublishers.ofString(json.replace('\'', '"'))));
    }

    public Got raw(byte[] body, String... headers) {
        return whole(request(headers).POST(HttpRequest.BodyPublishers.ofByteArray(body)));
    }

    public Got get(String... headers) {
        return whole(request(headers).GET());
    }

    public Got delete(String... headers) {
        return whole(request(headers).DELETE());
    }

    public Stream stream(String json, String... headers) {
        return streamed(request(headers).POST(HttpRequest.BodyPublishers.ofString(json.replace('\'', '"'))));
    }

    public Stream listen(String... headers) {
        List<String> all = new ArrayList<>(List.of(headers));
        all.addAll(List.of("Accept", "text/event-stream"));
        return streamed(request(all.toArray(String[]::new)).GET());
    }

    /** Opens a legacy session and makes every later request of this client part of it. */
    public WireClient initialize(String version, String capabilities) {
        Got got = post("{'jsonrpc':'2.0','id':'init','method':'initialize','params':{'protocolVersion':'" + version
                + "','capabilities':" + capabilities + ",'clientInfo':{'name':'wire','version':'1'}}}");
        if (got.status() != 200) {
            throw new AssertionError("initialize: " + got);
        }
        with("Mcp-Session-Id", got.header("Mcp-Session-Id"), "MCP-Protocol-Version", version);
        post("{'jsonrpc':'2.0','method':'notifications/initialized'}");
        return this;
    }

    /** A modern request with the headers that mirror it. */
    public Got modern(String id, String method, String members, String... headers) {
        return post(modernBody(id, method, members), modernHeaders(method, members, headers));
    }

    public Stream modernStream(String id, String method, String members, String... headers) {
        return stream(modernBody(id, method, members), modernHeaders(method, members, headers));
    }

    public static String modernBody(String id, String method, String members) {
        String more = members.isEmpty() ? "" : members + ",";
        return "{'jsonrpc':'2.0','id':" + id + ",'method':'" + method + "','params':{" + more
                + "'_meta':{'io.modelcontextprotocol/protocolVersion':'2026-07-28',"
                + "'io.modelcontextprotocol/clientInfo':{'name':'wire','version':'1'},"
                + "'io.modelcontextprotocol/clientCapabilities':{}}}}";
    }

    private static String[] modernHeaders(String method, String members, String... more) {
        List<String> headers = new ArrayList<>(List.of("MCP-Protocol-Version", "2026-07-28", "Mcp-Method", method));
        JsonNode params = JsonMapper.shared().readTree("{" + members.replace('\'', '"') + "}");
        for (String key : List.of("name", "uri", "taskId")) {
            if (params.has(key) && !method.equals("completion/complete")) {
                headers.addAll(List.of("Mcp-Name", params.get(key).asString()));
            }
        }
        headers.addAll(List.of(more));
        return headers.toArray(String[]::new);
    }

    private HttpRequest.Builder request(String... headers) {
        HttpRequest.Builder request = HttpRequest.newBuilder(uri).timeout(PATIENCE);
        request.setHeader("Content-Type", "application/json");
        request.setHeader("Accept", BOTH);
        for (int i = 0; i + 1 < always.size(); i += 2) {
            request.setHeader(always.get(i), always.get(i + 1));
        }
        for (int i = 0; i + 1 < headers.length; i += 2) {
            request.setHeader(headers[i], headers[i + 1]);
        }
        return request;
    }

    private Got whole(HttpRequest.Builder request) {
        try {
            HttpResponse<String> response =
                    http.send(request.build(), HttpResponse.BodyHandlers.ofString(StandardCharsets.UTF_8));
            return new Got(response.statusCode(), response.headers(), response.body());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private Stream streamed(HttpRequest.Builder request) {
        try {
            return new Stream(http.send(request.build(), HttpResponse.BodyHandlers.ofInputStream()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
