package io.sluice.server;

import io.sluice.catalog.NameClaims;
import io.sluice.catalog.NameClaims.Claim;
import io.sluice.gateway.Gateway;
import io.sluice.protocol.RawJson;
import io.sluice.registry.Change;
import io.sluice.registry.Fence;
import io.sluice.registry.RecordKind;
import io.sluice.registry.Registration;
import io.sluice.registry.Registry;
import io.sluice.registry.RegistryRefusal;
import io.sluice.registry.SharedRecord;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Makes all replicas, also those that start later, agree on who owns which name of a tool or prompt. One replica at a
 * time writes down what its catalog says, one record for each backend, and removes what belongs to none; all of them
 * build their catalogs on what is written. The writer's changes bear its fence, so that one that slept cannot undo what
 * its successor wrote.
 */
final class AgreedNames implements Disposable {
    private static final Logger log = LoggerFactory.getLogger(AgreedNames.class);
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final String JOB = "names";
    private static final Duration LOOK = Duration.ofSeconds(1);
    private static final Duration TERM = Duration.ofSeconds(5);

    private final Registry registry;
    private final Gateway gateway;
    private final Disposable.Composite following = Disposables.composite();
    private volatile @Nullable Fence fence;

    private AgreedNames(Registry registry, Gateway gateway) {
        this.registry = registry;
        this.gateway = gateway;
    }

    /** Begins to follow what is agreed, and to write when it is this replica's turn. */
    static AgreedNames follow(Registry registry, Gateway gateway) {
        AgreedNames names = new AgreedNames(registry, gateway);
        names.following.add(registry.watch(RecordKind.NAME)
                .map(AgreedNames::claims)
                .subscribe(gateway::claims, e -> log.error("Names can no longer be agreed on", e)));
        names.following.add(Flux.interval(LOOK)
                .onBackpressureDrop()
                .concatMap(look -> names.look(), 1)
                .subscribe());
        return names;
    }

    @Override
    public void dispose() {
        following.dispose();
    }

    /** Gives the job to another replica at once, if it was this one's. */
    Mono<Void> end() {
        return Mono.defer(() -> {
            dispose();
            Fence held = fence;
            return held == null
                    ? Mono.empty()
                    : registry.resign(held).timeout(LOOK).onErrorComplete();
        });
    }

    private Mono<Void> look() {
        return registry.lead(JOB, TERM)
                .doOnNext(held -> fence = held)
                .flatMap(this::write)
                .onErrorResume(RegistryRefusal.class, e -> {
                    log.debug("Names are not written down now: {}", e.getMessage());
                    return Mono.empty();
                });
    }

    private Mono<Void> write(Fence held) {
        SortedMap<String, SharedRecord> written = registry.snapshot().records(RecordKind.NAME);
        Map<String, Registration> registered = registry.snapshot().registrations();
        Map<String, RawJson> wanted = bodies(gateway.catalog().claims());
        wanted.keySet().retainAll(registered.keySet());
        List<Mono<?>> changes = new ArrayList<>();
        wanted.forEach((backend, body) -> {
            SharedRecord there = written.get(backend);
            if (there == null || !there.body().equals(body)) {
                long revision = there == null ? 0 : there.revision();
                changes.add(registry.put(
                        RecordKind.NAME,
                        backend,
                        body,
                        Change.expecting(revision).fencedBy(held)));
            }
        });
        written.values().stream()
                .filter(record -> !registered.containsKey(record.id()))
                .forEach(record -> changes.add(registry.delete(
                        RecordKind.NAME,
                        record.id(),
                        Change.expecting(record.revision()).fencedBy(held))));
        return Flux.concat(changes).then();
    }

    // As they are written

    private static Map<String, RawJson> bodies(NameClaims claims) {
        Map<String, Written> byBackend = new TreeMap<>();
        claims.tools()
                .forEach((name, claim) -> written(byBackend, claim).tools().add(name));
        claims.prompts()
                .forEach((name, claim) -> written(byBackend, claim).prompts().add(name));
        Map<String, RawJson> bodies = new HashMap<>();
        byBackend.forEach((backend, names) -> bodies.put(backend, RawJson.of(JSON.writeValueAsString(names))));
        return bodies;
    }

    private record Written(long since, TreeSet<String> tools, TreeSet<String> prompts) {}

    private static Written written(Map<String, Written> byBackend, Claim claim) {
        return Objects.requireNonNull(byBackend.computeIfAbsent(
                claim.backend(), name -> new Written(claim.since(), new TreeSet<>(), new TreeSet<>())));
    }

    private static NameClaims claims(SortedMap<String, SharedRecord> records) {
        Map<String, Claim> tools = new HashMap<>();
        Map<String, Claim> prompts = new HashMap<>();
        for (SharedRecord record : records.values()) {
            JsonNode body = JSON.readTree(record.body().bytes());
            Claim claim = new Claim(record.id(), body.path("since").asLong());
            body.path("tools").forEach(name -> tools.put(name.asString(), claim));
            body.path("prompts").forEach(name -> prompts.put(name.asString(), claim));
        }
        return new NameClaims(tools, prompts);
    }
}
