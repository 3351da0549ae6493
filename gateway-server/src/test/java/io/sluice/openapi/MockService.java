package io.sluice.openapi;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.netty.DisposableServer;
import reactor.netty.http.server.HttpServer;
import reactor.netty.http.server.HttpServerRequest;
import tools.jackson.databind.JsonNode;

/** A service made of its OpenAPI document: serves the document, knows which operation a request is for, and keeps what arrived in which place. */
final class MockService implements AutoCloseable {
    private static final byte[] EMPTY = {'{', '}'};
    private final DisposableServer server;
    private final byte[] document;
    private final Map<String, List<Template>> byMethod = new LinkedHashMap<>();
    private volatile @Nullable Seen last;

    /**
     * What arrived.
     *
     * @param operation method and template, such as {@code GET /pets/{id}}
     * @param query decoded, in the order of the request
     */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    record Seen(
            String operation,
            Map<String, String> path,
            List<Map.Entry<String, String>> query,
            Map<String, String> headers,
            byte[] body) {
        List<String> query(String name) {
            return query.stream()
                    .filter(each -> each.getKey().equals(name))
                    .map(Map.Entry::getValue)
                    .toList();
        }
    }

    private record Template(String path, Pattern pattern, List<String> names) {}

    MockService(byte[] bytes, JsonNode tree) {
        document = bytes;
        tree.path("paths")
                .forEachEntry((path, item) -> item.propertyNames().forEach(method -> {
                    List<String> names = new ArrayList<>();
                    StringBuilder pattern = new StringBuilder();
                    Matcher holes = Pattern.compile("\\{([^}]+)}").matcher(path);
                    int at = 0;
                    while (holes.find()) {
                        pattern.append(Pattern.quote(path.substring(at, holes.start())))
                                .append("([^/]+)");
                        names.add(holes.group(1));
                        at = holes.end();
                    }
                    pattern.append(Pattern.quote(path.substring(at)));
                    byMethod.computeIfAbsent(method.toUpperCase(Locale.ROOT), any -> new ArrayList<>())
                            .add(new Template(path, Pattern.compile(pattern.toString()), names));
                }));
        byMethod.values()
                .forEach(all -> all.sort(Comparator.comparingInt(
                        template -> -template.path().replaceAll("\\{[^}]+}", "").length())));
        server = HttpServer.create()
                .host("127.0.0.1")
                .port(0)
                .handle((request, response) -> request.receive()
                        .aggregate()
                        .asByteArray()
                        .defaultIfEmpty(new byte[0])
                        .flatMap(body -> response.header("Content-Type", "application/json")
                                .sendByteArray(Mono.just(answer(request, body)))
                                .then()))
                .bindNow();
    }

    String url() {
        return "http://127.0.0.1:" + server.port() + "/";
    }

    /** The last request, once. */
    @Nullable
    Seen taken() {
        Seen seen = last;
        last = null;
        return seen;
    }

    private byte[] answer(HttpServerRequest request, byte[] body) {
        if (request.uri().equals("/openapi.json")) {
            return document;
        }
        last = seen(request, body);
        return EMPTY;
    }

    private Seen seen(HttpServerRequest request, byte[] body) {
        String[] target = request.uri().split("\\?", 2);
        String method = request.method().name();
        Map<String, String> path = new LinkedHashMap<>();
        String operation = "nothing at " + method + " " + target[0];
        for (Template template : byMethod.getOrDefault(method, List.of())) {
            Matcher matcher = template.pattern().matcher(target[0]);
            if (matcher.matches()) {
                operation = method + " " + template.path();
                for (int i = 0; i < template.names().size(); i++) {
                    path.put(template.names().get(i), decoded(matcher.group(i + 1)));
                }
                break;
            }
        }
        List<Map.Entry<String, String>> query = new ArrayList<>();
        if (target.length > 1) {
            for (String pair : target[1].split("&", -1)) {
                String[] parts = pair.split("=", 2);
                query.add(Map.entry(decoded(parts[0]), parts.length < 2 ? "" : decoded(parts[1])));
            }
        }
        Map<String, String> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
        request.requestHeaders().forEach(header -> headers.put(header.getKey(), header.getValue()));
        return new Seen(operation, path, query, headers, body);
    }

    private static String decoded(String text) {
        return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
    }

    @Override
    public void close() {
        server.disposeNow();
    }
}
