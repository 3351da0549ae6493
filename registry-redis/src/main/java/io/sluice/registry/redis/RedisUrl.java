package io.sluice.registry.redis;

import io.lettuce.core.RedisURI;
import io.lettuce.core.cluster.RedisClusterURIUtil;
import java.net.URI;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;
import java.util.regex.Pattern;

/**
 * Where Redis is, as a user writes it: {@code redis://user:password@host:6379/0}, {@code rediss://…} over TLS, {@code
 * redis-sentinel://password@host1:26379,host2:26379/0#name-of-the-primary}, {@code
 * redis-cluster://user:password@host1:6379,host2:6379}, the last two with {@code rediss-…} over TLS too.
 */
public final class RedisUrl {
    private static final Pattern HOST = Pattern.compile("(\\[[0-9a-fA-F:.%]+]|[^:\\[\\]]+)(:[0-9]{1,5})?");

    private final Supplier<List<RedisURI>> parse;
    private final List<RedisURI> nodes;
    private final boolean cluster;

    private RedisUrl(Supplier<List<RedisURI>> parse, boolean cluster) {
        this.parse = parse;
        this.nodes = parse.get();
        this.cluster = cluster;
    }

    /** @throws IllegalArgumentException with a sentence that does not repeat the URL, which holds a password */
    public static RedisUrl parse(String text) {
        String stripped = text.strip();
        int colon = stripped.indexOf("://");
        String scheme = colon < 0 ? "" : stripped.substring(0, colon).toLowerCase(Locale.ROOT);
        String rest = colon < 0 ? "" : stripped.substring(colon);
        checkHosts(scheme, rest);
        try {
            return switch (scheme) {
                case "redis", "rediss" -> new RedisUrl(() -> List.of(node(scheme + rest)), false);
                case "redis-sentinel", "rediss-sentinel" -> new RedisUrl(() -> List.of(sentinel(scheme + rest)), false);
                case "redis-cluster", "rediss-cluster" ->
                    new RedisUrl(
                            () -> RedisClusterURIUtil.toRedisURIs(
                                    URI.create(scheme.substring(0, scheme.indexOf('-')) + rest)),
                            true);
                default ->
                    throw new IllegalArgumentException("the Redis URL must begin with redis://, rediss://,"
                            + " redis-sentinel://, rediss-sentinel://, redis-cluster:// or rediss-cluster://");
            };
        } catch (IllegalArgumentException e) {
            // What the parsers say may quote the password.
            String message = e.getMessage();
            if (message != null && message.startsWith("the Redis URL")) {
                throw e;
            }
            throw new IllegalArgumentException(
                    "the Redis URL is malformed; it looks like " + scheme + "://user:password@host:6379/0");
        }
    }

    /** Lettuce would take a port that is no number for part of the name. */
    private static void checkHosts(String scheme, String rest) {
        String authority = rest.replaceFirst("^://", "").replaceFirst("[/?#].*", "");
        for (String host : authority.substring(authority.lastIndexOf('@') + 1).split(",", -1)) {
            if (!scheme.isEmpty() && !HOST.matcher(host).matches()) {
                throw new IllegalArgumentException(
                        "the Redis URL is malformed; it looks like " + scheme + "://user:password@host:6379/0");
            }
        }
    }

    private static RedisURI node(String url) {
        RedisURI node = RedisURI.create(url);
        if (node.getHost() == null || node.getHost().isEmpty()) {
            throw new IllegalArgumentException("the Redis URL names no host");
        }
        return node;
    }

    private static RedisURI sentinel(String url) {
        if (!url.contains("#")) {
            throw new IllegalArgumentException("the Redis URL names no primary; end it with #name-of-the-primary");
        }
        return RedisURI.create(url);
    }

    /** The addresses, anew for each who asks, because they can be changed. */
    List<RedisURI> nodes() {
        return parse.get();
    }

    boolean isCluster() {
        return cluster;
    }

    boolean isTls() {
        return nodes.get(0).isSsl();
    }

    /** Hosts and ports only. */
    @Override
    public String toString() {
        RedisURI first = nodes.get(0);
        List<RedisURI> shown = first.getSentinels().isEmpty() ? nodes : first.getSentinels();
        StringBuilder text = new StringBuilder(isTls() ? "rediss" : "redis");
        text.append(cluster ? "-cluster" : first.getSentinels().isEmpty() ? "" : "-sentinel")
                .append("://");
        for (int i = 0; i < shown.size(); i++) {
            text.append(i == 0 ? "" : ",")
                    .append(shown.get(i).getHost())
                    .append(':')
                    .append(shown.get(i).getPort());
        }
        return first.getSentinelMasterId() == null
                ? text.toString()
                : text.append('#').append(first.getSentinelMasterId()).toString();
    }
}
