package io.sluice.management;

import static io.sluice.management.RunningApi.json;
import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** What {@code /openapi.json} says is what there is. */
final class ApiDescriptionTest {
    private static RunningApi api;
    private static JsonNode document;

    @BeforeAll
    static void start() throws Exception {
        api = RunningApi.start();
        document = json(api.call("GET", "/openapi.json", ""));
    }

    @AfterAll
    static void stop() {
        api.close();
    }

    @Test
    void everyOperationIsDescribedAndNothingElse() {
        TreeSet<String> described = new TreeSet<>();
        document.path("paths")
                .forEachEntry((path, item) -> item.propertyNames()
                        .forEach(method -> described.add(method.toUpperCase(Locale.ROOT) + " " + path)));
        TreeSet<String> there = new TreeSet<>();
        api.api.operations().operations().forEach(operation -> there.add(operation.method() + " " + operation.path()));

        assertThat(document.path("openapi").asString()).isEqualTo("3.1.0");
        assertThat(described).isEqualTo(there).hasSizeGreaterThan(20);
    }

    @Test
    void everyOperationHasItsOwnIdAndDescribesItsPathsVariables() {
        List<String> ids = new ArrayList<>();
        document.path("paths")
                .forEachEntry((path, item) -> item.forEach(operation -> {
                    ids.add(operation.path("operationId").asString());
                    assertThat(operation.path("summary").asString()).as(path).isNotEmpty();
                    assertThat(operation.path("responses").isEmpty()).as(path).isFalse();
                    long variables = path.chars().filter(c -> c == '{').count();
                    long parameters = 0;
                    for (JsonNode parameter : operation.path("parameters")) {
                        parameters += parameter.path("in").asString().equals("path") ? 1 : 0;
                    }
                    assertThat(parameters).as(path).isEqualTo(variables);
                }));
        assertThat(ids).doesNotHaveDuplicates();
    }

    @ParameterizedTest
    @CsvSource({
        "POST, /mcp/connect, /mcp/connect",
        "POST, /mcp/call_tool, /mcp/call_tool",
        "POST, /api/v1/mcp/peers, /api/v1/mcp/peers",
        "POST, /register, /register",
        "GET, /mcp/client/nobody, /mcp/client/{client_id}",
        "DELETE, /register/nobody, /register/{name}",
        "PUT, /register/nobody/heartbeat, /register/{name}/heartbeat"
    })
    void refusalsAreAmongTheDescribedAnswers(String method, String path, String described) throws Exception {
        HttpResponse<String> refused = api.call(method, path, "{\"unknown\":1}");

        assertThat(refused.statusCode()).isGreaterThanOrEqualTo(400);
        assertThat(document.path("paths")
                        .path(described)
                        .path(method.toLowerCase(Locale.ROOT))
                        .path("responses")
                        .propertyNames())
                .contains(Integer.toString(refused.statusCode()));
    }

    @ParameterizedTest
    @ValueSource(strings = {"/docs", "/redoc"})
    void pageLoadsWhatIsServed(String path) throws Exception {
        HttpResponse<String> page = api.get(path);

        assertThat(page.headers().firstValue("Content-Type")).hasValue("text/html; charset=utf-8");
        for (String file : List.of("/docs/swagger-ui.css", "/docs/swagger-ui-bundle.js", "/docs/start.js")) {
            assertThat(page.body()).contains(file);
            HttpResponse<String> got = api.get(file);
            assertThat(got.statusCode()).as(file).isEqualTo(200);
            assertThat(got.body()).as(file).isNotEmpty();
        }
        assertThat(api.get("/docs/swagger-ui-bundle.js").body()).contains("SwaggerUIBundle");
        assertThat(api.get("/docs/no-such-file.js").statusCode()).isEqualTo(404);
    }

    @Test
    void descriptionAsksForATokenLikeAllElse() throws Exception {
        assertThat(api.get("/openapi.json").statusCode()).isEqualTo(401);
    }
}
