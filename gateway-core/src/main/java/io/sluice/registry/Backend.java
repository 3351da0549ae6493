package io.sluice.registry;

import io.sluice.protocol.Era;
import io.sluice.protocol.RawJson;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.regex.Pattern;

/**
 * A logical MCP server as it was registered. What it offers is learnt later and lives in the catalog.
 *
 * @param name {@code [a-z0-9-]{1,64}}, unique among backends and profiles; also the mount {@code /mcp/{name}}
 * @param endpoints at least one, but for what is built in
 * @param headers sent with every request to the backend: its own credentials, never the client's. Secret.
 * @param era the era to speak without asking, or empty to probe
 * @param timeout longest wait for a reply to begin, and between its parts
 * @param includeTools globs of tools to offer; empty means all
 * @param excludeTools globs of tools to hide; wins over {@code includeTools}
 * @param fallbackTools tool definitions to list while the backend has never been reached
 * @param aggregated whether {@code /mcp} shows it too
 * @param source who named it
 * @param transport how it is reached
 * @param overrides tools that are shown otherwise than the backend shows them, by the backend's own names
 */
public record Backend(
        String name,
        List<Endpoint> endpoints,
        Map<String, String> headers,
        Optional<Era> era,
        Duration timeout,
        List<String> includeTools,
        List<String> excludeTools,
        List<RawJson> fallbackTools,
        boolean aggregated,
        Source source,
        Transport transport,
        Map<String, ToolOverride> overrides) {
    public static final Duration DEFAULT_TIMEOUT = Duration.ofSeconds(60);

    /** Paths under {@code /mcp/} that mean something else, so that no backend may take them. */
    public static final Set<String> RESERVED = Set.of(
            "gateway",
            "manifest",
            "connect",
            "disconnect",
            "clients",
            "client",
            "list_tools",
            "call_tool",
            "list_resources",
            "read_resource",
            "list_prompts",
            "get_prompt");

    private static final Pattern NAME = Pattern.compile("[a-z0-9-]{1,64}");

    /** Who named a backend, which also decides who may change it and which addresses it may name. */
    public enum Source {
        FILE,
        /** As {@link #FILE}, but a variable {@code MCP_PEER_…_URL} named it: another gateway. */
        VARIABLE,
        API,
        /** As {@link #API}, but named as another gateway. */
        PEER,
        DISCOVERED,
        BUILT_IN;

        /** Whether it was named as another gateway. */
        public boolean peer() {
            return this == PEER || this == VARIABLE;
        }

        /** Whether a request named it, so that requests may change it and it may not reach every address. */
        public boolean requested() {
            return this == API || this == PEER;
        }
    }

    public Backend {
        if (source != Source.BUILT_IN) {
            checkName(name);
        }
        if (endpoints.isEmpty() && source != Source.BUILT_IN) {
            throw new IllegalArgumentException("backend '" + name + "' has no endpoint");
        }
        if (timeout.isNegative() || timeout.isZero()) {
            throw new IllegalArgumentException("backend '" + name + "': timeout " + timeout + " is not positive");
        }
        endpoints = List.copyOf(endpoints);
        headers = Map.copyOf(headers);
        includeTools = List.copyOf(includeTools);
        excludeTools = List.copyOf(excludeTools);
        fallbackTools = List.copyOf(fallbackTools);
        overrides = Map.copyOf(overrides);
    }

    /** A backend whose tools are shown as they are. */
    public Backend(
            String name,
            List<Endpoint> endpoints,
            Map<String, String> headers,
            Optional<Era> era,
            Duration timeout,
            List<String> includeTools,
            List<String> excludeTools,
            List<RawJson> fallbackTools,
            boolean aggregated,
            Source source,
            Transport transport) {
        this(
                name,
                endpoints,
                headers,
                era,
                timeout,
                includeTools,
                excludeTools,
                fallbackTools,
                aggregated,
                source,
                transport,
                Map.of());
    }

    /** A backend that speaks Streamable HTTP. */
    public Backend(
            String name,
            List<Endpoint> endpoints,
            Map<String, String> headers,
            Optional<Era> era,
            Duration timeout,
            List<String> includeTools,
            List<String> excludeTools,
            List<RawJson> fallbackTools,
            boolean aggregated,
            Source source) {
        this(
                name,
                endpoints,
                headers,
                era,
                timeout,
                includeTools,
                excludeTools,
                fallbackTools,
                aggregated,
                source,
                Transport.HTTP);
    }

    /** A backend with one endpoint and nothing else said about it. */
    public static Backend of(String name, String url, Source source) {
        return new Backend(
                name,
                List.of(Endpoint.of(url)),
                Map.of(),
                Optional.empty(),
                DEFAULT_TIMEOUT,
                List.of(),
                List.of(),
                List.of(),
                true,
                source);
    }

    /**
     * Refuses a name that no backend or profile may have.
     *
     * @throws IllegalArgumentException with a sentence for the reader
     */
    public static void checkName(String name) {
        if (!NAME.matcher(name).matches()) {
            throw new IllegalArgumentException("'" + name + "' is not a valid name: use 1 to 64 of a-z, 0-9 and '-'");
        }
        if (RESERVED.contains(name)) {
            throw new IllegalArgumentException("'" + name + "' is a reserved name; choose another");
        }
    }

    /** Whether {@link #checkName} lets the name pass. */
    public static boolean isName(String name) {
        return NAME.matcher(name).matches() && !RESERVED.contains(name);
    }

    public Backend withHeaders(Map<String, String> replacement) {
        return with(draft -> draft.headers = replacement);
    }

    public Backend via(Transport replacement) {
        return with(draft -> draft.transport = replacement);
    }

    public Backend withEndpoints(List<Endpoint> replacement) {
        return with(draft -> draft.endpoints = replacement);
    }

    public Backend withOverrides(Map<String, ToolOverride> replacement) {
        return with(draft -> draft.overrides = replacement);
    }

    /** Without the header values, which are secrets. */
    @Override
    public String toString() {
        return "Backend[" + name + " " + endpoints + " headers=" + headers.keySet() + " source=" + source + " over "
                + transport + "]";
    }

    private Backend with(Consumer<Draft> change) {
        Draft draft = new Draft(this);
        change.accept(draft);
        return draft.done();
    }

    /** What a changed copy is made in: the one place that knows the order of all parts. */
    private static final class Draft {
        private String name;
        private List<Endpoint> endpoints;
        private Map<String, String> headers;
        private Optional<Era> era;
        private Duration timeout;
        private List<String> includeTools;
        private List<String> excludeTools;
        private List<RawJson> fallbackTools;
        private boolean aggregated;
        private Source source;
        private Transport transport;
        private Map<String, ToolOverride> overrides;

        private Draft(Backend from) {
            name = from.name;
            endpoints = from.endpoints;
            headers = from.headers;
            era = from.era;
            timeout = from.timeout;
            includeTools = from.includeTools;
            excludeTools = from.excludeTools;
            fallbackTools = from.fallbackTools;
            aggregated = from.aggregated;
            source = from.source;
            transport = from.transport;
            overrides = from.overrides;
        }

        private Backend done() {
            return new Backend(
                    name,
                    endpoints,
                    headers,
                    era,
                    timeout,
                    includeTools,
                    excludeTools,
                    fallbackTools,
                    aggregated,
                    source,
                    transport,
                    overrides);
        }
    }
}
