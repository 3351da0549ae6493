package io.sluice.gateway;

import io.sluice.call.Inbound;
import io.sluice.envelope.Envelope;
import io.sluice.envelope.Json;
import io.sluice.envelope.Kind;
import io.sluice.protocol.Era;
import io.sluice.protocol.McpHeaders;
import io.sluice.protocol.McpMethod;
import io.sluice.protocol.MetaKeys;
import io.sluice.protocol.ProtocolVersion;
import io.sluice.rejection.Rejection;
import org.jspecify.annotations.Nullable;

/**
 * Decides once which era a message belongs to. The body decides first: a legacy body under a modern header is then reported instead of being served wrongly.
 */
final class Classifier {
    private Classifier() {}

    static Era classify(Inbound inbound, Envelope envelope) {
        String header = inbound.versionHeader();
        boolean modernHeader = header != null && eraOf(header) == Era.MODERN;
        if (envelope.kind() == Kind.RESPONSE) {
            if (modernHeader) {
                throw new Rejection.InvalidRequest("A client of revision " + header
                        + " sends requests, not responses; answers travel in inputResponses");
            }
            return Era.LEGACY;
        }
        if (envelope.metaProtocolVersion().isPresent()) {
            return Era.MODERN;
        }
        if (envelope.knownMethod().orElse(null) == McpMethod.INITIALIZE) {
            if (modernHeader) {
                throw new Rejection.HeaderMismatch(
                        "initialize belongs to revisions up to " + ProtocolVersion.LATEST_LEGACY.wire() + ", but "
                                + McpHeaders.PROTOCOL_VERSION + " says " + header);
            }
            return Era.LEGACY;
        }
        if (modernHeader) {
            if (envelope.kind() == Kind.REQUEST) {
                throw new Rejection.InvalidEnvelope("params._meta lacks \"" + MetaKeys.PROTOCOL_VERSION + "\" and \""
                        + MetaKeys.CLIENT_CAPABILITIES + "\", which revision " + header + " requires");
            }
            return Era.MODERN;
        }
        return Era.LEGACY;
    }

    /**
     * The revision of a legacy request: what its header names, which may differ from what was negotiated because real clients do so.
     *
     * @param negotiated what the session was opened with, or null without a session
     */
    static ProtocolVersion legacyVersion(Inbound inbound, @Nullable ProtocolVersion negotiated) {
        String header = inbound.versionHeader();
        if (header == null) {
            return negotiated == null ? ProtocolVersion.ASSUMED : negotiated;
        }
        ProtocolVersion named = ProtocolVersion.of(header)
                .filter(version -> version.era() == Era.LEGACY)
                .or(() -> header.equals("2024-11-05")
                        ? java.util.Optional.of(ProtocolVersion.ASSUMED)
                        : java.util.Optional.empty())
                .orElseThrow(() -> new Rejection.UnsupportedVersion(Json.quote(header)));
        return negotiated == null ? named : negotiated;
    }

    private static @Nullable Era eraOf(String version) {
        return ProtocolVersion.of(version).map(ProtocolVersion::era).orElse(null);
    }
}
