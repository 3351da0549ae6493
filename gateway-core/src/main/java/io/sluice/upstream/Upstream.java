package io.sluice.upstream;

import io.netty.buffer.Unpooled;
import io.netty.channel.EventLoop;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.sluice.balance.Endpoints;
import io.sluice.envelope.Envelope;
import io.sluice.envelope.Kind;
import io.sluice.envelope.MessageReader;
import io.sluice.envelope.RequestId;
import io.sluice.envelope.Span;
import io.sluice.guard.Gate;
import io.sluice.protocol.ClientFeatures;
import io.sluice.protocol.Era;
import io.sluice.protocol.ErrorCodes;
import io.sluice.protocol.HeaderValue;
import io.sluice.protocol.McpHeaders;
import io.sluice.protocol.McpMethod;
import io.sluice.protocol.ProtocolVersion;
import io.sluice.protocol.RawJson;
import io.sluice.registry.Backend;
import io.sluice.registry.Endpoint;
import io.sluice.rejection.Rejection;
import io.sluice.rejection.Rejection.BackendFailure;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/**
 * Everything this replica keeps about reaching one backend: connections, what era it speaks, the session all callers
 * may share, the feed of its changes. Replaced as a whole when the registration changes; {@link #dispose()} lets calls
 * in flight finish. Safe for use by many threads: each piece of state is one reference or one concurrent map, and
 * concurrent askers share one probe and one handshake.
 */
public final class Upstream implements Disposable {
    private static final Logger log = LoggerFactory.getLogger(Upstream.class);
    private static final Duration FAREWELL = Duration.ofSeconds(2);
    private static final ClientFeatures EVERYTHING =
            new ClientFeatures(EnumSet.complementOf(EnumSet.of(ClientFeatures.Feature.ROOTS_LIST_CHANGED)));

    private final Backend backend;
    private final UpstreamSettings settings;
    private final Reachability reachability;
    private final BackendHttp http;
    private final Probe probe;
    private final HealthChecks checks;
    private final @Nullable BuiltIn local;
    private final Leases leases;
    private final Sinks.Many<Signal> signals = Sinks.many().multicast().directBestEffort();
    private final AtomicLong ids = new AtomicLong();
    private final AtomicReference<@Nullable Verdict> verdict = new AtomicReference<>();
    private final AtomicReference<@Nullable Mono<Verdict>> probing = new AtomicReference<>();
    private final AtomicReference<@Nullable Failed> failed = new AtomicReference<>();
    private final AtomicReference<@Nullable LegacySession> session = new AtomicReference<>();
    private final AtomicReference<@Nullable Mono<LegacySession>> sessionOpening = new AtomicReference<>();
    private final AtomicReference<@Nullable Feed> feed = new AtomicReference<>();
    private final Map<String, Subscribed> subscribed = new ConcurrentHashMap<>();
    private final AtomicBoolean disposed = new AtomicBoolean();
    private final Mono<Void> ended = Mono.defer(this::sayFarewell).cache();
    private final AtomicReference<@Nullable Also> alsoLegacy = new AtomicReference<>();
    private volatile boolean suspected;
    private volatile boolean listening;

    /** A probe's failure, remembered for a moment so that not every call of a hanging backend waits. */
    private record Failed(Throwable error, long atNanos) {}

    /** Whether a modern backend does the legacy handshake as well, as was found out for one verdict. */
    private record Also(Verdict known, boolean legacy) {}

    /** How many want a resource's changes, and the one request for them that all share. */
    private record Subscribed(int count, Mono<Void> asked) {}

    private Upstream(Backend backend, UpstreamSettings settings, @Nullable BuiltIn local) {
        this.backend = backend;
        this.local = local;
        this.settings = settings;
        this.reachability =
                new Reachability(backend.name(), settings.clock(), () -> announce(new Signal.ReachabilityChanged()));
        this.http = new BackendHttp(backend, settings, reachability);
        this.probe = new Probe(http);
        this.checks = new HealthChecks(
                http.endpoints(), http.gate(), http.policy().healthCheck(), settings.timer(), this::check);
        this.leases = new Leases(http, this::suspect);
    }

    /**
     * Prepares the way to a backend; connects nowhere yet. Reads TLS files if there are any: not to be called on an
     * event loop.
     */
    public static Upstream open(Backend backend, UpstreamSettings settings) {
        return new Upstream(backend, settings, null);
    }

