package io.sluice.oauth;

import io.sluice.protocol.RawJson;
import io.sluice.registry.Backend.Source;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * What all replicas know of the gateway's right to use one backend. Secret as a whole.
 *
 * @param need what a person has to agree to, if somebody has to
 * @param clients who the gateway is, by {@link AuthorizationServer#key}
 * @param scopes what was asked for beyond what is configured, because the backend wanted more
 * @param attempts how often a token was fetched; a new number says that somebody is at it
 * @param source who named the backend
 */
record Kept(
        Optional<Token> token,
        Optional<Need> need,
        Map<String, ClientIdentity> clients,
        List<String> scopes,
        long attempts,
        Source source) {
    private static final JsonMapper JSON = JsonMapper.shared();

    Kept {
        clients = Map.copyOf(clients);
        scopes = List.copyOf(scopes);
    }

    /**
     * That a person has to agree.
     *
     * @param why the end of a sentence
     * @param scopes what to ask for; empty when nobody said
     * @param metadata where the backend said its metadata is
     */
    record Need(String why, List<String> scopes, Optional<String> metadata, Instant since) {
        Need {
            scopes = List.copyOf(scopes);
        }
    }

    static Kept nothing(Source source) {
        return new Kept(Optional.empty(), Optional.empty(), Map.of(), List.of(), 0, source);
    }

    /** With a token, unless there is a newer one; then nobody is needed. */
    Kept with(Token next) {
        boolean newer = token.map(known -> !known.since().isAfter(next.since())).orElse(true);
        return newer ? new Kept(Optional.of(next), Optional.empty(), clients, scopes, attempts, source) : this;
    }

    /** Without the token of that text. */
    Kept without(String access) {
        return new Kept(token.filter(known -> !known.access().equals(access)), need, clients, scopes, attempts, source);
    }

    Kept needing(Need next) {
        return new Kept(token, Optional.of(next), clients, scopes, attempts, source);
    }

    Kept with(String server, ClientIdentity identity) {
        Map<String, ClientIdentity> all = new LinkedHashMap<>(clients);
        all.put(server, identity);
        return new Kept(token, need, all, scopes, attempts, source);
    }

    Kept asking(List<String> more) {
        return new Kept(token, need, clients, more, attempts, source);
    }

    Kept attempted() {
        return new Kept(token, need, clients, scopes, attempts + 1, source);
    }

    RawJson json() {
        ObjectNode json = JSON.createObjectNode();
        token.ifPresent(value -> value.writeTo(json.putObject("token")));
        need.ifPresent(value -> {
            ObjectNode needed = json.putObject("need");
            needed.put("why", value.why()).put("since", value.since().toEpochMilli());
            value.scopes().forEach(needed.putArray("scopes")::add);
            value.metadata().ifPresent(url -> needed.put("metadata", url));
        });
        ObjectNode known = json.putObject("clients");
        clients.forEach((server, identity) -> identity.writeTo(known.putObject(server)));
        scopes.forEach(json.putArray("scopes")::add);
        json.put("attempts", attempts).put("source", source.name());
        return RawJson.of(JSON.writeValueAsBytes(json));
    }

    static Kept of(RawJson body) {
        JsonNode json = JSON.readTree(body.bytes());
        Map<String, ClientIdentity> clients = new LinkedHashMap<>();
        json.path("clients").forEachEntry((server, identity) -> clients.put(server, ClientIdentity.of(identity)));
        JsonNode need = json.path("need");
        return new Kept(
                json.has("token") ? Optional.of(Token.of(json.path("token"))) : Optional.empty(),
                need.isObject()
                        ? Optional.of(new Need(
                                need.path("why").asString(""),
                                texts(need.path("scopes")),
                                ClientIdentity.text(need, "metadata"),
                                Instant.ofEpochMilli(need.path("since").asLong())))
                        : Optional.empty(),
                clients,
                texts(json.path("scopes")),
                json.path("attempts").asLong(),
                Source.valueOf(json.path("source").asString(Source.FILE.name())));
    }

    static List<String> texts(JsonNode array) {
        List<String> texts = new ArrayList<>();
        array.forEach(text -> texts.add(text.asString("")));
        return texts;
    }

    /** Without what is secret. */
    @Override
    public String toString() {
        return "Kept[" + token + " need=" + need.isPresent() + "]";
    }
}
