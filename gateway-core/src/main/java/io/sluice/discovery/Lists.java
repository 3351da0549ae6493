package io.sluice.discovery;

import io.sluice.catalog.Definition;
import io.sluice.catalog.Freshness;
import io.sluice.catalog.Listing;
import io.sluice.catalog.ParamHeader;
import io.sluice.envelope.Envelope;
import io.sluice.envelope.Json;
import io.sluice.envelope.MessageReader;
import io.sluice.envelope.Span;
import io.sluice.protocol.Era;
import io.sluice.protocol.ErrorCodes;
import io.sluice.protocol.McpMethod;
import io.sluice.protocol.MetaKeys;
import io.sluice.protocol.RawJson;
import io.sluice.rejection.Rejection.BackendFailure;
import io.sluice.upstream.Upstream;
import io.sluice.upstream.Verdict;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Reads the lists of one backend, page by page, and slices each definition out of the bytes as it stands. */
final class Lists {
    private static final Logger log = LoggerFactory.getLogger(Lists.class);
    /** Of one list; once there are so many, no further page is read. */
    private static final long MOST_BYTES = 16L << 20;

    private static final byte[] ANNOTATION = "x-mcp-header".getBytes(StandardCharsets.US_ASCII);

    private final Upstream upstream;
    private final DiscoverySettings settings;

    Lists(Upstream upstream, DiscoverySettings settings) {
        this.upstream = upstream;
        this.settings = settings;
    }

    /** The lists a backend may offer, the capability that offers them, and the member that names a definition. */
    enum Kind {
        TOOLS(McpMethod.TOOLS_LIST, "tools", "tools", "name"),
        PROMPTS(McpMethod.PROMPTS_LIST, "prompts", "prompts", "name"),
        RESOURCES(McpMethod.RESOURCES_LIST, "resources", "resources", "uri"),
        TEMPLATES(McpMethod.RESOURCE_TEMPLATES_LIST, "resources", "resourceTemplates", "uriTemplate");

        private final McpMethod method;
        private final String capability;
        private final String member;
        private final String key;

        Kind(McpMethod method, String capability, String member, String key) {
            this.method = method;
            this.capability = capability;
            this.member = member;
            this.key = key;
        }

        private List<Definition> of(Listing listing) {
            return switch (this) {
                case TOOLS -> listing.tools();
                case PROMPTS -> listing.prompts();
                case RESOURCES -> listing.resources();
                case TEMPLATES -> listing.resourceTemplates();
            };
        }
    }

    /** One list, whole. {@code ttl} is zero when none was promised. */
    private record Whole(Kind kind, List<Definition> definitions, Duration ttl, boolean shareable, Said said) {}

    /** Whether a list is what the backend said now, or before, or that it has none. */
    private enum Said {
        NOW,
        BEFORE,
        NOTHING
    }

    /**
     * What a backend said.
     *
     * @param promised for each list that it was asked for, how long it is good; empty for one that it does not have
     * @param greeted how long its greeting is good
     */
    record Found(Listing listing, Map<McpMethod, Optional<Duration>> promised, Duration greeted) {
        /** Notes what was promised, at the time at which it was asked for. */
        void renew(Freshness freshness, long askedNanos, boolean greetedNow) {
            if (listing.version().era() == Era.LEGACY) {
                freshness.forget();
                return;
            }
            promised.forEach((method, ttl) -> ttl.ifPresentOrElse(
                    life -> freshness.renew(method, askedNanos, life), () -> freshness.forget(method)));
            if (greetedNow) {
                freshness.renew(McpMethod.DISCOVER, askedNanos, greeted);
            }
        }
    }

    /** One page of a list. */
    private record Page(Envelope response, @Nullable String cursorJson, int number, long bytesSoFar) {}

