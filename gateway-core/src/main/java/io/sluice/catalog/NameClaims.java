package io.sluice.catalog;

import java.util.Map;

/**
 * Who owns which name of a tool or prompt on the aggregate, in a form that replicas can share and that outlives them:
 * what a catalog's names came to be, and what the next one is to begin with.
 *
 * @param tools by exposed name
 * @param prompts by exposed name
 */
public record NameClaims(Map<String, Claim> tools, Map<String, Claim> prompts) {
    public static final NameClaims NONE = new NameClaims(Map.of(), Map.of());

    public NameClaims {
        tools = Map.copyOf(tools);
        prompts = Map.copyOf(prompts);
    }

    /**
     * A backend's claim.
     *
     * @param since tells its registration from a later one of the same name
     */
    public record Claim(String backend, long since) {}

    Map<String, Claim> of(ListKind kind) {
        return switch (kind) {
            case TOOLS -> tools;
            case PROMPTS -> prompts;
            case RESOURCES, RESOURCE_TEMPLATES -> Map.of();
        };
    }
}
