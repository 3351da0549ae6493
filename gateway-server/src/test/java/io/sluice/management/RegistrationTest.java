package io.sluice.management;

import static io.sluice.management.RunningApi.json;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.egress.EgressPolicy;
import io.sluice.registry.Backend;
import java.net.ServerSocket;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.NullUnmarked;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** Backends that come, change and go over HTTP. */
@NullUnmarked
final class RegistrationTest {
    private RunningApi api;

    @BeforeEach
    void start() {
        api = RunningApi.start();
    }

    @AfterEach
    void stop() {
        api.close();
    }

    @Test
    void backendThatAnswersIsConnectedAtOnce() throws Exception {
        try (StubBackend stub = StubBackend.offering("weather", "tides")) {
            HttpResponse<String> answer = register("sea", stub.url());

            assertThat(answer.statusCode()).isEqualTo(201);
            JsonNode body = json(answer);
            assertThat(body.path("name").asString()).isEqualTo("sea");
            assertThat(body.path("url").asString()).isEqualTo(stub.url() + "/mcp");
            assertThat(body.path("status").asString()).isEqualTo("connected");
            assertThat(texts(body.path("tools"))).containsExactly("weather", "tides");
            assertThat(body.has("reason")).isFalse();
            assertThat(stub.paths()).containsOnly("/mcp");
        }
    }

    @Test
    void unreachableBackendIsKeptAndAskedAgain() throws Exception {
        int port;
        try (ServerSocket free = new ServerSocket(0)) {
            port = free.getLocalPort();
        }

        HttpResponse<String> answer = register("late", "http://127.0.0.1:" + port);

        assertThat(answer.statusCode()).isEqualTo(201);
        assertThat(json(answer).path("status").asString()).isEqualTo("pending");
        assertThat(json(answer).path("reason").asString()).contains("late");
        assertThat(json(answer).path("tools").isEmpty()).isTrue();
    }

    @Test
    void backendWhoseNameNobodyKnowsIsPending() throws Exception {
        HttpResponse<String> answer = register("custom-service", "http://custom-service.invalid:3000");

        assertThat(answer.statusCode()).isEqualTo(201);
        assertThat(json(answer).path("url").asString()).isEqualTo("http://custom-service.invalid:3000/mcp");
        assertThat(json(answer).path("status").asString()).isEqualTo("pending");
        assertThat(json(answer).path("reason").asString()).isNotBlank();
    }

    @Test
    void otherFormOfTheRequestMeansTheSame() throws Exception {
        try (StubBackend stub = StubBackend.offering("order")) {
            HttpResponse<String> answer =
                    api.register("{\"serviceName\":\"order-service\",\"endpoint\":\"" + stub.url() + "\"}");

            assertThat(answer.statusCode()).isEqualTo(201);
            assertThat(json(answer).path("name").asString()).isEqualTo("order-service");
            assertThat(json(answer).path("status").asString()).isEqualTo("connected");
        }
    }

    @Test
    void numberOfRegisteredBackendsHasALimit() throws Exception {
        for (int i = 0; i < RunningApi.MOST; i++) {
            assertThat(register("b" + i, "http://b" + i + ".invalid").statusCode())
                    .isEqualTo(201);
        }

        HttpResponse<String> tooMany = register("one-more", "http://one-more.invalid");

        assertThat(tooMany.statusCode()).isEqualTo(409);
        assertThat(json(tooMany).path("code").asString()).isEqualTo("registry.full");
        assertThat(json(tooMany).path("detail").asString()).contains("'one-more'", "no more than 5");
        assertThat(register("b0", "http://elsewhere.invalid").statusCode()).isEqualTo(201);
        api.call("DELETE", "/register/b1", "");
        assertThat(register("one-more", "http://one-more.invalid").statusCode()).isEqualTo(201);
    }

