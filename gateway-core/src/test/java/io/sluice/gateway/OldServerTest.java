package io.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.testing.OldServer;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** A server of HTTP+SSE (2024-11-05) as a backend. */
class OldServerTest {
    private final OldServer old = new OldServer();
    private final TestGateway gateway = TestGateway.setUp()
            .upstream(settings -> settings.withProbeTimeout(TestGateway.PATIENCE))
            .start();

    @AfterEach
    void close() {
        gateway.close();
        old.close();
    }

    private static String call(WireClient client, String tool) {
        return client.post("{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{'name':'" + tool
                        + "','arguments':{}}}")
                .json()
                .at("/result/content/0/text")
                .asString("");
    }

    @Test
    void toolsAreCalledByClientsOfBothEras() {
        gateway.with(old.backend("old"));

        assertThat(call(gateway.client().initialize("2025-11-25", "{}"), "session"))
                .matches("\\d+");
        assertThat(gateway.client()
                        .modern("1", "tools/call", "'name':'session','arguments':{}")
                        .json()
                        .at("/result/content/0/text")
                        .asString())
                .matches("\\d+");
    }

    @Test
    void everySessionHasAStreamOfItsOwn() {
        gateway.with(old.backend("old"));
        WireClient one = gateway.client().initialize("2025-11-25", "{}");
        WireClient two = gateway.client().initialize("2025-11-25", "{}");

        String first = call(one, "session");

        assertThat(call(two, "session")).isNotEqualTo(first);
        assertThat(call(one, "session")).isEqualTo(first);
        one.delete();
        await().atMost(TestGateway.PATIENCE).until(() -> old.received().contains("notifications/initialized " + first));
    }

    @Test
    void questionOfTheServerReachesItsClientAndTheAnswerComesBack() {
        gateway.with(old.backend("old"));
        WireClient client = gateway.client().initialize("2025-11-25", "{'sampling':{}}");

        try (WireClient.Stream stream = client.stream(
                "{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{'name':'ask','arguments':{}}}")) {
            JsonNode question = stream.message();
            assertThat(question.path("method").asString()).isEqualTo("sampling/createMessage");
            client.post("{'jsonrpc':'2.0','id':" + question.path("id") + ",'result':{'role':'assistant',"
                    + "'content':{'type':'text','text':'hm'},'model':'m'}}");
            assertThat(stream.message().at("/result/content/0/text").asString()).isEqualTo("answered");
        }
    }

    @Test
    void streamThatIsCutFailsWhoWaitsAndTheNextCallOpensAnother() {
        gateway.with(old.backend("old"));
        WireClient client = gateway.client().initialize("2025-11-25", "{}");
        String before = call(client, "session");
        CompletableFuture<String> waiting = CompletableFuture.supplyAsync(() -> call(client, "never"));
        await().atMost(TestGateway.PATIENCE)
                .until(() -> old.received().stream()
                                .filter(line -> line.equals("tools/call " + before))
                                .count()
                        == 2);

        old.cut();

        assertThat(waiting.join()).contains("Backend 'old'");
        await().atMost(TestGateway.PATIENCE).until(() -> call(client, "session").matches("\\d+"));
    }

    @Test
    void addressOfAnotherOriginIsNotFollowed() {
        gateway.register(
                old.sayingToPostTo("http://127.0.0.1:1/messages?session=").backend("old"));

        await().atMost(TestGateway.PATIENCE)
                .until(() -> gateway.discovery().state().upstreams().containsKey("old")
                        && gateway.discovery()
                                .state()
                                .upstreams()
                                .get("old")
                                .trouble()
                                .isPresent());
        assertThat(Objects.requireNonNull(
                                gateway.discovery().state().upstreams().get("old"))
                        .trouble()
                        .orElseThrow())
                .contains("another origin");
    }
}
