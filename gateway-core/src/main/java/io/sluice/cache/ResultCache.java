package io.sluice.cache;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Expiry;
import com.github.benmanes.caffeine.cache.RemovalCause;
import io.sluice.call.Call;
import io.sluice.catalog.Glob;
import io.sluice.catalog.Target;
import io.sluice.envelope.Envelope;
import io.sluice.protocol.Era;
import io.sluice.protocol.McpMethod;
import io.sluice.upstream.Upstream;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;

/**
 * Answers of backends that may be used again: resources for as long as their backend says, results of the tools that are
 * configured. Bounded in bytes over all backends together; what is used least often goes first (Caffeine's W-TinyLFU).
 * What is private stays with the {@link io.sluice.auth.Caller} that it was got for. Nothing is kept of a call that came
 * back with answers to questions, of a failure, and of an answer that a question stands in.
 *
 * <p>Safe for use by many threads. A call for which nothing is kept costs one look at a field.
 */
public final class ResultCache implements Disposable {
    private static final int LONGEST_REQUEST_BYTES = 64 * 1024;
    private static final int MOST_LEARNT = 20_000;

    /** How long a resource that must not be kept is asked for without looking, until its backend is listened to again. */
    private static final Duration LEARNT = Duration.ofMinutes(1);

    /** How long a resource is taken to be for all, or not, as it last was. */
    private static final Duration ASSUMED = Duration.ofHours(1);

    private static final int MOST_REMEMBERED = 10_000;

    private final LongSupplier nanos;
    private final Cache<Key, Kept> kept;
    private final Cache<Resource, Place.Learnt> learnt = Caffeine.newBuilder()
            .maximumSize(MOST_LEARNT)
            .expireAfter(Expiry.creating(
                    (Resource which, Place.Learnt what) -> what == Place.Learnt.NOTHING ? LEARNT : ASSUMED))
            .build();
    private final Map<Key, Flight> flights = new ConcurrentHashMap<>();
    private final Map<Upstream, Shelved> shelves = new ConcurrentHashMap<>();
    private volatile State state = new State(CacheSettings.STANDARD);

    /** A resource of a backend. */
    private record Resource(Shelf shelf, String uri) {}

    private record Shelved(Shelf shelf, Disposable signals) {}

    /** Settings, and which of their rules each tool has been found to come under. */
    private static final class State {
        private final CacheSettings settings;
        private final boolean reads;
        private final @Nullable Map<String, Map<String, Optional<CacheRule>>> tools;

        private State(CacheSettings settings) {
            this.settings = settings;
            this.reads = settings.reads() && settings.maxBytes() > 0;
            this.tools = settings.tools().isEmpty() || settings.maxBytes() == 0 ? null : new ConcurrentHashMap<>();
        }

        private @Nullable CacheRule rule(
                Map<String, Map<String, Optional<CacheRule>>> found, String backend, String tool) {
            Map<String, Optional<CacheRule>> ofBackend = found.get(backend);
            Optional<CacheRule> rule = ofBackend == null ? null : ofBackend.get(tool);
            if (rule == null) {
                rule = settings.tools().stream()
                        .filter(each -> Glob.matches(each.backend(), backend)
                                && (Glob.matches(each.tool(), tool)
                                        || Glob.matches(each.tool(), backend + "__" + tool)))
                        .findFirst();
                Map<String, Optional<CacheRule>> tools =
                        found.computeIfAbsent(backend, name -> new ConcurrentHashMap<>());
                if (tools.size() < MOST_REMEMBERED) {
                    tools.put(tool, rule);
                }
            }
            return rule.orElse(null);
        }
    }

    /** @param nanos a clock as {@link System#nanoTime} */
    public ResultCache(LongSupplier nanos) {
        this.nanos = nanos;
        this.kept = Caffeine.newBuilder()
                .maximumWeight(CacheSettings.STANDARD.maxBytes())
                .weigher((Key key, Kept value) -> key.bytes() + value.bytes())
                .expireAfter(Expiry.creating((Key key, Kept value) -> Duration.ofNanos(value.lifeNanos())))
                .ticker(nanos::getAsLong)
                .removalListener(ResultCache::removed)
                .build();
    }

