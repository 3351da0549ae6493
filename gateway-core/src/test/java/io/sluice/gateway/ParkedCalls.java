package io.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.parking.ParkingSettings;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import tools.jackson.databind.JsonNode;

/** A legacy backend whose tool asks back, a gateway before it, and the words of a modern client that calls that tool. */
abstract class ParkedCalls {
    private static final String ALL = "'elicitation':{'form':{},'url':{}},'sampling':{'tools':{}},'roots':{}";

    AskingBackend backend;
    TestGateway gateway;

    @BeforeEach
    void start() {
        backend = new AskingBackend();
        gateway = TestGateway.start().with("old", backend.fake()).listeningTo(backend.fake());
    }

    @AfterEach
    void stop() {
        gateway.close();
    }

    void restart(ParkingSettings parking) {
        gateway.close();
        backend = new AskingBackend();
        gateway = TestGateway.setUp()
                .settings(settings -> settings.withParking(parking))
                .start()
                .with("old", backend.fake())
                .listeningTo(backend.fake());
    }

    static ModernRequest call(String more) {
        return call(ALL, more);
    }

    static ModernRequest call(String capabilities, String more) {
        return ModernRequest.of("tools/call", "'name':'echo','arguments':{'n':1.10,'m':[1,{'x':'y'}]}" + more)
                .header("Mcp-Name", "echo")
                .meta(ModernRequest.VERSION + ",'io.modelcontextprotocol/clientCapabilities':{" + capabilities + "}");
    }

    static String back(JsonNode result, String answers) {
        return ",'inputResponses':{" + answers + "},'requestState':'"
                + result.path("requestState").asString() + "'";
    }

    JsonNode asked(ModernRequest request) {
        RawExchange.Got got = request.send(gateway);
        JsonNode result = result(got);
        assertThat(got.status()).isEqualTo(200);
        assertThat(result.path("resultType").asString()).as(got.toString()).isEqualTo("input_required");
        return result;
    }

    static JsonNode result(RawExchange.Got got) {
        return last(got).path("result");
    }

    static JsonNode last(RawExchange.Got got) {
        List<JsonNode> all = got.messages();
        return all.get(all.size() - 1);
    }

    static String text(RawExchange.Got got) {
        return result(got).path("content").path(0).path("text").asString("");
    }

    static List<String> keys(JsonNode result) {
        return List.copyOf(result.path("inputRequests").propertyNames());
    }

    void nothingIsLeft() {
        await().atMost(TestGateway.PATIENCE).untilAsserted(() -> {
            assertThat(gateway.gateway().parkedCalls()).isZero();
            assertThat(gateway.gateway().conversations()).isZero();
        });
    }
}
