package io.sluice.catalog;

import io.sluice.protocol.McpMethod;

/** The four things a backend lists. */
enum ListKind {
    TOOLS(McpMethod.TOOLS_LIST, "tools", "name"),
    PROMPTS(McpMethod.PROMPTS_LIST, "prompts", "name"),
    RESOURCES(McpMethod.RESOURCES_LIST, "resources", "uri"),
    RESOURCE_TEMPLATES(McpMethod.RESOURCE_TEMPLATES_LIST, "resourceTemplates", "uriTemplate");

    private final McpMethod method;
    private final String member;
    private final String key;

    ListKind(McpMethod method, String member, String key) {
        this.method = method;
        this.member = member;
        this.key = key;
    }

    McpMethod method() {
        return method;
    }

    /** The member of the result that holds the list. */
    String member() {
        return member;
    }

    /** The member of a definition that names it. */
    String key() {
        return key;
    }

    static ListKind of(McpMethod method) {
        return switch (method) {
            case TOOLS_LIST -> TOOLS;
            case PROMPTS_LIST -> PROMPTS;
            case RESOURCES_LIST -> RESOURCES;
            case RESOURCE_TEMPLATES_LIST -> RESOURCE_TEMPLATES;
            default -> throw new IllegalArgumentException(method.wire() + " is not a list");
        };
    }
}
