package io.sluice.management;

import io.sluice.discovery.Discovery;
import io.sluice.oauth.OAuthKeepers;
import io.sluice.protocol.RawJson;
import io.sluice.registry.Change;
import io.sluice.registry.RecordKind;
import io.sluice.registry.Registry;
import io.sluice.registry.SharedRecord;
import io.sluice.seal.SeededRandom;
import io.sluice.upstream.Upstream;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Clients of MCP servers that somebody had connected over HTTP. What makes a client is a record that all replicas
 * share, so that any of them serves it; the connection to its server is each replica's own, made when it is first needed
 * there and closed when the record is gone: disconnected, or idle for too long.
 */
final class Clients implements Disposable {
    private static final Logger log = LoggerFactory.getLogger(Clients.class);
    private static final JsonMapper JSON = new JsonMapper();

    /** How far the time of the last use in the record may lag behind: each change of it is a change of the registry. */
    private static final Duration LAG = Duration.ofMinutes(1);

    /** How long what is in the registry may take until every replica has heard of it. */
    private static final Duration HEARSAY = Duration.ofSeconds(2);

    private static final int MOST = 10_000;

    private final Registry registry;
    private final Discovery discovery;
    private final InstantSource clock;
    private final Supplier<Duration> idle;
    private final @Nullable OAuthKeepers keepers;
    private final SecureRandom ids = SeededRandom.create();
    private final Map<String, Mono<Upstream>> open = new ConcurrentHashMap<>();
    private final Map<String, Instant> used = new ConcurrentHashMap<>();
    private final Disposable watch;

    /**
     * @param idle how long a client stays that nobody uses; asked anew for each use
     * @param keepers get tokens for clients that have to have one; null when nobody does
     */
    Clients(
            Registry registry,
            Discovery discovery,
            InstantSource clock,
            Supplier<Duration> idle,
            @Nullable OAuthKeepers keepers) {
        this.keepers = keepers;
        this.registry = registry;
        this.discovery = discovery;
        this.clock = clock;
        this.idle = idle;
        this.watch = registry.watch(RecordKind.CLIENT)
                .subscribe(
                        records -> closeAllBut(records.keySet()),
                        error -> log.error("The clients can no longer be followed", error));
    }

    /**
     * A client, as one replica found it.
     *
     * @param record as it was asked for, and when it was made and used; holds secrets
     */
    record Client(String id, JsonNode record) {
        ConnectRequest request() {
            return ConnectRequest.ofRecord(record);
        }
    }

    /** A client whose server has answered; it is kept once the value has been listed. */
    Mono<Upstream> connect(String id, ConnectRequest asked) {
        if (registry.snapshot().records(RecordKind.CLIENT).size() >= MOST) {
            return Mono.error(Problem.of(429, "clients.full", "There are " + MOST + " clients, and no more may be")
                    .withHint("Disconnect some; idle ones go by themselves after " + words(idle.get())));
        }
        if (asked.oauth().isPresent() && keepers == null) {
            return Mono.error(Problem.of(400, "client.oauth_unsupported", "This gateway does not get tokens"));
        }
        return opened(id, asked);
    }

    /** Whether somebody has to agree before the server of a client can be used. */
    boolean needsConsent(String id, ConnectRequest asked) {
        return keepers != null && asked.oauth().isPresent() && keepers.needsConsent(asked.backend(id));
    }

    /** The page where somebody agrees that the gateway uses the server of a client. */
    Mono<String> authorizationUrl(String id) {
        return keepers == null ? Mono.empty() : keepers.authorizationUrl(ConnectRequest.backendName(id));
    }

    /** Makes sure that this replica knows the server of a client, if the name is of one. */
    Mono<Void> ready(String backend) {
        String id = ConnectRequest.clientId(backend);
        return registry.snapshot().records(RecordKind.CLIENT).containsKey(id)
                ? use(find(id)).then()
                : Mono.empty();
    }

    Mono<SharedRecord> keep(String id, ConnectRequest asked) {
        String now = clock.instant().toString();
        used.put(id, clock.instant());
        return registry.put(RecordKind.CLIENT, id, asked.record(now, now), Optional.of(idle.get()), Change.any());
    }

    /** Closes what {@link #connect} opened, when nothing came of it. */
    void drop(String id) {
        used.remove(id);
        Mono<Upstream> gone = open.remove(id);
        if (gone != null) {
            gone.subscribe(Upstream::dispose, ignored -> {});
        }
    }

    /** Whoever knows it may use the client; not from {@link UUID#randomUUID()}, which reads from the system. */
    String newId() {
        long most = ids.nextLong() & ~0xF000L | 0x4000L;
        long least = ids.nextLong() & ~(3L << 62) | 2L << 62;
        return new UUID(most, least).toString();
    }

    /** No client of this id is known here. */
    @SuppressWarnings("serial") // it never leaves this process
    static final class Unknown extends RuntimeException {
        private final String id;

        private Unknown(String id) {
            super(id, null, false, false);
            this.id = id;
        }
    }

