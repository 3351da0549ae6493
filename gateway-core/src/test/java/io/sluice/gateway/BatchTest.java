package io.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.testing.FakeBackend;
import java.util.Collections;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

class BatchTest {
    private static final String PING = "{'jsonrpc':'2.0','id':1,'method':'ping'}";
    private static final String CALL =
            "{'jsonrpc':'2.0','id':'b','method':'tools/call','params':{'name':'echo','arguments':{'n':15}}}";
    private static final String NOTE = "{'jsonrpc':'2.0','method':'notifications/roots/list_changed'}";

    private static final FakeBackend weather = FakeBackend.legacy();
    private static final FakeBackend streaming =
            FakeBackend.legacy().asEvents().withoutTool("echo").tool("stream", arguments -> "streamed");
    private static TestGateway gateway;

    @BeforeAll
    static void start() {
        gateway = TestGateway.start().with("weather", weather).with("streaming", streaming);
    }

    @AfterAll
    static void stop() throws Exception {
        gateway.close();
    }

    private static WireClient session(String version) {
        return gateway.client().initialize(version, "{}");
    }

    @Test
    void responsesOfABatchComeInOneArray() {
        WireClient.Got got = session("2025-03-26")
                .post("[" + PING + "," + NOTE + "," + CALL + "," + CALL.replace("echo", "stream") + ","
                        + CALL.replace("echo", "nothing") + "]");

        assertThat(got.status()).isEqualTo(200);
        assertThat(got.header("Content-Type")).isEqualTo("application/json");
        JsonNode all = got.json();
        assertThat(all).hasSize(4);
        assertThat(all.get(0).toString()).isEqualTo("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}");
        assertThat(all.get(1).at("/result/content/0/text").asString()).isEqualTo("{\"n\":15}");
        assertThat(all.get(2).at("/result/content/0/text").asString()).isEqualTo("streamed");
        assertThat(all.get(3).at("/error/code").asInt()).isEqualTo(-32602);
    }

    @Test
    void batchOfNotificationsIsAccepted() {
        WireClient.Got got = session("2025-03-26").post("[" + NOTE + "," + NOTE + "]");

        assertThat(got.status()).isEqualTo(202);
        assertThat(got.body()).isEmpty();
    }

    @Test
    void batchWithoutSessionIsServed() {
        assertThat(gateway.client().post("[" + PING + "]").json()).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"2025-06-18", "2025-11-25"})
    void laterRevisionsHaveNoBatches(String version) {
        WireClient.Got got = session(version).post("[" + PING + "]");

        assertThat(got.status()).isEqualTo(400);
        assertThat(got.json().at("/error/code").asInt()).isEqualTo(-32600);
        assertThat(got.json().at("/error/message").asString()).contains("2025-03-26");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "[]",
                "[1]",
                "[{'jsonrpc':'2.0','id':1,'method':'ping'},{'no':'message'}]",
                "[{'jsonrpc':'2.0','id':1,'method':'ping','params':{'_meta':{"
                        + "'io.modelcontextprotocol/protocolVersion':'2026-07-28'}}}]"
            })
    void whatIsNoBatchIsRefused(String body) {
        WireClient.Got got = session("2025-03-26").post(body);

        assertThat(got.status()).isEqualTo(400);
        assertThat(got.json().at("/error/code").asInt()).isEqualTo(-32600);
    }

    @Test
    void batchHasALimit() {
        String hundred = String.join(",", Collections.nCopies(100, PING));

        assertThat(session("2025-03-26").post("[" + hundred + "]").json()).hasSize(100);
        assertThat(session("2025-03-26").post("[" + hundred + "," + PING + "]").status())
                .isEqualTo(400);
    }
}
