package io.sluice.config;

import io.sluice.adapter.GrpcSettings;
import io.sluice.oauth.OAuthSettings;
import io.sluice.openapi.OpenApiSettings;
import io.sluice.protocol.Era;
import io.sluice.protocol.RawJson;
import io.sluice.registry.Backend;
import io.sluice.registry.Endpoint;
import io.sluice.registry.ToolOverride;
import io.sluice.registry.Transport;
import io.sluice.stdio.StdioSettings;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/** How the entries of {@code mcpServers} are read. */
final class BackendKeys {
    private BackendKeys() {}

    /** What a backend is reached by. */
    private enum Type {
        HTTP,
        SSE,
        STDIO,
        GRPC
    }

    private static final Key<Type> TYPE = Key.optional(
            "type",
            Shape.choice(types()),
            "http, or stdio with a command",
            "How the backend is reached: http (Streamable HTTP), sse (the transport of 2024-11-05), grpc (a gRPC service"
                    + " with server reflection) or stdio (a program; said by its command alone).");
    private static final Key<Endpoint> URL = Key.optional(
            "url", EndpointShape.TEXT, "required", "Where the backend listens; without a path, /mcp is meant.");
    private static final Key<Integer> WEIGHT =
            Key.of("weight", Shape.integer(1, 1000), "1", "Share of the calls relative to the other endpoints.");
    static final Section<Endpoint> ENDPOINT = new Section<>(
            List.of(URL, WEIGHT), f -> ConfigKeys.required(f, URL).map(e -> new Endpoint(e.url(), f.value(WEIGHT))));
    private static final Key<List<Endpoint>> ENDPOINTS = Key.listOf(
            "endpoints",
            EndpointShape.EITHER,
            "url",
            "Several addresses of the same backend, instead of url, each a URL or url and weight.");
    private static final Key<Map<String, String>> HEADERS = Key.optional(
            "headers",
            Shape.texts(),
            "none",
            "Sent with every request to the backend: its credentials, never the caller's.");
    private static final Key<Optional<Era>> ERA = Key.of(
            "era",
            Shape.choice(eras()),
            "auto",
            "Which protocol the backend speaks: found out (auto), up to 2025-11-25 (legacy) or 2026-07-28 (modern).");
    private static final Key<Duration> TIMEOUT = Key.of(
            "timeout",
            Shape.duration(),
            Backend.DEFAULT_TIMEOUT.toSeconds() + "s",
            "Longest wait for a reply to begin, and between its parts.");
    private static final Key<List<String>> INCLUDE_TOOLS =
            Key.listOf("includeTools", Shape.word(), "all", "Globs of the tools to offer.");
    private static final Key<List<String>> EXCLUDE_TOOLS =
            Key.listOf("excludeTools", Shape.word(), "none", "Globs of tools to hide; wins over includeTools.");
    private static final Key<List<RawJson>> FALLBACK_TOOLS = Key.listOf(
            "fallbackTools",
            new ToolShape(),
            "none",
            "Tools to list while the backend has never been reached, each with name, description and inputSchema.");
    private static final Key<Map<String, ToolOverride>> TOOLS = Key.optional(
            "tools",
            new OverridesShape(),
            "as they are",
            "Tools to show otherwise, by their own names: each with name, description, and arguments that clients neither"
                    + " see nor choose, with their values.");
    private static final Key<Boolean> AGGREGATE =
            Key.of("aggregate", Shape.flag(), "true", "Show the backend on /mcp too, and not only on /mcp/{name}.");
    private static final Key<String> COMMAND = Key.optional(
            "command",
            Shape.text(),
            "none",
            "A program that speaks MCP on stdin and stdout, instead of a url. One process serves all callers.");
    private static final Key<List<String>> ARGS =
            Key.listOf("args", Shape.text(), "none", "Arguments of the program. No shell reads them.");
    private static final Key<Map<String, String>> ENV = Key.optional(
            "env",
            Shape.texts(),
            "none",
            "Variables for the program. Of the gateway's own environment it sees only what programs need to run: PATH,"
                    + " HOME, language, proxies.");
    private static final Key<Map<String, String>> ENV_FILE = Key.optional(
            "envFile",
            new EnvFile(),
            "none",
            "A file of further variables for the program, NAME=value on each line; those of env win.");
    private static final Key<String> CWD =
            Key.optional("cwd", Shape.text(), "the gateway's", "The directory the program starts in.");
    private static final Key<Duration> IDLE_TIMEOUT = Key.of(
            "idleTimeout",
            Shape.durationOrNone(),
            "10m",
            "Stop the program after so long without a call; the next call starts it. 0s never does.");
    private static final Key<Duration> MAX_LIFETIME = Key.of(
            "maxLifetime",
            Shape.durationOrNone(),
            "0s",
            "Replace the program by a new process after so long; 0s never does.");
    private static final Key<Duration> START_TIMEOUT =
            Key.of("startTimeout", Shape.duration(), "60s", "Longest wait for the program's answer to initialize.");
    private static final Key<Integer> MAX_RESTARTS = Key.of(
            "maxRestarts",
            Shape.integer(0, 1000),
            "5",
            "How often in a row the program may end by itself before it is left alone for ten minutes.");
    private static final Key<String> OPENAPI = Key.optional(
            "openapi",
            Shape.text(),
            "none",
            "The OpenAPI document (3.0 or 3.1) or manifest of a plain HTTP service, whose operations become tools: a"
                    + " file, or a URL.");
    private static final Key<URI> BASE_URL = Key.optional(
            "baseUrl",
            Shape.url(),
            "of the document",
            "Where the service of openapi is called; without a path, the path of the document's first server is"
                    + " added.");
    private static final Key<Duration> INTERVAL = Key.of(
            "interval",
            Shape.duration(),
            "60s",
            "How often the document of openapi is read again, or a gRPC service asked what it offers.");
    private static final Key<List<String>> SERVICES = Key.listOf(
            "services",
            Shape.word(),
            "all but reflection and health",
            "Globs of the services of a gRPC server to offer, by their full names.");
    private static final Key<Integer> MAX_MESSAGE = Key.of(
            "maxMessage",
            Shape.size(1024, 64 << 20),
            "4MiB",
            "Longest message that is accepted from a gRPC service, up to 64MiB.");
    private static final Key<Integer> MAX_STREAMED = Key.of(
            "maxStreamed",
            Shape.integer(1, 100_000),
            String.valueOf(GrpcSettings.USUAL.maxMessages()),
            "After how many messages of a gRPC stream the call ends with what there is.");
    private static final Key<List<String>> TAGS =
            Key.listOf("tags", Shape.word(), "any", "Tags, one of which an operation must have.");
    private static final Key<List<String>> OPERATIONS =
            Key.listOf("operations", Shape.word(), "any", "Ids of operations, or names of their tools.");
    private static final Key<List<String>> METHODS = Key.listOf("methods", Shape.word(), "any", "HTTP methods.");
    static final Section<OpenApiSettings.Selection> SELECTION = new Section<>(
            List.of(TAGS, OPERATIONS, METHODS),
            f -> Optional.of(new OpenApiSettings.Selection(f.value(TAGS), f.value(OPERATIONS), f.value(METHODS))));
    private static final Key<OpenApiSettings.Selection> INCLUDE_OPERATIONS = Key.section(
            "includeOperations", SELECTION, "What an operation must match, in every list given, to become a tool.");
    private static final Key<OpenApiSettings.Selection> EXCLUDE_OPERATIONS =
            Key.section("excludeOperations", SELECTION, "What keeps an operation out when any of the lists names it.");
    private static final Key<String> CLIENT_ID = Key.optional(
            "clientId",
            Shape.word(),
            "told or registered",
            "The gateway's id at the authorization server; can be left out where somebody agrees.");
    private static final Key<String> CLIENT_SECRET =
            Key.optional("clientSecret", Shape.text(), "none", "Its secret, best given as ${VAR} or ${file:path}.");
    private static final Key<Boolean> GRANT = Key.of(
            "grant",
            Shape.choice(Map.of("client_credentials", false, "authorization_code", true)),
            "client_credentials",
            "How tokens are got: by the gateway itself, or by somebody who agrees once at GET /oauth/{name}/authorize.");
    private static final Key<URI> AUTHORIZATION_URL =
            Key.optional("authorizationUrl", Shape.url(), "discovered", "The authorization server's page for people.");
    private static final Key<URI> TOKEN_URL =
            Key.optional("tokenUrl", Shape.url(), "discovered", "Where tokens are got; skips discovery.");
    private static final Key<URI> REDIRECT_URI = Key.optional(
            "redirectUri",
            Shape.url(),
            "/callback of the gateway",
            "Where the browser comes back to, as the authorization server knows it.");
    private static final Key<List<String>> SCOPES =
            Key.listOf("scopes", Shape.word(), "what the server gives", "Scopes to ask for.");
    private static final Section<OAuthSettings> OAUTH_SECTION = new Section<>(
            List.of(CLIENT_ID, CLIENT_SECRET, GRANT, AUTHORIZATION_URL, TOKEN_URL, REDIRECT_URI, SCOPES),
            f -> Optional.of(new OAuthSettings(
                    f.value(GRANT),
                    f.find(CLIENT_ID),
                    f.find(CLIENT_SECRET),
                    f.find(AUTHORIZATION_URL).map(URI::toString),
                    f.find(TOKEN_URL).map(URI::toString),
                    f.find(REDIRECT_URI).map(URI::toString),
                    f.value(SCOPES))));
    private static final Key<OAuthSettings> OAUTH = Key.optional(
            "oauth", OAUTH_SECTION, "none", "Get tokens for the backend by OAuth 2.1, and keep them fresh.");
    private static final List<Key<?>> OF_SERVICES =
            List.of(OPENAPI, BASE_URL, INTERVAL, INCLUDE_OPERATIONS, EXCLUDE_OPERATIONS);
    private static final List<Key<?>> OF_GRPC = List.of(SERVICES, MAX_MESSAGE, MAX_STREAMED);
    private static final List<Key<?>> OF_PROGRAMS =
            List.of(COMMAND, ARGS, ENV, ENV_FILE, CWD, IDLE_TIMEOUT, MAX_LIFETIME, START_TIMEOUT, MAX_RESTARTS);
    private static final Key<Boolean> DISABLED = Key.of("disabled", Shape.flag(), "false", "Leave the entry out.");