    /** @throws Unknown to be answered by {@link #orNotFound} */
    Client find(String id) {
        SharedRecord record = registry.snapshot().records(RecordKind.CLIENT).get(id);
        if (record == null) {
            throw new Unknown(id);
        }
        return new Client(id, JSON.readTree(record.body().bytes()));
    }

    /**
     * What is done with a client that may have been connected at another replica a moment ago: when it is unknown here but
     * there, this replica waits until it has heard of it, and does it then.
     *
     * @param done called again after {@link Unknown}, which it must say before it does anything; in the end a {@link
     *     Problem} says so
     */
    <T> Mono<T> orNotFound(Supplier<Mono<T>> done) {
        return Mono.defer(done)
                .onErrorResume(
                        Unknown.class,
                        unknown -> registry.renew(RecordKind.CLIENT, unknown.id)
                                .onErrorReturn(false)
                                .filter(there -> there)
                                .flatMap(there -> heardOf(unknown.id))
                                .then(Mono.defer(done)))
                .onErrorMap(
                        Unknown.class,
                        unknown -> Problem.of(
                                        404,
                                        "client.not_found",
                                        "Client not found: " + RegistrationRequest.shown(unknown.id))
                                .withHint("It was disconnected, or idle for more than " + words(idle.get())));
    }

    private Mono<Void> heardOf(String id) {
        return registry.watch(RecordKind.CLIENT)
                .filter(known -> known.containsKey(id))
                .next()
                .timeout(HEARSAY, Mono.empty())
                .then();
    }

    List<Client> all() {
        List<Client> all = new ArrayList<>();
        registry.snapshot()
                .records(RecordKind.CLIENT)
                .forEach((id, record) ->
                        all.add(new Client(id, JSON.readTree(record.body().bytes()))));
        return all;
    }

    /** The way to a client's server, from here on counted as used now. */
    Mono<Upstream> use(Client client) {
        ConnectRequest asked = client.request();
        return touch(client)
                .then(Mono.defer(() -> opened(client.id(), asked)))
                .delayUntil(upstream ->
                        asked.oauth().isPresent() && upstream.trouble().isPresent() && !needsConsent(client.id(), asked)
                                ? upstream.renew().onErrorComplete() // somebody has agreed since
                                : Mono.empty());
    }

    private static String words(Duration idle) {
        return idle.compareTo(Duration.ofMinutes(2)) < 0
                ? idle.toSeconds() + " seconds"
                : idle.toMinutes() + " minutes";
    }

    private Mono<Upstream> opened(String id, ConnectRequest asked) {
        return Objects.requireNonNull(open.computeIfAbsent(
                id, key -> discovery.open(asked.backend(key)).cache()));
    }

    /** Renewing the record is cheap and says that the client lives; the time in it is written now and then. */
    private Mono<Void> touch(Client client) {
        Instant now = clock.instant();
        used.put(client.id(), now);
        Instant written = Instant.parse(client.record().path("last_activity").asString("1970-01-01T00:00:00Z"));
        if (written.plus(LAG).isAfter(now)) {
            return registry.renew(RecordKind.CLIENT, client.id())
                    .onErrorComplete()
                    .then();
        }
        RawJson record =
                client.request().record(client.record().path("created_at").asString(""), now.toString());
        return registry.put(RecordKind.CLIENT, client.id(), record, Optional.of(idle.get()), Change.any())
                .onErrorComplete()
                .then();
    }

    Mono<Boolean> disconnect(String id) {
        OAuthKeepers tokens = keepers;
        return registry.delete(RecordKind.CLIENT, id, Change.any())
                .doOnNext(gone -> drop(id))
                .delayUntil(gone -> tokens == null ? Mono.empty() : tokens.forget(ConnectRequest.backendName(id)));
    }

    /** What may be told of a client: no secret. */
    Map<String, Object> metadata(Client client) {
        ConnectRequest request = client.request();
        String written = client.record().path("last_activity").asString("");
        Instant here = used.get(client.id());
        Map<String, Object> metadata = new LinkedHashMap<>();
        metadata.put("created_at", client.record().path("created_at").asString(""));
        metadata.put("transport", request.transport());
        metadata.put("auth_type", request.authType());
        metadata.put("status", needsConsent(client.id(), request) ? Servers.Status.NEEDS_REAUTH.word() : "connected");
        metadata.put("name", request.name().isEmpty() ? null : request.name());
        metadata.put("mcp_url", request.url().isEmpty() ? null : request.url());
        if (!request.command().isEmpty()) {
            metadata.put("command", request.command());
        }
        metadata.put(
                "last_activity", here != null && here.toString().compareTo(written) > 0 ? here.toString() : written);
        return metadata;
    }

    private void closeAllBut(Set<String> known) {
        // One being connected has no record yet; its connection is dropped by who asked for it if it comes to nothing.
        used.keySet().stream().filter(id -> !known.contains(id)).toList().forEach(this::drop);
    }

    @Override
    public void dispose() {
        watch.dispose();
        List.copyOf(open.keySet()).forEach(this::drop);
    }
}
