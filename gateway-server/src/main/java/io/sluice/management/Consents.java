package io.sluice.management;

import static io.netty.handler.codec.http.HttpMethod.GET;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.sluice.management.Operation.Answer;
import io.sluice.management.Operation.Page;
import io.sluice.management.Operation.Question;
import io.sluice.oauth.ClientDocument;
import io.sluice.oauth.OAuthKeepers;
import io.sluice.rejection.Rejection.BackendFailure;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import reactor.core.publisher.Mono;

/** Takes a person through the consent that a backend's authorization server asks for. */
final class Consents {
    private final OAuthKeepers keepers;
    private final Clients clients;

    /** @param clients whose servers may want consent as well */
    Consents(OAuthKeepers keepers, Clients clients) {
        this.keepers = keepers;
        this.clients = clients;
    }

    List<Operation> operations() {
        return List.of(
                Operation.managing(
                                GET,
                                "/oauth/{name}/authorize",
                                "Where somebody agrees that the gateway uses a backend",
                                this::begin)
                        .with(Manual.answering(200, "Done")
                                .or(400, "Its authorization server cannot be used")
                                .or(404, "No backend of that name gets its tokens by OAuth")
                                .giving("backend", "string", "Its name")
                                .giving("authorization_url", "string", "The page to open in a browser")),
                Operation.open(
                                GET,
                                "/callback",
                                "Where the browser comes back to from an authorization server",
                                this::end)
                        .with(Manual.answering(200, "A page for the person who agreed")
                                .as(200, "text/html")
                                .or(400, "There is no consent, nobody asked for it, or no token came of it")
                                .asking("code", "What a token is got for", false)
                                .asking("state", "Which consent it is", false)
                                .asking("iss", "The authorization server", false)
                                .asking("error", "Why there is no consent", false)),
                Operation.open(
                                GET,
                                ClientDocument.PATH,
                                "What authorization servers may read of the gateway",
                                question -> Mono.justOrEmpty(keepers.document())
                                        .map(document -> new Answer(200, document))
                                        .switchIfEmpty(Mono.error(() -> Problem.of(
                                                        404,
                                                        "oauth.no_document",
                                                        "This gateway has no address that authorization servers could reach")
                                                .withHint("Set server.publicUrl to its https address"))))
                        .with(Manual.answering(200, "A client id metadata document")
                                .or(404, "The gateway has no https address that others reach")
                                .giving("client_id", "string", "The address of this document")));
    }

    private Mono<Answer> begin(Question question) {
        String name = question.path().getOrDefault("name", "");
        return clients.ready(name)
                .then(Mono.defer(() -> keepers.authorizationUrl(name)))
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
                .map(name -> new Answer(200, new Page("text/html; charset=utf-8", page(name))))
                .switchIfEmpty(
                        Mono.error(() -> Problem.of(400, "oauth.unknown_state", "Nobody here asked for this consent")))
                .onErrorMap(BackendFailure.class, Consents::problem);
    }

    /** A backend's name needs no escaping. */
    private static byte[] page(String backend) {
        return ("<!doctype html><html lang=en><meta charset=utf-8><title>Sluice</title><h1>Done</h1><p>The gateway may use <b>"
                        + backend + "</b> now. This page can be closed.</html>\n")
                .getBytes(UTF_8);
    }

    private static Problem problem(BackendFailure failure) {
        return Problem.of(400, "oauth.failed", failure.reason());
    }
}
