package io.sluice.config;

import io.sluice.oauth.OAuthSettings;
import java.net.URI;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Backends that want a token: the keys of {@code mcpServers.*.oauth}. */
final class OAuthKeys {
    private static final Key<String> CLIENT_ID = Key.optional(
            "clientId",
            Shape.word(),
            "told or registered",
            "The gateway's id at the authorization server; can be left out where somebody agrees.");
    private static final Key<String> CLIENT_SECRET =
            Key.optional("clientSecret", Shape.text(), "none", "Its secret, best given as ${VAR} or ${file:path}.");
    private static final Key<Boolean> GRANT = Key.of(
            "grant",
            Shape.choice(Map.of("client_credentials", false, "authorization_code", true)),
            "client_credentials",
            "How tokens are got: by the gateway itself, or by somebody who agrees once at GET /oauth/{name}/authorize.");
    private static final Key<URI> AUTHORIZATION_URL =
            Key.optional("authorizationUrl", Shape.url(), "discovered", "The authorization server's page for people.");
    private static final Key<URI> TOKEN_URL =
            Key.optional("tokenUrl", Shape.url(), "discovered", "Where tokens are got; skips discovery.");
    private static final Key<URI> REDIRECT_URI = Key.optional(
            "redirectUri",
            Shape.url(),
            "/callback of the gateway",
            "Where the browser comes back to, as the authorization server knows it.");
    private static final Key<List<String>> SCOPES =
            Key.listOf("scopes", Shape.word(), "what the server gives", "Scopes to ask for.");
    private static final Section<OAuthSettings> OAUTH_SECTION = new Section<>(
            List.of(CLIENT_ID, CLIENT_SECRET, GRANT, AUTHORIZATION_URL, TOKEN_URL, REDIRECT_URI, SCOPES),
            f -> Optional.of(new OAuthSettings(
                    f.value(GRANT),
                    f.find(CLIENT_ID),
                    f.find(CLIENT_SECRET),
                    f.find(AUTHORIZATION_URL).map(URI::toString),
                    f.find(TOKEN_URL).map(URI::toString),
                    f.find(REDIRECT_URI).map(URI::toString),
                    f.value(SCOPES))));
    static final Key<OAuthSettings> OAUTH = Key.optional(
            "oauth", OAUTH_SECTION, "none", "Get tokens for the backend by OAuth 2.1, and keep them fresh.");

    private OAuthKeys() {}
}
