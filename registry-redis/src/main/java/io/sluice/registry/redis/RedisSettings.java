package io.sluice.registry.redis;

import java.time.Duration;
import java.util.regex.Pattern;

/**
 * How replicas reach the Redis that they share.
 *
 * @param cluster tells the gateways apart that use the same Redis: {@code [a-z0-9-]{1,64}}. Replicas of one gateway
 *     have the same
 * @param commandTimeout longest wait for an answer; what then happened to a change is unknown and found out by asking
 *     again
 * @param connectTimeout longest wait for a connection, with all it takes
 * @param longestRetry longest pause between attempts to connect; pauses are random, so that replicas do not come back
 *     all at once
 */
public record RedisSettings(
        RedisUrl url, String cluster, Duration commandTimeout, Duration connectTimeout, Duration longestRetry) {
    private static final Pattern CLUSTER = Pattern.compile("[a-z0-9-]{1,64}");

    public RedisSettings {
        if (!CLUSTER.matcher(cluster).matches()) {
            throw new IllegalArgumentException("the name of a cluster is 1 to 64 of a-z, 0-9 and '-'");
        }
    }

    /** What has proved itself. */
    public static RedisSettings of(String url, String cluster) {
        return new RedisSettings(
                RedisUrl.parse(url), cluster, Duration.ofMillis(500), Duration.ofSeconds(2), Duration.ofSeconds(5));
    }

    /** The key or channel of that name. All have one hash tag, so that in a Redis Cluster they live in one slot. */
    public String key(String name) {
        return "{sluice:" + cluster + "}:" + name;
    }
}
