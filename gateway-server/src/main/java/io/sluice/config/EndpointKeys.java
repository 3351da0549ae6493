package io.sluice.config;

import io.sluice.registry.Endpoint;
import java.net.URI;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Where a backend listens: one address, or several with weights. */
final class EndpointKeys {
    static final Key<Endpoint> URL = Key.optional(
            "url", EndpointShape.TEXT, "required", "Where the backend listens; without a path, /mcp is meant.");
    private static final Key<Integer> WEIGHT =
            Key.of("weight", Shape.integer(1, 1000), "1", "Share of the calls relative to the other endpoints.");
    static final Section<Endpoint> ENDPOINT = new Section<>(
            List.of(URL, WEIGHT), f -> ConfigKeys.required(f, URL).map(e -> new Endpoint(e.url(), f.value(WEIGHT))));
    static final Key<List<Endpoint>> ENDPOINTS = Key.listOf(
            "endpoints",
            EndpointShape.EITHER,
            "url",
            "Several addresses of the same backend, instead of url, each a URL or url and weight.");

    private EndpointKeys() {}

    /** The addresses of the entry, at least one if there is no fault. */
    static List<Endpoint> endpoints(Section.Fields f) {
        boolean one = f.node(URL).isPresent();
        boolean several = f.node(ENDPOINTS).isPresent();
        if (one && several) {
            f.in().fault(f.at(ENDPOINTS), f.path() + ": has both url and endpoints; keep one of them");
        } else if (!one && !several) {
            f.in().fault(f.at(), f.path() + ": names no server; give it a url");
        }
        List<Endpoint> endpoints = new ArrayList<>(f.value(ENDPOINTS));
        f.find(URL).ifPresent(endpoints::add);
        if (several
                && f.node(ENDPOINTS).get() instanceof Node.Sequence s
                && s.items().isEmpty()) {
            f.in().fault(s.at(), f.path() + ".endpoints: is empty");
        }
        return endpoints;
    }

    /** An endpoint as a URL alone, or as a section. */
    private static final class EndpointShape {
        static final Shape<Endpoint> TEXT = new Shape<>() {
            private final Shape<URI> url = Shape.url();

            @Override
            public Optional<Endpoint> read(Node node, String path, Decoding in) {
                return url.read(node, path, in).flatMap(u -> {
                    try {
                        return Optional.of(new Endpoint(u, 1));
                    } catch (IllegalArgumentException e) {
                        in.fault(node.at(), path + ": " + e.getMessage());
                        return Optional.empty();
                    }
                });
            }

            @Override
            public Map<String, Object> schema() {
                return url.schema();
            }

            @Override
            public boolean scalar() {
                return true;
            }
        };

        static final Shape<Endpoint> EITHER = new Shape<>() {
            @Override
            public Optional<Endpoint> read(Node node, String path, Decoding in) {
                return node instanceof Node.Mapping ? ENDPOINT.read(node, path, in) : TEXT.read(node, path, in);
            }

            @Override
            public Map<String, Object> schema() {
                Map<String, Object> either = new LinkedHashMap<>();
                either.put("anyOf", List.of(TEXT.schema(), ENDPOINT.schema()));
                return either;
            }
        };
    }
}