    /** The way to a backend that is part of this process. */
    public static Upstream inside(Backend backend, BuiltIn server, UpstreamSettings settings) {
        return new Upstream(backend, settings, server);
    }

    public Backend backend() {
        return backend;
    }

    /** Where its calls can go. */
    public Endpoints endpoints() {
        return http.endpoints();
    }

    /** How its calls are let in. */
    public Gate gate() {
        return http.gate();
    }

    /** Attempts made a second time since the start. */
    public long retries() {
        return http.budget().spent();
    }

    /** How it is treated. */
    public BackendPolicy policy() {
        return http.policy();
    }

    // ---- what it speaks

    /**
     * What the backend speaks: known, or found out by one probe that all askers share. An outage is never evidence;
     * while an earlier verdict stands it goes on standing. Fails with {@link BackendFailure} when nothing is known,
     * and for a moment repeats that answer without another attempt.
     */
    public Mono<Verdict> verdict() {
        return Mono.defer(() -> {
            Verdict known = verdict.get();
            if (known != null && !suspected && !isTooOld(known)) {
                return Mono.just(known);
            }
            Failed recent = failed.get();
            if (recent != null
                    && System.nanoTime() - recent.atNanos()
                            < settings.failureMemory().toNanos()) {
                return known != null ? Mono.just(known) : Mono.error(stillFailing(recent.error()));
            }
            Mono<Verdict> asked = renew();
            return known == null ? asked : asked.onErrorReturn(known);
        });
    }

    private Throwable stillFailing(Throwable error) {
        return reachability
                .sentence()
                .<Throwable>map(since -> BackendFailure.unavailable(backend.name(), since, Duration.ofSeconds(1)))
                .orElse(error);
    }

    private boolean isTooOld(Verdict known) {
        return known.era() == Era.LEGACY
                && known.at()
                        .plus(settings.legacyVerdictLife())
                        .isBefore(settings.clock().instant());
    }

    /**
     * Probes now, whatever is known; joins a probe that is under way. An outage leaves the last verdict standing, but
     * is reported.
     */
    public Mono<Verdict> renew() {
        return Mono.defer(() -> {
            while (true) {
                Mono<Verdict> running = probing.get();
                if (running != null) {
                    return running;
                }
                Mono<Verdict> next = once();
                if (probing.compareAndSet(null, next)) {
                    return next;
                }
            }
        });
    }

    private Mono<Verdict> once() {
        return find().doOnNext(this::adopt)
                .doOnError(this::remember)
                .onErrorMap(BackendFailure.class, this::stillFailing)
                .doOnTerminate(() -> probing.set(null))
                .cache();
    }

    private Mono<Verdict> find() {
        if (local != null) {
            return Mono.just(new Verdict(
                    ProtocolVersion.LATEST_MODERN,
                    local.discoverResult(),
                    settings.clock().instant()));
        }
        if (backend.era().filter(Era.LEGACY::equals).isPresent()) {
            return legacyVerdict();
        }
        return probe.discover().flatMap(finding -> {
            if (finding instanceof Probe.Finding.Modern modern) {
                return Mono.just(new Verdict(
                        modern.version(),
                        modern.discoverResult(),
                        settings.clock().instant()));
            }
            if (backend.era().isPresent()) {
                return Mono.error(http.failures()
                        .unavailable("it is registered as modern and does not speak "
                                + ProtocolVersion.LATEST_MODERN.wire()));
            }
            return legacyVerdict();
        });
    }

    private Mono<Verdict> legacyVerdict() {
        return liveSession()
                .map(open -> new Verdict(
                        open.version(),
                        open.initializeResult(),
                        settings.clock().instant()));
    }

    private Mono<Void> check(Endpoint at) {
        Verdict known = verdict.get();
        LegacySession on = session.get();
        return known != null && known.era() == Era.LEGACY && on != null ? on.check(at) : probe.check(at);
    }

    private void adopt(Verdict found) {
        if (!disposed.get()) {
            checks.start();
        }
        suspected = false;
        failed.set(null);
        reachability.answered();
        Verdict before = verdict.getAndSet(found);
        if (before == null || before.version() != found.version()) {
            log.info("Backend '{}' speaks {}", backend.name(), found.version().wire());
        }
        if (before != null && before.era() != found.era()) {
            changeEra(found);
        }
    }

