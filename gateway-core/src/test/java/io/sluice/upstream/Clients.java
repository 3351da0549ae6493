package io.sluice.upstream;

import io.sluice.envelope.Envelope;
import io.sluice.envelope.EnvelopeReader;
import io.sluice.envelope.Patch;
import io.sluice.protocol.MetaKeys;
import java.nio.charset.StandardCharsets;

/** What clients of each era send, for tests. */
final class Clients {
    private Clients() {}

    static Envelope legacy(String idJson, String method, String paramsJson) {
        return EnvelopeReader.read(bytes("{\"jsonrpc\":\"2.0\",\"id\":" + idJson + ",\"method\":\"" + method
                + "\",\"params\":" + paramsJson + "}"));
    }

    static Exchange call(LegacySession session, String idJson, String tool, String argumentsJson) {
        return send(session, legacy(idJson, "tools/call", toolParams(tool, argumentsJson, "")));
    }

    static Exchange callWithToken(
            LegacySession session, String idJson, String tool, String argumentsJson, String tokenJson) {
        return send(
                session,
                legacy(
                        idJson,
                        "tools/call",
                        toolParams(tool, argumentsJson, ",\"_meta\":{\"progressToken\":" + tokenJson + "}")));
    }

    static Exchange send(LegacySession session, Envelope request) {
        return session.request(request, new Patch(request));
    }

    private static String toolParams(String tool, String argumentsJson, String more) {
        return "{\"name\":\"" + tool + "\",\"arguments\":" + argumentsJson + more + "}";
    }

    static byte[] modernCall(String idJson, String tool, String argumentsJson) {
        return bytes(
                "{\"jsonrpc\":\"2.0\",\"id\":" + idJson + ",\"method\":\"tools/call\",\"params\":{\"name\":\"" + tool
                        + "\",\"arguments\":" + argumentsJson + ",\"_meta\":{\"" + MetaKeys.PROTOCOL_VERSION
                        + "\":\"2026-07-28\",\"" + MetaKeys.CLIENT_CAPABILITIES + "\":{}}}}");
    }

    static ModernHead head(String tool) {
        return new ModernHead("tools/call", tool, java.util.List.of(), null);
    }

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
