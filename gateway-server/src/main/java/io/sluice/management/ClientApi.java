package io.sluice.management;

import static io.netty.handler.codec.http.HttpMethod.GET;
import static io.netty.handler.codec.http.HttpMethod.POST;

import io.sluice.catalog.Definition;
import io.sluice.catalog.Listing;
import io.sluice.discovery.Discovery;
import io.sluice.envelope.Envelope;
import io.sluice.envelope.Json;
import io.sluice.management.Clients.Client;
import io.sluice.management.Operation.Answer;
import io.sluice.management.Operation.Question;
import io.sluice.management.Problem.Fault;
import io.sluice.protocol.McpMethod;
import io.sluice.rejection.Rejection;
import io.sluice.rejection.Rejection.BackendFailure;
import io.sluice.upstream.Upstream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import reactor.core.publisher.Mono;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * MCP for programs that speak only HTTP and JSON: connect to a server, list what it offers, call it, disconnect. The
 * routes stand beside the mounts under {@code /mcp/}, whose names they reserve.
 */
final class ClientApi {
    private static final JsonMapper JSON = new JsonMapper();

    private static final String NO_CLIENT = "There is no such client";
    private static final String WRONG = "A member is missing or wrong";
    private static final Manual FAILING = Manual.answering(200, "Done")
            .or(400, "The body is not JSON, or the server refused it")
            .or(404, NO_CLIENT)
            .or(408, "The server did not answer in time")
            .or(422, WRONG)
            .or(429, "There are 10,000 clients, and no more may be")
            .or(500, "The server cannot be reached, or failed");
    private static final Manual LIST = FAILING.asking("client_id", "From connect", true)
            .giving("status", "string", "success")
            .giving("client_id", "string", "As it was asked")
            .giving("count", "integer", "How many there are");
    private static final Manual ABOUT_CLIENT = FAILING.needing("client_id", "string", "From connect");
    private static final Manual CALL = ABOUT_CLIENT
            .needing("tool_name", "string", "As list_tools has it")
            .taking("arguments", "object", "For the tool")
            .taking("timeout", "number", "Seconds")
            .giving("status", "string", "success or error")
            .giving("result", "object|null", "Of the tool, as MCP has it")
            .giving("error", "string|null", "What went wrong")
            .giving("execution_time", "number", "Seconds");
    private static final Manual READ = ABOUT_CLIENT
            .needing("uri", "string", "As list_resources has it")
            .giving("status", "string", "success")
            .giving("client_id", "string", "As it was asked")
            .giving("uri", "string", "As it was asked")
            .giving("content", "object|null", "The first of the contents")
            .giving("contents", "array", "As MCP has them");
    private static final Manual PROMPT = ABOUT_CLIENT
            .needing("prompt_name", "string", "As list_prompts has it")
            .taking("arguments", "object", "For the prompt")
            .giving("status", "string", "success")
            .giving("client_id", "string", "As it was asked")
            .giving("prompt_name", "string", "As it was asked")
            .giving("content", "object", "With the messages, as MCP has them");
    private static final Manual DISCONNECT = Manual.answering(200, "Gone")
            .or(404, NO_CLIENT)
            .or(422, WRONG)
            .needing("client_id", "string", "From connect")
            .giving("status", "string", "disconnected")
            .giving("client_id", "string", "As it was asked")
            .giving("message", "string", "For people");
    private static final Manual CONNECT = Manual.answering(201, "Connected")
            .or(400, "The body is not JSON, or asks for what this gateway does not do")
            .or(408, "The server did not answer in time")
            .or(422, WRONG)
            .or(500, "The server cannot be reached, or failed")
            .taking("transport", "string", "http, sse or stdio")
            .taking("mcp_url", "string", "Where the server listens; not for stdio")
            .taking("command", "array", "Program and arguments, for stdio; must be allowed by the configuration")
            .taking("auth_type", "string", "none, bearer or oauth")
            .taking("bearer_token", "string", "For auth_type bearer")
            .taking(
                    "oauth_client_id",
                    "string",
                    "For auth_type oauth; without it the gateway says or registers who it is")
            .taking("oauth_client_secret", "string", "For auth_type oauth; none for a public client")
            .taking("oauth_auth_url", "string", "Where somebody agrees; found out together with oauth_token_url")
            .taking("oauth_token_url", "string", "Where tokens are got; skips finding it out")
            .taking(
                    "oauth_redirect_uri",
                    "string",
                    "Where the browser comes back to; /callback of the gateway if not said")
            .taking("oauth_scopes", "array", "What to ask for")
            .taking(
                    "oauth_grant_type",
                    "string",
                    "authorization_code, or client_credentials; the latter if there is a secret and an oauth_token_url and"
                            + " no oauth_auth_url")
            .taking("name", "string", "For people")
            .giving("status", "string", "connected, or needs_reauth")
            .giving("client_id", "string", "Names the client from now on")
            .giving("tools", "array", "As MCP has them")
            .giving("resources", "array", "As MCP has them")
            .giving("prompts", "array", "As MCP has them")
            .giving("message", "string", "For people")
            .mayGive("authorization_url", "string", "The page on which somebody has to agree first")
            .taking("timeout", "number", "Seconds, to connect and for each call; 30 if nothing is said");

