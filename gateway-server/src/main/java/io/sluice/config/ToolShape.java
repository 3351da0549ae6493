package io.sluice.config;

import io.sluice.protocol.RawJson;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A tool definition, kept as JSON with its numbers spelled as they were. */
final class ToolShape implements Shape<RawJson> {
    @Override
    public Optional<RawJson> read(Node node, String path, Decoding in) {
        if (!(node instanceof Node.Mapping tool)) {
            in.fault(node.at(), path + ": expected a mapping of keys, found " + node.words());
            return Optional.empty();
        }
        boolean named = tool.value("name")
                .filter(n -> n instanceof Node.Text t && !t.text().isBlank())
                .isPresent();
        if (!named) {
            in.fault(node.at(), path + ": a tool needs a 'name'");
            return Optional.empty();
        }
        Optional<Node> schema = tool.value("inputSchema");
        if (schema.isPresent() && !(schema.get() instanceof Node.Mapping)) {
            in.fault(
                    schema.get().at(),
                    path + ".inputSchema: expected a mapping of keys, found "
                            + schema.get().words());
            return Optional.empty();
        }
        Node.Mapping whole = schema.isPresent()
                ? tool
                : tool.with(new Node.Entry(
                        "inputSchema",
                        tool.at(),
                        Node.Mapping.empty(tool.at())
                                .with(new Node.Entry(
                                        "type", tool.at(), new Node.Text("object", Node.Kind.STRING, tool.at())))));
        return Optional.of(RawJson.of(JsonText.of(whole)));
    }

    @Override
    public Map<String, Object> schema() {
        Map<String, Object> schema = Shape.schemaOf("object");
        schema.put("required", List.of("name"));
        schema.put(
                "properties",
                Map.of(
                        "name", Map.of("type", "string"),
                        "description", Map.of("type", "string"),
                        "inputSchema", Map.of("type", "object")));
        return schema;
    }
}
