package io.sluice.registry.redis;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;

/** Looks at how Redis is set up, and is loud about what would lose registrations. */
final class BootCheck {
    private static final Logger log = LoggerFactory.getLogger(BootCheck.class);
    private static final Script INFO = Script.of("return {redis.call('INFO', 'server'), redis.call('INFO', 'memory'),"
            + " redis.call('INFO', 'persistence')}");

    private static final String FSYNC = "appendfsync";

    private BootCheck() {}

    /** Says in the log what is wrong. */
    static void run(RedisConnections redis) {
        warnings(redis)
                .subscribe(
                        warnings -> warnings.forEach(warning -> log.warn("Redis is not set up well: {}", warning)),
                        e -> log.info(
                                "Redis does not tell how it is set up ({}); see that it keeps an append-only"
                                        + " file and evicts nothing",
                                e.getMessage()));
    }

    /** Fails when Redis does not tell. CONFIG, which many a host of Redis keeps to itself, need not be answered. */
    static Mono<List<String>> warnings(RedisConnections redis) {
        Mono<Map<String, String>> settings =
                redis.command(commands -> commands.configGet(FSYNC)).onErrorReturn(Map.of());
        return redis.run(INFO, List.of(redis.settings().key("meta"))).zipWith(settings, (answer, more) -> {
            Map<String, String> known = fields(answer);
            known.putAll(more);
            return warnings(known);
        });
    }

    private static Map<String, String> fields(List<Object> answer) {
        Map<String, String> info = new TreeMap<>();
        for (Object part : answer) {
            if (part instanceof byte[] text) {
                new String(text, UTF_8).lines().forEach(line -> {
                    int colon = line.indexOf(':');
                    if (colon > 0) {
                        info.put(
                                line.substring(0, colon),
                                line.substring(colon + 1).strip());
                    }
                });
            }
        }
        return info;
    }

    /** @param info fields of the INFO command, and settings */
    static List<String> warnings(Map<String, String> info) {
        List<String> warnings = new ArrayList<>();
        String policy = info.getOrDefault("maxmemory_policy", "noeviction");
        if (!policy.equals("noeviction")) {
            warnings.add("its maxmemory-policy is '" + policy
                    + "', which throws registrations away when memory is short; set 'noeviction'");
        }
        if (info.getOrDefault("aof_enabled", "1").equals("0")) {
            warnings.add("it keeps no append-only file, so a crash loses what was acknowledged since its last"
                    + " snapshot; set 'appendonly yes'");
        }
        String fsync = info.getOrDefault(FSYNC, "always");
        if (!fsync.equals("always")) {
            warnings.add("its appendfsync is '" + fsync
                    + "', so a crash loses what was acknowledged in the last seconds; set 'always'");
        }
        String version = info.getOrDefault("redis_version", "7.0.0");
        if (version.matches("[0-6]\\..*")) {
            warnings.add("it is version " + version + "; 7.0 or newer is needed");
        }
        return warnings;
    }
}