    private void changeEra(Verdict found) {
        Feed old = feed.getAndSet(null);
        if (old != null) {
            old.close();
        }
        if (found.era() == Era.MODERN) {
            LegacySession left = session.getAndSet(null);
            if (left != null) {
                left.close().subscribe();
            }
        }
        if (listening || !subscribed.isEmpty()) {
            Feed next = feed(found);
            next.start();
            Set.copyOf(subscribed.keySet()).forEach(uri -> next.add(uri).subscribe(ignored -> {}, ignored -> {}));
        }
    }

    private void remember(Throwable error) {
        failed.set(new Failed(error, System.nanoTime()));
        if (error instanceof BackendFailure failure) {
            reachability.lost(failure);
        }
    }

    /**
     * Whether the backend can be spoken to in this era. Many speak both: a legacy client is then served in its own
     * words, without translation. Asked of the backend once for each verdict.
     */
    public Mono<Boolean> speaks(Era era) {
        return verdict().flatMap(known -> {
            if (known.era() == era) {
                return Mono.just(true);
            }
            return era == Era.LEGACY ? alsoLegacy(known) : Mono.just(false);
        });
    }

    private Mono<Boolean> alsoLegacy(Verdict known) {
        Also found = alsoLegacy.get();
        if (found != null && found.known().version() == known.version()) {
            return Mono.just(found.legacy());
        }
        if (backend.era().isPresent() || local != null) {
            return Mono.just(false);
        }
        return sharing(LegacySession.tryShared(http, this::onForgotten))
                .thenReturn(true)
                .onErrorResume(Handshake.Refused.class, refused -> Mono.just(false))
                .doOnNext(legacy -> alsoLegacy.set(new Also(known, legacy)));
    }

    /** The last verdict, if there ever was one. */
    public Optional<Verdict> lastVerdict() {
        return Optional.ofNullable(verdict.get());
    }

    /** Something does not fit what we believe about the backend: it is probed again before its next use. */
    public void suspect() {
        suspected = true;
    }

    /** A call was refused for what its tool's definition says: the definitions are read again. */
    public void suspectTools() {
        announce(new Signal.ToolsChanged());
    }

    /** Since when and why the backend cannot be used, as one sentence; empty while it is well, or nobody has tried. */
    public Optional<String> trouble() {
        return reachability.sentence();
    }

    /** What the backend's adapter has to say to an operator, such as the last lines a process wrote; empty for most. */
    public Optional<String> remarks() {
        return http.remarks();
    }

    /** Somebody else found the backend failing; {@link #trouble()} says so until it answers again. */
    public void report(BackendFailure failure) {
        reachability.lost(failure);
    }

    // ---- modern

    /**
     * Sends a modern request as it is, with the headers that mirror it. The reply's bytes are the backend's. Fails
     * with {@link BackendFailure} when the backend cannot do its part, which includes 401, 403, 429 and 5xx.
     * Cancelling, before or during the reply, closes the exchange.
     *
     * @param body a whole, valid modern request; not to be written to afterwards
     */
    public Mono<Reply> postModern(byte[] body, ModernHead head) {
        return postModern(body, head, Terms.ONCE);
    }

    /** As the other form, on a call's own terms. */
    public Mono<Reply> postModern(byte[] body, ModernHead head, Terms terms) {
        if (local != null) {
            return answered(local, body);
        }
        return Limited.on(
                modernReply(http.send(modernAsk(body, head, terms)), terms),
                terms,
                backend.name(),
                settings.timer(),
                () -> {});
    }

    /**
     * As {@link #postModern}, for a caller on an event loop that does not want to wait: null, and nothing was done, when
     * there is something to wait for.
     */
    public Direct.@Nullable Sent postModernNow(
            byte[] body, ModernHead head, Terms terms, EventLoop eventLoop, Direct direct) {
        if (local != null) {
            return null;
        }
        Prompted sent = http.sendNow(modernAsk(body, head, terms), eventLoop, new Prompt() {
            @Override
            public void whole(byte[] json) {
                direct.whole(json);
            }

            @Override
            public void otherwise(Mono<Answer> outcome) {
                direct.otherwise(modernReply(outcome, terms));
            }
        });
        return sent == null
                ? null
                : new Direct.Sent() {
                    @Override
                    public void abandon() {
                        sent.abandon();
                    }

                    @Override
                    public Mono<Reply> handOver() {
                        return modernReply(sent.handOver(), terms);
                    }
                };
    }

