package io.sluice.management;

import static io.netty.handler.codec.http.HttpMethod.GET;

import io.sluice.management.Operation.Answer;
import io.sluice.management.Operation.Question;
import io.sluice.oauth.OAuthKeepers;
import io.sluice.rejection.Rejection.BackendFailure;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import reactor.core.publisher.Mono;

/** Takes a person through the consent that a backend's authorization server asks for. */
final class Consents {
    private final OAuthKeepers keepers;

    Consents(OAuthKeepers keepers) {
        this.keepers = keepers;
    }

    List<Operation> operations() {
        return List.of(
                Operation.managing(
                        GET,
                        "/oauth/{name}/authorize",
                        "Where somebody agrees that the gateway uses a backend",
                        this::begin),
                Operation.open(
                        GET, "/callback", "Where the browser comes back to from an authorization server", this::end));
    }

    private Mono<Answer> begin(Question question) {
        String name = question.path().getOrDefault("name", "");
        return keepers.authorizationUrl(name)
                .map(url -> new Answer(200, Map.of("backend", name, "authorization_url", url)))
                .switchIfEmpty(Mono.error(() ->
                        Problem.of(404, "oauth.not_configured", "No backend of that name gets its tokens by OAuth")))
                .onErrorMap(BackendFailure.class, Consents::problem);
    }

    private Mono<Answer> end(Question question) {
        Optional<String> code = question.parameter("code");
        Optional<String> state = question.parameter("state");
        if (code.isEmpty() || state.isEmpty()) {
            String said = question.parameter("error").orElse("no code");
            return Mono.error(Problem.of(
                    400,
                    "oauth.denied",
                    "The authorization server gave no consent: "
                            + (said.length() > 100 ? said.substring(0, 100) : said)));
        }
        return keepers.cameBack(state.get(), code.get(), question.parameter("iss"))
                .map(name -> {
                    Map<String, Object> body = new LinkedHashMap<>();
                    body.put("backend", name);
                    body.put("status", "authorized");
                    body.put("message", "The gateway may use the backend now; this page can be closed");
                    return new Answer(200, body);
                })
                .switchIfEmpty(
                        Mono.error(() -> Problem.of(400, "oauth.unknown_state", "Nobody here asked for this consent")))
                .onErrorMap(BackendFailure.class, Consents::problem);
    }

    private static Problem problem(BackendFailure failure) {
        return Problem.of(400, "oauth.failed", failure.reason());
    }
}
