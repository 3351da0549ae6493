package io.sluice.oauth;

import io.netty.buffer.Unpooled;
import io.sluice.egress.EgressClient;
import io.sluice.egress.EgressPolicy;
import io.sluice.registry.Backend.Source;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import reactor.core.publisher.Mono;
import reactor.netty.http.client.HttpClient;
import reactor.netty.resources.ConnectionProvider;
import reactor.netty.resources.LoopResources;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The few requests that OAuth needs. Every address it was told of passes the egress policy of who named the backend. */
final class OAuthHttp {
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final int LONGEST = 256 * 1024;
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final HttpClient client;

    OAuthHttp(LoopResources loops, EgressPolicy egress, Source source) {
        this.client = EgressClient.create(ConnectionProvider.newConnection(), loops, egress, source);
    }

    /** @param json missing when the body was none */
    record Got(int status, JsonNode json) {
        boolean isGood() {
            return status == 200 && json.isObject();
        }

        /** What an authorization server says is wrong. */
        String error() {
            String error = json.path("error").asString("");
            String description = json.path("error_description").asString("");
            return status
                    + (error.isEmpty() ? "" : " " + error)
                    + (description.isEmpty() ? "" : " (" + description + ")");
        }
    }

    Mono<Got> get(URI url) {
        return client.headers(headers -> headers.set("Accept", "application/json"))
                .get()
                .uri(url)
                .responseSingle((head, body) -> body.asByteArray()
                        .defaultIfEmpty(new byte[0])
                        .map(bytes -> new Got(head.status().code(), parsed(bytes))))
                .timeout(PATIENCE);
    }

    /** @param basic client id and secret for the header, or empty */
    Mono<Got> post(URI url, Map<String, String> form, Optional<String> basic) {
        byte[] body = form.entrySet().stream()
                .map(field -> encoded(field.getKey()) + "=" + encoded(field.getValue()))
                .collect(Collectors.joining("&"))
                .getBytes(StandardCharsets.US_ASCII);
        return client.headers(headers -> {
                    headers.set("Accept", "application/json");
                    headers.set("Content-Type", "application/x-www-form-urlencoded");
                    headers.set("Content-Length", body.length);
                    basic.ifPresent(value -> headers.set("Authorization", "Basic " + value));
                })
                .post()
                .uri(url)
                .send(Mono.fromSupplier(() -> Unpooled.wrappedBuffer(body)))
                .responseSingle((head, answer) -> answer.asByteArray()
                        .defaultIfEmpty(new byte[0])
                        .map(bytes -> new Got(head.status().code(), parsed(bytes))))
                .timeout(PATIENCE);
    }

    /** RFC 6749, 2.3.1: both are form-encoded before they are joined. */
    static String basic(String id, String secret) {
        return Base64.getEncoder()
                .encodeToString((encoded(id) + ":" + encoded(secret)).getBytes(StandardCharsets.US_ASCII));
    }

    static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }

    private static JsonNode parsed(byte[] bytes) {
        if (bytes.length > LONGEST) {
            return JSON.missingNode();
        }
        try {
            return JSON.readTree(bytes);
        } catch (JacksonException e) {
            return JSON.missingNode();
        }
    }
}