    /** Whether it is known without asking that the backend speaks this era, so that nothing has to be waited for. */
    public boolean isKnownToSpeak(Era era) {
        Verdict known = current();
        return known != null && (known.era() == era || (era == Era.LEGACY && isAlsoLegacy(known)));
    }

    /** Whether it is known without asking that the backend speaks the modern era and no other. */
    public boolean isKnownToBeModernOnly() {
        Verdict known = current();
        return known != null && known.era() == Era.MODERN && isModernOnly(known);
    }

    /** The verdict, where nobody would ask again. */
    private @Nullable Verdict current() {
        Verdict known = verdict.get();
        return known != null && !suspected && !isTooOld(known) ? known : null;
    }

    private boolean isAlsoLegacy(Verdict known) {
        Also found = alsoLegacy.get();
        return found != null && found.known().version() == known.version() && found.legacy();
    }

    private boolean isModernOnly(Verdict known) {
        Also found = alsoLegacy.get();
        return found != null && found.known().version() == known.version()
                ? !found.legacy()
                : backend.era().isPresent() || local != null;
    }

    /** {@link #shared} when it is open and nothing has to be waited for; else null. */
    public @Nullable LegacySession sharedNow() {
        LegacySession open = session.get();
        return open != null && isKnownToSpeak(Era.LEGACY) && open.isSettled() ? open : null;
    }

    private Ask modernAsk(byte[] body, ModernHead head, Terms terms) {
        return Ask.call(
                body,
                headers -> write(head, headers),
                backend.timeout(),
                Way.isRepeatable(head.method()),
                terms,
                null,
                false);
    }

    private void write(ModernHead head, HttpHeaders headers) {
        headers.set(HttpHeaderNames.ACCEPT, MediaTypes.BOTH);
        headers.set(McpHeaders.PROTOCOL_VERSION, modernVersion().wire());
        headers.set(McpHeaders.METHOD, head.method());
        if (head.name() != null) {
            headers.set(McpHeaders.NAME, HeaderValue.encode(head.name()));
        }
        for (Map.Entry<String, String> param : head.paramHeaders()) {
            headers.set(param.getKey(), param.getValue());
        }
        if (head.traceparent() != null) {
            headers.set("traceparent", head.traceparent());
        }
        http.via(headers, head.via());
    }

    private Mono<Reply> modernReply(Mono<Answer> outcome, Terms terms) {
        return outcome.flatMap(answer -> modernReply(answer, terms)).doOnDiscard(Reply.class, Reply::discard);
    }

    private static Mono<Reply> answered(BuiltIn server, byte[] body) {
        return Mono.justOrEmpty(MessageReader.read(body))
                .flatMap(server::answer)
                .map(answer -> new Reply.Json(200, Flux.just(Unpooled.wrappedBuffer(answer)), true));
    }

    private ProtocolVersion modernVersion() {
        Verdict known = verdict.get();
        return known != null && known.era() == Era.MODERN ? known.version() : ProtocolVersion.LATEST_MODERN;
    }

    private Mono<Reply> modernReply(Answer answer, Terms terms) {
        if (answer.isEventStream()) {
            return Mono.just(new Reply.Events(http.inTime(modernEvents(answer), terms)));
        }
        if (answer.isSuccess() && answer.isEmpty()) {
            answer.drop();
            return Mono.just(Reply.Accepted.INSTANCE);
        }
        if (answer.isSuccess() && answer.isJson()) {
            return Mono.just(new Reply.Json(answer.status(), answer.body(), answer.isSmall()));
        }
        return answer.refused().flatMap(refused -> {
            if (Failures.concernsBackend(refused.status()) || refused.status() < 300) {
                return Mono.error(
                        http.failures().answered(refused, answer.endpoint().url()));
            }
            suspectIfStrange(refused);
            return Mono.just(refused);
        });
    }

    /** These say that the backend may no longer speak what we believe; anything else is about the request. */
    private void suspectIfStrange(Reply.Refused refused) {
        int code = MessageReader.read(refused.body()).map(Probe::code).orElse(0);
        boolean strange = code == 0
                || code == ErrorCodes.UNSUPPORTED_PROTOCOL_VERSION
                || code == ErrorCodes.HEADER_MISMATCH
                || code == ErrorCodes.INVALID_REQUEST
                || (code <= -32000 && code > ErrorCodes.HEADER_MISMATCH);
        if (strange) {
            suspect();
        }
    }

