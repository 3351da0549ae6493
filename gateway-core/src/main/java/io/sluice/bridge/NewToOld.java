package io.sluice.bridge;

import io.sluice.envelope.Envelope;
import io.sluice.envelope.Patch;
import io.sluice.envelope.Span;
import io.sluice.protocol.ErrorCodes;
import io.sluice.protocol.McpMethod;
import io.sluice.protocol.RawJson;
import java.nio.charset.StandardCharsets;

/** A modern client before a legacy backend: takes the envelope's metadata off the request, and gives the result what the modern era requires of one. */
public final class NewToOld {
    private static final RawJson COMPLETE = RawJson.of("\"complete\"");
    private static final RawJson ZERO = RawJson.of("0");
    private static final RawJson PRIVATE = RawJson.of("\"private\"");

    private NewToOld() {}

    /** Adds the edits to {@code patch} and returns it. */
    public static Patch request(Envelope request, Patch patch) {
        remove(patch, request.metaProtocolVersion());
        remove(patch, request.metaClientInfo());
        remove(patch, request.metaClientCapabilities());
        remove(patch, request.metaLogLevel());
        remove(patch, request.inputResponses());
        remove(patch, request.requestState());
        return patch;
    }

    /** The response as a modern client must see it. */
    public static byte[] response(Envelope response, McpMethod method) {
        Patch patch = new Patch(response);
        Span result = response.result();
        if (result.isPresent()) {
            if (!response.member(result, "resultType").isPresent()) {
                patch.putMember(result, "resultType", COMPLETE);
            }
            if (method == McpMethod.RESOURCES_READ) {
                if (!response.member(result, "ttlMs").isPresent()) {
                    patch.putMember(result, "ttlMs", ZERO);
                }
                if (!response.member(result, "cacheScope").isPresent()) {
                    patch.putMember(result, "cacheScope", PRIVATE);
                }
            }
        } else if (response.error().isPresent()) {
            Span code = response.member(response.error(), "code");
            if (code.isPresent()
                    && number(response, code).equals(Integer.toString(ErrorCodes.LEGACY_RESOURCE_NOT_FOUND))) {
                patch.replace(code, Integer.toString(ErrorCodes.INVALID_PARAMS).getBytes(StandardCharsets.US_ASCII));
            }
        }
        return patch.toBytes();
    }

    private static String number(Envelope message, Span span) {
        return new String(message.body(), span.start(), span.end() - span.start(), StandardCharsets.US_ASCII);
    }

    private static void remove(Patch patch, Span value) {
        if (value.isPresent()) {
            patch.removeMember(value);
        }
    }
}
