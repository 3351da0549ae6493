package io.sluice.management;

import static io.sluice.management.RunningApi.json;
import static org.assertj.core.api.Assertions.assertThat;

import com.networknt.schema.InputFormat;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import java.net.http.HttpRequest;
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

    /** A request as it is sent for real, and its answer, are what the description says of them. */
    private static JsonNode held(String method, String path, String described, String body) throws Exception {
        HttpResponse<String> answer = api.call(method, path, body);
        assertThat(answer.statusCode()).as(answer.body()).isLessThan(300);
        JsonNode operation = document.path("paths").path(described).path(method.toLowerCase(Locale.ROOT));
        if (!body.isEmpty()) {
            assertThat(faults(operation.at("/requestBody/content/application~1json/schema"), body))
                    .as("request of %s %s", method, path)
                    .isEmpty();
        }
        JsonNode schema = operation.at("/responses/" + answer.statusCode() + "/content/application~1json/schema");
        assertThat(schema.path("required").isEmpty())
                .as("%s %s says what it answers", method, path)
                .isFalse();
        assertThat(faults(schema, answer.body()))
                .as("answer of %s %s", method, path)
                .isEmpty();
        return json(answer);
    }

    private static List<String> faults(JsonNode schema, String body) {
        return SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12)
                .getSchema(schema.toString(), InputFormat.JSON)
                .validate(body, InputFormat.JSON)
                .stream()
                .map(Object::toString)
                .toList();
    }

    @Test
    void requestsAndAnswersAreAsTheyAreDescribed() throws Exception {
        try (StubBackend shop = StubBackend.offering("buy")) {
            held("POST", "/register", "/register", "{\"name\":\"shop\",\"url\":\"" + shop.url() + "\"}");
            held(
                    "POST",
                    "/register",
                    "/register",
                    "{\"serviceName\":\"leased\",\"endpoint\":\"" + shop.url() + "\",\"ttl\":\"30s\"}");
            held("PUT", "/register/leased/heartbeat", "/register/{name}/heartbeat", "");
            held("GET", "/services", "/services", "");
            held("GET", "/health", "/health", "");
            held("GET", "/readyz?verbose", "/readyz", "");
            held("GET", "/api/v1/mcp/servers", "/api/v1/mcp/servers", "");
            held("GET", "/api/v1/mcp/servers/shop", "/api/v1/mcp/servers/{name}", "");
            held(
                    "POST",
                    "/api/v1/mcp/peers",
                    "/api/v1/mcp/peers",
                    "{\"peer_name\":\"node-2\",\"peer_url\":\"" + shop.url()
                            + "\",\"auth_token\":\"optional-bearer-token\"}");
            held("GET", "/api/v1/mcp/peers", "/api/v1/mcp/peers", "");
            held("DELETE", "/api/v1/mcp/peers/node-2", "/api/v1/mcp/peers/{name}", "");
            held("DELETE", "/register/shop", "/register/{name}", "");
            held(
                    "PUT",
                    "/api/v1/mcp/profiles/desk",
                    "/api/v1/mcp/profiles/{name}",
                    "{\"tools\":[\"forecast\",\"news__*\"],\"prompts\":[\"summary\"],\"resources\":[\"file:///docs/*\"]}");
            held("GET", "/api/v1/mcp/profiles", "/api/v1/mcp/profiles", "");
            held("GET", "/api/v1/mcp/profiles/desk", "/api/v1/mcp/profiles/{name}", "");
            held("DELETE", "/api/v1/mcp/profiles/desk", "/api/v1/mcp/profiles/{name}", "");

            String id = held(
                            "POST",
                            "/mcp/connect",
                            "/mcp/connect",
                            "{\"transport\":\"http\",\"mcp_url\":\"" + shop.url()
                                    + "\",\"auth_type\":\"bearer\",\"bearer_token\":\"your-token-here\",\"name\":\"my-mcp-client\",\"timeout\":30}")
                    .path("client_id")
                    .asString();
            for (String list : List.of("list_tools", "list_resources", "list_prompts")) {
                held("GET", "/mcp/" + list + "?client_id=" + id, "/mcp/" + list, "");
            }
            held(
                    "POST",
                    "/mcp/call_tool",
                    "/mcp/call_tool",
                    "{\"client_id\":\"" + id + "\",\"tool_name\":\"buy\",\"arguments\":{},\"timeout\":60}");
            held("GET", "/mcp/clients", "/mcp/clients", "");
            held("GET", "/mcp/client/" + id, "/mcp/client/{client_id}", "");
            held("POST", "/mcp/disconnect", "/mcp/disconnect", "{\"client_id\":\"" + id + "\"}");
        }
    }

    /** {@link RunningApi} holds each answer to the description. */
    @Test
    void everyAnswerIsOfADescribedStatusAndFormat() throws Exception {
        for (Operation operation : api.api.operations().operations()) {
            String method = operation.method().name();
            String path = operation.path().toString();
            for (String name : List.of("nobody", "Not%20A%20Name", "start.js", "swagger-ui.css")) {
                String there = path.replaceAll("\\{[a-z_]+}", name);
                api.call(method, there, method.equals("GET") ? "" : "{}");
                api.call(method, there + "?client_id=nobody&instance=nobody&verbose", "{\"client_id\":\"nobody\"}");
                api.call(method, there, "no JSON");
            }
            api.send(HttpRequest.newBuilder(api.at(path.replaceAll("\\{[a-z_]+}", "nobody")))
                    .header("Authorization", "Bearer " + RunningApi.CALLS_ONLY)
                    .method(method, HttpRequest.BodyPublishers.noBody())
                    .build());
        }
        assertThat(document.at("/paths/~1callback/get/responses/200/content").propertyNames())
                .containsExactly("text/html");
        assertThat(document.at("/paths/~1metrics/get/responses/200/content").propertyNames())
                .containsExactly("text/plain");
        assertThat(document.at("/paths/~1readyz/get/responses/503/content").propertyNames())
                .containsExactly("application/json");
    }

    @Test
    void whatIsRefusedIsNotAsDescribedEither() {
        JsonNode register = document.at("/paths/~1register/post/requestBody/content/application~1json/schema");

        for (String body : List.of(
                "{}",
                "{\"name\":\"a\"}",
                "{\"name\":\"a\",\"serviceName\":\"a\",\"url\":\"http://h\"}",
                "{\"name\":1,\"url\":\"http://h\"}")) {
            assertThat(faults(register, body)).as(body).isNotEmpty();
        }
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
