package io.sluice.registry;

import java.net.URI;

/**
 * One address of a backend.
 *
 * @param url absolute http or https URL of the MCP endpoint, path included
 * @param weight share of the calls relative to the other endpoints, at least 1
 */
public record Endpoint(URI url, int weight) {
    public Endpoint {
        String scheme = url.getScheme();
        if (!"http".equalsIgnoreCase(scheme) && !"https".equalsIgnoreCase(scheme)) {
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
        if (weight < 1) {
            throw new IllegalArgumentException("weight " + weight + " is not at least 1");
        }
        if (url.getRawPath() == null || url.getRawPath().isEmpty()) {
            url = url.resolve("/mcp");
        }
    }

    public static Endpoint of(String url) {
        return new Endpoint(URI.create(url), 1);
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
