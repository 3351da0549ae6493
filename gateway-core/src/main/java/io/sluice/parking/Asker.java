package io.sluice.parking;

import io.sluice.bridge.LogLevel;
import io.sluice.envelope.Envelope;
import io.sluice.envelope.RequestId;
import io.sluice.protocol.RawJson;
import java.util.Objects;
import java.util.Optional;

/**
 * The request that a conversation answers at the moment: every round has its own.
 *
 * @param progressToken as JSON, if it wants to hear of progress
 * @param logLevel from which level on it wants log messages, if any
 */
public record Asker(RequestId id, Optional<RawJson> progressToken, Optional<LogLevel> logLevel) {
    public static Asker of(Envelope request) {
        return new Asker(
                Objects.requireNonNull(request.id()),
                request.metaProgressToken().isPresent()
                        ? Optional.of(request.raw(request.metaProgressToken()))
                        : Optional.empty(),
                LogLevel.wantedBy(request));
    }
}
