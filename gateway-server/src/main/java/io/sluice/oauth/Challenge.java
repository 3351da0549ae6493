package io.sluice.oauth;

import java.net.URI;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a backend says a token must be like, in the {@code WWW-Authenticate} header of a 401 or 403 (RFC 6750, 3; RFC 9728, 5.1).
 *
 * @param metadata where its metadata is
 * @param scopes what it asks for; empty when it does not say
 * @param insufficient whether a token was good and not enough
 */
record Challenge(Optional<URI> metadata, List<String> scopes, boolean insufficient) {
    private static final int LONGEST = 8192;
    private static final Pattern BEARER = Pattern.compile("(?:^|[\\s,])bearer(?=\\s|$)", Pattern.CASE_INSENSITIVE);
    private static final Pattern PARAMETER =
            Pattern.compile("([A-Za-z0-9_-]{1,64})\\s*=\\s*(?:\"([^\"\\\\]*+(?:\\\\.[^\"\\\\]*+)*+)\"|([^\\s,\"]++))");

    /** What can be read of a header; what cannot says nothing. */
    static Challenge of(String header) {
        Map<String, String> parameters = new LinkedHashMap<>();
        Matcher bearer = BEARER.matcher(header);
        if (header.length() <= LONGEST && bearer.find()) {
            Matcher each = PARAMETER.matcher(header).region(bearer.end(), header.length());
            while (each.find()) {
                String quoted = each.group(2);
                parameters.putIfAbsent(
                        each.group(1).toLowerCase(Locale.ROOT),
                        quoted == null ? each.group(3) : quoted.replaceAll("\\\\(.)", "$1"));
            }
        }
        return new Challenge(
                Optional.ofNullable(parameters.get("resource_metadata")).flatMap(Challenge::url),
                scopes(parameters.getOrDefault("scope", "")),
                parameters.getOrDefault("error", "").equals("insufficient_scope"));
    }

    /** The words of a {@code scope}, each once. */
    static List<String> scopes(String text) {
        List<String> scopes = new ArrayList<>();
        for (String scope : text.split(" ", -1)) {
            if (!scope.isEmpty() && !scopes.contains(scope)) {
                scopes.add(scope);
            }
        }
        return scopes;
    }

    private static Optional<URI> url(String text) {
        try {
            return Optional.of(URI.create(text)).filter(url -> OAuthHttp.isWeb(url));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }
}
