package io.sluice.openapi;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.sluice.adapter.KeptOffering;
import io.sluice.adapter.LocalContent;
import io.sluice.egress.EgressClient;
import io.sluice.egress.EgressPolicy;
import io.sluice.envelope.Envelope;
import io.sluice.protocol.ErrorCodes;
import io.sluice.protocol.McpMethod;
import io.sluice.protocol.RawJson;
import io.sluice.registry.Backend;
import io.sluice.registry.Endpoint;
import io.sluice.rejection.Rejection;
import io.sluice.rejection.Rejection.BackendFailure;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;
import reactor.netty.http.client.HttpClient;
import reactor.netty.http.client.HttpClientResponse;
import reactor.netty.resources.ConnectionProvider;
import reactor.netty.resources.LoopResources;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * One REST service: its document, read again now and then, and its operations as tools. What a service answers with an error status is a result with {@code isError}; only what keeps the service from
 * being asked at all is trouble of the backend.
 */
final class RestService implements LocalContent {
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final int LONGEST_DOCUMENT = 32 << 20;
    private static final int LONGEST_ANSWER = 4 << 20;
    private static final int LONGEST_ERROR = 16 << 10;
    private static final Duration FETCHING = Duration.ofSeconds(20);

    private final Backend backend;
    private final OpenApiSettings settings;
    private final String userAgent;
    private final ConnectionProvider pool;
    private final HttpClient client;
    private final KeptOffering<byte[], Known> kept;
    private final AtomicInteger turn = new AtomicInteger();

    /** A document as it was last read. */
    private record Known(OpenApiReader.Read read, Map<String, Operation> byTool, Offering offering) {}

    private record Answered(int status, String mediaType, byte[] body, boolean cut) {}

    RestService(
            Backend backend,
            OpenApiSettings settings,
            LoopResources loops,
            EgressPolicy egress,
            String userAgent,
            Scheduler timer) {
        this.backend = backend;
        this.settings = settings;
        this.userAgent = userAgent;
        this.pool = ConnectionProvider.builder("sluice-rest-" + backend.name())
                .maxConnections(500)
                .pendingAcquireMaxCount(1000)
                .pendingAcquireTimeout(Duration.ofSeconds(10))
                .maxIdleTime(Duration.ofSeconds(30))
                .lifo()
                .build();
        this.client = EgressClient.create(pool, loops, egress, backend.source());
        this.kept = new KeptOffering<>(
                backend.name(),
                Mono.defer(this::document),
                Arrays::equals,
                this::made,
                Known::offering,
                settings.interval(),
                timer);
    }

    // ---- the document

    @Override
    public Mono<Offering> offering() {
        return kept.offering();
    }

    @Override
    public Flux<Offering> changes() {
        return kept.changes();
    }

    private Known made(byte[] bytes) {
        OpenApiReader.Read read;
        try {
            read = OpenApiReader.read(bytes, settings);
        } catch (Unreadable e) {
            throw unavailable(String.valueOf(e.getMessage()));
        }
        Map<String, Operation> byTool = new HashMap<>();
        read.operations().forEach(operation -> byTool.put(operation.tool(), operation));
        List<RawJson> tools = read.operations().stream()
                .map(operation -> RawJson.of(JSON.writeValueAsBytes(operation.definition())))
                .toList();
        ObjectNode info = JSON.createObjectNode().put("name", backend.name()).put("version", read.version());
        info.put("title", read.title());
        return new Known(read, byTool, Offering.ofTools(RawJson.of(JSON.writeValueAsBytes(info)), tools));
    }

    private Mono<byte[]> document() {
        String place = settings.document();
        if (place.startsWith("file:")) {
            return Mono.fromCallable(
                            () -> DocumentFiles.read(Path.of(place.substring("file:".length())), LONGEST_DOCUMENT))
                    .subscribeOn(Schedulers.boundedElastic())
                    .onErrorMap(Unreadable.class, e -> unavailable(String.valueOf(e.getMessage())))
                    .onErrorMap(
                            IOException.class,
                            e -> unavailable("its document " + place.substring("file:".length()) + " cannot be read"));
        }
        URI url = place(endpoint());
        boolean own = sameOrigin(url, endpoint().url());
        return exchange(HttpMethod.GET, url, own ? backend.headers() : Map.of(), null, LONGEST_DOCUMENT)
                .timeout(
                        FETCHING,
                        Mono.error(() -> unavailable("its document did not arrive within 20 s (" + url + ")")))
                .map(answered -> {
                    if (answered.status() != 200) {
                        throw unavailable(
                                "its document was answered with " + phrase(answered.status()) + " (" + url + ")");
                    }
                    if (answered.cut()) {
                        throw unavailable("its document is larger than " + (LONGEST_DOCUMENT >> 20) + " MiB");
                    }
                    return answered.body();
                });
    }