    private static void removed(@Nullable Key key, @Nullable Kept value, RemovalCause cause) {
        if (key != null && value != null) {
            key.shelf().entries.decrementAndGet();
            key.shelf().bytes.addAndGet(-(key.bytes() + value.bytes()));
        }
    }

    /** Goes on with other settings. What they do not want any more goes. */
    public void apply(CacheSettings settings) {
        State before = state;
        if (settings.equals(before.settings)) {
            return;
        }
        state = new State(settings);
        kept.policy().eviction().ifPresent(eviction -> eviction.setMaximum(settings.maxBytes()));
        learnt.invalidateAll();
        if (!settings.tools().equals(before.settings.tools())
                || !settings.maxTtl().equals(before.settings.maxTtl())
                || !settings.legacyLife().equals(before.settings.legacyLife())
                || settings.reads() != before.settings.reads()) {
            shelves.values().forEach(shelved -> forget(shelved.shelf()));
        }
    }

    /** Follows the ways to backends: with one that is replaced goes what was got by it. */
    public void follow(Map<String, Upstream> upstreams) {
        shelves.forEach((upstream, shelved) -> {
            if (upstreams.get(upstream.backend().name()) != upstream) {
                shelves.remove(upstream);
                shelved.signals().dispose();
                forget(shelved.shelf());
            }
        });
        for (Upstream upstream : upstreams.values()) {
            shelves.computeIfAbsent(upstream, way -> {
                Shelf shelf = new Shelf();
                return new Shelved(shelf, way.signals().subscribe(shelf::hear));
            });
        }
    }

    /** What a backend offers is no longer what it was. */
    public void changed(Upstream upstream, boolean tools, boolean resources) {
        Shelved shelved = shelves.get(upstream);
        if (shelved != null && tools) {
            shelved.shelf().toolsChanged();
        }
        if (shelved != null && resources) {
            shelved.shelf().resourcesChanged();
        }
    }

    /** Keeps nothing of a backend's any more, of what was said until now. */
    public void clear(Upstream upstream) {
        Shelved shelved = shelves.get(upstream);
        if (shelved != null) {
            forget(shelved.shelf());
        }
    }

    private void forget(Shelf shelf) {
        shelf.toolsChanged(); // also for what is under way
        shelf.resourcesChanged();
        kept.asMap().keySet().removeIf(key -> key.shelf() == shelf);
        learnt.asMap().keySet().removeIf(resource -> resource.shelf() == shelf);
    }

    /** How much is kept of a backend, and how it serves. */
    public CacheFigures figures(Upstream upstream) {
        Shelved shelved = shelves.get(upstream);
        return shelved == null ? CacheFigures.NONE : shelved.shelf().figures();
    }

    /** Bytes of all that is kept. */
    public long bytes() {
        return kept.policy()
                .eviction()
                .flatMap(eviction -> weight(eviction.weightedSize()))
                .orElse(0L);
    }

    private static Optional<Long> weight(java.util.OptionalLong weight) {
        return weight.isPresent() ? Optional.of(weight.getAsLong()) : Optional.empty();
    }

    /** Most bytes of all that is kept. */
    public long maxBytes() {
        return state.settings.maxBytes();
    }

    /**
     * Where the answer to a call may be kept or found; null for one whose answers are never used again.
     *
     * @param era in which the backend is spoken to
     * @param variant what else of its client a private answer may depend on: its session, where the backend keeps state for it, and what it can be asked; null for nothing
     */
    public @Nullable Place place(Call call, Target target, Upstream upstream, Era era, @Nullable String variant) {
        State now = state;
        Map<String, Map<String, Optional<CacheRule>>> tools = now.tools;
        if (call.method() == McpMethod.TOOLS_CALL) {
            CacheRule rule = tools == null ? null : now.rule(tools, target.backend(), target.originalName());
            return rule == null ? null : ofTool(call, target, upstream, era, variant, rule);
        }
        return now.reads && call.method() == McpMethod.RESOURCES_READ
                ? ofResource(call, target, upstream, era, variant)
                : null;
    }

