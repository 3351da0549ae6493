package io.sluice.oauth;

import io.netty.buffer.Unpooled;
import io.sluice.egress.EgressClient;
import io.sluice.egress.EgressPolicy;
import io.sluice.registry.Backend.Source;
import java.io.ByteArrayOutputStream;
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
    private static final int LONGEST_WORDS = 200;
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final HttpClient client;

    OAuthHttp(LoopResources loops, EgressPolicy egress, Source source) {
        this.client = EgressClient.create(ConnectionProvider.newConnection(), loops, egress, source);
    }

    /** @param json missing when the body was none */
    record Got(int status, JsonNode json) {
        boolean isGood() {
            return status >= 200 && status < 300 && json.isObject();
        }

        /** As the authorization server names it; empty when it does not. */
        String error() {
            return json.path("error").asString("");
        }

        /**
         * What an authorization server says is wrong, for people.
         *
         * @param secrets what was sent and must not come back in a sentence
         */
        String words(Iterable<String> secrets) {
            String error = error();
            String description = json.path("error_description").asString("");
            String said =
                    (error.isEmpty() ? "" : " " + error) + (description.isEmpty() ? "" : " (" + description + ")");
            for (String secret : secrets) {
                said = said.replace(secret, "…");
            }
            said = said.replaceAll("\\p{Cntrl}", " ");
            return status + (said.length() > LONGEST_WORDS ? said.substring(0, LONGEST_WORDS) + "…" : said);
        }

        /** Without the body, which may hold tokens. */
        @Override
        public String toString() {
            return "Got[" + status + "]";
        }
    }

    Mono<Got> get(URI url) {
        return client.headers(headers -> headers.set("Accept", "application/json"))
                .get()
                .uri(url)
                .response((head, body) -> whole(body.asByteArray())
                        .map(bytes -> new Got(head.status().code(), parsed(bytes))))
                .single()
                .timeout(PATIENCE);
    }

    /** @param basic client id and secret for the header, or empty */
    Mono<Got> post(URI url, Map<String, String> form, Optional<String> basic) {
        String body = form.entrySet().stream()
                .map(field -> encoded(field.getKey()) + "=" + encoded(field.getValue()))
                .collect(Collectors.joining("&"));
        return post(url, "application/x-www-form-urlencoded", body.getBytes(StandardCharsets.US_ASCII), basic);
    }

    Mono<Got> post(URI url, Map<String, Object> json) {
        return post(url, "application/json", JSON.writeValueAsBytes(json), Optional.empty());
    }

    private Mono<Got> post(URI url, String type, byte[] body, Optional<String> basic) {
        return client.headers(headers -> {
                    headers.set("Accept", "application/json");
                    headers.set("Content-Type", type);
                    headers.set("Content-Length", body.length);
                    basic.ifPresent(value -> headers.set("Authorization", "Basic " + value));
                })
                .post()
                .uri(url)
                .send(Mono.fromSupplier(() -> Unpooled.wrappedBuffer(body)))
                .response((head, answer) -> whole(answer.asByteArray())
                        .map(bytes -> new Got(head.status().code(), parsed(bytes))))
                .single()
                .timeout(PATIENCE);
    }

    private static Mono<byte[]> whole(reactor.core.publisher.Flux<byte[]> parts) {
        return parts.reduceWith(ByteArrayOutputStream::new, (all, part) -> {
                    if (all.size() + part.length > LONGEST) {
                        throw new OAuthTrouble(
                                "what its authorization server answers is longer than " + LONGEST + " bytes");
                    }
                    all.writeBytes(part);
                    return all;
                })
                .map(ByteArrayOutputStream::toByteArray);
    }

    /** RFC 6749, 2.3.1: both are form-encoded before they are joined. */
    static String basic(String id, String secret) {
        return Base64.getEncoder()
                .encodeToString((encoded(id) + ":" + encoded(secret)).getBytes(StandardCharsets.US_ASCII));
    }

    static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }

    /** Whether it is an address of the web, and of nothing in the page there. */
    static boolean isWeb(URI url) {
        return ("https".equalsIgnoreCase(url.getScheme()) || "http".equalsIgnoreCase(url.getScheme()))
                && url.getHost() != null
                && url.getRawUserInfo() == null
                && url.getRawFragment() == null;
    }

    private static JsonNode parsed(byte[] bytes) {
        try {
            return JSON.readTree(bytes);
        } catch (JacksonException e) {
            return JSON.missingNode();
        }
    }
}
