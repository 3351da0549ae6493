package io.sluice.management;

import static io.netty.handler.codec.http.HttpMethod.DELETE;
import static io.netty.handler.codec.http.HttpMethod.GET;
import static io.netty.handler.codec.http.HttpMethod.POST;
import static io.netty.handler.codec.http.HttpMethod.PUT;
import static io.sluice.management.Operation.Access.MANAGING;
import static io.sluice.management.Operation.managing;
import static io.sluice.management.Operation.open;

import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.timeout.ReadTimeoutException;
import io.sluice.auth.Authenticator;
import io.sluice.discovery.Discovery;
import io.sluice.egress.EgressPolicy;
import io.sluice.listener.BodyReader;
import io.sluice.listener.HttpHandler;
import io.sluice.management.Operation.Answer;
import io.sluice.management.Operation.Page;
import io.sluice.management.Operation.Question;
import io.sluice.management.OperationTable.Resource;
import io.sluice.oauth.OAuthKeepers;
import io.sluice.registry.Registry;
import io.sluice.registry.RegistryRefusal;
import io.sluice.rejection.Rejection;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.netty.channel.AbortedException;
import reactor.netty.http.server.HttpServerRequest;
import reactor.netty.http.server.HttpServerResponse;
import tools.jackson.databind.json.JsonMapper;

/**
 * Answers the management routes of the listener and leaves every other path to the handler behind it. Stateless; safe for
 * use by many threads.
 */
public final class ManagementApi implements Disposable {
    /** Of a request. */
    static final int MAX_BODY_BYTES = 64 * 1024;

    private static final Logger log = LoggerFactory.getLogger(ManagementApi.class);
    private static final JsonMapper JSON = new JsonMapper();

    private final Authenticator authenticator;
    private final OperationTable table;
    private final Meters meters;
    private final Clients clients;

    /**
     * @param authenticator the one that {@code /mcp} asks
     * @param egress decides which addresses a registration may name
     */
    public ManagementApi(
            Registry registry,
            Discovery discovery,
            Authenticator authenticator,
            EgressPolicy egress,
            About about,
            Readiness readiness,
            InstantSource clock,
            int maxRegistered,
            Supplier<Duration> clientIdle) {
        this(
                registry,
                discovery,
                authenticator,
                egress,
                about,
                readiness,
                clock,
                maxRegistered,
                clientIdle,
                null,
                Vitals.none(),
                command -> false);
    }

    /**
     * @param clientIdle how long a client of {@code /mcp/connect} stays that nobody uses; asked anew for each use
     * @param keepers take people through their consent, or null when no backend has use for that
     * @param vitals what the meters tell beside the backends
     * @param startable the command lines that registrations may have started
     */
    public ManagementApi(
            Registry registry,
            Discovery discovery,
            Authenticator authenticator,
            EgressPolicy egress,
            About about,
            Readiness readiness,
            InstantSource clock,
            int maxRegistered,
            Supplier<Duration> clientIdle,
            @Nullable OAuthKeepers keepers,
            Vitals vitals,
            Predicate<List<String>> startable) {
        this.authenticator = Authenticator.failingClosed(authenticator);
        Servers servers =
                new Servers(registry, discovery, keepers == null ? name -> false : keepers::needsConsent, vitals);
        Registrations registrations = new Registrations(registry, discovery, servers, egress, maxRegistered, startable);
        this.clients = new Clients(registry, discovery, clock, clientIdle, keepers);
        Health health = new Health(about, readiness, clock);
        List<Operation> operations = new ArrayList<>(List.of(
                open(GET, "/livez", "Whether the process runs", health::live),
                open(GET, "/readyz", "Whether calls should come here; ?verbose says why not", health::ready)
                        .with(Manual.answering(200, "They should")
                                .asking("verbose", "true adds the checks", false)
                                .or(503, "They should not")
                                .as(503, Manual.JSON)
                                .giving("status", "string", "ready, or not ready")
                                .mayGive("checks", "array", "What was looked at")),
                open(GET, "/health", "How the gateway is, for people", health::health)
                        .with(Manual.answering(200, "It runs")
                                .giving("success", "boolean", "true")
                                .giving("data", "object", "status, environment and version")
                                .giving("status", "string", "healthy, or draining")
                                .giving("timestamp", "string", "Of the answer")
                                .giving("active_clients", "integer", "Clients that are connected now")
                                .giving("version", "string", "Of the gateway")),
                managing(POST, "/register", "Add a backend, or change one that was added here", registrations::register)
                        .with(Registrations.REGISTER),
                managing(DELETE, "/register/{name}", "Remove a backend that was added here", registrations::remove)
                        .with(Registrations.REMOVE),
                managing(
                                PUT,
                                "/register/{name}/heartbeat",
                                "Renew the lease of an instance; ?instance says which",
                                registrations::heartbeat)
                        .with(Registrations.HEARTBEAT),
                managing(GET, "/services", "All backends and what they offer", registrations::services)
                        .with(Registrations.SERVICES),
                managing(POST, "/services", "All backends and what they offer", registrations::services)
                        .with(Registrations.SERVICES)));
        operations.addAll(new Peers(registry, discovery, servers, new Addresses(egress), maxRegistered).operations());
        operations.addAll(new Profiles(registry).operations());
        operations.addAll(new ClientApi(clients, discovery, new Addresses(egress)).operations());
        if (keepers != null) {
            operations.addAll(new Consents(keepers, clients).operations());
        }
        operations.addAll(new Resilience(discovery, vitals).operations());
        this.meters = new Meters(discovery, vitals);
        operations.addAll(meters.operations());
        operations.addAll(new ApiPages(() -> ApiDescription.of(operations, about.version())).operations());
        this.table = new OperationTable(operations);
    }