    private Flux<Event> modernEvents(Answer answer) {
        SseReader reader = new SseReader(settings.maxEventBytes());
        AtomicReference<@Nullable Event> response = new AtomicReference<>();
        return answer.items(reader, () -> response.get() != null)
                .concatMapIterable(item -> modernEvents(item, response), 1)
                .takeUntil(event -> event.equals(response.get()))
                .concatWith(Flux.defer(() -> response.get() != null
                        ? Flux.empty()
                        : Flux.error(http.failures().unavailable("it ended the stream of a call before it answered"))));
    }

    private static List<Event> modernEvents(SseItem item, AtomicReference<@Nullable Event> response) {
        if (item instanceof SseItem.Comment) {
            return List.of(Event.Comment.INSTANCE);
        }
        List<Event> found = new ArrayList<>(1);
        for (Envelope message : Messages.messagesOf(item)) {
            if (response.get() == null) {
                Event event = new Event.Message(message);
                found.add(event);
                if (message.kind() == Kind.RESPONSE) {
                    response.set(event);
                }
            }
        }
        return found;
    }

    // ---- legacy

    /**
     * The session that lists, sessionless calls and pooled use share: no client features, opened when first needed,
     * opened anew by itself when the backend forgets it. Fails with {@link BackendFailure}, also when the backend is
     * modern and keeps no sessions.
     */
    public Mono<LegacySession> shared() {
        return speaks(Era.LEGACY)
                .flatMap(legacy -> legacy
                        ? liveSession()
                        : Mono.error(BackendFailure.erasDiffer(
                                backend.name(),
                                "Backend '" + backend.name() + "' speaks no revision that has sessions")));
    }

    private Mono<LegacySession> liveSession() {
        return sharing(LegacySession.openShared(http, this::onForgotten));
    }

    /** The shared session: the open one, the one being opened, or a new one by {@code opened}. */
    private Mono<LegacySession> sharing(Mono<LegacySession> opened) {
        return Mono.defer(() -> {
            while (true) {
                LegacySession open = session.get();
                if (open != null) {
                    return open.settled();
                }
                Mono<LegacySession> opening = sessionOpening.get();
                if (opening != null) {
                    return opening;
                }
                Mono<LegacySession> next = opened.doOnNext(session::set)
                        .doOnTerminate(() -> sessionOpening.set(null))
                        .cache();
                if (sessionOpening.compareAndSet(null, next)) {
                    return next;
                }
            }
        });
    }

    /** A forgotten session is what a restart looks like, and a restarted backend may be another version of itself. */
    private void onForgotten() {
        suspect();
        announce(new Signal.ToolsChanged());
        announce(new Signal.PromptsChanged());
        announce(new Signal.ResourcesChanged());
    }

    /**
     * A session of one client's own, declaring its features: the one the replicas have agreed on, or a new one. When the
     * backend has a GET stream, one replica opens it, whose {@code inbox} gets the messages.
     *
     * @param offered the revision that the client itself speaks
     */
    public Mono<LegacySession> openSession(
            ClientFeatures features, ProtocolVersion offered, Inbox inbox, HandleAgreement agreement) {
        return LegacySession.openDedicated(http, features, offered, inbox, agreement, this::suspect)
                .flatMap(LegacySession::listening);
    }

    /** As {@link #openSession(ClientFeatures, ProtocolVersion, Inbox, HandleAgreement)}, for a replica that is alone. */
    public Mono<LegacySession> openSession(ClientFeatures features, ProtocolVersion offered, Inbox inbox) {
        return openSession(features, offered, inbox, HandleAgreement.alone());
    }

    /** Ends a client's session at the backend, where the replica that kept it cannot. Never fails. */
    public Mono<Void> endSession(SessionHandle handle) {
        return LegacySession.end(http, handle);
    }

    /**
     * A session that declares these features, for one call of one caller: opened for it, or left idle by an earlier
     * call of the same caller. Whoever gets it ends it, also when nobody waits for it any more.
     *
     * @param owner tells callers apart, such as {@link io.sluice.auth.Caller#fingerprint()}
     * @param inbox takes what comes on the GET stream while the lease lasts
     */
    public Mono<Lease> lease(String owner, ClientFeatures features, Inbox inbox) {
        return leases.take(owner, features, inbox);
    }

    /** Leased sessions that exist, in use or idle. */
    public int leased() {
        return leases.open();
    }