    static final Section<Backend> BACKEND = new Section<>(
            List.of(
                    TYPE,
                    URL,
                    ENDPOINTS,
                    HEADERS,
                    ERA,
                    TIMEOUT,
                    INCLUDE_TOOLS,
                    EXCLUDE_TOOLS,
                    FALLBACK_TOOLS,
                    TOOLS,
                    AGGREGATE,
                    COMMAND,
                    ARGS,
                    ENV,
                    ENV_FILE,
                    CWD,
                    IDLE_TIMEOUT,
                    MAX_LIFETIME,
                    START_TIMEOUT,
                    MAX_RESTARTS,
                    OPENAPI,
                    BASE_URL,
                    INTERVAL,
                    INCLUDE_OPERATIONS,
                    EXCLUDE_OPERATIONS,
                    SERVICES,
                    MAX_MESSAGE,
                    MAX_STREAMED,
                    OAUTH,
                    DISABLED),
            Set.of(
                    "alwaysAllow",
                    "alwaysLoad",
                    "autoApprove",
                    "chatMenu",
                    "description",
                    "dev",
                    "displayName",
                    "enabled",
                    "gallery",
                    "icon",
                    "iconUrl",
                    "initTimeout",
                    "name",
                    "requiresOAuth",
                    "restart",
                    "sandbox",
                    "sandboxEnabled",
                    "serverInstructions",
                    "startup",
                    "tags",
                    "trust",
                    "version",
                    "watch",
                    "watchPaths"),
            BackendKeys::backend);