    @Test
    void brokenJsonIsSaidInPlainWords() throws Exception {
        HttpResponse<String> answer = api.register("{");

        assertThat(answer.statusCode()).isEqualTo(400);
        assertThat(json(answer).path("detail").asString())
                .startsWith("The body is not JSON: Unexpected end-of-input")
                .doesNotContain("REDACTED");
    }

    @Test
    void registeringAgainReplacesTheAddress() throws Exception {
        try (StubBackend before = StubBackend.offering("old");
                StubBackend after = StubBackend.offering("new")) {
            register("shop", before.url());
            HttpResponse<String> again = register("shop", after.url());

            assertThat(again.statusCode()).isEqualTo(201);
            assertThat(texts(json(again).path("tools"))).containsExactly("new");
            JsonNode services = api.services();
            assertThat(services.size()).isEqualTo(1);
            assertThat(services.path(0).path("url").asString()).isEqualTo(after.url() + "/mcp");
        }
    }

    @Test
    void headersOfTheRegistrationGoToTheBackendAndNowhereElse() throws Exception {
        try (StubBackend stub = StubBackend.offering("t")) {
            HttpResponse<String> answer = api.register("{\"name\":\"locked\",\"url\":\"" + stub.url()
                    + "\",\"headers\":{\"Authorization\":\"Bearer for-the-backend\"}}");

            assertThat(answer.statusCode()).isEqualTo(201);
            assertThat(stub.authorizations()).isNotEmpty().containsOnly("Bearer for-the-backend");
            assertThat(answer.body()).doesNotContain("for-the-backend");
            assertThat(api.services().toString()).doesNotContain("for-the-backend");
        }
    }

    @Test
    void inboundTokenNeverTravelsToTheBackend() throws Exception {
        try (StubBackend stub = StubBackend.offering("t")) {
            register("open", stub.url());

            assertThat(stub.authorizations()).isNotEmpty().containsOnly("null");
        }
    }

    @Test
    void servicesAreListedWithWhatTheyOffer() throws Exception {
        try (StubBackend stub = StubBackend.offering("a", "b")) {
            register("one", stub.url());
            register("two", "http://two.invalid");

            JsonNode services = api.services();
            assertThat(services.size()).isEqualTo(2);
            assertThat(services.path(0).path("name").asString()).isEqualTo("one");
            assertThat(services.path(0).path("status").asString()).isEqualTo("connected");
            assertThat(texts(services.path(0).path("tools"))).containsExactly("a", "b");
            assertThat(services.path(1).path("status").asString()).isEqualTo("pending");
            assertThat(services.path(1).path("reason").asString()).isNotBlank();
            assertThat(json(api.call("GET", "/services", "")).path("services")).isEqualTo(services);
        }
    }

    @Test
    void backendThatWentAwayIsUnavailableWithTheReason() throws Exception {
        StubBackend stub = StubBackend.offering("a");
        register("fading", stub.url());

        stub.close();

        await().atMost(Duration.ofSeconds(10)).untilAsserted(() -> {
            JsonNode service = api.services().path(0);
            assertThat(service.path("status").asString()).isEqualTo("unavailable");
            assertThat(service.path("reason").asString()).contains("fading");
            assertThat(texts(service.path("tools"))).containsExactly("a");
        });
    }

    @Test
    void removedBackendIsGone() throws Exception {
        try (StubBackend stub = StubBackend.offering("t")) {
            register("brief", stub.url());

            assertThat(api.call("DELETE", "/register/brief", "").statusCode()).isEqualTo(200);
            assertThat(api.services().isEmpty()).isTrue();
            HttpResponse<String> again = api.call("DELETE", "/register/brief", "");
            assertThat(again.statusCode()).isEqualTo(404);
            assertThat(json(again).path("code").asString()).isEqualTo("backend.not_found");
        }
    }

