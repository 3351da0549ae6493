package io.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.testing.FakeBackend;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** A legacy backend that lists tools that ask only to clients that can be asked, as the reference server does. */
class AskingToolsTest {
    private static final String PLAIN = "{\"name\":\"echo\",\"inputSchema\":{\"type\":\"object\"}}";
    private static final String ASKS = "{\"name\":\"trigger\",\"inputSchema\":{\"type\":\"object\"}}";

    private final Map<String, Boolean> askable = new ConcurrentHashMap<>();
    private final FakeBackend backend = FakeBackend.legacy();
    private final AskingBackend asking = new AskingBackend();
    private final TestGateway gateway = TestGateway.setUp()
            .discovery(settings -> settings.withAsAsked(true))
            .start();

    @AfterEach
    void close() {
        gateway.close();
        asking.close();
    }

    /** Lists by what the session's client declared; two pages for those that can be asked. */
    private FakeBackend listing(FakeBackend backend) {
        return backend.on("initialize", (request, answer) -> {
                    Set<String> before = new HashSet<>(backend.sessions());
                    backend.usual(request, answer);
                    Set<String> opened = new HashSet<>(backend.sessions());
                    opened.removeAll(before);
                    boolean declared = request.params().path("capabilities").has("elicitation");
                    opened.forEach(session -> askable.put(session, declared));
                })
                .on("tools/list", (request, answer) -> {
                    boolean asks = askable.getOrDefault(String.valueOf(request.header("mcp-session-id")), false);
                    if (request.params().path("cursor").asString("").equals("2")) {
                        answer.result("{\"tools\":[" + ASKS + "]}");
                    } else {
                        answer.result("{\"tools\":[" + PLAIN + "]" + (asks ? ",\"nextCursor\":\"2\"" : "") + "}");
                    }
                });
    }

    @Test
    void toolsThatAskAreListedToEverybody() {
        gateway.with("old", listing(backend));

        String modern = gateway.client().modern("1", "tools/list", "").body();
        String legacy = gateway.client()
                .initialize("2025-11-25", "{}")
                .post("{'jsonrpc':'2.0','id':1,'method':'tools/list'}")
                .body();

        assertThat(modern).contains(PLAIN, ASKS);
        assertThat(legacy).contains(PLAIN, ASKS);
        assertThat(backend.received("initialize").stream()
                        .map(request -> request.params().path("capabilities"))
                        .filter(JsonNode::isObject)
                        .map(declared -> declared.has("sampling")))
                .containsExactly(false, true);
    }

    @Test
    void sessionThatReadThemEndsAndAsksNobody() {
        backend.on("", (request, answer) -> answer.accepted());
        gateway.with("old", listing(backend)).without("old");

        await().atMost(TestGateway.PATIENCE).until(() -> backend.sessions().isEmpty());
    }

    @Test
    void suchAToolAsksTheClientThatCalledIt() {
        asking.asking("elicitation/create", AskingBackend.FORM);
        gateway.with("old", listing(asking.fake()));

        JsonNode result = ModernRequest.call("trigger", "{}")
                .meta(ModernRequest.VERSION + ",'io.modelcontextprotocol/clientCapabilities':{'elicitation':{}}")
                .send(gateway)
                .json()
                .path("result");

        assertThat(result.path("resultType").asString()).isEqualTo("input_required");
    }

    @Test
    void backendWithoutSessionsIsNotAskedTwice() {
        backend.stateless();
        gateway.with("old", backend);

        assertThat(backend.count("initialize")).isEqualTo(1);
        assertThat(backend.count("tools/list")).isEqualTo(1);
    }
}
