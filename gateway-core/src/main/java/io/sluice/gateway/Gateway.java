package io.sluice.gateway;

import io.sluice.auth.Authenticator;
import io.sluice.cache.ResultCache;
import io.sluice.call.Answer;
import io.sluice.call.Inbound;
import io.sluice.catalog.Catalog;
import io.sluice.catalog.CatalogSettings;
import io.sluice.catalog.Changes;
import io.sluice.catalog.Mount;
import io.sluice.catalog.NameClaims;
import io.sluice.catalog.Profile;
import io.sluice.discovery.Announced;
import io.sluice.discovery.Discovery;
import io.sluice.discovery.DiscoveryState;
import io.sluice.envelope.Segments;
import io.sluice.guard.Guard;
import io.sluice.listener.BodyReader;
import io.sluice.listener.HttpHandler;
import io.sluice.listener.Lane;
import io.sluice.overload.Overload;
import io.sluice.parking.ParkedCalls;
import io.sluice.rejection.Rejection;
import io.sluice.replica.InMemoryMessages;
import io.sluice.replica.Messages;
import io.sluice.seal.Keyring;
import io.sluice.seal.SeededRandom;
import io.sluice.session.LiveSession;
import io.sluice.session.LiveSessions;
import io.sluice.session.SessionIds;
import io.sluice.session.SessionStore;
import io.sluice.session.SessionTicket;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.reactivestreams.Publisher;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;
import reactor.netty.http.server.HttpServerRequest;
import reactor.netty.http.server.HttpServerResponse;

/**
 * The data plane: what answers {@code /mcp} and {@code /mcp/{mount}}. Embeddable: hand {@link #handler()} to a listener. Owns the catalog, which follows discovery by one reference that is
 * swapped, and the live sessions; the registry, discovery and listener are the embedder's.
 */
public final class Gateway implements Disposable {
    private static final Duration FAREWELL = Duration.ofSeconds(2);

    private final AtomicReference<View> view = new AtomicReference<>(View.EMPTY);
    private volatile GatewaySettings settings;
    private final LiveSessions sessions;
    private final ResourceUpdates updates = new ResourceUpdates();
    private final ListChanges listChanges = new ListChanges();
    private final Listens listens;
    private final LegacySessions legacySessions;
    private final LegacyInterests interests;
    private final ParkedCalls parked;
    private final @Nullable Elsewhere elsewhere;
    private final Ejections ejections;
    private final RequestPath path;
    private final Sinks.Many<GatewaySettings> chosen;
    private final Sinks.Many<List<Profile>> profiles = Sinks.many().replay().latestOrDefault(List.of());
    private final Sinks.Many<NameClaims> claims = Sinks.many().replay().latestOrDefault(NameClaims.NONE);
    private final Guard guard = new Guard();
    private final OpenStreams streams = new OpenStreams();
    private final Overload overload = new Overload(streams::count);
    private final ResultCache cache = new ResultCache(System::nanoTime);
    private final DirectCalls lane;
    private final OldTransport oldTransport;
    private final Disposable.Composite resources = Disposables.composite();

    public Gateway(
            GatewaySettings settings,
            Discovery discovery,
            Authenticator authenticator,
            Keyring keyring,
            SessionStore store) {
        this(settings, discovery, authenticator, keyring, store, InMemoryMessages.alone());
    }

