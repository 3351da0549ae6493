package io.sluice.registry;

import java.time.Duration;
import java.util.regex.Pattern;

/**
 * A registration that ends by itself unless its owner goes on asking for it.
 *
 * @param instance who holds it, among those that register the same backend: {@code [A-Za-z0-9._:-]{1,128}}
 * @param ttl time from the registration or the last heartbeat to its end
 */
public record Lease(String instance, Duration ttl) {
    public static final Duration SHORTEST = Duration.ofMillis(100);
    public static final Duration LONGEST = Duration.ofDays(1);

    private static final Pattern INSTANCE = Pattern.compile("[A-Za-z0-9._:-]{1,128}");

    public Lease {
        if (!INSTANCE.matcher(instance).matches()) {
            throw new IllegalArgumentException(
                    "the name of an instance is 1 to 128 of A-Z, a-z, 0-9, '.', '_', ':', '-'");
        }
        checkTtl(ttl);
    }

    static void checkTtl(Duration ttl) {
        if (ttl.compareTo(SHORTEST) < 0 || ttl.compareTo(LONGEST) > 0) {
            throw new IllegalArgumentException(
                    "a time to live of " + ttl + " is not between " + SHORTEST + " and " + LONGEST);
        }
    }
}
