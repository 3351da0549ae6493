package io.sluice.management;

import io.sluice.management.Problem.Fault;
import io.sluice.oauth.OAuthSettings;
import io.sluice.protocol.RawJson;
import io.sluice.registry.Backend;
import io.sluice.registry.Endpoint;
import io.sluice.registry.Transport;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * What {@code POST /mcp/connect} asks for.
 *
 * @param transport {@code http}, {@code sse} or {@code stdio}
 * @param url where the server listens; empty for stdio
 * @param command program and arguments; empty but for stdio
 * @param authType {@code none}, {@code bearer} or {@code oauth}
 * @param headers sent with every request. Secret
 * @param oauth how tokens for the server are got. Secret
 * @param name for people; may be empty
 * @param timeout longest wait for the server, to connect and for each call
 */
record ConnectRequest(
        String transport,
        String url,
        List<String> command,
        String authType,
        Map<String, String> headers,
        Optional<OAuthSettings> oauth,
        String name,
        Duration timeout) {
    private static final JsonMapper JSON = new JsonMapper();
    private static final Duration USUAL_TIMEOUT = Duration.ofSeconds(30);
    private static final int LONGEST_TIMEOUT_SECONDS = 3600;
    private static final Set<String> KNOWN = Set.of(
            "transport",
            "mcp_url",
            "command",
            "auth_type",
            "bearer_token",
            "name",
            "timeout",
            "oauth_grant_type",
            "oauth_client_id",
            "oauth_client_secret",
            "oauth_auth_url",
            "oauth_token_url",
            "oauth_redirect_uri",
            "oauth_scopes");

    ConnectRequest {
        command = List.copyOf(command);
        headers = Map.copyOf(headers);
    }

    /** Without the headers' values. */
    @Override
    public String toString() {
        return "ConnectRequest[" + transport + " " + url + command + " " + authType + "]";
    }

    Optional<Endpoint> endpoint() {
        return url.isEmpty() ? Optional.empty() : Optional.of(Endpoint.of(url));
    }

    Backend backend(String clientId) {
        String backend = backendName(clientId);
        Endpoint endpoint = endpoint().orElseGet(() -> Endpoint.inside(transport, backend));
        Backend plain = new Backend(
                backend,
                List.of(endpoint),
                headers,
                Optional.empty(),
                Duration.ofSeconds(LONGEST_TIMEOUT_SECONDS), // each call brings its own
                List.of(),
                List.of(),
                List.of(),
                false,
                Backend.Source.API);
        if (transport.equals("stdio")) {
            return plain.via(new Transport(transport, commandJson()));
        }
        Transport server = transport.equals("sse") ? Transport.SSE : Transport.HTTP;
        return plain.via(oauth.map(settings -> settings.on(server)).orElse(server));
    }

    /** What the server of a client is called inside. */
    static String backendName(String clientId) {
        return "client-" + clientId;
    }

    /** The opposite of {@link #backendName}; some text when the name is not of a client. */
    static String clientId(String backendName) {
        return backendName.startsWith("client-") ? backendName.substring("client-".length()) : "";
    }

    private RawJson commandJson() {
        Map<String, Object> program = new LinkedHashMap<>();
        program.put("command", command.get(0));
        program.put("args", command.subList(1, command.size()));
        return RawJson.of(JSON.writeValueAsString(program));
    }

    /** As the registry keeps it, with when the client was made and last used. */
    RawJson record(String createdAt, String lastActivity) {
        Map<String, Object> record = new LinkedHashMap<>();
        record.put("created_at", createdAt);
        record.put("last_activity", lastActivity);
        record.put("transport", transport);
        record.put("mcp_url", url);
        record.put("command", command);
        record.put("auth_type", authType);
        record.put("headers", headers);
        oauth.ifPresent(settings -> record.put(
                "oauth", JSON.readTree(settings.on(Transport.HTTP).settings().bytes())));
        record.put("name", name);
        record.put("timeout_ms", timeout.toMillis());
        return RawJson.of(JSON.writeValueAsString(record));
    }

    /** The opposite of {@link #record}. */
    static ConnectRequest ofRecord(JsonNode record) {
        List<String> command = new ArrayList<>();
        record.path("command").forEach(word -> command.add(word.asString("")));
        Map<String, String> headers = new LinkedHashMap<>();
        record.path("headers").forEachEntry((name, value) -> headers.put(name, value.asString("")));
        return new ConnectRequest(
                record.path("transport").asString(""),
                record.path("mcp_url").asString(""),
                command,
                record.path("auth_type").asString(""),
                headers,
                record.path("oauth").isObject()
                        ? OAuthSettings.of(new Transport(
                                Transport.HTTP.kind(), RawJson.of(JSON.writeValueAsBytes(record.path("oauth")))))
                        : Optional.empty(),
                record.path("name").asString(""),
                Duration.ofMillis(record.path("timeout_ms").asLong(USUAL_TIMEOUT.toMillis())));
    }

    /** @throws Problem 422 with everything that is wrong, 400 for what this gateway does not do */
    static ConnectRequest of(JsonNode body) {
        if (!body.isObject()) {
            throw Problem.unprocessable("client.invalid", "", "The body must be a JSON object");
        }
        List<Fault> faults = new ArrayList<>();
        for (String key : body.propertyNames()) {
            if (!KNOWN.contains(key)) {
                faults.add(new Fault(
                        "/" + RegistrationRequest.shown(key), "'" + RegistrationRequest.shown(key) + "' is unknown"));
            }
        }
        String transport = word(body, "transport", "http", Set.of("http", "sse", "stdio"), faults);
        String authType = word(body, "auth_type", "none", Set.of("none", "bearer", "oauth"), faults);
        boolean stdio = transport.equals("stdio");
        String url = stdio ? "" : url(body, faults);
        List<String> command = stdio ? command(body, faults) : List.of();
        Map<String, String> headers = new LinkedHashMap<>();
        if (authType.equals("bearer")) {
            String token = body.path("bearer_token").asString("");
            if (token.isBlank() || !token.chars().allMatch(c -> c > ' ' && c < 127)) {
                faults.add(new Fault("/bearer_token", "auth_type 'bearer' needs 'bearer_token', ASCII without spaces"));
            } else {
                headers.put("Authorization", "Bearer " + token);
            }
        }
        Optional<OAuthSettings> oauth = authType.equals("oauth") ? oauth(body, stdio, faults) : Optional.empty();
        Duration timeout = timeout(body, faults).orElse(USUAL_TIMEOUT);
        if (!faults.isEmpty()) {
            throw Problem.unprocessable("client.invalid", faults);
        }
        return new ConnectRequest(
                transport,
                url,
                command,
                authType,
                headers,
                oauth,
                body.path("name").asString(""),
                timeout);
    }

    private static Optional<OAuthSettings> oauth(JsonNode body, boolean stdio, List<Fault> faults) {
        int before = faults.size();
        if (stdio) {
            faults.add(new Fault("/auth_type", "auth_type 'oauth' is for servers that are reached by HTTP"));
        }
        Optional<String> id = OAuthRequest.text(body, "oauth_client_id", "/oauth_client_id", faults);
        Optional<String> secret = OAuthRequest.text(body, "oauth_client_secret", "/oauth_client_secret", faults);
        Optional<String> authorization = OAuthRequest.url(body, "oauth_auth_url", "/oauth_auth_url", faults);
        Optional<String> token = OAuthRequest.url(body, "oauth_token_url", "/oauth_token_url", faults);
        Optional<String> redirect = OAuthRequest.url(body, "oauth_redirect_uri", "/oauth_redirect_uri", faults);
        List<String> scopes = OAuthRequest.scopes(body, "oauth_scopes", "/oauth_scopes", faults);
        // Without a page for people nobody can agree, and with a secret nobody has to.
        boolean byItself = secret.isPresent() && token.isPresent() && authorization.isEmpty();
        String grant = word(
                body,
                "oauth_grant_type",
                byItself ? "client_credentials" : "authorization_code",
                Set.of("client_credentials", "authorization_code"),
                faults);
        return faults.size() > before
                ? Optional.empty()
                : OAuthRequest.settings(
                        new OAuthRequest.Asked(
                                grant.equals("authorization_code"), id, secret, authorization, token, redirect, scopes),
                        "/auth_type",
                        faults);
    }

    private static String word(JsonNode body, String key, String usual, Set<String> words, List<Fault> faults) {
        if (!body.hasNonNull(key)) {
            return usual;
        }
        String given = body.get(key).isString() ? body.get(key).stringValue() : "";
        if (!words.contains(given)) {
            faults.add(new Fault(
                    "/" + key,
                    "'" + key + "' must be one of "
                            + String.join(", ", words.stream().sorted().toList())));
            return usual;
        }
        return given;
    }

    private static String url(JsonNode body, List<Fault> faults) {
        if (!body.path("mcp_url").isString()) {
            faults.add(new Fault("/mcp_url", "'mcp_url' is missing: where the server listens"));
            return "";
        }
        String text = body.get("mcp_url").stringValue();
        return RegistrationRequest.endpoint(new RegistrationRequest.Found("mcp_url", text), faults)
                .map(endpoint -> text)
                .orElse("");
    }

    private static List<String> command(JsonNode body, List<Fault> faults) {
        List<String> command = new ArrayList<>();
        JsonNode given = body.path("command");
        given.forEach(word -> {
            if (word.isString()) {
                command.add(word.stringValue());
            }
        });
        if (!given.isArray() || command.isEmpty() || command.size() != given.size()) {
            faults.add(new Fault("/command", "'command' must be a list of texts: the program and its arguments"));
        }
        return command;
    }

    /** Of a call or a connection, in seconds. */
    static Optional<Duration> timeout(JsonNode body, List<Fault> faults) {
        if (!body.hasNonNull("timeout")) {
            return Optional.empty();
        }
        double seconds = body.get("timeout").isNumber() ? body.get("timeout").doubleValue() : -1;
        if (!(seconds > 0 && seconds <= LONGEST_TIMEOUT_SECONDS)) {
            faults.add(new Fault(
                    "/timeout",
                    "'timeout' must be a number of seconds, more than 0 and at most " + LONGEST_TIMEOUT_SECONDS));
            return Optional.empty();
        }
        return Optional.of(Duration.ofMillis(Math.max(1, Math.round(seconds * 1000))));
    }
}
