package io.sluice.config;

import io.sluice.protocol.RawJson;
import io.sluice.registry.ToolOverride;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Tools by name, each with what is shown otherwise. */
final class OverridesShape implements Shape<Map<String, ToolOverride>> {
    private static final List<String> MEMBERS = List.of("name", "description", "arguments");

    @Override
    public Optional<Map<String, ToolOverride>> read(Node node, String path, Decoding in) {
        if (!(node instanceof Node.Mapping tools)) {
            in.fault(node.at(), path + ": expected a mapping of keys, found " + node.words());
            return Optional.empty();
        }
        Map<String, ToolOverride> overrides = new LinkedHashMap<>();
        for (Node.Entry tool : tools.entries()) {
            override(tool.value(), path + "." + tool.key(), in).ifPresent(found -> overrides.put(tool.key(), found));
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
