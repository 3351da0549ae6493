package io.sluice.bridge;

import io.sluice.envelope.Envelope;
import io.sluice.envelope.Json;
import io.sluice.envelope.Kind;
import io.sluice.envelope.Patch;
import io.sluice.envelope.Span;
import io.sluice.protocol.ErrorCodes;
import io.sluice.protocol.McpMethod;
import io.sluice.protocol.ProtocolVersion;
import io.sluice.protocol.RawJson;
import java.util.List;
import java.util.Optional;

/**
 * Between legacy revisions: what a client of an earlier one would misread of a backend of a later one. Everything else
 * goes as it is, since clients ignore members that they do not know.
 */
public final class Revisions {
    private Revisions() {}

    /**
     * Why a backend must be refused what it asks a client.
     *
     * @param code of the JSON-RPC error for the backend
     */
    public record Refusal(int code, String sentence) {}

    /** Why a client of this revision cannot be asked this; empty for what it can be asked, and for other messages. */
    public static Optional<Refusal> refusal(Envelope request, ProtocolVersion client) {
        if (request.kind() != Kind.REQUEST || client.isAtLeast(ProtocolVersion.V2025_11_25)) {
            return Optional.empty();
        }
        McpMethod method = request.knownMethod().orElse(null);
        if (method == McpMethod.ELICITATION_CREATE && !client.isAtLeast(ProtocolVersion.V2025_06_18)) {
            return Optional.of(new Refusal(
                    ErrorCodes.METHOD_NOT_FOUND, "The client speaks " + client.wire() + ", which has no elicitation"));
        }
        if (method == McpMethod.ELICITATION_CREATE && isByUrl(request)) {
            return Optional.of(new Refusal(
                    ErrorCodes.INVALID_PARAMS,
                    "The client speaks " + client.wire() + ", which has no elicitation by URL"));
        }
        if (method == McpMethod.SAMPLING_CREATE_MESSAGE && hasTools(request)) {
            return Optional.of(new Refusal(
                    ErrorCodes.INVALID_PARAMS,
                    "The client speaks " + client.wire()
                            + ", in which sampling has no tools and a message has one content block"));
        }
        return Optional.empty();
    }

    private static boolean isByUrl(Envelope request) {
        Span mode = request.member(request.params(), "mode");
        return request.isString(mode) && request.text(mode).equals("url");
    }

    private static boolean hasTools(Envelope request) {
        Span params = request.params();
        return request.member(params, "tools").isPresent()
                || request.member(params, "toolChoice").isPresent()
                || request.elements(request.member(params, "messages")).stream()
                        .map(message -> request.member(message, "content"))
                        .anyMatch(content -> request.isArray(content) || isToolBlock(request, content));
    }

    private static boolean isToolBlock(Envelope request, Span content) {
        Span type = request.member(content, "type");
        return request.isString(type) && request.text(type).startsWith("tool_");
    }

    /** Whether answers to this method may hold what a client of this revision cannot read. */
    public static boolean changes(McpMethod method, ProtocolVersion client) {
        boolean holdsContent = method == McpMethod.TOOLS_CALL || method == McpMethod.PROMPTS_GET;
        return holdsContent && !client.isAtLeast(ProtocolVersion.V2025_06_18);
    }

    /** The response as such a client can read it: there, a link to a resource is the text of its URI. */
    public static byte[] response(Envelope response) {
        Patch patch = new Patch(response);
        Span result = response.result();
        unlink(response, response.elements(response.member(result, "content")), patch);
        for (Span message : response.elements(response.member(result, "messages"))) {
            unlink(response, List.of(response.member(message, "content")), patch);
        }
        return patch.toBytes();
    }

    private static void unlink(Envelope response, List<Span> blocks, Patch patch) {
        for (Span block : blocks) {
            Span type = response.member(block, "type");
            Span uri = response.member(block, "uri");
            if (response.isString(type) && response.text(type).equals("resource_link") && response.isString(uri)) {
                patch.replace(block, RawJson.of("{\"type\":\"text\",\"text\":" + Json.quote(response.text(uri)) + "}"));
            }
        }
    }
}