    private final Clients clients;
    private final Discovery discovery;
    private final Addresses addresses;

    ClientApi(Clients clients, Discovery discovery, Addresses addresses) {
        this.clients = clients;
        this.discovery = discovery;
        this.addresses = addresses;
    }

    List<Operation> operations() {
        return List.of(
                Operation.managing(POST, "/mcp/connect", "Connect a client to an MCP server", this::connect)
                        .with(CONNECT),
                Operation.managing(
                                GET,
                                "/mcp/list_tools",
                                "The tools of a client's server",
                                ofClient(question -> listed(question, "tools", Listing::tools)))
                        .with(LIST.giving("tools", "array", "As MCP has them")),
                Operation.managing(POST, "/mcp/call_tool", "Call a tool of a client's server", ofClient(this::callTool))
                        .with(CALL),
                Operation.managing(
                                GET,
                                "/mcp/list_resources",
                                "The resources of a client's server",
                                ofClient(question -> listed(question, "resources", Listing::resources)))
                        .with(LIST.giving("resources", "array", "As MCP has them")),
                Operation.managing(
                                POST,
                                "/mcp/read_resource",
                                "Read a resource of a client's server",
                                ofClient(this::read))
                        .with(READ),
                Operation.managing(
                                GET,
                                "/mcp/list_prompts",
                                "The prompts of a client's server",
                                ofClient(question -> listed(question, "prompts", Listing::prompts)))
                        .with(LIST.giving("prompts", "array", "As MCP has them")),
                Operation.managing(POST, "/mcp/get_prompt", "Get a prompt of a client's server", ofClient(this::prompt))
                        .with(PROMPT),
                Operation.managing(POST, "/mcp/disconnect", "Disconnect a client", ofClient(this::disconnect))
                        .with(DISCONNECT),
                Operation.managing(GET, "/mcp/clients", "All clients", this::all)
                        .with(Manual.answering(200, "Done")
                                .giving("status", "string", "success")
                                .giving("clients", "array", "Each with its client_id and what is told of it")
                                .giving("count", "integer", "How many there are")),
                Operation.managing(GET, "/mcp/client/{client_id}", "One client", ofClient(this::one))
                        .with(Manual.answering(200, "Done")
                                .or(404, NO_CLIENT)
                                .giving("status", "string", "success")
                                .giving("client_id", "string", "As it was asked")
                                .giving("metadata", "object", "What is told of it: no secret")));
    }

    private Operation.Action ofClient(Operation.Action action) {
        return question -> clients.orNotFound(() -> action.run(question));
    }

    private Mono<Answer> connect(Question question) {
        return Mono.fromCallable(() -> ConnectRequest.of(Registrations.json(question)))
                .flatMap(asked -> asked.endpoint()
                        .map(endpoint -> addresses.check(endpoint, "/mcp_url"))
                        .orElse(Mono.empty())
                        .thenReturn(asked))
                .flatMap(asked -> {
                    String id = clients.newId();
                    return clients.connect(id, asked)
                            .flatMap(discovery::list)
                            .timeout(asked.timeout())
                            .flatMap(listing -> clients.keep(id, asked).thenReturn(connected(id, listing)))
                            .onErrorResume(error -> clients.needsConsent(id, asked), error -> needsConsent(id, asked))
                            .doOnError(error -> clients.drop(id))
                            .doOnCancel(() -> clients.drop(id))
                            .onErrorMap(error -> failure(error, "Failed to connect: ", asked.timeout()));
                });
    }

    private static Answer connected(String id, Listing listing) {
        Map<String, Object> body = new LinkedHashMap<>();
        body.put("status", "connected");
        body.put("client_id", id);
        body.put("tools", trees(listing.tools()));
        body.put("resources", trees(listing.resources()));
        body.put("prompts", trees(listing.prompts()));
        body.put("message", "Successfully connected to MCP server");
        return new Answer(201, body);
    }

