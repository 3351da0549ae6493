package io.sluice.oauth;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What an authorization server gave. Both texts are secret.
 *
 * @param server the {@link AuthorizationServer#key} of who gave it
 * @param scopes what was asked for
 */
record Token(
        String access, Optional<String> refresh, String server, List<String> scopes, Instant since, Instant until) {
    /** How long before its end a token is renewed, at most; short-lived ones in the last fifth of their life. */
    private static final Duration AHEAD = Duration.ofSeconds(30);

    private static final Duration UNSAID = Duration.ofMinutes(5);
    private static final Duration LONGEST = Duration.ofDays(365);

    Token {
        scopes = List.copyOf(scopes);
    }

    /**
     * Of a server's answer.
     *
     * @param before the refresh token that was used, which stays when there is no new one
     */
    static Token of(JsonNode json, Optional<String> before, String server, List<String> scopes, Instant now) {
        long seconds = json.path("expires_in").asLong(UNSAID.toSeconds());
        Duration life = Duration.ofSeconds(Math.max(1, Math.min(seconds, LONGEST.toSeconds())));
        return new Token(
                json.path("access_token").stringValue(),
                ClientIdentity.text(json, "refresh_token").or(() -> before),
                server,
                scopes,
                now,
                now.plus(life));
    }

    String header() {
        return "Bearer " + access;
    }

    boolean isGood(Instant now) {
        return now.isBefore(until);
    }

    /** Whether it is good and so near its end that it should be replaced. */
    boolean isAgeing(Instant now) {
        Duration part = Duration.between(since, until).dividedBy(5);
        return !now.isBefore(until.minus(part.compareTo(AHEAD) < 0 ? part : AHEAD));
    }

    void writeTo(ObjectNode json) {
        json.put("access", access);
        refresh.ifPresent(value -> json.put("refresh", value));
        json.put("server", server);
        scopes.forEach(json.putArray("scopes")::add);
        json.put("since", since.toEpochMilli()).put("until", until.toEpochMilli());
    }

    static Token of(JsonNode json) {
        return new Token(
                json.path("access").asString(""),
                ClientIdentity.text(json, "refresh"),
                json.path("server").asString(""),
                Kept.texts(json.path("scopes")),
                Instant.ofEpochMilli(json.path("since").asLong()),
                Instant.ofEpochMilli(json.path("until").asLong()));
    }

    static List<String> union(List<String> some, List<String> more) {
        List<String> all = new ArrayList<>(some);
        more.stream().filter(scope -> !all.contains(scope)).forEach(all::add);
        return all;
    }

    /** Without the texts. */
    @Override
    public String toString() {
        return "Token[until " + until + "]";
    }
}