    /**
     * Asks for something on the gateway's own behalf, in whichever era the backend speaks, and holds the whole answer.
     *
     * @param members of {@code params}, as JSON without the braces; may be empty
     * @return the response, which may be an error
     */
    public Mono<Envelope> ask(McpMethod method, String members) {
        return ask(method, members, null);
    }

    /** @param name the tool, prompt or URI that is asked for, of the methods that have one */
    public Mono<Envelope> ask(McpMethod method, String members, @Nullable String name) {
        return verdict()
                .flatMap(known -> {
                    if (known.era() == Era.LEGACY) {
                        return liveSession()
                                .flatMap(open -> open.call(
                                        method.wire(), members.isEmpty() ? null : RawJson.of("{" + members + "}")));
                    }
                    byte[] body = Messages.request(
                            RequestId.of("own-" + ids.incrementAndGet()),
                            method.wire(),
                            Messages.modernParams(members, known.version(), settings.clientInfo()));
                    return postModern(body, new ModernHead(method.wire(), name, List.of(), null), Terms.OWN);
                })
                .flatMap(reply -> Replies.response(reply, http));
    }

    /**
     * The pages of {@code tools/list} as a client sees them that can be asked for everything; nothing where the backend
     * keeps no sessions, which is when it cannot know, or does not say.
     */
    public Flux<Envelope> toolsAsAsked(int maxPages) {
        AtomicReference<@Nullable LegacySession> own = new AtomicReference<>();
        return shared().filter(LegacySession::stateful)
                .flatMap(known -> lease("", EVERYTHING, declining(own)))
                .flatMapMany(lease -> {
                    own.set(lease.session());
                    return toolsPage(lease.session(), "")
                            .expand(page ->
                                    cursor(page).isEmpty() ? Mono.empty() : toolsPage(lease.session(), cursor(page)))
                            .take(maxPages)
                            .doFinally(end -> lease.giveBack());
                })
                .onErrorResume(failed -> Flux.empty());
    }

    private Mono<Envelope> toolsPage(LegacySession session, String cursor) {
        RawJson params = cursor.isEmpty() ? null : RawJson.of("{\"cursor\":" + cursor + "}");
        return session.call(McpMethod.TOOLS_LIST.wire(), params).flatMap(reply -> Replies.response(reply, http));
    }

    /** As JSON; empty on the last page. */
    private static String cursor(Envelope page) {
        Span cursor = page.member(page.result(), "nextCursor");
        return page.isString(cursor) ? page.raw(cursor).toString() : "";
    }

    /** Nobody is there who could answer what is asked while lists are read. */
    private static Inbox declining(AtomicReference<@Nullable LegacySession> session) {
        return new Inbox() {
            @Override
            public void onMessage(byte[] json, Envelope message) {
                LegacySession on = session.get();
                if (message.kind() == Kind.REQUEST && on != null) {
                    on.decline(message);
                }
            }

            @Override
            public void onClosed() {}
        };
    }

    // ---- changes

    /**
     * What changes at the backend, while a feed is open: see {@link #listen()}. Never ends; a subscriber that falls
     * behind misses something.
     */
    public Flux<Signal> signals() {
        return signals.asFlux();
    }

    private void announce(Signal signal) {
        synchronized (signals) {
            signals.tryEmitNext(signal);
        }
    }

    /**
     * Opens the feed of changes, if the backend offers any, and keeps it open. To be called once a verdict is known;
     * more often does no harm.
     */
    public void listen() {
        listening = true;
        Verdict known = verdict.get();
        if (known != null && !disposed.get()) {
            feed(known).start();
        }
    }

    /** Whether changes would be heard of at the moment. */
    public boolean isListening() {
        Feed open = feed.get();
        return open != null && open.isOpen();
    }

    private Feed feed(Verdict known) {
        while (true) {
            Feed open = feed.get();
            if (open != null) {
                return open;
            }
            LegacySession on = session.get();
            Feed next;
            if (known.era() == Era.MODERN) {
                next = new ListenFeed(http, kinds(known), this::announce);
            } else if (on != null) {
                next = new SessionFeed(on, this::announce);
            } else {
                throw new IllegalStateException("a legacy verdict without a session");
            }
            if (feed.compareAndSet(null, next)) {
                return next;
            }
        }
    }

