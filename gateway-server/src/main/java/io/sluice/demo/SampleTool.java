package io.sluice.demo;

import java.util.Map;
import java.util.TreeMap;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * A tool that looks something up by its id.
 *
 * @param thing what is found, in one word
 * @param things what there is, by id
 */
record SampleTool(String name, String title, String thing, Map<String, ObjectNode> things) {
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    SampleTool {
        things = Map.copyOf(things);
    }

    /** Its entry in {@code tools/list}. */
    ObjectNode definition() {
        ObjectNode definition = JSON.objectNode();
        definition.put("name", name).put("title", title).put("description", "Looks up a " + thing + " by its id.");
        ObjectNode input = definition.putObject("inputSchema").put("type", "object");
        input.putObject("properties")
                .putObject("id")
                .put("type", "string")
                .put("description", "The " + thing + "'s id.");
        input.putArray("required").add("id");
        definition.putObject("annotations").put("readOnlyHint", true);
        return definition;
    }

    /**
     * The result of a call. Wrong input is a result as well, for the model to read.
     *
     * @param structured whether the caller's revision knows {@code structuredContent}
     */
    ObjectNode call(JsonNode arguments, boolean structured) {
        JsonNode id = arguments.path("id");
        if (!id.isString()) {
            return failure("The argument 'id' must be a string, such as \"" + ids().firstKey() + "\".");
        }
        ObjectNode found = things.get(id.stringValue());
        if (found == null) {
            return failure(
                    "There is no " + thing + " with this id; there are " + String.join(", ", ids().keySet()) + ".");
        }
        ObjectNode result = text(found.toString());
        if (structured) {
            result.set("structuredContent", found);
        }
        return result.put("isError", false);
    }

    private TreeMap<String, ObjectNode> ids() {
        return new TreeMap<>(things);
    }

    private static ObjectNode failure(String sentence) {
        return text(sentence).put("isError", true);
    }

    private static ObjectNode text(String text) {
        ObjectNode result = JSON.objectNode();
        ArrayNode content = result.putArray("content");
        content.addObject().put("type", "text").put("text", text);
        return result;
    }
}