    /**
     * @param store what the replicas share of sessions
     * @param messages between the replicas
     */
    public Gateway(
            GatewaySettings settings,
            Discovery discovery,
            Authenticator authenticator,
            Keyring keyring,
            SessionStore store,
            Messages messages) {
        this.settings = settings;
        this.chosen = Sinks.many().replay().latestOrDefault(settings);
        Scheduler timer = Schedulers.parallel();
        SessionIds sessionIds = new SessionIds(
                keyring.sealer("session"), settings.cluster(), settings.sessionLife(), SeededRandom.create());
        this.sessions = new LiveSessions(
                System::nanoTime,
                store,
                store.shared() ? messages.self() : "",
                settings.sessionIdle(),
                settings.heartbeat(),
                timer,
                this::sessionBegins,
                this::sessionEnds);
        this.parked = new ParkedCalls(
                settings.parking(),
                keyring.sealer("request-state"),
                settings.cluster(),
                messages,
                SeededRandom.create(),
                timer,
                Clock.systemUTC());
        TaskIds tasks = new TaskIds(keyring.stamp("task-id"));
        this.listens = new Listens(updates, tasks);
        this.legacySessions = new LegacySessions(sessionIds, store, sessions, Clock.systemUTC(), tasks);
        this.interests = new LegacyInterests(legacySessions, updates);
        Supplier<View> views = () -> Objects.requireNonNull(view.get());
        this.ejections = new Ejections(messages, views);
        resources.add(ejections);
        this.elsewhere = store.shared()
                ? new Elsewhere(legacySessions, interests, store, messages, sessions, views, timer)
                : null;
        if (elsewhere != null) {
            legacySessions.sharedWith(elsewhere);
        }
        ModernCalls modern = new ModernCalls(
                listens, parked, new Admission(guard, overload), cache, tasks, new TaskTranslation(tasks, timer));
        this.path = new RequestPath(
                Authenticator.failingClosed(authenticator),
                views,
                modern,
                legacySessions,
                new LegacyCalls(legacySessions, interests, new Admission(guard, overload), cache, tasks, settings),
                new LegacyMessages(legacySessions, tasks),
                () -> this.settings,
                overload);
        this.oldTransport = new OldTransport(path, SeededRandom.create());
        this.lane = new DirectCalls(path, views, settings.maxBodyBytes(), overload);
        Flux<CatalogSettings> catalogSettings = Flux.combineLatest(
                chosen.asFlux().map(Gateway::catalogSettings), profiles.asFlux(), CatalogSettings::withProfiles);
        resources.add(Flux.combineLatest(
                        discovery.states(),
                        Flux.combineLatest(catalogSettings, claims.asFlux(), Agreed::new),
                        Known::new)
                .subscribe(this::follow));
        resources.add(discovery.announcements().subscribe(this::pass));
        long beat = settings.heartbeat().toMillis();
        resources.add(timer.schedulePeriodically(listens::heartbeat, beat, beat, TimeUnit.MILLISECONDS));
    }

    /** A session that held nothing here until now may have missed something. */
    private void sessionBegins(LiveSession session) {
        SessionTicket ticket = session.ticket();
        session.changed(listChanges.since(ticket.mount(), ticket.issuedAt()));
    }

    private void sessionEnds(LiveSession session) {
        interests.unsubscribeAll(session);
    }

    private static CatalogSettings catalogSettings(GatewaySettings settings) {
        return CatalogSettings.ofVersion(settings.version())
                .withNames(settings.names())
                .withGatewayId(settings.gatewayId());
    }

    /**
     * From now on lists names, and serves requests without a session, as these settings say. Whatever else is in them
     * stays as it was at the start.
     */
    public void apply(GatewaySettings changed) {
        GatewaySettings next = settings.withNames(changed.names()).withSessionless(changed.sessionless());
        settings = next;
        chosen.emitNext(next, Sinks.EmitFailureHandler.busyLooping(Duration.ofSeconds(1)));
    }

    /** From now on serves these selections at mounts of their own, and no others. */
    public void profiles(List<Profile> selected) {
        profiles.emitNext(List.copyOf(selected), Sinks.EmitFailureHandler.busyLooping(Duration.ofSeconds(1)));
    }

    /** From now on names belong to whom all replicas agreed that they belong to. */
    public void claims(NameClaims agreed) {
        claims.emitNext(agreed, Sinks.EmitFailureHandler.busyLooping(Duration.ofSeconds(1)));
    }

    private record Agreed(CatalogSettings settings, NameClaims claims) {}

