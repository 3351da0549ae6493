package io.sluice.catalog;

import io.sluice.protocol.ProtocolVersion;
import io.sluice.protocol.RawJson;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * What one backend said about itself when it was last asked.
 *
 * @param version the revision spoken to it
 * @param capabilities its {@code ServerCapabilities} object
 * @param serverInfo its {@code Implementation} object, when it gave one
 * @param instructions its {@code instructions} as a JSON string literal, when it gave any
 * @param ttl shortest life the backend promised for its lists; zero when it promised none
 * @param shareable whether the backend marked all its lists {@code public}
 * @param gateway the id by which it made itself known as a gateway like this one; empty for all others
 */
public record Listing(
        ProtocolVersion version,
        RawJson capabilities,
        Optional<RawJson> serverInfo,
        Optional<RawJson> instructions,
        List<Definition> tools,
        List<Definition> prompts,
        List<Definition> resources,
        List<Definition> resourceTemplates,
        Duration ttl,
        boolean shareable,
        Optional<String> gateway) {
    public Listing {
        tools = List.copyOf(tools);
        prompts = List.copyOf(prompts);
        resources = List.copyOf(resources);
        resourceTemplates = List.copyOf(resourceTemplates);
    }

    /** Of a backend that is no gateway. */
    public Listing(
            ProtocolVersion version,
            RawJson capabilities,
            Optional<RawJson> serverInfo,
            Optional<RawJson> instructions,
            List<Definition> tools,
            List<Definition> prompts,
            List<Definition> resources,
            List<Definition> resourceTemplates,
            Duration ttl,
            boolean shareable) {
        this(
                version,
                capabilities,
                serverInfo,
                instructions,
                tools,
                prompts,
                resources,
                resourceTemplates,
                ttl,
                shareable,
                Optional.empty());
    }
}
