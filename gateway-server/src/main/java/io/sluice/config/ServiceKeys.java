package io.sluice.config;

import io.sluice.openapi.OpenApiSettings;
import io.sluice.registry.Backend;
import io.sluice.registry.Endpoint;
import io.sluice.registry.Transport;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** Backends that are plain HTTP services with an OpenAPI document: the keys of {@code mcpServers} that say which, and what of it. */
final class ServiceKeys {
    static final Key<String> OPENAPI = Key.optional(
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
    static final Key<Duration> INTERVAL = Key.of(
            "interval",
            Shape.duration(),
            "60s",
            "How often the document of openapi is read again, or a gRPC service asked what it offers.");
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
    static final List<Key<?>> ALL = List.of(OPENAPI, BASE_URL, INTERVAL, INCLUDE_OPERATIONS, EXCLUDE_OPERATIONS);

    private ServiceKeys() {}

    /** Where the service is called. */
    static List<Endpoint> base(Section.Fields f, String name) {
        for (Key<?> key : List.of(EndpointKeys.URL, EndpointKeys.ENDPOINTS, BackendKeys.TYPE, OAuthKeys.OAUTH)) {
            if (f.node(key).isPresent()) {
                f.in().fault(f.at(key), f.pathOf(key) + ": is for MCP servers; a service of openapi has a baseUrl");
            }
        }
        BackendKeys.refuse(f, ProgramKeys.ALL, "is for programs; give it a command, or leave it out");
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

    /** What of the document becomes tools. */
    static Transport service(Section.Fields f) {
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
}
