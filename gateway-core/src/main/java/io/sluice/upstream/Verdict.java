package io.sluice.upstream;

import io.sluice.protocol.Era;
import io.sluice.protocol.ProtocolVersion;
import io.sluice.protocol.RawJson;
import java.time.Instant;

/**
 * What a probe found out about a backend.
 *
 * @param version the revision to speak to it
 * @param result its whole {@code server/discover} result in the modern era, its {@code initialize} result in the
 *     legacy one
 * @param at when it said so
 */
public record Verdict(ProtocolVersion version, RawJson result, Instant at) {
    public Era era() {
        return version.era();
    }
}
