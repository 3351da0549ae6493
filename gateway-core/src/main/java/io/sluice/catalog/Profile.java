package io.sluice.catalog;

import java.util.List;

/**
 * A named selection across backends, with a mount of its own: {@code /mcp/{name}}. It has the names of the aggregate, and
 * only backends that the aggregate shows.
 *
 * @param name as a backend's; a backend of the same name comes first
 * @param tools globs of the tools in it, each for a listed name or the qualified one; none means none
 * @param prompts the same of prompts
 * @param resources globs of URIs and URI templates
 */
public record Profile(String name, List<String> tools, List<String> prompts, List<String> resources) {
    public Profile {
        tools = List.copyOf(tools);
        prompts = List.copyOf(prompts);
        resources = List.copyOf(resources);
    }

    boolean selects(ListKind kind, Target target) {
        List<String> globs = switch (kind) {
            case TOOLS -> tools;
            case PROMPTS -> prompts;
            case RESOURCES, RESOURCE_TEMPLATES -> resources;
        };
        return Glob.anyMatches(globs, target.exposedName())
                || Glob.anyMatches(globs, target.backend() + ExposedNames.SEPARATOR + target.originalName());
    }
}