    /** A handler for the listener: this API, and {@code next} for the paths that are not its own. */
    public HttpHandler before(HttpHandler next) {
        return (request, response) -> {
            String target = request.uri();
            int mark = target.indexOf('?');
            String path = mark < 0 ? target : target.substring(0, mark);
            String query = mark < 0 ? "" : target.substring(mark + 1);
            Optional<Resource> resource = table.find(path);
            if (resource.isPresent()) {
                return serve(request, response, resource.get(), path, query);
            }
            try {
                return next.handle(request, response);
            } catch (Rejection.NotFound away) {
                if (isMcp(path)) {
                    throw away;
                }
                return refused(nowhere(), request, response, path)
                        .flatMap(written -> Mono.from(write(request, response, written)));
            }
        };
    }

    private static Problem nowhere() {
        return Problem.of(404, "path.not_found", "There is nothing at this path")
                .withHint("MCP is served at /mcp; GET /openapi.json lists everything else");
    }

    private static boolean isMcp(String path) {
        return path.equals("/mcp") || path.startsWith("/mcp/");
    }

    /** Closes the connections of clients to their servers. */
    @Override
    public void dispose() {
        meters.dispose();
        clients.dispose();
    }

    OperationTable operations() {
        return table;
    }

    private Publisher<Void> serve(
            HttpServerRequest request, HttpServerResponse response, Resource resource, String path, String query) {
        return Mono.defer(() -> run(request, resource, query))
                .map(ManagementApi::written)
                .onErrorResume(error -> refused(error, request, response, path))
                .flatMap(written -> Mono.from(write(request, response, written)));
    }

    private Mono<Answer> run(HttpServerRequest request, Resource resource, String query) {
        if (resource.access() == MANAGING) {
            checkCaller(request);
        }
        Operation operation = resource.operation(request.method())
                .orElseThrow(() -> Problem.of(
                                405, "method.not_allowed", "Method " + request.method() + " is not allowed here")
                        .withHeaders(Map.of("Allow", resource.allow())));
        String type = Optional.ofNullable(request.requestHeaders().get(HttpHeaderNames.CONTENT_TYPE))
                .orElse("");
        return BodyReader.read(request, MAX_BODY_BYTES)
                .flatMap(body -> operation.action().run(new Question(resource.variables(), query, body, type)));
    }

    private void checkCaller(HttpServerRequest request) {
        if (!authenticator.authenticate(request.requestHeaders()).managing()) {
            throw Problem.of(403, "caller.not_managing", "This token may call tools, but not manage the gateway");
        }
    }

    /** What is sent: all in one piece. */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record Written(int status, String contentType, byte[] body) {}

    private static Written written(Answer answer) {
        return answer.body() instanceof Page page
                ? new Written(answer.status(), page.contentType(), page.content())
                : new Written(answer.status(), "application/json", JSON.writeValueAsBytes(answer.body()));
    }

    private static Mono<Written> refused(
            Throwable error, HttpServerRequest request, HttpServerResponse response, String path) {
        if (error instanceof AbortedException) {
            return Mono.error(error);
        }
        Problem problem = problem(error);
        if (problem.status() >= 500 && !(error instanceof Problem)) {
            log.error("{} {} failed", request.method(), path, error);
        }
        problem.headers().forEach(response::header);
        if (problem.closesConnection() && request.version().majorVersion() < 2) {
            response.keepAlive(false);
        }
        return Mono.just(
                new Written(problem.status(), "application/problem+json", JSON.writeValueAsBytes(problem.body(path))));
    }

    private static Problem problem(Throwable error) {
        if (error instanceof Problem problem) {
            return problem;
        }
        if (error instanceof RegistryRefusal.Unavailable unavailable) {
            long seconds = Math.max(1, unavailable.retryAfter().toSeconds());
            return Problem.of(503, "registry.unavailable", String.valueOf(unavailable.getMessage()))
                    .withHeaders(Map.of("Retry-After", Long.toString(seconds)));
        }
        if (error instanceof RegistryRefusal refusal) {
            return Problem.of(409, "registry.conflict", String.valueOf(refusal.getMessage()));
        }
        if (error instanceof Rejection rejection) {
            Problem problem = Problem.of(rejection.status(), code(rejection), rejection.reason())
                    .withHeaders(rejection.headers());
            return rejection.closesConnection() ? problem.closingConnection() : problem;
        }
        if (error instanceof ReadTimeoutException) {
            return Problem.of(408, "body.too_slow", "The request's body did not arrive in time")
                    .closingConnection();
        }
        return Problem.of(500, "internal", "Internal error");
    }

    private static String code(Rejection rejection) {
        return switch (rejection.status()) {
            case 401 -> "caller.unauthenticated";
            case 403 -> "caller.forbidden";
            case 413 -> "body.too_large";
            case 503 -> "gateway.unavailable";
            default -> "request.refused";
        };
    }

    private static Publisher<Void> write(HttpServerRequest request, HttpServerResponse response, Written written) {
        response.status(written.status())
                .header(HttpHeaderNames.CONTENT_TYPE, written.contentType())
                .header(HttpHeaderNames.CACHE_CONTROL, "no-store")
                .header("X-Content-Type-Options", "nosniff")
                .header(HttpHeaderNames.CONTENT_LENGTH, Integer.toString(written.body().length));
        if (HttpMethod.HEAD.equals(request.method())) {
            return response.send();
        }
        return response.sendObject(Mono.fromSupplier(() -> Unpooled.wrappedBuffer(written.body())));
    }
}
