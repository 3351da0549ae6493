package io.sluice.config;

import io.sluice.cache.CacheRule;
import io.sluice.cache.CacheSettings;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** The keys of what is used again of what backends answered. */
final class CacheKeys {
    private CacheKeys() {}

    private static final int MOST_BYTES = 1 << 30;

    private static final Key<String> BACKEND = Key.of("backend", Shape.word(), "*", "Glob of backends.");
    private static final Key<String> TOOL =
            Key.optional("tool", Shape.word(), "required", "Glob of tools, bare or as backend__name.");
    private static final Key<Duration> TTL =
            Key.of("ttl", Shape.duration(), "30s", "How long a result may be used again.");
    private static final Key<Boolean> SHARED = Key.of(
            "shared",
            Shape.flag(),
            "false",
            "Whether a result is the same for every caller. Without, each caller gets results of its own calls only.");
    static final Section<CacheRule> RULE = new Section<>(List.of(BACKEND, TOOL, TTL, SHARED), CacheKeys::rule);

    private static Optional<CacheRule> rule(Section.Fields f) {
        String backend = f.value(BACKEND);
        Duration ttl = f.value(TTL);
        boolean shared = f.value(SHARED);
        return ConfigKeys.required(f, TOOL).map(tool -> new CacheRule(backend, tool, ttl, shared));
    }

    private static final Key<Integer> BYTES = Key.of(
            "maxBytes", Shape.size(0, MOST_BYTES), "64MiB", "Most bytes of all answers that are kept; 0 keeps none.");
    private static final Key<Integer> ENTRY_BYTES =
            Key.of("maxEntry", Shape.size(1, MOST_BYTES), "1MiB", "Longest answer that is kept.");
    private static final Key<Boolean> RESOURCES = Key.of(
            "resources",
            Shape.flag(),
            "true",
            "Keep resources as their backends allow it: for their ttlMs, and for their caller alone unless their"
                    + " cacheScope is public.");
    private static final Key<Duration> MAX_TTL = Key.of(
            "maxTtl", Shape.duration(), "1h", "Keep resources no longer than this, whatever their backend says.");
    private static final Key<Duration> LEGACY_RESOURCES = Key.of(
            "legacyResources",
            Shape.durationOrNone(),
            "0s",
            "Keep resources of legacy backends, which cannot say for how long, for this long and for the caller and"
                    + " session that read them; 0s keeps none.");
    private static final Key<List<CacheRule>> TOOLS = Key.listOf(
            "tools",
            RULE,
            "none",
            "Tools whose results may be used again for the same arguments, since calling them changes nothing. The"
                    + " first that matches counts.");
    static final Key<CacheSettings> CACHE = Key.section(
            "cache",
            new Section<>(
                    List.of(BYTES, ENTRY_BYTES, RESOURCES, MAX_TTL, LEGACY_RESOURCES, TOOLS),
                    f -> Optional.of(new CacheSettings(
                            f.value(BYTES),
                            f.value(ENTRY_BYTES),
                            f.value(RESOURCES),
                            f.value(MAX_TTL),
                            f.value(LEGACY_RESOURCES),
                            f.value(TOOLS)))),
            "What is used again of what backends answered.");
}
