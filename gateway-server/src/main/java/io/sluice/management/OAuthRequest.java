package io.sluice.management;

import io.sluice.management.Problem.Fault;
import io.sluice.oauth.OAuthSettings;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/** How a request says that tokens are to be got, in the words of the configuration file. */
final class OAuthRequest {
    private static final int LONGEST = 2048;
    private static final Set<String> KNOWN =
            Set.of("clientId", "clientSecret", "grant", "authorizationUrl", "tokenUrl", "redirectUri", "scopes");

    private OAuthRequest() {}

    /** Empty, with at least one fault, when they cannot be meant. */
    static Optional<OAuthSettings> of(JsonNode given, List<Fault> faults) {
        int before = faults.size();
        if (!given.isObject()) {
            faults.add(new Fault("/oauth", "'oauth' must be an object"));
            return Optional.empty();
        }
        for (String key : given.propertyNames()) {
            if (!KNOWN.contains(key)) {
                String shown = RegistrationRequest.shown(key);
                faults.add(new Fault("/oauth/" + shown, "'" + shown + "' is unknown"));
            }
        }
        String grant = given.path("grant").asString("client_credentials");
        if (!grant.equals("client_credentials") && !grant.equals("authorization_code")) {
            faults.add(new Fault("/oauth/grant", "'grant' must be client_credentials or authorization_code"));
        }
        Optional<String> id = text(given, "clientId", "/oauth/clientId", faults);
        Optional<String> secret = text(given, "clientSecret", "/oauth/clientSecret", faults);
        Optional<String> authorization = url(given, "authorizationUrl", "/oauth/authorizationUrl", faults);
        Optional<String> token = url(given, "tokenUrl", "/oauth/tokenUrl", faults);
        Optional<String> redirect = url(given, "redirectUri", "/oauth/redirectUri", faults);
        List<String> scopes = scopes(given, "scopes", "/oauth/scopes", faults);
        if (faults.size() > before) {
            return Optional.empty();
        }
        return settings(
                new Asked(grant.equals("authorization_code"), id, secret, authorization, token, redirect, scopes),
                "/oauth",
                faults);
    }

    /** What {@link OAuthSettings} are made of. */
    record Asked(
            boolean interactive,
            Optional<String> id,
            Optional<String> secret,
            Optional<String> authorization,
            Optional<String> token,
            Optional<String> redirect,
            List<String> scopes) {}

    /** The settings, or the fault that they cannot be meant together. */
    static Optional<OAuthSettings> settings(Asked asked, String pointer, List<Fault> faults) {
        try {
            return Optional.of(new OAuthSettings(
                    asked.interactive(),
                    asked.id(),
                    asked.secret(),
                    asked.authorization(),
                    asked.token(),
                    asked.redirect(),
                    asked.scopes()));
        } catch (IllegalArgumentException e) {
            faults.add(new Fault(pointer, String.valueOf(e.getMessage())));
            return Optional.empty();
        }
    }

    /** A member that is a text without control characters; not quoted when it is wrong, it may be a secret. */
    static Optional<String> text(JsonNode given, String key, String pointer, List<Fault> faults) {
        if (!given.hasNonNull(key)) {
            return Optional.empty();
        }
        String text = given.get(key).isString() ? given.get(key).stringValue() : "";
        if (text.isBlank() || text.length() > LONGEST || text.chars().anyMatch(c -> c < ' ' || c == 127)) {
            faults.add(new Fault(
                    pointer,
                    "'" + key + "' must be a text of at most " + LONGEST + " characters, none of them a control"
                            + " character"));
            return Optional.empty();
        }
        return Optional.of(text);
    }

    static Optional<String> url(JsonNode given, String key, String pointer, List<Fault> faults) {
        return text(given, key, pointer, faults).filter(text -> {
            boolean web = false;
            try {
                URI url = URI.create(text);
                web = text.matches("https?://.*") && url.getHost() != null && url.getRawFragment() == null;
            } catch (IllegalArgumentException e) {
                // said below
            }
            if (!web) {
                faults.add(new Fault(pointer, "'" + key + "' must be an http or https URL"));
            }
            return web;
        });
    }

    static List<String> scopes(JsonNode given, String key, String pointer, List<Fault> faults) {
        if (!given.hasNonNull(key)) {
            return List.of();
        }
        List<String> scopes = new ArrayList<>();
        given.get(key).forEach(scope -> scopes.add(scope.asString("")));
        boolean good = given.get(key).isArray()
                && scopes.size() <= 100
                && scopes.stream().allMatch(scope -> scope.matches("[\\x21\\x23-\\x5B\\x5D-\\x7E]{1,256}"));
        if (!good) {
            faults.add(new Fault(pointer, "'" + key + "' must be a list of scopes, without spaces"));
            return List.of();
        }
        return scopes;
    }
}
