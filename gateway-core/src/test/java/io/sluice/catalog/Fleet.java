package io.sluice.catalog;

import io.sluice.envelope.Json;
import io.sluice.protocol.McpMethod;
import io.sluice.protocol.ProtocolVersion;
import io.sluice.protocol.RawJson;
import io.sluice.registry.Backend;
import io.sluice.registry.Registration;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/** Makes contributions for tests, in few words. */
final class Fleet {
    static final ObjectMapper JSON = new ObjectMapper();
    static final String ALL =
            "{\"tools\":{},\"prompts\":{},\"resources\":{\"subscribe\":true},\"completions\":{},\"logging\":{}}";

    private final String name;
    private final long since;
    private ProtocolVersion version = ProtocolVersion.V2026_07_28;
    private String capabilities = ALL;
    private Optional<RawJson> serverInfo = Optional.empty();
    private Optional<RawJson> instructions = Optional.empty();
    private final List<Definition> tools = new ArrayList<>();
    private final List<Definition> prompts = new ArrayList<>();
    private final List<Definition> resources = new ArrayList<>();
    private final List<Definition> templates = new ArrayList<>();
    private final List<RawJson> fallback = new ArrayList<>();
    private List<String> include = List.of();
    private List<String> exclude = List.of();
    private Duration ttl = Duration.ofSeconds(45);
    private boolean shareable = true;
    private boolean aggregated = true;
    private boolean reached = true;

    private Fleet(String name, long since) {
        this.name = name;
        this.since = since;
    }

    static Fleet backend(String name, long since) {
        return new Fleet(name, since);
    }

    static Catalog catalog(Fleet... backends) {
        return after(Catalog.EMPTY, backends);
    }

    static Catalog after(Catalog previous, Fleet... backends) {
        return build(CatalogSettings.DEFAULT, previous, backends);
    }

    static Catalog build(CatalogSettings settings, Catalog previous, Fleet... backends) {
        List<Contribution> contributions = new ArrayList<>();
        for (Fleet backend : backends) {
            contributions.add(backend.contribution());
        }
        return Catalog.build(contributions, previous, settings);
    }

    /** The names, URIs or templates that a mount lists to modern clients. */
    static List<String> listed(Mount mount, McpMethod method) {
        ListKind kind = ListKind.of(method);
        JsonNode result =
                JSON.readTree(mount.list(method, ProtocolVersion.LATEST_MODERN).bytes());
        return result.path(kind.member())
                .valueStream()
                .map(entry -> entry.path(kind.key()).stringValue())
                .toList();
    }

    static List<String> tools(Catalog catalog) {
        return listed(catalog.aggregate(), McpMethod.TOOLS_LIST);
    }

    static String text(byte[] json) {
        return RawJson.of(json).toString();
    }

    Fleet speaking(ProtocolVersion spoken) {
        version = spoken;
        return this;
    }

    Fleet capable(String json) {
        capabilities = json;
        return this;
    }

    Fleet named(String serverInfoJson) {
        serverInfo = Optional.of(RawJson.of(serverInfoJson));
        return this;
    }

    Fleet saying(String instructionsLiteral) {
        instructions = Optional.of(RawJson.of(instructionsLiteral));
        return this;
    }

    Fleet tools(String... names) {
        for (String tool : names) {
            tool(tool, "{\"name\":" + Json.quote(tool) + ",\"inputSchema\":{\"type\":\"object\"}}");
        }
        return this;
    }

    Fleet tool(String tool, String json) {
        tools.add(new Definition(tool, RawJson.of(json)));
        return this;
    }

    Fleet prompts(String... names) {
        for (String prompt : names) {
            prompts.add(new Definition(prompt, RawJson.of("{\"name\":" + Json.quote(prompt) + "}")));
        }
        return this;
    }

    Fleet resources(String... uris) {
        for (String uri : uris) {
            resources.add(new Definition(uri, RawJson.of("{\"uri\":" + Json.quote(uri) + ",\"name\":\"r\"}")));
        }
        return this;
    }

    Fleet templates(String... uriTemplates) {
        for (String template : uriTemplates) {
            templates.add(new Definition(
                    template, RawJson.of("{\"uriTemplate\":" + Json.quote(template) + ",\"name\":\"t\"}")));
        }
        return this;
    }

    Fleet fallback(String json) {
        fallback.add(RawJson.of(json));
        return this;
    }

    Fleet including(String... globs) {
        include = List.of(globs);
        return this;
    }

    Fleet excluding(String... globs) {
        exclude = List.of(globs);
        return this;
    }

    Fleet ttl(Duration promised) {
        ttl = promised;
        return this;
    }

    Fleet unshared() {
        shareable = false;
        return this;
    }

    Fleet apart() {
        aggregated = false;
        return this;
    }

    Fleet unreached() {
        reached = false;
        return this;
    }

    Contribution contribution() {
        Backend plain = Backend.of(name, "http://localhost:1/mcp", Backend.Source.FILE);
        Backend backend = new Backend(
                name,
                plain.endpoints(),
                plain.headers(),
                plain.era(),
                plain.timeout(),
                include,
                exclude,
                fallback,
                aggregated,
                plain.source());
        Listing listing = new Listing(
                version,
                RawJson.of(capabilities),
                serverInfo,
                instructions,
                tools,
                prompts,
                resources,
                templates,
                ttl,
                shareable);
        return new Contribution(
                new Registration(backend, since, since),
                reached ? Optional.of(listing) : Optional.empty(),
                reached ? Optional.empty() : Optional.of("connection refused"));
    }
}