    /**
     * Reads again what may have changed.
     *
     * @param before the last listing, from which the other kinds are kept
     * @param wanted the kinds to read
     */
    Mono<Found> read(Verdict verdict, @Nullable Listing before, Set<Kind> wanted) {
        Envelope result = opened(verdict.result());
        Span capabilities = result.member(result.result(), "capabilities");
        return Flux.fromArray(Kind.values())
                .filter(kind -> result.member(capabilities, kind.capability).isPresent())
                .concatMap(kind -> before != null && !wanted.contains(kind)
                        ? Mono.just(kept(kind, before))
                        : whole(kind, before, verdict.era()))
                .collectMap(Whole::kind)
                .map(found -> new Found(
                        listing(verdict, result, found),
                        promised(found, wanted),
                        Duration.ofMillis(ttlMillis(result, result.member(result.result(), "ttlMs")))));
    }

    private static Whole kept(Kind kind, Listing before) {
        return new Whole(kind, kind.of(before), before.ttl(), before.shareable(), Said.BEFORE);
    }

    private static Map<McpMethod, Optional<Duration>> promised(Map<Kind, Whole> found, Set<Kind> wanted) {
        Map<McpMethod, Optional<Duration>> promised = new EnumMap<>(McpMethod.class);
        for (Kind kind : wanted) {
            Whole whole = found.get(kind);
            if (whole == null || whole.said() == Said.NOTHING) {
                promised.put(kind.method, Optional.empty());
            } else if (whole.said() == Said.NOW) {
                promised.put(kind.method, Optional.of(whole.ttl()));
            }
        }
        return promised;
    }

    private Mono<Whole> whole(Kind kind, @Nullable Listing before, Era era) {
        return page(kind, null, 1, 0)
                .expand(page -> next(kind, page))
                .collectList()
                .map(pages -> whole(kind, pages, era))
                .flatMap(found -> kind == Kind.TOOLS && era == Era.LEGACY && settings.asAsked()
                        ? withThoseThatAsk(found)
                        : Mono.just(found))
                .onErrorResume(Refused.class, refused -> refused(kind, before, refused))
                .onErrorResume(
                        BackendFailure.class,
                        failure -> kind == Kind.TOOLS || upstream.trouble().isPresent()
                                ? Mono.error(failure)
                                : withoutThisOne(kind, before, failure.reason()));
    }

    /**
     * Some legacy backends list a tool only to clients that can be asked what it asks. A list must not depend on who
     * reads it (2026-07-28, <em>server/tools</em>), so that everybody sees them.
     */
    private Mono<Whole> withThoseThatAsk(Whole found) {
        long[] bytes = new long[1];
        Flux<Envelope> pages = upstream.toolsAsAsked(settings.maxPages())
                .takeUntil(page -> (bytes[0] += page.body().length) >= MOST_BYTES);
        return pages.collectList().map(responses -> {
            Set<String> known = new HashSet<>();
            List<Definition> all = new ArrayList<>(found.definitions());
            all.forEach(definition -> known.add(definition.key()));
            for (Envelope response : responses) {
                for (Span element : response.elements(response.member(response.result(), Kind.TOOLS.member))) {
                    definition(Kind.TOOLS, response, element)
                            .filter(more -> all.size() < settings.maxEntries() && known.add(more.key()))
                            .ifPresent(all::add);
                }
            }
            return new Whole(Kind.TOOLS, all, found.ttl(), found.shareable(), Said.NOW);
        });
    }

    private Mono<Page> page(Kind kind, @Nullable String cursorJson, int number, long bytesBefore) {
        return upstream.ask(kind.method, cursorJson == null ? "" : "\"cursor\":" + cursorJson)
                .map(response -> {
                    if (response.error().isPresent()) {
                        throw new Refused(response);
                    }
                    Span cursor = response.member(response.result(), "nextCursor");
                    return new Page(
                            response,
                            response.isString(cursor) ? response.raw(cursor).toString() : null,
                            number,
                            bytesBefore + response.body().length);
                });
    }