    /** The client is there, and its server not yet: somebody has to open a page first. */
    private Mono<Answer> needsConsent(String id, ConnectRequest asked) {
        return clients.authorizationUrl(id)
                .flatMap(page -> clients.keep(id, asked).thenReturn(page))
                .map(page -> {
                    Map<String, Object> body = new LinkedHashMap<>();
                    body.put("status", Servers.Status.NEEDS_REAUTH.word());
                    body.put("client_id", id);
                    body.put("authorization_url", page);
                    body.put("tools", List.of());
                    body.put("resources", List.of());
                    body.put("prompts", List.of());
                    body.put("message", "Open authorization_url in a browser and agree; then use the client_id");
                    return new Answer(201, body);
                });
    }

    private static List<JsonNode> trees(List<Definition> definitions) {
        return definitions.stream()
                .map(definition -> JSON.readTree(definition.json().bytes()))
                .toList();
    }

    private Mono<Answer> listed(Question question, String member, Function<Listing, List<Definition>> part) {
        return Mono.defer(() -> {
            String id = question.parameter("client_id")
                    .orElseThrow(() -> Problem.unprocessable(
                            "client.invalid", "/client_id", "The parameter 'client_id' is missing"));
            Client client = clients.find(id);
            Duration timeout = client.request().timeout();
            return clients.use(client)
                    .flatMap(discovery::list)
                    .timeout(timeout)
                    .onErrorMap(error -> failure(client, error, timeout))
                    .map(listing -> {
                        List<JsonNode> found = trees(part.apply(listing));
                        Map<String, Object> body = success(id);
                        body.put(member, found);
                        body.put("count", found.size());
                        return new Answer(200, body);
                    });
        });
    }

    /** What a request about a client says, checked. */
    private record Asked(Client client, String target, String argumentsJson, Duration timeout) {}

    /** @param target the member that names the tool, prompt or resource */
    private Asked asked(Question question, String target) {
        JsonNode body = Registrations.json(question);
        List<Fault> faults = new ArrayList<>();
        for (String key : List.of("client_id", target)) {
            if (!body.path(key).isString()) {
                faults.add(new Fault("/" + key, "'" + key + "' is missing, or not a string"));
            }
        }
        JsonNode arguments = body.path("arguments");
        if (!arguments.isMissingNode() && !arguments.isNull() && !arguments.isObject()) {
            faults.add(new Fault("/arguments", "'arguments' must be an object"));
        }
        Optional<Duration> timeout = ConnectRequest.timeout(body, faults);
        if (!faults.isEmpty()) {
            throw Problem.unprocessable("client.invalid", faults);
        }
        Client client = clients.find(body.get("client_id").stringValue());
        return new Asked(
                client,
                body.get(target).stringValue(),
                arguments.isObject() ? JSON.writeValueAsString(arguments) : "{}",
                timeout.orElseGet(() -> client.request().timeout()));
    }

    private Mono<Answer> callTool(Question question) {
        return Mono.defer(() -> {
            Asked asked = asked(question, "tool_name");
            long begin = System.nanoTime();
            String members = "\"name\":" + Json.quote(asked.target()) + ",\"arguments\":" + asked.argumentsJson();
            return ask(asked, McpMethod.TOOLS_CALL, members).map(response -> {
                Map<String, Object> body = new LinkedHashMap<>();
                JsonNode result = result(response);
                boolean failed =
                        result.isMissingNode() || result.path("isError").asBoolean(false);
                body.put("status", failed ? "error" : "success");
                body.put("result", result.isMissingNode() ? null : result);
                body.put("error", failed ? error(response, result) : null);
                body.put("execution_time", Math.round((System.nanoTime() - begin) / 1e6) / 1e3);
                return new Answer(200, body);
            });
        });
    }

    private static String error(Envelope response, JsonNode result) {
        if (result.isMissingNode()) {
            return message(response);
        }
        StringBuilder text = new StringBuilder();
        result.path("content").forEach(part -> text.append(part.path("text").asString("")));
        return text.isEmpty() ? "The tool reported an error" : text.toString();
    }

    private Mono<Answer> read(Question question) {
        return Mono.defer(() -> {
            Asked asked = asked(question, "uri");
            return ask(asked, McpMethod.RESOURCES_READ, "\"uri\":" + Json.quote(asked.target()))
                    .map(response -> {
                        JsonNode contents = resultOrRefusal(response).path("contents");
                        Map<String, Object> body = success(asked.client().id());
                        body.put("uri", asked.target());
                        body.put("content", contents.isEmpty() ? null : contents.get(0));
                        body.put("contents", contents);
                        return new Answer(200, body);
                    });
        });
    }

