package io.sluice.management;

import static io.netty.handler.codec.http.HttpMethod.DELETE;
import static io.netty.handler.codec.http.HttpMethod.GET;
import static io.netty.handler.codec.http.HttpMethod.PUT;

import io.sluice.catalog.Profile;
import io.sluice.management.Operation.Answer;
import io.sluice.management.Operation.Question;
import io.sluice.management.Problem.Fault;
import io.sluice.protocol.RawJson;
import io.sluice.registry.Backend;
import io.sluice.registry.Change;
import io.sluice.registry.RecordKind;
import io.sluice.registry.Registry;
import io.sluice.registry.SharedRecord;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import reactor.core.publisher.Mono;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Selections across backends that come and go over HTTP: {@code /api/v1/mcp/profiles}. All replicas share them. */
public final class Profiles {
    private static final JsonMapper JSON = new JsonMapper();
    private static final Set<String> KNOWN = Set.of("tools", "prompts", "resources", "description");
    private static final int MOST = 500;
    private static final int MOST_GLOBS = 1000;
    private static final int LONGEST_GLOB = 256;

    private final Registry registry;

    Profiles(Registry registry) {
        this.registry = registry;
    }

    /** What the records of the registry say, in the order of their names. */
    public static List<Profile> of(Collection<SharedRecord> records) {
        List<Profile> profiles = new ArrayList<>();
        for (SharedRecord record : records) {
            JsonNode body = JSON.readTree(record.body().bytes());
            profiles.add(
                    new Profile(record.id(), texts(body, "tools"), texts(body, "prompts"), texts(body, "resources")));
        }
        return profiles;
    }

    List<Operation> operations() {
        return List.of(
                Operation.managing(GET, "/api/v1/mcp/profiles", "All profiles", this::list)
                        .with(Peers.DONE),
                Operation.managing(GET, "/api/v1/mcp/profiles/{name}", "One profile", this::one)
                        .with(Peers.DONE.or(404, "There is no such profile")),
                Operation.managing(PUT, "/api/v1/mcp/profiles/{name}", "Add a profile, or replace it", this::put)
                        .with(Peers.DONE
                                .or(200, "Kept, and served at /mcp/{name}")
                                .or(400, "The body is not JSON")
                                .or(409, "A backend has that name")
                                .or(422, "The name or a member is wrong")
                                .taking("tools", "array", "Globs of tools, for listed names or backend__name")
                                .taking("prompts", "array", "Globs of prompts, likewise")
                                .taking("resources", "array", "Globs of resource URIs and URI templates")
                                .taking("description", "string", "For people")),
                Operation.managing(DELETE, "/api/v1/mcp/profiles/{name}", "Remove a profile", this::remove)
                        .with(Peers.DONE.or(200, "Removed").or(404, "There is no such profile")));
    }

    private Mono<Answer> list(Question question) {
        return Mono.fromSupplier(() -> {
            List<Map<String, Object>> profiles = registry.snapshot().records(RecordKind.PROFILE).values().stream()
                    .map(Profiles::described)
                    .toList();
            return Peers.done(200, Map.of("profiles", profiles), "Found " + profiles.size() + " profile(s)");
        });
    }

    private Mono<Answer> one(Question question) {
        String name = question.path().getOrDefault("name", "");
        return Mono.fromSupplier(() -> {
            SharedRecord record =
                    registry.snapshot().records(RecordKind.PROFILE).get(name);
            if (record == null) {
                throw unknown(name);
            }
            return Peers.done(200, described(record), "Profile '" + name + "' is served at /mcp/" + name);
        });
    }

    private Mono<Answer> put(Question question) {
        String name = question.path().getOrDefault("name", "");
        return Mono.defer(() -> {
                    RawJson body = checked(name, Registrations.json(question));
                    return registry.put(RecordKind.PROFILE, name, body, Change.any());
                })
                .map(kept -> Peers.done(200, described(kept), "Profile '" + name + "' is served at /mcp/" + name));
    }

    private RawJson checked(String name, JsonNode body) {
        List<Fault> faults = new ArrayList<>();
        try {
            Backend.checkName(name);
        } catch (IllegalArgumentException e) {
            faults.add(new Fault("", RegistrationRequest.shown(String.valueOf(e.getMessage()))));
        }
        if (!body.isObject()) {
            throw Problem.unprocessable("profile.invalid", "", "The body must be a JSON object");
        }
        for (String key : body.propertyNames()) {
            if (!KNOWN.contains(key)) {
                faults.add(new Fault(
                        "/" + RegistrationRequest.shown(key),
                        "'" + RegistrationRequest.shown(key)
                                + "' is unknown; there are tools, prompts, resources and description"));
            }
        }
        Map<String, Object> kept = new LinkedHashMap<>();
        for (String key : List.of("tools", "prompts", "resources")) {
            List<String> globs = texts(body, key);
            JsonNode given = body.path(key);
            boolean wrong = !given.isMissingNode() && (!given.isArray() || globs.size() != given.size());
            if (wrong
                    || globs.size() > MOST_GLOBS
                    || globs.stream().anyMatch(glob -> glob.isEmpty() || glob.length() > LONGEST_GLOB)) {
                faults.add(new Fault(
                        "/" + key,
                        "'" + key + "' must be a list of at most " + MOST_GLOBS + " globs of 1 to " + LONGEST_GLOB
                                + " characters"));
            }
            kept.put(key, globs);
        }
        if (!faults.isEmpty()) {
            throw Problem.unprocessable("profile.invalid", faults);
        }
        if (registry.snapshot().registrations().containsKey(name)) {
            throw Problem.of(409, "profile.name_taken", "'" + name + "' is the name of a backend")
                    .withHint("Choose another name: backends and profiles share theirs");
        }
        Map<String, SharedRecord> there = registry.snapshot().records(RecordKind.PROFILE);
        if (!there.containsKey(name) && there.size() >= MOST) {
            throw Problem.of(409, "profiles.full", "There are " + MOST + " profiles, and no more may be");
        }
        String description = body.path("description").asString("");
        if (!description.isEmpty()) {
            kept.put("description", RegistrationRequest.shown(description));
        }
        return RawJson.of(JSON.writeValueAsString(kept));
    }

    private Mono<Answer> remove(Question question) {
        String name = question.path().getOrDefault("name", "");
        return Mono.defer(() -> {
                    if (!registry.snapshot().records(RecordKind.PROFILE).containsKey(name)) {
                        throw unknown(name);
                    }
                    return registry.delete(RecordKind.PROFILE, name, Change.any());
                })
                .map(gone -> Peers.done(200, Map.of("name", name), "Profile '" + name + "' removed"));
    }

    private static Problem unknown(String name) {
        return Problem.of(404, "profile.not_found", "No profile '" + RegistrationRequest.shown(name) + "' is kept");
    }

    private static Map<String, Object> described(SharedRecord record) {
        JsonNode body = JSON.readTree(record.body().bytes());
        Map<String, Object> described = new LinkedHashMap<>();
        described.put("name", record.id());
        described.put("endpoint", "/mcp/" + record.id());
        body.propertyNames().forEach(key -> described.put(key, body.get(key)));
        return described;
    }

    private static List<String> texts(JsonNode body, String key) {
        List<String> texts = new ArrayList<>();
        body.path(key).forEach(text -> {
            if (text.isString()) {
                texts.add(text.stringValue());
            }
        });
        return texts;
    }
}
