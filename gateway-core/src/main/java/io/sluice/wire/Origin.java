package io.sluice.wire;

import java.net.URI;

/**
 * Where requests go: the parts of an endpoint's URL that the wire needs.
 *
 * @param host name or address, without the brackets of IPv6
 * @param authority what the {@code Host} header says
 * @param target path and query as they stand in the request line
 */
public record Origin(String host, int port, boolean tls, String authority, String target) {
    /**
     * Reads a URL.
     *
     * @throws IllegalArgumentException when it is not {@code http} or {@code https} with a host
     */
    public static Origin of(URI url) {
        boolean tls = "https".equalsIgnoreCase(url.getScheme());
        String host = url.getHost();
        if (host == null || !(tls || "http".equalsIgnoreCase(url.getScheme()))) {
            throw new IllegalArgumentException("not a http or https URL with a host: " + url);
        }
        int usual = tls ? 443 : 80;
        int port = url.getPort() < 0 ? usual : url.getPort();
        String path = url.getRawPath() == null || url.getRawPath().isEmpty() ? "/" : url.getRawPath();
        String target = url.getRawQuery() == null ? path : path + "?" + url.getRawQuery();
        String bare = host.startsWith("[") ? host.substring(1, host.length() - 1) : host;
        return new Origin(bare, port, tls, port == usual ? host : host + ":" + port, target);
    }
}
