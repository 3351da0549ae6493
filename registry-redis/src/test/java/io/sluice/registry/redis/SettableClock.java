package io.sluice.registry.redis;

/** Makes scripts read Redis' clock as if it had been set by as many seconds as a key says. */
final class SettableClock {
    private static final String CLOCK = "local t = redis.call('TIME')";

    private SettableClock() {}

    static String key(RedisSettings settings) {
        return settings.key("skew");
    }

    /** What a script becomes. */
    static String in(RedisSettings settings, String script) {
        return script.replace(CLOCK, CLOCK + "\n  t[1] = t[1] + (redis.call('GET', '" + key(settings) + "') or 0)");
    }
}