    private Mono<Page> next(Kind kind, Page page) {
        String cursor = page.cursorJson();
        if (cursor == null) {
            return Mono.empty();
        }
        if (page.number() >= settings.maxPages()) {
            log.warn(
                    "Backend '{}' has more than {} pages of {}; the rest is left out",
                    name(),
                    settings.maxPages(),
                    kind.member);
            return Mono.empty();
        }
        if (page.bytesSoFar() >= MOST_BYTES) {
            log.warn(
                    "Backend '{}' has more than {} MiB of {}; the rest is left out",
                    name(),
                    MOST_BYTES >> 20,
                    kind.member);
            return Mono.empty();
        }
        return page(kind, cursor, page.number() + 1, page.bytesSoFar())
                .filter(next -> !cursor.equals(next.cursorJson()));
    }

    private Whole whole(Kind kind, List<Page> pages, Era era) {
        List<Definition> definitions = new ArrayList<>();
        long ttl = Long.MAX_VALUE;
        boolean shareable = era == Era.MODERN;
        for (Page page : pages) {
            Envelope response = page.response();
            Span result = response.result();
            ttl = Math.min(ttl, ttlMillis(response, response.member(result, "ttlMs")));
            Span scope = response.member(result, "cacheScope");
            shareable &= response.isString(scope) && response.text(scope).equals("public");
            for (Span element : response.elements(response.member(result, kind.member))) {
                if (definitions.size() == settings.maxEntries()) {
                    log.warn(
                            "Backend '{}' has more than {} {}; the rest is left out",
                            name(),
                            settings.maxEntries(),
                            kind.member);
                    return new Whole(kind, definitions, Duration.ofMillis(ttl), shareable, Said.NOW);
                }
                definition(kind, response, element).ifPresent(definitions::add);
            }
        }
        return new Whole(kind, definitions, Duration.ofMillis(ttl), shareable, Said.NOW);
    }

    private Optional<Definition> definition(Kind kind, Envelope response, Span element) {
        Span key = response.member(element, kind.key);
        if (!response.isString(key)) {
            log.warn("Backend '{}': left out of {}: an entry without {}", name(), kind.member, kind.key);
            return Optional.empty();
        }
        Definition definition = new Definition(response.text(key), response.raw(element));
        if (kind == Kind.TOOLS && mentions(definition.json().bytes(), ANNOTATION)) {
            try {
                ParamHeader.of(definition);
            } catch (IllegalArgumentException e) {
                // 2026-07-28, Custom headers: a client has to exclude such a tool, and should say so.
                log.warn("Backend '{}': left out of tools: '{}', {}", name(), definition.key(), e.getMessage());
                return Optional.empty();
            }
        }
        return Optional.of(definition);
    }

    private static boolean mentions(byte[] json, byte[] word) {
        outer:
        for (int i = 0; i + word.length <= json.length; i++) {
            for (int j = 0; j < word.length; j++) {
                if (json[i + j] != word[j]) {
                    continue outer;
                }
            }
            return true;
        }
        return false;
    }

    /** Absent or negative means zero (2026-07-28, <em>Caching</em>). */
    private static long ttlMillis(Envelope response, Span span) {
        if (!span.isPresent() || span.length() > 15) {
            return 0;
        }
        try {
            return Math.max(0, Long.parseLong(response.raw(span).toString()));
        } catch (NumberFormatException e) {
            return 0;
        }
    }

    private Mono<Whole> refused(Kind kind, @Nullable Listing before, Refused refused) {
        if (refused.code == ErrorCodes.METHOD_NOT_FOUND) {
            return Mono.just(new Whole(kind, List.of(), Duration.ZERO, true, Said.NOTHING));
        }
        if (kind == Kind.TOOLS && before == null) {
            return Mono.error(BackendFailure.unavailable(
                    name(),
                    "Backend '" + name() + "' is unavailable: it refused " + kind.method.wire() + ": "
                            + refused.getMessage(),
                    Duration.ofSeconds(1)));
        }
        return withoutThisOne(kind, before, String.valueOf(refused.getMessage()));
    }

