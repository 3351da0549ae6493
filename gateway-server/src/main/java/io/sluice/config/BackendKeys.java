package io.sluice.config;

import io.sluice.protocol.Era;
import io.sluice.protocol.RawJson;
import io.sluice.registry.Backend;
import io.sluice.registry.Endpoint;
import io.sluice.registry.ToolOverride;
import io.sluice.registry.Transport;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * How the entries of {@code mcpServers} are read. What only some kinds of backends have is read by {@link ProgramKeys},
 * {@link ServiceKeys}, {@link GrpcKeys} and {@link OAuthKeys}.
 */
final class BackendKeys {
    private BackendKeys() {}

    /** What a backend is reached by. */
    enum Type {
        HTTP,
        SSE,
        STDIO,
        GRPC
    }

    static final Key<Type> TYPE = Key.optional(
            "type",
            Shape.choice(types()),
            "http, or stdio with a command",
            "How the backend is reached: http (Streamable HTTP), sse (the transport of 2024-11-05), grpc (a gRPC service"
                    + " with server reflection) or stdio (a program; said by its command alone).");
    static final Key<Map<String, String>> HEADERS = Key.optional(
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
    private static final Key<Boolean> DISABLED = Key.of("disabled", Shape.flag(), "false", "Leave the entry out.");

    private static final List<Key<?>> OF_ALL = List.of(
            TYPE,
            EndpointKeys.URL,
            EndpointKeys.ENDPOINTS,
            HEADERS,
            ERA,
            TIMEOUT,
            INCLUDE_TOOLS,
            EXCLUDE_TOOLS,
            FALLBACK_TOOLS,
            TOOLS,
            AGGREGATE);

    static final Section<Backend> BACKEND = new Section<>(
            keys(),
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

    private static List<Key<?>> keys() {
        return Stream.of(
                        OF_ALL,
                        ProgramKeys.ALL,
                        ServiceKeys.ALL,
                        GrpcKeys.ALL,
                        List.<Key<?>>of(OAuthKeys.OAUTH, DISABLED))
                .flatMap(List::stream)
                .toList();
    }

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
        boolean program = f.node(ProgramKeys.COMMAND).isPresent()
                || type.filter(Type.STDIO::equals).isPresent();
        boolean service = !program && f.node(ServiceKeys.OPENAPI).isPresent();
        boolean grpc = !program && !service && type.filter(Type.GRPC::equals).isPresent();
        if (!grpc) {
            refuse(f, GrpcKeys.ALL, "is for gRPC services; give it the type grpc, or leave this out");
        }
        List<Endpoint> endpoints = program
                ? ProgramKeys.place(f, name)
                : service ? ServiceKeys.base(f, name) : grpc ? GrpcKeys.servers(f) : EndpointKeys.endpoints(f);
        Transport transport = program
                ? ProgramKeys.program(f, type)
                : service ? ServiceKeys.service(f) : grpc ? GrpcKeys.grpc(f) : network(f, type);
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
        return f.node(EndpointKeys.URL).isPresent()
                        && f.at(EndpointKeys.URL).source().startsWith("variable MCP_PEER_")
                ? Backend.Source.VARIABLE
                : Backend.Source.FILE;
    }

    /** Faults keys that another kind of backend has. */
    static void refuse(Section.Fields f, List<Key<?>> keys, String why) {
        for (Key<?> key : keys) {
            if (f.node(key).isPresent()) {
                f.in().fault(f.at(key), f.pathOf(key) + ": " + why);
            }
        }
    }

    private static Transport network(Section.Fields f, Optional<Type> type) {
        refuse(f, ProgramKeys.ALL, "is for programs; give it a command, or leave it out");
        refuse(f, ServiceKeys.ALL, "is for services with an OpenAPI document; name it with openapi, or leave this out");
        Transport plain = type.filter(Type.SSE::equals).isPresent() ? Transport.SSE : Transport.HTTP;
        return f.find(OAuthKeys.OAUTH).map(oauth -> oauth.on(plain)).orElse(plain);
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
}
