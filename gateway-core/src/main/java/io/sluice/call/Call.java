package io.sluice.call;

import io.sluice.auth.Caller;
import io.sluice.catalog.Mount;
import io.sluice.envelope.Envelope;
import io.sluice.envelope.RequestId;
import io.sluice.protocol.McpMethod;
import io.sluice.protocol.ProtocolVersion;
import java.util.Objects;

/**
 * A request whose caller, mount, method and revision are known.
 *
 * @param version the revision the client speaks; its era decides which path the call takes
 */
public record Call(
        Inbound inbound, Caller caller, Mount mount, Envelope envelope, McpMethod method, ProtocolVersion version) {
    public RequestId id() {
        return Objects.requireNonNull(envelope.id());
    }
}