    /** What a catalog is made of. */
    private record Known(DiscoveryState state, Agreed agreed) {}

    /** Called for one after the other. Clients are told only after the new catalog is in place. */
    private void follow(Known known) {
        DiscoveryState state = known.state();
        View before = Objects.requireNonNull(view.get());
        Catalog catalog = Catalog.build(
                state.contributions(),
                before.catalog(),
                known.agreed().settings(),
                known.agreed().claims());
        Changes changes = catalog.changesSince(before.catalog());
        cache.follow(state.upstreams());
        state.upstreams().forEach((name, upstream) -> {
            Changes.Lists lists = changes.of(name);
            cache.changed(upstream, lists.tools(), lists.resources());
        });
        view.set(new View(catalog, state.upstreams()));
        updates.follow(state.upstreams());
        ejections.follow(state.upstreams());
        tell(changes);
    }

    /** Passes on that a backend speaks of changes, to every mount that it is on. */
    private void pass(Announced announced) {
        Changes.Lists lists = new Changes.Lists(announced.tools(), announced.prompts(), announced.resources());
        Map<String, Changes.Lists> changed = new HashMap<>();
        for (Mount mount : catalog().mounts()) {
            if (mount.contribution(announced.backend()).isPresent()) {
                changed.put(mount.name(), lists);
            }
        }
        tell(new Changes(changed));
    }

    private void tell(Changes changes) {
        if (changes.isEmpty()) {
            return;
        }
        Instant now = Instant.now();
        for (Mount mount : catalog().mounts()) {
            listChanges.note(mount.name(), ListChanges.bits(changes.of(mount.name())), now);
        }
        listens.listsChanged(changes);
        for (LiveSession session : sessions.all()) {
            if (session.heldElsewhere().isPresent()) {
                continue; // who holds its stream hears of the same change
            }
            session.changed(ListChanges.bits(changes.of(session.ticket().mount())));
            if (session.standalone().hasReader()) {
                ListChanges.publish(session.standalone(), session.takeChanged());
            }
        }
    }

    /** What callers may do; takes other limits at any time. */
    public Guard guard() {
        return guard;
    }

    /** How pressed it is: to be told by whoever watches the process. */
    public Overload overload() {
        return overload;
    }

    /** What is used again of what backends answered; takes other settings at any time. */
    public ResultCache cache() {
        return cache;
    }

    /** What is offered at the moment. */
    public Catalog catalog() {
        return Objects.requireNonNull(view.get()).catalog();
    }

    /** Legacy sessions that hold something here, and open modern streams. */
    public int activeClients() {
        return sessions.all().size() + listens.count();
    }

    /** Event streams that are open towards clients. */
    public int openStreams() {
        return streams.count();
    }

    /** Legacy sessions that hold something here. */
    public int liveSessions() {
        return sessions.all().size();
    }

    /** Calls that wait for input of their clients. */
    public int parkedCalls() {
        return parked.parked();
    }

    /** Calls that wait for input of their clients, or have waited and are not over. */
    public int conversations() {
        return parked.open();
    }

    /** Answers requests whose path is {@code /mcp} or {@code /mcp/{mount}}; others get 404. */
    public HttpHandler handler() {
        return this::handle;
    }

    private Publisher<Void> handle(HttpServerRequest request, HttpServerResponse response) {
        String old = old(request.uri());
        if (old != null) {
            return handleOld(old, request, response);
        }
        String mount = mount(request.uri());
        if (mount == null) {
            throw new Rejection.NotFound("There is nothing at this path; MCP is served at /mcp");
        }
        overload.check();
        Inbound inbound = Inbound.of(mount, request.requestHeaders());
        return switch (request.method().name()) {
            case "POST" -> post(inbound, request, response);
            case "GET" -> path.get(inbound).flatMap(answer -> Mono.from(write(answer, response)));
            case "DELETE" -> write(path.delete(inbound), response);
            default -> throw Rejection.BadHttp.methodNotAllowed(request.method().name(), "POST, GET, DELETE");
        };
    }

