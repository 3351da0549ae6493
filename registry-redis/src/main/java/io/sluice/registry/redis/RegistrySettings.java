package io.sluice.registry.redis;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * How a replica keeps its registry.
 *
 * @param snapshot the file in which it keeps what it knows, sealed, so that it can start while Redis is away
 * @param poll how often Redis is asked for news, besides what it says by itself
 * @param digest how often everything is compared with Redis
 * @param adopt whether what replicas know is written back to a Redis that comes back empty or older; otherwise an
 *     operator decides
 * @param adoptAfter how long to wait before that, so that the replica that knows most does it
 * @param confirmations how many replicas of Redis must have a change before it is acknowledged
 * @param confirmRemoval how long a sudden disappearance of many backends must last before it is believed
 */
public record RegistrySettings(
        Optional<Path> snapshot,
        Duration poll,
        Duration digest,
        boolean adopt,
        Duration adoptAfter,
        int confirmations,
        Duration confirmRemoval) {
    public static final RegistrySettings STANDARD = new RegistrySettings(
            Optional.empty(),
            Duration.ofSeconds(1),
            Duration.ofMinutes(5),
            true,
            Duration.ofMillis(1500),
            0,
            Duration.ofSeconds(10));

    public RegistrySettings withSnapshot(Path file) {
        return new RegistrySettings(Optional.of(file), poll, digest, adopt, adoptAfter, confirmations, confirmRemoval);
    }

    public RegistrySettings withPoll(Duration replacement) {
        return new RegistrySettings(snapshot, replacement, digest, adopt, adoptAfter, confirmations, confirmRemoval);
    }

    public RegistrySettings withDigest(Duration replacement) {
        return new RegistrySettings(snapshot, poll, replacement, adopt, adoptAfter, confirmations, confirmRemoval);
    }

    public RegistrySettings withAdopt(boolean replacement) {
        return new RegistrySettings(snapshot, poll, digest, replacement, adoptAfter, confirmations, confirmRemoval);
    }

    public RegistrySettings withConfirmRemoval(Duration replacement) {
        return new RegistrySettings(snapshot, poll, digest, adopt, adoptAfter, confirmations, replacement);
    }

    public RegistrySettings withConfirmations(int replacement) {
        return new RegistrySettings(snapshot, poll, digest, adopt, adoptAfter, replacement, confirmRemoval);
    }
}