    private static boolean sameOrigin(URI one, URI other) {
        return String.valueOf(one.getScheme()).equals(other.getScheme())
                && String.valueOf(one.getRawAuthority()).equals(other.getRawAuthority());
    }

    private Endpoint endpoint() {
        List<Endpoint> all = backend.endpoints();
        return all.get(Math.floorMod(turn.getAndIncrement(), all.size()));
    }

    /**
     * Where operations are called: what was configured, with the path of the document's server when only a host was. A server that is written relatively is relative to the document (OpenAPI 3.1,
     * <em>Relative References in URLs</em>).
     */
    private URI base(OpenApiReader.Read read) {
        Endpoint endpoint = endpoint();
        String server = read.server();
        try {
            if (!endpoint.isAddress()) {
                URI named = URI.create(server);
                if (named.getHost() == null) {
                    throw unavailable(
                            server.isEmpty()
                                    ? "its document names no server, and no baseUrl is configured"
                                    : "its document names a server without a host, '" + server
                                            + "', and no baseUrl is configured");
                }
                return named;
            }
            boolean bare = endpoint.url().getRawPath().equals("/");
            if (!bare || server.isEmpty()) {
                return endpoint.url();
            }
            String path = place(endpoint).resolve(server).normalize().getRawPath();
            String below = path == null ? "" : path.replaceFirst("^(/\\.\\.)+(?=/|$)", ""); // nothing is above the root
            return endpoint.url().resolve(below.isEmpty() ? "/" : below);
        } catch (IllegalArgumentException e) {
            throw unavailable("the server in its document is no URL: '" + server + "'");
        }
    }

    /** Where the document is, as far as what it says relatively is concerned. */
    private URI place(Endpoint endpoint) {
        String document = settings.document();
        return document.startsWith("file:") ? endpoint.url() : endpoint.url().resolve(document);
    }

    /** What its tools lack, and where they are called when the document names another place. */
    @Override
    public Optional<String> remarks() {
        return kept.now()
                .map(Known::read)
                .map(read -> {
                    List<String> lines = new ArrayList<>(read.remarks());
                    elsewhere(read.server()).ifPresent(lines::add);
                    return String.join("\n", lines);
                })
                .filter(lines -> !lines.isEmpty());
    }

    private Optional<String> elsewhere(String server) {
        try {
            URI named = URI.create(server);
            URI called = backend.endpoints().get(0).url();
            if (named.getHost() == null || !backend.endpoints().get(0).isAddress() || sameOrigin(named, called)) {
                return Optional.empty();
            }
            return Optional.of("its document names the server " + named.getScheme() + "://" + named.getRawAuthority()
                    + "; it is called at " + called.getScheme() + "://" + called.getRawAuthority());
        } catch (IllegalArgumentException e) {
            return Optional.empty(); // a call says so
        }
    }

    // ---- calls

    @Override
    public Flux<Step> perform(Asked asked) {
        return Flux.defer(() -> {
            Envelope request = asked.request();
            if (asked.method() != McpMethod.TOOLS_CALL || !request.isString(request.name())) {
                return Flux.just(new Step.Refusal(ErrorCodes.INVALID_PARAMS, "There are tools here and nothing else"));
            }
            String tool = request.text(request.name());
            return kept.known()
                    .flatMap(read -> {
                        Operation operation = read.byTool().get(tool);
                        return operation == null
                                ? Mono.just(new Step.Refusal(ErrorCodes.INVALID_PARAMS, "Unknown tool: " + tool))
                                : call(operation, read.read(), request, asked.traceparent());
                    })
                    .flux();
        });
    }

    private Mono<Step> call(Operation operation, OpenApiReader.Read read, Envelope call, @Nullable String traceparent) {
        RequestWriter.Request request;
        URI url;
        try {
            request = RequestWriter.write(operation, arguments(call));
            url = RequestWriter.below(base(read), request.target());
        } catch (RequestWriter.Refused e) {
            return Mono.just(failed(String.valueOf(e.getMessage())));
        } catch (JacksonException | IllegalArgumentException e) {
            return Mono.just(failed("The arguments cannot be made a request: " + e.getMessage()));
        }
        Map<String, String> headers = new HashMap<>(request.headers());
        headers.put("Accept", "application/json, */*;q=0.5");
        if (traceparent != null) {
            headers.put("traceparent", traceparent);
        }
        headers.putAll(backend.headers()); // last: no argument overrides the gateway's own credentials
        return exchange(HttpMethod.valueOf(request.method()), url, headers, request.body(), LONGEST_ANSWER)
                .map(answered -> result(operation, answered));
    }

    private static JsonNode arguments(Envelope call) {
        return call.isObject(call.arguments())
                ? JSON.readTree(call.raw(call.arguments()).bytes())
                : JSON.createObjectNode();
    }

    private static Step failed(String sentence) {
        ObjectNode result = JSON.createObjectNode();
        result.putArray("content").addObject().put("type", "text").put("text", sentence);
        result.put("isError", true);
        return new Step.Result(RawJson.of(JSON.writeValueAsBytes(result)));
    }

