package io.sluice.bridge;

import io.sluice.call.JsonRpc;
import io.sluice.envelope.Envelope;
import io.sluice.envelope.Json;
import io.sluice.envelope.Patch;
import io.sluice.envelope.RequestId;
import io.sluice.envelope.Span;
import io.sluice.protocol.ClientFeatures;
import io.sluice.protocol.Era;
import io.sluice.protocol.ErrorCodes;
import io.sluice.protocol.McpMethod;
import io.sluice.protocol.MetaKeys;
import io.sluice.protocol.ProtocolVersion;
import io.sluice.protocol.RawJson;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/** A legacy client before a modern backend: gives the request its envelope, and takes off the result what legacy clients do not know or would misread. */
public final class OldToNew {
    private static final RawJson VERSION = RawJson.of(Json.quote(ProtocolVersion.LATEST_MODERN.wire()));

    private OldToNew() {}

    /**
     * Adds the edits to {@code patch} and returns it.
     *
     * @param features what the client can be asked for on the way
     * @param clientInfo this gateway's {@code Implementation}
     * @param logLevel what the client chose by {@code logging/setLevel}
     */
    public static Patch request(Patch patch, RawJson clientInfo, ClientFeatures features, Optional<String> logLevel) {
        patch.putMetaMember(MetaKeys.PROTOCOL_VERSION, VERSION);
        patch.putMetaMember(MetaKeys.CLIENT_CAPABILITIES, RawJson.of(features.toJson(ProtocolVersion.LATEST_MODERN)));
        patch.putMetaMember(MetaKeys.CLIENT_INFO, clientInfo);
        logLevel.ifPresent(level -> patch.putMetaMember(MetaKeys.LOG_LEVEL, RawJson.of(Json.quote(level))));
        return patch;
    }

    /** The response as a legacy client must see it. */
    public static byte[] response(Envelope response, RequestId id, McpMethod method, String backend) {
        Span result = response.result();
        if (result.isPresent()) {
            return result(response, result, id, method, backend);
        }
        return error(response, id, method, backend);
    }

    private static byte[] result(Envelope response, Span result, RequestId id, McpMethod method, String backend) {
        Span type = response.resultType();
        if (type.isPresent() && !(response.isString(type) && response.text(type).equals("complete"))) {
            return refusal(
                    id,
                    method,
                    "Backend '" + backend
                            + "' needs to ask the client something in the course of this call, which a client of an earlier protocol revision cannot answer through this gateway yet");
        }
        Patch patch = new Patch(response);
        remove(patch, type);
        remove(patch, response.member(result, "ttlMs"));
        remove(patch, response.member(result, "cacheScope"));
        if (method == McpMethod.TOOLS_CALL) {
            objectOnly(response, result, patch);
        }
        return patch.toBytes();
    }

    /** Legacy structured content is an object; any other value moves into a text block, unless the tool already wrote one. */
    private static void objectOnly(Envelope response, Span result, Patch patch) {
        Span structured = response.member(result, "structuredContent");
        if (!structured.isPresent() || response.body()[structured.start()] == '{') {
            return;
        }
        patch.removeMember(structured);
        Span content = response.member(result, "content");
        boolean empty = !content.isPresent()
                || new String(response.body(), content.start(), content.end() - content.start(), StandardCharsets.UTF_8)
                        .replaceAll("\\s", "")
                        .equals("[]");
        if (empty) {
            String text = Json.quote(response.raw(structured).toString());
            RawJson block = RawJson.of("[{\"type\":\"text\",\"text\":" + text + "}]");
            if (content.isPresent()) {
                patch.replace(content, block.bytes());
            } else {
                patch.putMember(result, "content", block);
            }
        }
    }

    private static byte[] error(Envelope response, RequestId id, McpMethod method, String backend) {
        Span code = response.member(response.error(), "code");
        String number = code.isPresent()
                ? new String(response.body(), code.start(), code.end() - code.start(), StandardCharsets.US_ASCII)
                : "";
        if (number.equals(Integer.toString(ErrorCodes.MISSING_CLIENT_CAPABILITY))) {
            return refusal(
                    id,
                    method,
                    "Backend '" + backend
                            + "' needs a capability of the client for this call that does not exist between the two protocol revisions yet: "
                            + response.raw(response.error()));
        }
        if (number.equals(Integer.toString(ErrorCodes.HEADER_MISMATCH))
                || number.equals(Integer.toString(ErrorCodes.UNSUPPORTED_PROTOCOL_VERSION))) {
            // these are about this gateway's own request, and codes that the client does not know
            return refusal(id, method, "Backend '" + backend + "' refused this gateway's request with error " + number);
        }
        Span data = response.member(response.error(), "data");
        boolean notFound = method == McpMethod.RESOURCES_READ
                && number.equals(Integer.toString(ErrorCodes.INVALID_PARAMS))
                && data.isPresent()
                && response.body()[data.start()] == '{'
                && response.member(data, "uri").isPresent();
        if (!notFound) {
            return response.body();
        }
        return new Patch(response)
                .replace(
                        code,
                        Integer.toString(ErrorCodes.LEGACY_RESOURCE_NOT_FOUND).getBytes(StandardCharsets.US_ASCII))
                .toBytes();
    }

    private static byte[] refusal(RequestId id, McpMethod method, String sentence) {
        if (method == McpMethod.TOOLS_CALL) {
            return JsonRpc.toolFailure(id, Era.LEGACY, sentence, null);
        }
        return JsonRpc.error(id, ErrorCodes.ERAS_DIFFER, sentence, null);
    }

    private static void remove(Patch patch, Span value) {
        if (value.isPresent()) {
            patch.removeMember(value);
        }
    }
}