    /** What the file's entries came to. */
    record Declared(List<Backend> backends) {
        static final Declared NONE = new Declared(List.of());
    }

    /** Header names the gateway writes itself, or that belong to one connection. */
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
            "mcp-session-id",
            "mcp-protocol-version",
            "mcp-method",
            "mcp-name",
            "last-event-id");

    private static final Pattern HEADER_NAME = Pattern.compile("[A-Za-z0-9!#$%&'*+.^`|~-]+");

    static final Shape<Declared> BACKENDS = new Shape<>() {
        @Override
        public Optional<Declared> read(Node node, String path, Decoding in) {
            if (!(node instanceof Node.Mapping mapping)) {
                in.fault(node.at(), path + ": expected a mapping from names to servers, found " + node.words());
                return Optional.empty();
            }
            List<Backend> backends = new ArrayList<>();
            ClientForm form = new ClientForm(mapping, in);
            for (Node.Entry given : mapping.entries()) {
                Node.Entry entry =
                        disabledOrNone(given) ? given : new Node.Entry(form.name(given), given.at(), given.value());
                String at = path + "." + entry.key();
                if (!(entry.value() instanceof Node.Mapping server)) {
                    in.fault(
                            entry.value().at(),
                            at + ": expected a mapping of keys, found "
                                    + entry.value().words());
                } else if (disabled(server)) {
                    in.note(entry.at(), "'" + entry.key() + "' is disabled and left out");
                } else {
                    checkName(entry, in);
                    BACKEND.read(form.server(server), at, in).ifPresent(backends::add);
                }
            }
            return Optional.of(new Declared(List.copyOf(backends)));
        }

        @Override
        public Map<String, Object> schema() {
            Map<String, Object> schema = Shape.schemaOf("object");
            schema.put("additionalProperties", BACKEND.schema());
            return schema;
        }
    };

    private static boolean disabledOrNone(Node.Entry entry) {
        return !(entry.value() instanceof Node.Mapping server) || disabled(server);
    }

    private static void checkName(Node.Entry entry, Decoding in) {
        try {
            Backend.checkName(entry.key());
        } catch (IllegalArgumentException e) {
            in.fault(entry.at(), String.valueOf(e.getMessage()));
        }
    }

    private static boolean disabled(Node.Mapping server) {
        return says(server, "disabled", "true") || says(server, "enabled", "false");
    }

    private static boolean says(Node.Mapping server, String key, String word) {
        return server.value(key)
                .filter(n -> n instanceof Node.Text t && t.text().equals(word))
                .isPresent();
    }

    private static Optional<Backend> backend(Section.Fields f) {
        Optional<Type> type = f.find(TYPE);
        String name = f.path().substring(f.path().indexOf('.') + 1);
        boolean program =
                f.node(COMMAND).isPresent() || type.filter(Type.STDIO::equals).isPresent();
        boolean service = !program && f.node(OPENAPI).isPresent();
        boolean grpc = !program && !service && type.filter(Type.GRPC::equals).isPresent();
        if (!grpc) {
            refuse(f, OF_GRPC, "is for gRPC services; give it the type grpc, or leave this out");
        }
        List<Endpoint> endpoints =
                program ? place(f, name) : service ? base(f, name) : grpc ? servers(f) : endpoints(f);
        Transport transport = program ? program(f, type) : service ? service(f) : grpc ? grpc(f) : network(f, type);
        Map<String, String> headers = headers(f);
        Optional<Era> era = f.value(ERA);
        Duration timeout = f.value(TIMEOUT);
        List<String> include = f.value(INCLUDE_TOOLS);
        List<String> exclude = f.value(EXCLUDE_TOOLS);
        List<RawJson> fallback = f.value(FALLBACK_TOOLS);
        Map<String, ToolOverride> overrides = f.find(TOOLS).orElse(Map.of());
        boolean aggregated = f.value(AGGREGATE);
        f.value(DISABLED);
        if (!f.in().faults.isEmpty()) {
            return Optional.empty();
        }
        return Optional.of(new Backend(
                name,
                endpoints,
                headers,
                era,
                timeout,
                include,
                exclude,
                fallback,
                aggregated,
                source(f),
                transport,
                overrides));
    }

    private static Backend.Source source(Section.Fields f) {
        return f.node(URL).isPresent() && f.at(URL).source().startsWith("variable MCP_PEER_")
                ? Backend.Source.VARIABLE
                : Backend.Source.FILE;
    }

    private static List<Endpoint> place(Section.Fields f, String name) {
        for (Key<?> key : List.of(URL, ENDPOINTS, HEADERS, OAUTH)) {
            if (f.node(key).isPresent()) {
                f.in().fault(f.at(key), f.pathOf(key) + ": a program has none; keep either it or the command");
            }
        }
        return Backend.isName(name) ? List.of(Endpoint.inside(StdioSettings.KIND, name)) : List.of();
    }

    private static Transport program(Section.Fields f, Optional<Type> type) {
        type.filter(given -> given != Type.STDIO)
                .ifPresent(given -> f.in().fault(
                                f.at(TYPE),
                                f.pathOf(TYPE) + ": has a command, which makes it stdio; remove one of them"));
        if (f.node(COMMAND).isEmpty()) {
            f.in().fault(f.at(), f.path() + ": is of type stdio and names no command");
            return Transport.HTTP;
        }
        return new StdioSettings(
                        f.find(COMMAND).orElse("-"),
                        f.value(ARGS),
                        environment(f),
                        f.find(CWD),
                        f.value(IDLE_TIMEOUT),
                        f.value(MAX_LIFETIME),
                        f.value(START_TIMEOUT),
                        f.value(MAX_RESTARTS))
                .transport();
    }

    private static Map<String, String> environment(Section.Fields f) {
        Map<String, String> environment = new LinkedHashMap<>(f.find(ENV_FILE).orElse(Map.of()));
        environment.putAll(f.find(ENV).orElse(Map.of()));
        return environment;
    }

    private static List<Endpoint> base(Section.Fields f, String name) {
        for (Key<?> key : List.of(URL, ENDPOINTS, TYPE, OAUTH)) {
            if (f.node(key).isPresent()) {
                f.in().fault(f.at(key), f.pathOf(key) + ": is for MCP servers; a service of openapi has a baseUrl");
            }
        }
        refuse(f, OF_PROGRAMS, "is for programs; give it a command, or leave it out");
        String document = f.find(OPENAPI).orElse("");
        Optional<URI> given = f.find(BASE_URL);
        if (given.isEmpty() && isUrl(document)) {
            given = Optional.of(URI.create(document).resolve("/"));
        }
        return given.map(base -> base.getRawPath() == null || base.getRawPath().isEmpty() ? base.resolve("/") : base)
                .map(base -> List.of(new Endpoint(base, 1)))
                .orElseGet(
                        () -> Backend.isName(name) ? List.of(Endpoint.inside(OpenApiSettings.KIND, name)) : List.of());
    }

    private static boolean isUrl(String document) {
        return document.startsWith("http://") || document.startsWith("https://");
    }

    private static Transport service(Section.Fields f) {
        String document = f.find(OPENAPI).orElse("");
        return new OpenApiSettings(
                        isUrl(document) ? document : "file:" + documentFile(f, document),
                        f.value(INTERVAL),
                        f.section(INCLUDE_OPERATIONS).orElse(OpenApiSettings.Selection.EMPTY),
                        f.section(EXCLUDE_OPERATIONS).orElse(OpenApiSettings.Selection.EMPTY))
                .transport();
    }

    /** Relative to the file that names it. One that is not there yet is the backend's trouble, and not everybody's. */
    private static Path documentFile(Section.Fields f, String document) {
        Path file = f.at(OPENAPI).base().resolve(document).normalize();
        if (!document.isEmpty() && !Files.isRegularFile(file)) {
            f.in().note(f.at(OPENAPI), f.pathOf(OPENAPI) + ": there is no file " + file + " now");
        }
        return file;
    }

    private static void refuse(Section.Fields f, List<Key<?>> keys, String why) {
        for (Key<?> key : keys) {
            if (f.node(key).isPresent()) {
                f.in().fault(f.at(key), f.pathOf(key) + ": " + why);
            }
        }
    }

    private static Transport network(Section.Fields f, Optional<Type> type) {
        refuse(f, OF_PROGRAMS, "is for programs; give it a command, or leave it out");
        refuse(f, OF_SERVICES, "is for services with an OpenAPI document; name it with openapi, or leave this out");
        Transport plain = type.filter(Type.SSE::equals).isPresent() ? Transport.SSE : Transport.HTTP;
        return f.find(OAUTH).map(oauth -> oauth.on(plain)).orElse(plain);
    }

    private static Transport grpc(Section.Fields f) {
        refuse(f, OF_PROGRAMS, "is for programs; give it a command, or leave it out");
        refuse(
                f,
                OF_SERVICES.stream().filter(key -> !key.equals(INTERVAL)).toList(),
                "is for services with an OpenAPI document; a gRPC service says itself what it offers");
        refuse(f, List.of(OAUTH), "is for MCP servers; give a gRPC service its credentials in headers");
        for (String name : f.find(HEADERS).orElse(Map.of()).keySet()) {
            if (name.regionMatches(true, 0, "grpc-", 0, 5)) {
                f.in().fault(
                                f.at(HEADERS),
                                f.pathOf(HEADERS) + ": '" + name + "' belongs to gRPC itself; leave it out");
            }
        }
        return new GrpcSettings(f.value(SERVICES), f.value(INTERVAL), f.value(MAX_MESSAGE), f.value(MAX_STREAMED))
                .transport();
    }

    /** Addresses of a gRPC service, which have no path: a method's name is its path. */
    private static List<Endpoint> servers(Section.Fields f) {
        List<Endpoint> servers = new ArrayList<>();
        for (Endpoint endpoint : endpoints(f)) {
            String path = endpoint.pathAndQuery();
            if (!path.equals("/") && !path.equals("/mcp")) {
                f.in().fault(
                                f.at(f.node(URL).isPresent() ? URL : ENDPOINTS),
                                f.path() + ": the address of a gRPC service has no path; " + path + " is too much");
            }
            servers.add(new Endpoint(endpoint.url().resolve("/"), endpoint.weight()));
        }
        return servers;
    }

    private static List<Endpoint> endpoints(Section.Fields f) {
        boolean one = f.node(URL).isPresent();
        boolean several = f.node(ENDPOINTS).isPresent();
        if (one && several) {
            f.in().fault(f.at(ENDPOINTS), f.path() + ": has both url and endpoints; keep one of them");
        } else if (!one && !several) {
            f.in().fault(f.at(), f.path() + ": names no server; give it a url");
        }
        List<Endpoint> endpoints = new ArrayList<>(f.value(ENDPOINTS));
        f.find(URL).ifPresent(endpoints::add);
        if (several
                && f.node(ENDPOINTS).get() instanceof Node.Sequence s
                && s.items().isEmpty()) {
            f.in().fault(s.at(), f.path() + ".endpoints: is empty");
        }
        return endpoints;
    }

    private static Map<String, String> headers(Section.Fields f) {
        Map<String, String> headers = f.find(HEADERS).orElse(Map.of());
        headers.forEach((name, value) -> {
            if (!HEADER_NAME.matcher(name).matches()) {
                f.in().fault(f.at(HEADERS), f.pathOf(HEADERS) + ": '" + name + "' is not a header name");
            } else if (OWN_HEADERS.contains(name.toLowerCase(Locale.ROOT))) {
                f.in().fault(
                                f.at(HEADERS),
                                f.pathOf(HEADERS) + ": '" + name + "' is written by the gateway itself; leave it out");
            }
            if (value.chars().anyMatch(c -> c < ' ' && c != '\t' || c == 127)) {
                f.in().fault(
                                f.at(HEADERS),
                                f.pathOf(HEADERS) + ": the value of '" + name + "' holds a control character");
            }
        });
        return headers;
    }

    private static Map<String, Type> types() {
        Map<String, Type> types = new LinkedHashMap<>();
        types.put("http", Type.HTTP);
        types.put("streamable-http", Type.HTTP);
        types.put("streamable_http", Type.HTTP);
        types.put("streamableHttp", Type.HTTP);
        types.put("sse", Type.SSE);
        types.put("stdio", Type.STDIO);
        types.put("grpc", Type.GRPC);
        return types;
    }

    private static Map<String, Optional<Era>> eras() {
        Map<String, Optional<Era>> eras = new LinkedHashMap<>();
        eras.put("auto", Optional.empty());
        eras.put("legacy", Optional.of(Era.LEGACY));
        eras.put("modern", Optional.of(Era.MODERN));
        return eras;
    }

    /** An endpoint as a URL alone, or as a section. */
    private static final class EndpointShape {
        static final Shape<Endpoint> TEXT = new Shape<>() {
            private final Shape<URI> url = Shape.url();

            @Override
            public Optional<Endpoint> read(Node node, String path, Decoding in) {
                return url.read(node, path, in).flatMap(u -> {
                    try {
                        return Optional.of(new Endpoint(u, 1));
                    } catch (IllegalArgumentException e) {
                        in.fault(node.at(), path + ": " + e.getMessage());
                        return Optional.empty();
                    }
                });
            }

            @Override
            public Map<String, Object> schema() {
                return url.schema();
            }

            @Override
            public boolean scalar() {
                return true;
            }
        };

        static final Shape<Endpoint> EITHER = new Shape<>() {
            @Override
            public Optional<Endpoint> read(Node node, String path, Decoding in) {
                return node instanceof Node.Mapping ? ENDPOINT.read(node, path, in) : TEXT.read(node, path, in);
            }

            @Override
            public Map<String, Object> schema() {
                Map<String, Object> either = new LinkedHashMap<>();
                either.put("anyOf", List.of(TEXT.schema(), ENDPOINT.schema()));
                return either;
            }
        };
    }

    /** A tool definition, kept as JSON with its numbers spelled as they were. */
    private static final class ToolShape implements Shape<RawJson> {
        @Override
        public Optional<RawJson> read(Node node, String path, Decoding in) {
            if (!(node instanceof Node.Mapping tool)) {
                in.fault(node.at(), path + ": expected a mapping of keys, found " + node.words());
                return Optional.empty();
            }
            boolean named = tool.value("name")
                    .filter(n -> n instanceof Node.Text t && !t.text().isBlank())
                    .isPresent();
            if (!named) {
                in.fault(node.at(), path + ": a tool needs a 'name'");
                return Optional.empty();
            }
            Optional<Node> schema = tool.value("inputSchema");
            if (schema.isPresent() && !(schema.get() instanceof Node.Mapping)) {
                in.fault(
                        schema.get().at(),
                        path + ".inputSchema: expected a mapping of keys, found "
                                + schema.get().words());
                return Optional.empty();
            }
            Node.Mapping whole = schema.isPresent()
                    ? tool
                    : tool.with(new Node.Entry(
                            "inputSchema",
                            tool.at(),
                            Node.Mapping.empty(tool.at())
                                    .with(new Node.Entry(
                                            "type", tool.at(), new Node.Text("object", Node.Kind.STRING, tool.at())))));
            return Optional.of(RawJson.of(JsonText.of(whole)));
        }

        @Override
        public Map<String, Object> schema() {
            Map<String, Object> schema = Shape.schemaOf("object");
            schema.put("required", List.of("name"));
            schema.put(
                    "properties",
                    Map.of(
                            "name", Map.of("type", "string"),
                            "description", Map.of("type", "string"),
                            "inputSchema", Map.of("type", "object")));
            return schema;
        }
    }

    /** Tools by name, each with what is shown otherwise. */
    private static final class OverridesShape implements Shape<Map<String, ToolOverride>> {
        private static final List<String> MEMBERS = List.of("name", "description", "arguments");

        @Override
        public Optional<Map<String, ToolOverride>> read(Node node, String path, Decoding in) {
            if (!(node instanceof Node.Mapping tools)) {
                in.fault(node.at(), path + ": expected a mapping of keys, found " + node.words());
                return Optional.empty();
            }
            Map<String, ToolOverride> overrides = new LinkedHashMap<>();
            for (Node.Entry tool : tools.entries()) {
                override(tool.value(), path + "." + tool.key(), in)
                        .ifPresent(found -> overrides.put(tool.key(), found));
            }
            return Optional.of(overrides);
        }

        private static Optional<ToolOverride> override(Node node, String path, Decoding in) {
            if (!(node instanceof Node.Mapping tool)) {
                in.fault(node.at(), path + ": expected a mapping of keys, found " + node.words());
                return Optional.empty();
            }
            for (Node.Entry member : tool.entries()) {
                if (!MEMBERS.contains(member.key())) {
                    in.fault(
                            member.at(),
                            "unknown key '" + member.key() + "' in " + path + "; known here: "
                                    + String.join(", ", MEMBERS));
                }
            }
            Optional<String> name = tool.value("name").flatMap(n -> in.text(n, path + ".name"));
            Optional<String> description = tool.value("description").flatMap(n -> in.text(n, path + ".description"));
            Map<String, RawJson> fixed = new LinkedHashMap<>();
            Optional<Node> arguments = tool.value("arguments");
            if (arguments.isPresent() && arguments.get() instanceof Node.Mapping values) {
                values.entries().forEach(value -> fixed.put(value.key(), fixed(value.value(), path, in)));
            } else if (arguments.isPresent()) {
                in.fault(arguments.get().at(), path + ".arguments: expected a mapping of keys");
            }
            try {
                return Optional.of(new ToolOverride(name, description, fixed));
            } catch (IllegalArgumentException e) {
                in.fault(tool.at(), path + ": " + e.getMessage());
                return Optional.empty();
            }
        }

        /** A text may be given as <code>${VAR}</code>, for it may be a key. */
        private static RawJson fixed(Node value, String path, Decoding in) {
            if (value instanceof Node.Text text && text.kind() == Node.Kind.STRING) {
                String filled = in.text(value, path + ".arguments").orElse("");
                return RawJson.of(JsonText.of(new Node.Text(filled, Node.Kind.STRING, value.at())));
            }
            return RawJson.of(JsonText.of(value));
        }

        @Override
        public Map<String, Object> schema() {
            Map<String, Object> tool = Shape.schemaOf("object");
            tool.put("additionalProperties", false);
            tool.put(
                    "properties",
                    Map.of(
                            "name", Map.of("type", "string"),
                            "description", Map.of("type", "string"),
                            "arguments", Map.of("type", "object")));
            Map<String, Object> schema = Shape.schemaOf("object");
            schema.put("additionalProperties", tool);
            return schema;
        }
    }
}