    @Test
    void backendOfTheFileIsNotTheApisToChange() throws Exception {
        Backend owned = Backend.of("fixed", "http://127.0.0.1:1/mcp", Backend.Source.FILE);
        api.registry.register(owned).block();

        HttpResponse<String> change = register("fixed", "http://127.0.0.1:2");
        HttpResponse<String> removal = api.call("DELETE", "/register/fixed", "");

        for (HttpResponse<String> refused : List.of(change, removal)) {
            assertThat(refused.statusCode()).isEqualTo(409);
            assertThat(json(refused).path("code").asString()).isEqualTo("backend.owned");
            assertThat(json(refused).path("hint").asString()).isNotBlank();
        }
        assertThat(api.registry.snapshot().registrations().get("fixed").backend())
                .isEqualTo(owned);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '~', textBlock = """
            {"url":"http://a.example"}                                                | name
            {"name":"a"}                                                              | url
            {"name":"a","url":"ftp://a.example"}                                      | url
            {"name":"a","url":"http://"}                                              | url
            {"name":"a","url":"not a url"}                                            | url
            {"name":"a","url":"http://me:secret@a.example"}                           | url
            {"name":"a","url":"http://a.example:99999"}                               | url
            {"name":"a","url":"http://a.example#part"}                                | url
            {"name":"a","url":7}                                                      | url
            {"name":"Big Name","url":"http://a.example"}                              | name
            {"name":"","url":"http://a.example"}                                      | name
            {"name":"gateway","url":"http://a.example"}                               | name
            {"name":"list_tools","url":"http://a.example"}                            | name
            {"name":["a"],"url":"http://a.example"}                                   | name
            {"name":"a","serviceName":"a","url":"http://a.example"}                   | serviceName
            {"name":"a","url":"http://a.example","endpoint":"http://a.example"}       | endpoint
            {"name":"a","url":"http://a.example","colour":"red"}                      | colour
            {"name":"a","command":"sh","args":["-c","id"]}                            | stdio.allow
            {"name":"a","command":"sh","args":"-c"}                                   | args
            {"name":"a","command":"sh","url":"http://a.example"}                      | url
            {"name":"a","args":["x"]}                                                 | command
            {"name":"a","url":"http://a.example","env":{"A":"b"}}                     | env
            {"serviceName":"a","endpoint":"http://a.example","manifestUrl":"ftp://b/docs"} | manifestUrl
            {"name":"a","url":"http://a.example","manifestUrl":"file:///etc/hosts"}   | manifestUrl
            {"name":"a","url":"http://a.example","manifestUrl":"file:/etc/hosts"}     | manifestUrl
            {"name":"a","url":"http://a.example","manifestUrl":"FILE:/etc/hosts"}     | manifestUrl
            {"name":"a","url":"http://a.example","manifestUrl":"./docs.yaml"}         | manifestUrl
            {"name":"a","url":"http://a.example","openapi":"/etc/docs.yaml"}          | openapi
            {"name":"a","url":"http://a.example","type":"telnet"}                     | type
            {"name":"a","url":"http://a.example","type":"grpc","manifestUrl":"/docs"} | type
            {"name":"a","url":"http://a.example","headers":{"Host":"b"}}              | Host
            {"name":"a","url":"http://a.example","headers":{"X-A":"b\\r\\nX-B: c"}}   | X-A
            {"name":"a","url":"http://a.example","headers":{"X A":"b"}}               | X A
            {"name":"a","url":"http://a.example","headers":["X-A"]}                   | headers
            [{"name":"a","url":"http://a.example"}]                                   | object
            "a"                                                                       | object
            """)
    void wrongContentIsUnprocessableAndNamed(String body, String culprit) throws Exception {
        HttpResponse<String> answer = api.register(body);

        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(422);
        assertThat(answer.headers().firstValue("Content-Type")).hasValue("application/problem+json");
        JsonNode problem = json(answer);
        assertThat(problem.path("status").asInt()).isEqualTo(422);
        assertThat(problem.path("instance").asString()).isEqualTo("/register");
        assertThat(problem.path("title").asString()).isNotBlank();
        assertThat(problem.path("code").asString()).isEqualTo("registration.invalid");
        assertThat(problem.path("errors").toString()).contains(culprit);
        assertThat(answer.body()).doesNotContain("secret");
        assertThat(api.registry.snapshot().revision()).isZero();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "{",
                "{\"name\":\"a\",\"url\":\"http://a.example\"} trailing",
                "{\"name\":\"a\",\"name\":\"b\",\"url\":\"http://a.example\"}",
                "{'name':'a'}",
                "{\"name\":\"a\",\"url\":\"http://a.example\",}"
            })
    void whatIsNotJsonIsMalformed(String body) throws Exception {
        HttpResponse<String> answer = api.register(body);

        assertThat(answer.statusCode()).isEqualTo(400);
        assertThat(json(answer).path("code").asString()).isEqualTo("body.malformed");
        assertThat(api.registry.snapshot().revision()).isZero();
    }

    @Test
    void bodyOfAnotherTypeIsRefusedWithTheWayOut() throws Exception {
        HttpResponse<String> answer = api.send(HttpRequest.newBuilder(api.at("/register"))
                .header("Authorization", "Bearer " + RunningApi.TOKEN)
                .header("Content-Type", "text/plain")
                .POST(BodyPublishers.ofString("{\"name\":\"a\",\"url\":\"http://a.example\"}"))
                .build());

        assertThat(answer.statusCode()).isEqualTo(415);
        assertThat(json(answer).path("hint").asString()).contains("application/json");
    }

    @Test
    void bodyBeyondTheLimitIsRefused() throws Exception {
        HttpResponse<String> answer = api.register("{\"name\":\"" + "a".repeat(ManagementApi.MAX_BODY_BYTES) + "\"}");

        assertThat(answer.statusCode()).isEqualTo(413);
        assertThat(json(answer).path("code").asString()).isEqualTo("body.too_large");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "http://169.254.169.254/latest/meta-data",
                "http://[fe80::1]:3000/mcp",
                "http://[::ffff:169.254.169.254]/mcp",
                "http://2852039166/mcp",
                "http://0.0.0.0:3000",
                "http://224.0.0.1"
            })
    void addressNobodyMayReachIsRefusedBeforeAnythingIsKept(String url) throws Exception {
        HttpResponse<String> answer = register("metadata", url);

        assertThat(answer.statusCode()).isEqualTo(422);
        assertThat(json(answer).path("code").asString()).isEqualTo("url.forbidden");
        assertThat(api.registry.snapshot().revision()).isZero();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "http://127.0.0.1:1",
                "http://localhost:1",
                "http://10.1.2.3",
                "http://[::1]:1",
                "http://192.168.0.1"
            })
    void privateAddressNeedsPermissionOnAPublicBind(String url) throws Exception {
        try (RunningApi open = RunningApi.start(EgressPolicy.of(false, List.of()))) {
            HttpResponse<String> answer = open.register("{\"name\":\"inside\",\"url\":\"" + url + "\"}");

            assertThat(answer.statusCode()).isEqualTo(422);
            assertThat(json(answer).path("code").asString()).isEqualTo("url.forbidden");
            assertThat(json(answer).path("detail").asString()).contains("allowPrivate");
            assertThat(open.registry.snapshot().revision()).isZero();
        }
    }

    @Test
    void privateAddressInAnAllowedRangeIsAccepted() throws Exception {
        try (RunningApi open = RunningApi.start(EgressPolicy.of(false, List.of("127.0.0.0/8")));
                StubBackend stub = StubBackend.offering("t")) {
            HttpResponse<String> answer = open.register("{\"name\":\"inside\",\"url\":\"" + stub.url() + "\"}");

            assertThat(json(answer).path("status").asString()).isEqualTo("connected");
        }
    }

    private HttpResponse<String> register(String name, String url) throws Exception {
        return api.register("{\"name\":\"" + name + "\",\"url\":\"" + url + "\"}");
    }

    private static List<String> texts(JsonNode array) {
        List<String> texts = new ArrayList<>();
        array.forEach(each -> texts.add(each.asString()));
        return texts;
    }
}
