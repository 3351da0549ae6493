package io.sluice.registry;

import java.net.URI;

/**
 * One address of a backend.
 *
 * @param url absolute http or https URL of the MCP endpoint, path included; or, for a backend that is not reached over
 *     the network, its kind and name, such as {@code stdio:time}
 * @param weight share of the calls relative to the other endpoints, at least 1
 */
public record Endpoint(URI url, int weight) {
    public Endpoint {
        if (weight < 1) {
            throw new IllegalArgumentException("weight " + weight + " is not at least 1");
        }
        if (!url.isOpaque() || isHttp(url)) {
            checkHttp(url);
            if (url.getRawPath() == null || url.getRawPath().isEmpty()) {
                url = url.resolve("/mcp");
            }
        }
    }

    private static boolean isHttp(URI url) {
        return "http".equalsIgnoreCase(url.getScheme()) || "https".equalsIgnoreCase(url.getScheme());
    }

    private static void checkHttp(URI url) {
        if (!isHttp(url)) {
            throw new IllegalArgumentException("'" + url + "' is not an http or https URL");
        }
        if (url.getHost() == null) {
            throw new IllegalArgumentException("'" + url + "' names no host");
        }
        if (url.getRawUserInfo() != null) {
            throw new IllegalArgumentException("the URL of an endpoint must not carry credentials; use headers");
        }
        if (url.getRawFragment() != null) {
            throw new IllegalArgumentException("'" + url + "' has a fragment, which no request can carry");
        }
    }

    /** An address on the network. */
    public static Endpoint of(String url) {
        URI parsed = URI.create(url);
        checkHttp(parsed);
        return new Endpoint(parsed, 1);
    }

    /** The place of a backend that has no address: {@code stdio:time}. */
    public static Endpoint inside(String kind, String name) {
        return new Endpoint(URI.create(kind + ":" + name), 1);
    }

    /** Whether it is an address on the network. */
    public boolean isAddress() {
        return isHttp(url);
    }

    public int port() {
        return url.getPort() >= 0 ? url.getPort() : secure() ? 443 : 80;
    }

    public boolean secure() {
        return "https".equalsIgnoreCase(url.getScheme());
    }

    /** Path and query as they go into the request line. */
    public String pathAndQuery() {
        String query = url.getRawQuery();
        return query == null ? url.getRawPath() : url.getRawPath() + "?" + query;
    }
}