    private @Nullable Place ofTool(
            Call call, Target target, Upstream upstream, Era era, @Nullable String variant, CacheRule rule) {
        Shelved shelved = shelves.get(upstream);
        if (shelved == null || isSingular(call.envelope())) {
            return null;
        }
        Key.Whose whose = new Key.Whose(call.caller(), variant);
        Key key = key(call, target, shelved.shelf(), era, rule.shared() ? null : whose);
        return new Place(this, call.id(), key, whose, rule.ttl());
    }

    private @Nullable Place ofResource(Call call, Target target, Upstream upstream, Era era, @Nullable String variant) {
        // legacy backends say nothing of time: whoever runs the gateway may
        Duration life = era == Era.MODERN ? null : state.settings.legacyLife();
        Shelved shelved = life == null || !life.isZero() ? shelves.get(upstream) : null;
        if (shelved == null) {
            return null;
        }
        Place.Learnt known = learnt.getIfPresent(new Resource(shelved.shelf(), target.originalName()));
        if (known == Place.Learnt.NOTHING || isSingular(call.envelope())) {
            return null;
        }
        Key.Whose whose = new Key.Whose(call.caller(), variant);
        Key key = key(call, target, shelved.shelf(), era, life == null && known == Place.Learnt.PUBLIC ? null : whose);
        return new Place(this, call.id(), key, whose, life);
    }

    private static Key key(Call call, Target target, Shelf shelf, Era era, Key.@Nullable Whose whose) {
        return new Key(
                shelf,
                era,
                call.method() == McpMethod.TOOLS_CALL,
                target.originalName(),
                target.fixed(),
                Key.said(call.envelope()),
                whose);
    }

    /**
     * Whether its answer is for it alone: it belongs to something longer (2026-07-28, <em>Caching</em>), or says so much
     * that nobody will say the same again.
     */
    private static boolean isSingular(Envelope request) {
        return Key.length(request) > LONGEST_REQUEST_BYTES
                || request.requestState().isPresent()
                || request.inputResponses().isPresent()
                || request.task().isPresent();
    }

    @Nullable
    Kept find(Key key) {
        Kept found = kept.getIfPresent(key);
        if (found == null) {
            return null;
        }
        if (!found.isGood(key.shelf().stamp(key.tool(), key.name()), now())) {
            kept.asMap().remove(key, found);
            return null;
        }
        key.shelf().hits.increment();
        return found;
    }

    /** What changed meanwhile is not kept: it is looked at again once it can be found. */
    void put(Key key, Kept value) {
        Shelf shelf = key.shelf();
        if (!value.isGood(shelf.stamp(key.tool(), key.name()), now())) {
            return;
        }
        shelf.entries.incrementAndGet();
        shelf.bytes.addAndGet(key.bytes() + value.bytes());
        kept.put(key, value);
        if (!value.isGood(shelf.stamp(key.tool(), key.name()), now())) {
            kept.asMap().remove(key, value);
        }
    }

    void learn(Key key, Place.Learnt what) {
        learnt.put(new Resource(key.shelf(), key.name()), what);
    }

    @Nullable
    Flight flight(Key key) {
        return flights.get(key);
    }

    /** Whether {@code next} takes the place of {@code before}; not when somebody else was quicker. */
    boolean departs(@Nullable Flight before, Flight next) {
        return before == null
                ? flights.putIfAbsent(next.key(), next) == null
                : flights.replace(next.key(), before, next);
    }

    void arrived(Flight flight) {
        flights.remove(flight.key(), flight);
    }

    long now() {
        return nanos.getAsLong();
    }

    int maxEntryBytes() {
        return state.settings.maxEntryBytes();
    }

    Duration maxTtl() {
        return state.settings.maxTtl();
    }

    /** Hears of no changes any more, and keeps nothing. */
    @Override
    public void dispose() {
        shelves.values().forEach(shelved -> shelved.signals().dispose());
        shelves.clear();
        kept.invalidateAll();
    }
}
