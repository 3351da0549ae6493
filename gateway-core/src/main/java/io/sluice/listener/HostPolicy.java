package io.sluice.listener;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.sluice.rejection.Rejection;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Refuses requests that name the gateway by a name that is not its own, or that a web page of somebody else's makes a
 * browser send: the two halves of DNS rebinding. 2026-07-28, Streamable HTTP, "Security Warning".
 */
final class HostPolicy {
    private static final Set<String> LOOPBACK = Set.of("localhost", "127.0.0.1", "[::1]");

    private final Set<String> hosts;
    private final Set<String> origins;
    private final boolean anyHost;
    private final boolean anyOrigin;

    /** One that is known: the clients of a gateway name it in few ways. */
    private volatile @Nullable String lastKnown;

    HostPolicy(ListenerSettings settings) {
        Set<String> known = lower(settings.hosts());
        if (known.isEmpty() && loopback(settings.host())) {
            known.addAll(LOOPBACK);
            known.add(settings.host().toLowerCase(Locale.ROOT));
        }
        hosts = Set.copyOf(known);
        anyHost = known.isEmpty() || known.contains("*");
        Set<String> callers = lower(settings.origins());
        callers.addAll(lower(settings.corsOrigins()));
        anyOrigin = callers.remove("*");
        origins = Set.copyOf(callers);
    }

    /** @throws Rejection.Forbidden when Host or Origin are not among those allowed */
    void check(HttpHeaders headers) {
        String host = headers.get(HttpHeaderNames.HOST);
        if (host == null ? !anyHost : !anyHost && !known(host)) {
            throw new Rejection.Forbidden(
                    "Host " + shown(host) + " is not a name of this gateway; add it to the allowed hosts");
        }
        List<String> sent = headers.getAll(HttpHeaderNames.ORIGIN);
        if (!sent.isEmpty() && (sent.size() > 1 || !allowed(sent.get(0), host))) {
            throw new Rejection.Forbidden(
                    "Origin " + shown(sent.get(0)) + " may not call this gateway; add it to the allowed origins");
        }
    }

    private boolean known(String host) {
        if (host.equals(lastKnown)) {
            return true;
        }
        String name = host.toLowerCase(Locale.ROOT);
        boolean known = hosts.contains(name) || hosts.contains(withoutPort(name));
        if (known) {
            lastKnown = host;
        }
        return known;
    }

    /** The opaque origin {@code null} is nobody's: sandboxed frames and local files of any provenance send it. */
    private boolean allowed(String origin, @Nullable String host) {
        if (anyOrigin || origins.contains(origin.toLowerCase(Locale.ROOT))) {
            return !origin.equals("null");
        }
        String authority = authority(origin);
        if (authority == null) {
            return false;
        }
        if (LOOPBACK.contains(withoutPort(authority)) && hosts.contains(withoutPort(authority))) {
            return true;
        }
        // Same origin, under a name that is vouched for: without that, it is what rebinding looks like.
        return host != null && authority.equals(host.toLowerCase(Locale.ROOT)) && known(host);
    }

    /** Host and port of a web origin, lower case; null when it is anything else. */
    private static @Nullable String authority(String origin) {
        try {
            URI uri = new URI(origin);
            boolean web = "http".equalsIgnoreCase(uri.getScheme()) || "https".equalsIgnoreCase(uri.getScheme());
            boolean bare = uri.getRawPath() != null
                    && uri.getRawPath().isEmpty()
                    && uri.getRawQuery() == null
                    && uri.getRawFragment() == null
                    && uri.getRawUserInfo() == null;
            String authority = uri.getRawAuthority();
            return web && bare && authority != null ? authority.toLowerCase(Locale.ROOT) : null;
        } catch (URISyntaxException e) {
            return null;
        }
    }

    private static String withoutPort(String authority) {
        int colon = authority.lastIndexOf(':');
        return colon < 0 || authority.endsWith("]") ? authority : authority.substring(0, colon);
    }

    static boolean loopback(String host) {
        String name = host.toLowerCase(Locale.ROOT);
        return name.equals("localhost")
                || name.equals("::1")
                || name.equals("[::1]")
                || name.matches("127(\\.\\d+){3}");
    }

    private static Set<String> lower(Set<String> texts) {
        Set<String> lower = new HashSet<>();
        texts.forEach(text -> lower.add(text.toLowerCase(Locale.ROOT)));
        return lower;
    }

    private static String shown(@Nullable String value) {
        if (value == null) {
            return "(none)";
        }
        return "'" + (value.length() > 100 ? value.substring(0, 100) + "…" : value) + "'";
    }
}