    private Publisher<Void> write(Answer answer, HttpServerResponse response) {
        return Answers.write(answer, response, settings.heartbeat(), streams);
    }

    /** The path of a request by the transport of 2024-11-05, or null. */
    private static @Nullable String old(String uri) {
        int query = uri.indexOf('?');
        String target = query < 0 ? uri : uri.substring(0, query);
        boolean stream = target.equals(OldTransport.STREAM) || target.startsWith(OldTransport.STREAM + "/");
        return stream || target.equals(OldTransport.MESSAGES) ? target : null;
    }

    private Publisher<Void> handleOld(String target, HttpServerRequest request, HttpServerResponse response) {
        overload.check();
        String method = request.method().name();
        if (target.equals(OldTransport.MESSAGES)) {
            if (!method.equals("POST")) {
                throw Rejection.BadHttp.methodNotAllowed(method, "POST");
            }
            int query = request.uri().indexOf('?');
            return oldTransport
                    .post(
                            query < 0 ? "" : request.uri().substring(query + 1),
                            Inbound.of("", request.requestHeaders()),
                            BodyReader.read(request, settings.maxBodyBytes()))
                    .flatMap(answer -> Mono.from(write(answer, response)));
        }
        if (!method.equals("GET")) {
            throw Rejection.BadHttp.methodNotAllowed(method, "GET");
        }
        overload.checkStream();
        String mount = target.length() <= OldTransport.STREAM.length() + 1
                ? ""
                : target.substring(OldTransport.STREAM.length() + 1);
        return write(oldTransport.open(Inbound.of(mount, request.requestHeaders())), response);
    }

    /** A call that came by the short way goes on where it was left. The body is held until the answer has been written. */
    private Publisher<Void> post(Inbound inbound, HttpServerRequest request, HttpServerResponse response) {
        if (Lane.begun(request) instanceof Ahead begun) {
            return written(begun.rest(), response);
        }
        return Mono.using(
                Segments::new,
                body -> written(
                        path.post(inbound, BodyReader.read(request, settings.maxBodyBytes(), body), body), response),
                Segments::release);
    }

    private Mono<Void> written(Mono<Answer> coming, HttpServerResponse response) {
        return coming.flatMap(answer -> Mono.from(write(answer, response))).doOnDiscard(Answer.class, Answers::discard);
    }

    /** The short way for calls that need not wait, to stand beside {@link #handler()}. */
    public Lane lane() {
        return lane;
    }

    /** What follows {@code /mcp/} in a path, empty for {@code /mcp} itself, or null for any other path. */
    static @Nullable String mount(String uri) {
        int query = uri.indexOf('?');
        String target = query < 0 ? uri : uri.substring(0, query);
        if (target.equals("/mcp") || target.equals("/mcp/")) {
            return "";
        }
        return target.startsWith("/mcp/") ? target.substring("/mcp/".length()) : null;
    }

    /** Before a shutdown: ends the streams that would not end by themselves, each as its era wants it. Calls in flight go on. */
    public void endStreams() {
        listens.close();
        oldTransport.close();
        legacySessions.pauseStreams();
    }

    /** As {@link #close()}, without waiting for it. */
    @Override
    public void dispose() {
        close().subscribe();
    }

    /**
     * Ends every session, or leaves it to the other replicas, and follows discovery no longer. Completes when the backends
     * or the other replicas know of it, or could not be told in time.
     */
    public Mono<Void> close() {
        return Mono.defer(() -> {
            resources.dispose();
            cache.dispose();
            oldTransport.close();
            parked.close();
            Mono<Void> closed = sessions.closeAll();
            if (elsewhere == null) {
                return closed.timeout(FAREWELL).onErrorComplete();
            }
            return closed.then(elsewhere.leave())
                    .timeout(FAREWELL)
                    .onErrorComplete()
                    .doFinally(signal -> elsewhere.dispose());
        });
    }
}
