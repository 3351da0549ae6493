package io.sluice.management;

import static io.netty.handler.codec.http.HttpMethod.GET;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.sluice.management.Operation.Answer;
import io.sluice.management.Operation.Page;
import io.sluice.management.Operation.Question;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/**
 * The description of the API for programs and, by Swagger UI from its webjar, for people. The pages say nothing of this
 * installation and are open, so that a browser can show them; the description they load asks for a token like all else.
 */
final class ApiPages {
    private static final Manual PAGE = Manual.answering(200, "A page").as(200, "text/html");
    private static final String WEBJAR = "/META-INF/resources/webjars/swagger-ui/";
    private static final String HTML = """
            <!DOCTYPE html>
            <html lang="en">
            <head>
              <meta charset="utf-8">
              <title>Sluice: management API</title>
              <meta name="viewport" content="width=device-width, initial-scale=1">
              <link rel="stylesheet" href="/docs/swagger-ui.css">
            </head>
            <body>
              <div id="api"></div>
              <script src="/docs/swagger-ui-bundle.js"></script>
              <script src="/docs/start.js"></script>
            </body>
            </html>
            """;

    /** A gateway with a token answers 401 until it is given here; it stays in this tab. */
    private static final String START = """
            const bearer = (request) => {
              const token = sessionStorage.getItem('sluice-token');
              if (token) { request.headers.Authorization = 'Bearer ' + token; }
              return request;
            };
            const show = () => SwaggerUIBundle({
              url: '/openapi.json', dom_id: '#api', deepLinking: true, requestInterceptor: bearer
            });
            const headers = bearer({ headers: {} }).headers;
            fetch('/openapi.json', { headers }).then((answer) => {
              if (answer.status === 401) {
                const token = prompt('The token of this gateway');
                if (token) { sessionStorage.setItem('sluice-token', token); }
              }
              show();
            });
            """;

    private final Supplier<Map<String, Object>> description;
    private final String version;

    /** @param description of all operations, once they are known */
    ApiPages(Supplier<Map<String, Object>> description) {
        this.description = description;
        this.version = webjarVersion();
    }

    List<Operation> operations() {
        return List.of(
                Operation.managing(GET, "/openapi.json", "This description", this::description),
                Operation.open(GET, "/docs", "This description, to be read and tried in a browser", this::page)
                        .with(PAGE),
                Operation.open(GET, "/redoc", "The same as /docs", this::page).with(PAGE),
                Operation.open(GET, "/docs/{file}", "What the page is made of", this::file)
                        .with(Manual.answering(200, "The file")
                                .as(200, "text/javascript", "text/css")
                                .or(404, "There is no such file")));
    }

    private Mono<Answer> description(Question question) {
        return Mono.fromSupplier(() -> new Answer(200, description.get()));
    }

    private Mono<Answer> page(Question question) {
        return Mono.just(new Answer(200, new Page("text/html; charset=utf-8", HTML.getBytes(UTF_8))));
    }

    private Mono<Answer> file(Question question) {
        return switch (question.path().getOrDefault("file", "")) {
            case "start.js" ->
                Mono.just(new Answer(200, new Page("text/javascript; charset=utf-8", START.getBytes(UTF_8))));
            case "swagger-ui.css" -> fromWebjar("swagger-ui.css", "text/css; charset=utf-8");
            case "swagger-ui-bundle.js" -> fromWebjar("swagger-ui-bundle.js", "text/javascript; charset=utf-8");
            default -> Mono.error(Problem.of(404, "file.not_found", "There is no such file"));
        };
    }

    private Mono<Answer> fromWebjar(String name, String contentType) {
        return Mono.fromCallable(() -> {
                    try (InputStream in = ApiPages.class.getResourceAsStream(WEBJAR + version + "/" + name)) {
                        if (in == null) {
                            throw Problem.of(404, "file.not_found", "This build comes without Swagger UI");
                        }
                        return new Answer(200, new Page(contentType, in.readAllBytes()));
                    }
                })
                .subscribeOn(Schedulers.boundedElastic());
    }

    private static String webjarVersion() {
        try (InputStream in =
                ApiPages.class.getResourceAsStream("/META-INF/maven/org.webjars/swagger-ui/pom.properties")) {
            if (in == null) {
                return "none";
            }
            java.util.Properties properties = new java.util.Properties();
            properties.load(in);
            return properties.getProperty("version", "none");
        } catch (IOException e) {
            return "none";
        }
    }
}
