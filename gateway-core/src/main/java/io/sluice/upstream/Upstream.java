package io.sluice.upstream;

import io.netty.channel.EventLoop;
import io.sluice.balance.Endpoints;
import io.sluice.envelope.Envelope;
import io.sluice.envelope.Patch;
import io.sluice.envelope.RequestId;
import io.sluice.guard.Gate;
import io.sluice.protocol.ClientFeatures;
import io.sluice.protocol.Era;
import io.sluice.protocol.McpMethod;
import io.sluice.protocol.ProtocolVersion;
import io.sluice.protocol.RawJson;
import io.sluice.registry.Backend;
import io.sluice.registry.Endpoint;
import io.sluice.rejection.Rejection;
import io.sluice.rejection.Rejection.BackendFailure;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Everything this replica keeps about reaching one backend: connections, what era it speaks, the session all callers
 * may share, the feed of its changes. Replaced as a whole when the registration changes; {@link #dispose()} lets calls
 * in flight finish. Safe for use by many threads: each piece of state is one reference or one concurrent map, and
 * concurrent askers share one probe and one handshake.
 *
 * <p>Here the pieces meet: {@code BackendHttp} has the connections, {@code Verdicts} the era, {@code SharedSession} the
 * session, {@code Leases} those of one call each, {@code Changes} the feed; {@code ModernExchanges} sends modern requests.
 */
public final class Upstream implements Disposable {
    private static final Duration FAREWELL = Duration.ofSeconds(2);

    private final Backend backend;
    private final UpstreamSettings settings;
    private final Reachability reachability;
    private final BackendHttp http;
    private final Probe probe;
    private final HealthChecks checks;
    private final SharedSession shared;
    private final Changes changes;
    private final Verdicts verdicts;
    private final ModernExchanges modern;
    private final Leases leases;
    private final AtomicLong ids = new AtomicLong();
    private final AtomicBoolean disposed = new AtomicBoolean();
    private final Mono<Void> ended = Mono.defer(this::sayFarewell).cache();

    private Upstream(Backend backend, UpstreamSettings settings, @Nullable BuiltIn local) {
        this.backend = backend;
        this.settings = settings;
        this.reachability =
                new Reachability(backend.name(), settings.clock(), () -> announce(new Signal.ReachabilityChanged()));
        this.http = new BackendHttp(backend, settings, reachability);
        this.probe = new Probe(http);
        this.checks = new HealthChecks(
                http.endpoints(), http.gate(), http.policy().healthCheck(), settings.timer(), this::check);
        this.shared = new SharedSession(http, this::onForgotten);
        this.changes = new Changes(http, shared);
        this.verdicts = new Verdicts(http, probe, shared, local, new Probed());
        this.modern = new ModernExchanges(http, verdicts, local);
        this.leases = new Leases(http, verdicts::suspect);
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
        return verdicts.known();
    }

    /**
     * Probes now, whatever is known; joins a probe that is under way. An outage leaves the last verdict standing, but
     * is reported.
     */
    public Mono<Verdict> renew() {
        return verdicts.renew();
    }

    /**
     * Whether the backend can be spoken to in this era. Many speak both: a legacy client is then served in its own
     * words, without translation. Asked of the backend once for each verdict.
     */
    public Mono<Boolean> speaks(Era era) {
        return verdicts.speaks(era);
    }

    /** Whether it is known without asking that the backend speaks this era, so that nothing has to be waited for. */
    public boolean isKnownToSpeak(Era era) {
        return verdicts.isKnownToSpeak(era);
    }

    /** Whether it is known without asking that the backend speaks the modern era and no other. */
    public boolean isKnownToBeModernOnly() {
        return verdicts.isKnownToBeModernOnly();
    }

    /** The last verdict, if there ever was one. */
    public Optional<Verdict> lastVerdict() {
        return Optional.ofNullable(verdicts.last());
    }

    /** Something does not fit what we believe about the backend: it is probed again before its next use. */
    public void suspect() {
        verdicts.suspect();
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

    /** What a probe brings about. */
    private final class Probed implements Verdicts.Listener {
        @Override
        public void answered() {
            if (!disposed.get()) {
                checks.start();
            }
        }

        @Override
        public void eraChanged(Verdict found) {
            changes.eraChanged(found);
        }
    }

    private Mono<Void> check(Endpoint at) {
        Verdict known = verdicts.last();
        LegacySession on = shared.open();
        return known != null && known.era() == Era.LEGACY && on != null ? on.check(at) : probe.check(at);
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
        return modern.post(body, head, terms);
    }

    /**
     * As the other form, of a message that is sent from where it is. What it is in must not be released before the reply
     * has begun.
     */
    public Mono<Reply> postModern(Patch message, ModernHead head, Terms terms) {
        return modern.post(message, head, terms);
    }

    /**
     * As {@link #postModern}, for a caller on an event loop that does not want to wait: null, and nothing was done, when
     * there is something to wait for.
     */
    public Direct.@Nullable Sent postModernNow(
            byte[] body, ModernHead head, Terms terms, EventLoop eventLoop, Direct direct) {
        return modern.postNow(body, head, terms, eventLoop, direct);
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
                        ? shared.live()
                        : Mono.error(BackendFailure.erasDiffer(
                                backend.name(),
                                "Backend '" + backend.name() + "' speaks no revision that has sessions")));
    }

    /** {@link #shared} when it is open and nothing has to be waited for; else null. */
    public @Nullable LegacySession sharedNow() {
        LegacySession open = shared.open();
        return open != null && isKnownToSpeak(Era.LEGACY) && open.isSettled() ? open : null;
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
                        return shared.live()
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
        return shared().filter(LegacySession::stateful)
                .flatMapMany(known -> new ToolsAsAsked(http, leases).pages(maxPages))
                .onErrorResume(failed -> Flux.empty());
    }

    // ---- changes

    /**
     * What changes at the backend, while a feed is open: see {@link #listen()}. Never ends; a subscriber that falls
     * behind misses something.
     */
    public Flux<Signal> signals() {
        return changes.signals();
    }

    private void announce(Signal signal) {
        changes.announce(signal);
    }

    /**
     * Opens the feed of changes, if the backend offers any, and keeps it open. To be called once a verdict is known;
     * more often does no harm.
     */
    public void listen() {
        changes.listen(disposed.get() ? null : verdicts.last());
    }

    /** Whether changes would be heard of at the moment. */
    public boolean isListening() {
        return changes.isListening();
    }

    /**
     * Has the backend report changes of a resource, which then arrive as {@link Signal.ResourceUpdated}. Counted: one
     * {@link #unsubscribe} for each. Fails with a {@link Rejection}, among them {@link Rejection.MethodNotFound} when
     * the backend offers no subscriptions.
     */
    public Mono<Void> subscribe(String uri) {
        return verdict().flatMap(known -> changes.subscribe(known, uri));
    }

    /**
     * The opposite of {@link #subscribe}; nothing when there was none. What the backend thinks of it is of no
     * consequence.
     */
    public Mono<Void> unsubscribe(String uri) {
        return changes.unsubscribe(uri);
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
            Flux<TaskNews> news = changes.ofTasks(taskIds);
            listen();
            return Flux.<TaskNews>just(new TaskNews.Watched(isListening() ? taskIds : Set.of()))
                    .concatWith(news);
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
        changes.close();
        leases.dispose();
        return shared.end()
                .timeout(FAREWELL, settings.timer())
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
        Verdict known = verdicts.last();
        return "Upstream[" + backend.name() + " "
                + (known == null ? "unknown" : known.version().wire()) + "]";
    }
}