    private static Set<String> kinds(Verdict known) {
        Envelope result = Messages.opened(known.result());
        Span capabilities = result.member(result.result(), "capabilities");
        Set<String> kinds = new HashSet<>();
        for (String list : Set.of("tools", "prompts", "resources")) {
            if (isTrue(result, result.member(result.member(capabilities, list), "listChanged"))) {
                kinds.add(list + "ListChanged");
            }
        }
        return kinds;
    }

    private static boolean isTrue(Envelope message, Span value) {
        return value.isPresent() && message.body()[value.start()] == 't';
    }

    /**
     * Has the backend report changes of a resource, which then arrive as {@link Signal.ResourceUpdated}. Counted: one
     * {@link #unsubscribe} for each. Fails with a {@link Rejection}, among them {@link Rejection.MethodNotFound} when
     * the backend offers no subscriptions.
     */
    public Mono<Void> subscribe(String uri) {
        return verdict().flatMap(known -> {
            if (!offersSubscribe(known)) {
                return Mono.error(new Rejection.MethodNotFound(McpMethod.RESOURCES_SUBSCRIBE.wire(), false));
            }
            Subscribed now = subscribed.compute(
                    uri,
                    (key, before) -> before == null
                            ? new Subscribed(1, feed(known).add(uri).cache())
                            : new Subscribed(before.count() + 1, before.asked()));
            return now.asked().doOnError(ignored -> subscribed.computeIfPresent(uri, (key, held) -> lessOne(held)));
        });
    }

    private static @Nullable Subscribed lessOne(Subscribed held) {
        return held.count() == 1 ? null : new Subscribed(held.count() - 1, held.asked());
    }

    private static boolean offersSubscribe(Verdict known) {
        Envelope result = Messages.opened(known.result());
        Span resources = result.member(result.member(result.result(), "capabilities"), "resources");
        return isTrue(result, result.member(resources, "subscribe"));
    }

    /**
     * The opposite of {@link #subscribe}; nothing when there was none. What the backend thinks of it is of no
     * consequence.
     */
    public Mono<Void> unsubscribe(String uri) {
        return Mono.defer(() -> {
            AtomicBoolean last = new AtomicBoolean();
            subscribed.computeIfPresent(uri, (key, held) -> {
                last.set(held.count() == 1);
                return lessOne(held);
            });
            Feed open = feed.get();
            return last.get() && open != null ? open.remove(uri).onErrorComplete() : Mono.empty();
        });
    }

    /**
     * What becomes of tasks, told as long as somebody listens. Begins with those of which that is told at all; a legacy
     * backend tells of the tasks of its shared session, if it keeps a stream for that.
     */
    public Flux<TaskNews> tasks(Set<String> taskIds) {
        return verdict().flatMapMany(known -> {
            if (known.era() == Era.MODERN) {
                return new TaskFeed(http, taskIds, RequestId.of("tasks-" + ids.incrementAndGet())).news();
            }
            Flux<TaskNews> changes = signals()
                    .ofType(Signal.TaskChanged.class)
                    .filter(changed -> taskIds.contains(changed.taskId()))
                    .map(changed -> new TaskNews.Changed(changed.taskId(), changed.notification()));
            listen();
            return Flux.<TaskNews>just(new TaskNews.Watched(isListening() ? taskIds : Set.of()))
                    .concatWith(changes);
        });
    }

    // ---- the end

    /** As {@link #end()}, without waiting for it. */
    @Override
    public void dispose() {
        end().subscribe();
    }

    /**
     * Stops the feed, ends the shared session and closes idle connections. Calls in flight, and dedicated sessions, go
     * on until they end. Completes when the backend has been told, or could not be in two seconds; never fails.
     */
    public Mono<Void> end() {
        return ended;
    }

    private Mono<Void> sayFarewell() {
        disposed.set(true);
        checks.dispose();
        Feed open = feed.getAndSet(null);
        if (open != null) {
            open.close();
        }
        leases.dispose();
        LegacySession left = session.getAndSet(null);
        Mono<Void> farewell = left == null ? Mono.empty() : left.close();
        return farewell.timeout(FAREWELL, settings.timer())
                .onErrorComplete()
                .then(Mono.defer(http::close))
                .onErrorComplete();
    }

    @Override
    public boolean isDisposed() {
        return disposed.get();
    }

    @Override
    public String toString() {
        Verdict known = verdict.get();
        return "Upstream[" + backend.name() + " "
                + (known == null ? "unknown" : known.version().wire()) + "]";
    }
}
