package io.sluice.openapi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.sluice.adapter.Adapters;
import io.sluice.egress.EgressPolicy;
import io.sluice.gateway.TestGateway;
import io.sluice.gateway.WireClient;
import io.sluice.registry.Backend;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import reactor.core.scheduler.Schedulers;
import reactor.netty.resources.LoopResources;
import tools.jackson.databind.JsonNode;

/** A REST service by its OpenAPI document, called through the gateway. */
class RestServiceTest {
    private static final LoopResources LOOPS = LoopResources.create("test-rest", 1, 2, true, true);

    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final List<String> requests = new CopyOnWriteArrayList<>();
    private volatile byte[] document = OpenApiReaderTest.orders();
    private volatile String place = "/v3/api-docs";
    private volatile int status = 200;
    private volatile String answer = "{\"id\":7,\"customer\":\"ann\"}";
    private volatile String authorization = "";
    private HttpServer server;
    private TestGateway gateway;

    @BeforeEach
    void start() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(threads);
        server.createContext("/", this::answer);
        server.start();
        gateway = TestGateway.setUp()
                .upstream(settings -> settings.withProbeTimeout(TestGateway.PATIENCE)
                        .withAdapters(Adapters.of(Map.of(
                                OpenApiSettings.KIND,
                                new OpenApiAdapters(
                                        LOOPS,
                                        EgressPolicy.of(true, List.of()),
                                        "sluice/test",
                                        Schedulers.parallel())))))
                .start();
    }

    @AfterEach
    void stop() {
        gateway.close();
        server.stop(0);
        threads.shutdownNow();
    }

    private void answer(HttpExchange exchange) throws IOException {
        byte[] body;
        int code = 200;
        if (exchange.getRequestURI().getPath().equals(place)) {
            body = document;
        } else {
            String sent = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
            requests.add(exchange.getRequestMethod() + " " + exchange.getRequestURI() + " " + sent
                    + tenant(exchange.getRequestHeaders().getFirst("X-Tenant")));
            authorization = String.valueOf(exchange.getRequestHeaders().getFirst("Authorization"));
            body = answer.getBytes(StandardCharsets.UTF_8);
            code = status;
        }
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        exchange.sendResponseHeaders(code, body.length == 0 ? -1 : body.length);
        if (body.length > 0) {
            exchange.getResponseBody().write(body);
        }
        exchange.close();
    }

    private static String tenant(String value) {
        return value == null ? "" : " tenant=" + value;
    }

    private Backend service(Duration interval) {
        return Backend.of("orders", "http://127.0.0.1:" + server.getAddress().getPort() + "/", Backend.Source.API)
                .withHeaders(Map.of("Authorization", "Bearer own"))
                .via(new OpenApiSettings(
                                place, interval, OpenApiSettings.Selection.EMPTY, OpenApiSettings.Selection.EMPTY)
                        .transport());
    }

    private JsonNode call(String tool, String arguments) {
        return gateway.client()
                .post("{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{'name':'" + tool + "','arguments':"
                        + arguments + "}}")
                .json()
                .path("result");
    }

    @Test
    void operationIsCalledByClientsOfBothEras() {
        gateway.with(service(Duration.ofMinutes(1)));

        JsonNode result = call("getOrder", "{'id':7,'expand':['a b','c'],'X-Tenant':'blue'}");

        assertThat(requests).containsExactly("GET /orders/7?expand=a%20b&expand=c  tenant=blue");
        assertThat(authorization).isEqualTo("Bearer own");
        assertThat(result.at("/content/0/text").asString()).isEqualTo("{\"id\":7,\"customer\":\"ann\"}");
        assertThat(result.path("structuredContent").toString()).isEqualTo("{\"id\":7,\"customer\":\"ann\"}");
        JsonNode modern = gateway.client()
                .modern("1", "tools/call", "'name':'createOrder','arguments':{'body':{'customer':'bob'}}")
                .json();
        assertThat(modern.at("/result/resultType").asString()).isEqualTo("complete");
        assertThat(requests).last().isEqualTo("POST /orders {\"customer\":\"bob\"}");
    }

    /** The cases of OpenAPI 3.1, Server Object: a URL may be relative to where the document is. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            /api/v3/openapi.json | /api/v3                     | /api/v3/ping
            /api/v3/openapi.json | v4                          | /api/v3/v4/ping
            /api/v3/openapi.json | .                           | /api/v3/ping
            /api/v3/openapi.json | ../v2/                      | /api/v2/ping
            /api/v3/openapi.json | ../../../..                 | /ping
            /openapi.json        | https://elsewhere.test/deep | /deep/ping
            /openapi.json        | {scheme}://h.test/{version} | /v7/ping
            /openapi.json        | /                           | /ping
            """)
    void serverIsRelativeToItsDocument(String at, String server, String called) {
        String plain =
                "{'openapi':'3.1.0','servers':[{'url':'" + server + "','variables':{'scheme':{'default':'https'},"
                        + "'version':{'default':'v7'}}}],'paths':{'/ping':{'get':{'operationId':'ping'}}}}";
        document = plain.replace('\'', '"').getBytes(StandardCharsets.UTF_8);
        place = at;
        gateway.with(service(Duration.ofMinutes(1)));

        assertThat(call("ping", "{}").path("isError").asBoolean()).isFalse();

        assertThat(requests).containsExactly("GET " + called + " ");
    }

    @Test
    void onlyTheConfigurationFileMayNameADocumentInAFile() {
        Adapters adapters =
                new OpenApiAdapters(LOOPS, EgressPolicy.of(true, List.of()), "sluice/test", Schedulers.parallel());

        for (Backend.Source source : Backend.Source.values()) {
            Backend backend = Backend.of("orders", "http://127.0.0.1/", source)
                    .via(OpenApiSettings.of("file:/etc/hosts").transport());
            if (source == Backend.Source.FILE) {
                adapters.open(backend).close().block();
            } else {
                assertThatThrownBy(() -> adapters.open(backend))
                        .as(source.name())
                        .hasMessage("only the configuration file may name a document in a file");
            }
        }
    }

    @Test
    void whatAToolLacksIsRemarkedOn() {
        String plain = "{'openapi':'3.1.0','servers':[{'url':'https://prod.test/'}],'paths':{'/ping':{'get':{"
                + "'operationId':'ping','parameters':[{'$ref':'https://shared.test/v1#/components/parameters/Limit'}]}}}}";
        document = plain.replace('\'', '"').getBytes(StandardCharsets.UTF_8);
        gateway.with(service(Duration.ofMinutes(1)));

        assertThat(Objects.requireNonNull(
                                gateway.discovery().state().upstreams().get("orders"))
                        .remarks()
                        .orElseThrow())
                .contains("https://shared.test/v1#/components/parameters/Limit")
                .contains("its document names the server https://prod.test; it is called at http://127.0.0.1:");
    }

    @Test
    void errorOfTheServiceIsAResultWithItsStatusAndBody() {
        gateway.with(service(Duration.ofMinutes(1)));
        status = 404;
        answer = "{\"message\":\"no such order\"}";

        JsonNode result = call("getOrder", "{'id':8}");

        assertThat(result.path("isError").asBoolean()).isTrue();
        assertThat(result.at("/content/0/text").asString())
                .isEqualTo("The service answered 404 Not Found: {\"message\":\"no such order\"}");
        assertThat(Objects.requireNonNull(
                                gateway.discovery().state().upstreams().get("orders"))
                        .trouble())
                .isEmpty();
    }

    @Test
    void redirectIsNotFollowed() {
        gateway.with(service(Duration.ofMinutes(1)));
        status = 302;

        assertThat(call("getOrder", "{'id':8}").at("/content/0/text").asString())
                .contains("302");
        assertThat(requests).hasSize(1);
    }

    @Test
    void answerThatIsNotWhatTheDocumentSaysIsNoStructuredContent() {
        gateway.with(service(Duration.ofMinutes(1)));
        answer = "{\"id\":\"seven\"}";

        JsonNode result = call("getOrder", "{'id':7}");

        assertThat(result.has("structuredContent")).isFalse();
        assertThat(result.path("isError").asBoolean()).isTrue();
        assertThat(result.at("/content/0/text").asString()).contains("{\"id\":\"seven\"}");
    }

    @Test
    void nullWhereTheDocumentSaysTextIsAnAnswer() {
        gateway.with(service(Duration.ofMinutes(1)));
        answer = "{\"id\":7,\"customer\":null,\"more\":[1]}";

        JsonNode result = call("getOrder", "{'id':7}");

        assertThat(result.path("structuredContent").toString()).isEqualTo(answer);
        assertThat(result.path("isError").asBoolean()).isFalse();
    }

    @Test
    void argumentThatWouldLeaveItsPlaceReachesNobody() {
        gateway.with(service(Duration.ofMinutes(1)));

        JsonNode result = call("getOrder", "{'id':'../admin/cache'}");

        assertThat(result.path("isError").asBoolean()).isTrue();
        assertThat(requests).isEmpty();
    }

    @Test
    void changedDocumentBecomesOtherTools() {
        gateway.with(service(Duration.ofMillis(200)));
        WireClient client = gateway.client();

        document = new String(document, StandardCharsets.UTF_8)
                .replace("getOrder", "findOrder")
                .getBytes(StandardCharsets.UTF_8);

        await().atMost(TestGateway.PATIENCE)
                .until(() -> client.post("{'jsonrpc':'2.0','id':1,'method':'tools/list'}")
                        .body()
                        .contains("\"findOrder\""));
        assertThat(call("findOrder", "{'id':7}").path("isError").asBoolean()).isFalse();
    }

    @Test
    void documentThatCannotBeReadIsTroubleAndTheLastToolsStay() {
        gateway.with(service(Duration.ofMinutes(1)));
        document = "{\"openapi\":\"3.2.0\"}".getBytes(StandardCharsets.UTF_8);

        await().pollDelay(Duration.ofSeconds(2)).atMost(TestGateway.PATIENCE).until(() -> {
            gateway.discovery().refresh("orders").block(TestGateway.PATIENCE);
            return Objects.requireNonNull(
                            gateway.discovery().state().upstreams().get("orders"))
                    .trouble()
                    .filter(trouble -> trouble.contains("OpenAPI 3.2.0"))
                    .isPresent();
        });
        assertThat(gateway.client()
                        .post("{'jsonrpc':'2.0','id':1,'method':'tools/list'}")
                        .body())
                .contains("\"getOrder\"");
    }
}