    private Step result(Operation operation, Answered answered) {
        if (answered.status() >= 300) {
            String body = new String(
                    answered.body(), 0, Math.min(answered.body().length, LONGEST_ERROR), StandardCharsets.UTF_8);
            return failed("The service answered " + phrase(answered.status()) + (body.isBlank() ? "" : ": " + body));
        }
        if (answered.cut()) {
            return failed("The service answered with more than " + (LONGEST_ANSWER >> 20) + " MiB");
        }
        ObjectNode result = JSON.createObjectNode();
        ObjectNode content = result.putArray("content").addObject();
        boolean json = OpenApiReader.isJson(answered.mediaType());
        if (isText(answered.mediaType(), json)) {
            content.put("type", "text");
            content.put(
                    "text",
                    answered.body().length == 0
                            ? phrase(answered.status())
                            : new String(answered.body(), StandardCharsets.UTF_8));
        } else {
            binary(content, operation, answered);
        }
        if (operation.output().isPresent()) {
            JsonNode schema = operation.output().get();
            JsonNode value = json ? parsed(answered.body()) : JSON.missingNode();
            if (value.isObject() && Schemas.matches(value, schema, schema.path("$defs"))) {
                result.set("structuredContent", value);
            } else {
                // A client holds the tool to its outputSchema; an answer that differs is passed on as what it is.
                result.put("isError", true);
                content.put(
                        "text",
                        "The service's answer is not what its document says: "
                                + content.path("text").asString(""));
            }
        }
        return new Step.Result(RawJson.of(JSON.writeValueAsBytes(result)));
    }

    private static void binary(ObjectNode content, Operation operation, Answered answered) {
        String encoded = Base64.getEncoder().encodeToString(answered.body());
        String type = answered.mediaType();
        if (type.startsWith("image/") || type.startsWith("audio/")) {
            content.put("type", type.substring(0, 5)).put("data", encoded).put("mimeType", type);
            return;
        }
        content.put("type", "resource");
        content.putObject("resource")
                .put("uri", "rest:" + operation.path())
                .put("mimeType", type)
                .put("blob", encoded);
    }

    private static boolean isText(String type, boolean json) {
        return json
                || type.isEmpty()
                || type.startsWith("text/")
                || type.contains("xml")
                || type.contains("yaml")
                || type.contains("javascript")
                || type.contains("urlencoded");
    }

    private static JsonNode parsed(byte[] body) {
        try {
            return JSON.readTree(body);
        } catch (JacksonException e) {
            return JSON.missingNode();
        }
    }

    // ---- HTTP

    private Mono<Answered> exchange(
            HttpMethod method, URI url, Map<String, String> headers, byte @Nullable [] body, int most) {
        return client.request(method)
                .uri(url)
                .send((request, out) -> {
                    request.header("User-Agent", userAgent);
                    headers.forEach((name, value) -> request.requestHeaders().set(name, value));
                    if (body != null) {
                        request.requestHeaders().set("Content-Length", body.length);
                        return out.send(Mono.fromSupplier(() -> Unpooled.wrappedBuffer(body)));
                    }
                    return out;
                })
                .response((head, bytes) -> gathered(head, bytes, most))
                .next()
                .onErrorMap(error -> !(error instanceof Rejection), error -> unreachable(error, url));
    }

    private static Mono<Answered> gathered(HttpClientResponse head, Flux<? extends ByteBuf> bytes, int most) {
        String type = head.responseHeaders().get("Content-Type", "");
        String bare = type.split(";", 2)[0].strip().toLowerCase(Locale.ROOT);
        java.io.ByteArrayOutputStream whole = new java.io.ByteArrayOutputStream();
        return bytes.map(part -> {
                    byte[] copied = new byte[part.readableBytes()];
                    part.getBytes(part.readerIndex(), copied);
                    whole.writeBytes(copied);
                    return whole.size();
                })
                .takeUntil(size -> size > most)
                .then(Mono.fromSupplier(() -> new Answered(
                        head.status().code(),
                        bare,
                        whole.size() > most ? Arrays.copyOf(whole.toByteArray(), most) : whole.toByteArray(),
                        whole.size() > most)));
    }

    private BackendFailure unreachable(Throwable error, URI url) {
        String shown = url.getScheme() + "://" + url.getRawAuthority() + url.getRawPath();
        return unavailable("it cannot be reached, " + error.getMessage() + " (" + shown + ")");
    }

    private BackendFailure unavailable(String what) {
        return BackendFailure.unavailable(
                backend.name(), "Backend '" + backend.name() + "' is unavailable: " + what, Duration.ofSeconds(1));
    }

    private static String phrase(int status) {
        return HttpResponseStatus.valueOf(status).toString();
    }

    @Override
    public Mono<Void> close() {
        return Mono.defer(() -> {
            kept.dispose();
            return pool.disposeLater();
        });
    }
}