    private Mono<Whole> withoutThisOne(Kind kind, @Nullable Listing before, String why) {
        log.warn("Backend '{}' does not answer {}: {}", name(), kind.method.wire(), why);
        return Mono.just(
                before == null ? new Whole(kind, List.of(), Duration.ZERO, false, Said.NOW) : kept(kind, before));
    }

    private static Listing listing(Verdict verdict, Envelope result, Map<Kind, Whole> found) {
        Map<Kind, List<Definition>> definitions = new EnumMap<>(Kind.class);
        Duration ttl = found.values().stream()
                .map(Whole::ttl)
                .filter(promised -> !promised.isZero())
                .min(Duration::compareTo)
                .orElse(Duration.ZERO);
        found.forEach((kind, whole) -> definitions.put(kind, whole.definitions()));
        Span instructions = result.member(result.result(), "instructions");
        return new Listing(
                verdict.version(),
                raw(result, result.member(result.result(), "capabilities")).orElse(RawJson.EMPTY_OBJECT),
                serverInfo(result),
                result.isString(instructions) ? Optional.of(result.raw(instructions)) : Optional.empty(),
                definitions.getOrDefault(Kind.TOOLS, List.of()),
                definitions.getOrDefault(Kind.PROMPTS, List.of()),
                definitions.getOrDefault(Kind.RESOURCES, List.of()),
                definitions.getOrDefault(Kind.TEMPLATES, List.of()),
                ttl,
                !found.isEmpty() && found.values().stream().allMatch(Whole::shareable),
                gateway(result));
    }

    private static Optional<String> gateway(Envelope result) {
        Span id = result.member(result.member(result.result(), "_meta"), MetaKeys.GATEWAY);
        return result.isString(id) && id.length() <= 66 ? Optional.of(result.text(id)) : Optional.empty();
    }

    /** In {@code _meta} since 2026-07-28, a member of the result before. */
    private static Optional<RawJson> serverInfo(Envelope result) {
        Span meta = result.member(result.result(), "_meta");
        return raw(result, result.member(meta, MetaKeys.SERVER_INFO))
                .or(() -> raw(result, result.member(result.result(), "serverInfo")));
    }

    private static Optional<RawJson> raw(Envelope message, Span object) {
        return message.isObject(object) ? Optional.of(message.raw(object)) : Optional.empty();
    }

    static Envelope opened(RawJson result) {
        return MessageReader.read(("{\"result\":" + result + "}").getBytes(StandardCharsets.UTF_8))
                .orElseThrow(() -> new IllegalArgumentException("not a JSON object: " + Json.quote(result.toString())));
    }

    /** Whether a capability's switch is on: {@code tools.listChanged} and the like. */
    static boolean offers(Listing listing, String capability, String feature) {
        Envelope opened = opened(listing.capabilities());
        Span value = opened.member(opened.member(opened.result(), capability), feature);
        return value.isPresent() && opened.body()[value.start()] == 't';
    }

    private String name() {
        return upstream.backend().name();
    }

    /** A list method was answered with an error. */
    private static final class Refused extends RuntimeException {
        private static final long serialVersionUID = 1L;
        private final int code;

        private Refused(Envelope response) {
            super(message(response), null, false, false);
            Span span = response.member(response.error(), "code");
            this.code = span.isPresent() && response.raw(span).toString().equals("" + ErrorCodes.METHOD_NOT_FOUND)
                    ? ErrorCodes.METHOD_NOT_FOUND
                    : 0;
        }

        private static String message(Envelope response) {
            Span message = response.member(response.error(), "message");
            return response.isString(message) ? response.text(message) : "an error without a message";
        }
    }
}
