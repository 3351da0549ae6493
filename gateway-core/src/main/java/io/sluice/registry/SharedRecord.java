package io.sluice.registry;

import io.sluice.protocol.RawJson;
import java.time.Duration;
import java.util.Optional;

/**
 * A small thing that replicas share besides backends. The registry does not look into it.
 *
 * @param id up to 512 characters without control characters, unique within the kind
 * @param revision the registry's revision at which it last changed
 * @param since the revision at which it came to be
 * @param ttl how long it stays without being renewed; empty when it stays until it is removed
 */
public record SharedRecord(
        RecordKind kind, String id, RawJson body, long revision, long since, Optional<Duration> ttl) {
    private static final int MOST_CHARS = 512;

    public SharedRecord {
        checkId(id);
    }

    static void checkId(String id) {
        if (id.isEmpty() || id.length() > MOST_CHARS || id.chars().anyMatch(c -> c < ' ' || c == 127)) {
            throw new IllegalArgumentException(
                    "the id of a record has 1 to " + MOST_CHARS + " characters, none of them a control character");
        }
    }

    /** Without the body, which may be secret. */
    @Override
    public String toString() {
        return "SharedRecord[" + kind.word() + " " + id + " revision=" + revision + "]";
    }
}
