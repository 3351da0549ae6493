package io.sluice.management;

import io.sluice.adapter.GrpcSettings;
import io.sluice.management.Problem.Fault;
import io.sluice.oauth.OAuthSettings;
import io.sluice.openapi.OpenApiSettings;
import io.sluice.registry.Backend;
import io.sluice.registry.Endpoint;
import io.sluice.registry.Lease;
import io.sluice.registry.Transport;
import io.sluice.stdio.StdioSettings;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;

/**
 * What {@code POST /register} asks for, in either of its forms: {@code name} and {@code url}, or {@code serviceName} and
 * {@code endpoint}.
 *
 * @param transport how it is reached, Streamable HTTP unless it says something else, and how tokens for it are got. Secret
 * @param headers sent with every request to the backend. Secret
 * @param lease when the registration is to end unless it is renewed; empty when it stays until it is removed
 */
record RegistrationRequest(
        String name, Endpoint endpoint, Transport transport, Map<String, String> headers, Optional<Lease> lease) {
    private static final int MAX_URL_CHARACTERS = 2048;
    private static final int MAX_HEADERS = 32;
    private static final int MAX_HEADER_CHARACTERS = 4096;
    private static final Set<String> KNOWN = Set.of(
            "name",
            "serviceName",
            "url",
            "endpoint",
            "manifestUrl",
            "type",
            "command",
            "args",
            "headers",
            "oauth",
            "ttl",
            "instance");
    private static final Map<String, Transport> TYPES =
            Map.of("http", Transport.HTTP, "sse", Transport.SSE, "grpc", GrpcSettings.USUAL.transport());
    private static final Set<String> OF_THE_FILE = Set.of("env", "cwd");
    private static final List<String> OF_ADDRESSES =
            List.of("url", "endpoint", "manifestUrl", "type", "headers", "oauth", "ttl", "instance");
    private static final int MOST_WORDS = 64;
    private static final Pattern TTL = Pattern.compile("(\\d{1,9})(ms|s|m|h)");
    private static final Pattern HEADER_NAME = Pattern.compile("[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}");

    /** Written by the gateway itself, or part of one connection. */
    private static final Set<String> OWN_HEADERS = Set.of(
            "host",
            "content-length",
            "content-type",
            "transfer-encoding",
            "connection",
            "keep-alive",
            "upgrade",
            "te",
            "trailer",
            "expect",
            "accept",
            "accept-encoding",
            "proxy-authorization",
            "mcp-session-id",
            "mcp-protocol-version",
            "mcp-method",
            "mcp-name",
            "last-event-id");

    RegistrationRequest {
        headers = Map.copyOf(headers);
    }

    Backend backend() {
        Backend plain = Backend.of(name, "http://localhost/", Backend.Source.API)
                .withEndpoints(List.of(endpoint))
                .via(transport);
        return headers.isEmpty() ? plain : plain.withHeaders(headers);
    }

    /** Without the headers' values. */
    @Override
    public String toString() {
        return "RegistrationRequest[" + name + " " + endpoint + " headers=" + headers.keySet() + "]";
    }

    /**
     * @param startable the command lines that the configuration file lets requests start
     * @throws Problem 422, with everything that is wrong
     */
    static RegistrationRequest of(JsonNode body, Predicate<List<String>> startable) {
        if (!body.isObject()) {
            throw Problem.unprocessable("registration.invalid", "", "The body must be a JSON object");
        }
        List<Fault> faults = new ArrayList<>();
        for (String key : body.propertyNames()) {
            unknown(key).ifPresent(faults::add);
        }
        if (present(body, "command") || present(body, "args")) {
            return program(body, startable, faults);
        }
        Optional<String> manifest = manifest(body, faults);
        Optional<String> name = one(body, "name", "serviceName", faults).flatMap(found -> name(found, faults));
        Optional<Transport> type = type(body, faults);
        if (manifest.isPresent() && type.isPresent()) {
            faults.add(new Fault("/type", "'type' is for servers; a service with a manifestUrl has none"));
        }
        boolean rooted = manifest.isPresent()
                || type.filter(given -> given.kind().equals(GrpcSettings.KIND)).isPresent();
        Optional<Endpoint> endpoint = one(body, "url", "endpoint", faults)
                .flatMap(found -> rooted ? service(found, faults) : endpoint(found, faults));
        Map<String, String> headers = headers(body, faults);
        Optional<OAuthSettings> oauth = oauth(body, faults);
        if (rooted && oauth.isPresent()) {
            faults.add(new Fault("/oauth", "'oauth' is for MCP servers; other services take 'headers'"));
        }
        Optional<Lease> lease = lease(body, endpoint, faults);
        if (!faults.isEmpty()) {
            throw Problem.unprocessable("registration.invalid", faults);
        }
        Transport transport = manifest.map(
                        document -> OpenApiSettings.of(document).transport())
                .orElseGet(() -> {
                    Transport server = type.orElse(Transport.HTTP);
                    return oauth.map(settings -> settings.on(server)).orElse(server);
                });
        return new RegistrationRequest(name.orElseThrow(), endpoint.orElseThrow(), transport, headers, lease);
    }

    /** A program that speaks MCP on its stdin and stdout, in the place of an address. */
    private static RegistrationRequest program(JsonNode body, Predicate<List<String>> startable, List<Fault> faults) {
        Optional<String> name = one(body, "name", "serviceName", faults).flatMap(found -> name(found, faults));
        OF_ADDRESSES.stream()
                .filter(key -> present(body, key))
                .forEach(key -> faults.add(
                        new Fault("/" + key, "a program has no '" + key + "'; give either it or the command")));
        List<String> line = new ArrayList<>();
        if (body.path("command").isString()
                && !body.path("command").stringValue().isBlank()) {
            line.add(body.path("command").stringValue());
        } else {
            faults.add(new Fault("/command", "'command' must be a text: the program; its arguments are 'args'"));
        }
        JsonNode args = body.path("args");
        args.forEach(word -> line.add(word.asString("")));
        boolean words =
                args.isMissingNode() || args.isArray() && args.valueStream().allMatch(JsonNode::isString);
        if (!words || args.size() > MOST_WORDS) {
            faults.add(new Fault("/args", "'args' must be a list of at most " + MOST_WORDS + " texts"));
        }
        if (faults.isEmpty() && !startable.test(line)) {
            faults.add(new Fault(
                    "/command",
                    "'" + shown(String.join(" ", line)) + "' is not on the list stdio.allow of the configuration"
                            + " file, which says what requests may start"));
        }
        if (!faults.isEmpty()) {
            throw Problem.unprocessable("registration.invalid", faults);
        }
        String given = name.orElseThrow();
        Transport transport =
                StdioSettings.of(line.get(0), line.subList(1, line.size())).transport();
        return new RegistrationRequest(
                given, Endpoint.inside(StdioSettings.KIND, given), transport, Map.of(), Optional.empty());
    }

    private static Optional<Transport> type(JsonNode body, List<Fault> faults) {
        if (!present(body, "type")) {
            return Optional.empty();
        }
        Transport type = TYPES.get(body.get("type").asString(""));
        if (type == null) {
            faults.add(new Fault("/type", "'type' must be http, sse or grpc"));
        }
        return Optional.ofNullable(type);
    }

    private static Optional<String> manifest(JsonNode body, List<Fault> faults) {
        if (!present(body, "manifestUrl")) {
            return Optional.empty();
        }
        String text = body.get("manifestUrl").asString("");
        boolean path = text.startsWith("/") && !text.startsWith("//");
        if (text.length() > MAX_URL_CHARACTERS || !(path || text.matches("https?://[^/?#@]+(/.*)?")) || !isUri(text)) {
            faults.add(new Fault(
                    "/manifestUrl",
                    "manifestUrl must be a path on the service, such as /v3/api-docs or /mcp/manifest, or an http or"
                            + " https URL"));
            return Optional.empty();
        }
        return Optional.of(text);
    }

    private static boolean isUri(String text) {
        try {
            return URI.create(text).getRawFragment() == null;
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    /** A service that is no MCP server: without a path its root is meant. */
    private static Optional<Endpoint> service(Found found, List<Fault> faults) {
        String text = found.text();
        boolean bare = text.matches("https?://[^/?#]+");
        return endpoint(bare ? new Found(found.key(), text + "/") : found, faults);
    }

    /** A text of the body. */
    record Found(String key, String text) {}

    private static Optional<Fault> unknown(String key) {
        if (OF_THE_FILE.contains(key)) {
            return Optional.of(
                    new Fault(pointer(key), "'" + key + "' of a program can be given in the configuration file only"));
        }
        return KNOWN.contains(key)
                ? Optional.empty()
                : Optional.of(
                        new Fault(
                                pointer(key),
                                "'" + shown(key)
                                        + "' is unknown; there are name, url, manifestUrl, type, headers, oauth, ttl and instance, or serviceName and endpoint"));
    }

    /** The text under one of two keys that mean the same. */
    private static Optional<Found> one(JsonNode body, String key, String other, List<Fault> faults) {
        if (present(body, key) && present(body, other)) {
            faults.add(new Fault("/" + other, "'" + key + "' and '" + other + "' mean the same; give one of them"));
            return Optional.empty();
        }
        String given = present(body, other) ? other : key;
        if (!present(body, given)) {
            faults.add(new Fault("", "'" + key + "' is missing"));
            return Optional.empty();
        }
        JsonNode value = body.get(given);
        if (!value.isString()) {
            faults.add(new Fault("/" + given, "'" + given + "' must be a string"));
            return Optional.empty();
        }
        return Optional.of(new Found(given, value.stringValue()));
    }

    static Optional<String> name(Found found, List<Fault> faults) {
        try {
            Backend.checkName(found.text());
            return Optional.of(found.text());
        } catch (IllegalArgumentException e) {
            faults.add(new Fault("/" + found.key(), shown(String.valueOf(e.getMessage()))));
            return Optional.empty();
        }
    }

    static Optional<Endpoint> endpoint(Found found, List<Fault> faults) {
        String pointer = "/" + found.key();
        if (found.text().length() > MAX_URL_CHARACTERS) {
            faults.add(new Fault(pointer, "the URL is longer than " + MAX_URL_CHARACTERS + " characters"));
            return Optional.empty();
        }
        try {
            Endpoint endpoint = Endpoint.of(found.text());
            if (endpoint.port() < 1 || endpoint.port() > 65_535) {
                faults.add(new Fault(pointer, "the port " + endpoint.port() + " is not within 1 to 65535"));
                return Optional.empty();
            }
            return Optional.of(endpoint);
        } catch (IllegalArgumentException e) {
            faults.add(new Fault(pointer, "not the URL of an MCP server: " + shown(String.valueOf(e.getMessage()))));
            return Optional.empty();
        }
    }

    /** An instance that names no other name for itself is known by where it listens. */
    private static Optional<Lease> lease(JsonNode body, Optional<Endpoint> endpoint, List<Fault> faults) {
        if (!present(body, "ttl")) {
            if (present(body, "instance")) {
                faults.add(
                        new Fault("/ttl", "'instance' belongs to a registration with a time to live; give 'ttl' too"));
            }
            return Optional.empty();
        }
        Optional<Duration> ttl = ttl(body.get("ttl"));
        if (ttl.isEmpty()) {
            faults.add(new Fault("/ttl", "'ttl' must be a number of seconds, or a text such as 30s, 500ms or 5m"));
            return Optional.empty();
        }
        if (present(body, "instance") && !body.get("instance").isString()) {
            faults.add(new Fault("/instance", "'instance' must be a string"));
            return Optional.empty();
        }
        if (!present(body, "instance") && endpoint.isEmpty()) {
            return Optional.empty();
        }
        try {
            String instance =
                    present(body, "instance") ? body.get("instance").stringValue() : instanceOf(endpoint.orElseThrow());
            return Optional.of(new Lease(instance, ttl.get()));
        } catch (IllegalArgumentException e) {
            String key = String.valueOf(e.getMessage()).contains("time to live") ? "/ttl" : "/instance";
            faults.add(new Fault(key, shown(String.valueOf(e.getMessage()))));
            return Optional.empty();
        }
    }

    static String instanceOf(Endpoint endpoint) {
        String host = endpoint.url().getHost().replaceAll("[^A-Za-z0-9._:-]", "");
        return host + ":" + endpoint.port();
    }

    private static Optional<Duration> ttl(JsonNode given) {
        if (given.isNumber()) {
            double seconds = given.doubleValue();
            return seconds > 0 && seconds < 1e7
                    ? Optional.of(Duration.ofMillis(Math.round(seconds * 1000)))
                    : Optional.empty();
        }
        Matcher text = TTL.matcher(given.isString() ? given.stringValue() : "");
        if (!text.matches()) {
            return Optional.empty();
        }
        long number = Long.parseLong(text.group(1));
        return Optional.of(
                switch (text.group(2)) {
                    case "ms" -> Duration.ofMillis(number);
                    case "m" -> Duration.ofMinutes(number);
                    case "h" -> Duration.ofHours(number);
                    default -> Duration.ofSeconds(number);
                });
    }

    private static Map<String, String> headers(JsonNode body, List<Fault> faults) {
        if (!present(body, "headers")) {
            return Map.of();
        }
        JsonNode given = body.get("headers");
        if (!given.isObject() || given.size() > MAX_HEADERS) {
            faults.add(new Fault("/headers", "'headers' must be an object of at most " + MAX_HEADERS + " texts"));
            return Map.of();
        }
        Map<String, String> headers = new LinkedHashMap<>();
        given.forEachEntry((name, value) -> {
            String pointer = "/headers" + pointer(name);
            if (!HEADER_NAME.matcher(name).matches()) {
                faults.add(new Fault(pointer, "'" + shown(name) + "' is not a header name"));
            } else if (OWN_HEADERS.contains(name.toLowerCase(Locale.ROOT))) {
                faults.add(new Fault(pointer, "'" + name + "' is written by the gateway itself; leave it out"));
            } else if (!value.isString() || !carriable(value.stringValue())) {
                // not quoted: it is a secret
                faults.add(new Fault(
                        pointer,
                        "the value of '" + name + "' must be a text of at most " + MAX_HEADER_CHARACTERS
                                + " characters of ASCII without control characters"));
            } else {
                headers.put(name, value.stringValue());
            }
        });
        return headers;
    }

    private static Optional<OAuthSettings> oauth(JsonNode body, List<Fault> faults) {
        if (!present(body, "oauth")) {
            return Optional.empty();
        }
        return OAuthRequest.of(body.get("oauth"), faults);
    }

    private static boolean carriable(String value) {
        return value.length() <= MAX_HEADER_CHARACTERS
                && value.chars().allMatch(c -> (c >= ' ' && c < 127) || c == '\t');
    }

    private static boolean present(JsonNode body, String key) {
        return body.hasNonNull(key);
    }

    private static String pointer(String key) {
        return "/" + shown(key).replace("~", "~0").replace("/", "~1");
    }

    static String shown(String text) {
        return text.length() > 200 ? text.substring(0, 200) + "…" : text;
    }
}