    private Mono<Answer> prompt(Question question) {
        return Mono.defer(() -> {
            Asked asked = asked(question, "prompt_name");
            String members = "\"name\":" + Json.quote(asked.target()) + ",\"arguments\":" + asked.argumentsJson();
            return ask(asked, McpMethod.PROMPTS_GET, members).map(response -> {
                Map<String, Object> body = success(asked.client().id());
                body.put("prompt_name", asked.target());
                body.put("content", resultOrRefusal(response));
                return new Answer(200, body);
            });
        });
    }

    private Mono<Envelope> ask(Asked asked, McpMethod method, String members) {
        return clients.use(asked.client())
                .flatMap((Upstream upstream) -> upstream.ask(method, members, asked.target()))
                .timeout(asked.timeout())
                .onErrorMap(error -> failure(asked.client(), error, asked.timeout()));
    }

    private static JsonNode result(Envelope response) {
        return response.result().isPresent()
                ? JSON.readTree(response.raw(response.result()).bytes())
                : JSON.missingNode();
    }

    /** What the server says is wrong with the request is the caller's to set right. */
    private static JsonNode resultOrRefusal(Envelope response) {
        JsonNode result = result(response);
        if (result.isMissingNode()) {
            throw Problem.of(400, "server.refused", message(response));
        }
        return result;
    }

    private static String message(Envelope response) {
        var said = response.member(response.error(), "message");
        return response.isString(said) ? response.text(said) : "The server answered with an error";
    }

    private Throwable failure(Client client, Throwable error, Duration timeout) {
        Throwable failure = failure(error, "", timeout);
        return failure instanceof Problem problem && clients.needsConsent(client.id(), client.request())
                ? Problem.of(400, "client.needs_reauth", problem.detail())
                        .withHint("GET /oauth/" + ConnectRequest.backendName(client.id())
                                + "/authorize says which page to open")
                : failure;
    }

    private static Throwable failure(Throwable error, String beginning, Duration timeout) {
        if (error instanceof TimeoutException) {
            return Problem.of(
                    408,
                    "server.timeout",
                    beginning + "The server did not answer within " + timeout.toMillis() / 1e3 + " s");
        }
        if (error instanceof BackendFailure failure) {
            boolean late = failure.kind().equals("timeout");
            String reason = failure.reason().replaceFirst("^Backend '[^']*'", "The server");
            return Problem.of(late ? 408 : 500, late ? "server.timeout" : "server.failed", beginning + reason);
        }
        return error instanceof Rejection rejection
                ? Problem.of(500, "server.failed", beginning + rejection.reason())
                : error;
    }

    private Mono<Answer> disconnect(Question question) {
        return Mono.defer(() -> {
            JsonNode body = Registrations.json(question);
            if (!body.path("client_id").isString()) {
                throw Problem.unprocessable("client.invalid", "/client_id", "'client_id' is missing, or not a string");
            }
            Client client = clients.find(body.get("client_id").stringValue());
            return clients.disconnect(client.id()).map(gone -> {
                Map<String, Object> answer = new LinkedHashMap<>();
                answer.put("status", "disconnected");
                answer.put("client_id", client.id());
                answer.put("message", "Successfully disconnected from MCP server");
                return new Answer(200, answer);
            });
        });
    }

    private Mono<Answer> all(Question question) {
        return Mono.fromSupplier(() -> {
            List<Map<String, Object>> found = new ArrayList<>();
            for (Client client : clients.all()) {
                Map<String, Object> described = new LinkedHashMap<>();
                described.put("client_id", client.id());
                described.putAll(clients.metadata(client));
                found.add(described);
            }
            Map<String, Object> body = new LinkedHashMap<>();
            body.put("status", "success");
            body.put("clients", found);
            body.put("count", found.size());
            return new Answer(200, body);
        });
    }

    private Mono<Answer> one(Question question) {
        return Mono.fromSupplier(() -> {
            Client client = clients.find(question.path().getOrDefault("client_id", ""));
            Map<String, Object> body = success(client.id());
            body.put("metadata", clients.metadata(client));
            return new Answer(200, body);
        });
    }

    private static Map<String, Object> success(String clientId) {
        Map<String, Object> body = new LinkedHashMap<>();
        body.put("status", "success");
        body.put("client_id", clientId);
        return body;
    }
}
