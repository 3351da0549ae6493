package io.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.testing.FakeBackend;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/**
 * {@code subscriptions/listen} (2026-07-28, Subscriptions): one stream for each client, one for each backend, whatever
 * its era.
 */
class ListenTest {
    private static final String ID = "io.modelcontextprotocol/subscriptionId";
    private static final String ONE =
            "[{\"uri\":\"test://one\",\"name\":\"one\"},{\"uri\":\"test://two\",\"name\":\"two\"}]";
    private static final String LISTS =
            "'notifications':{'toolsListChanged':true,'promptsListChanged':true," + "'resourcesListChanged':true}";

    private static WireClient.Stream listen(TestGateway gateway, String path, String id, String members) {
        return gateway.client(path).modernStream(id, "subscriptions/listen", members);
    }

    @ParameterizedTest
    @ValueSource(strings = {"7", "'s-1'", "'7'"})
    void acknowledgementComesFirstUnderTheClientsOwnIdAndType(String id) throws Exception {
        FakeBackend backend = FakeBackend.modern().capabilities("{\"tools\":{}}");
        try (TestGateway gateway = TestGateway.start().with("up", backend);
                WireClient.Stream stream = listen(gateway, "/mcp", id, LISTS)) {
            JsonNode ack = stream.message();

            assertThat(stream.status()).isEqualTo(200);
            assertThat(stream.header("Content-Type")).isEqualTo("text/event-stream");
            assertThat(stream.header("Mcp-Session-Id")).isEmpty();
            assertThat(ack.path("method").asString()).isEqualTo("notifications/subscriptions/acknowledged");
            assertThat(ack.has("id")).isFalse();
            assertThat(ack.path("params").path("notifications").toString()).isEqualTo("{\"toolsListChanged\":true}");
            assertThat(ack.path("params").path("_meta").path(ID).toString()).isEqualTo(id.replace('\'', '"'));
        }
    }

    @Test
    void onlyWhatIsAskedForAndCanBeHadIsHonoured() throws Exception {
        FakeBackend modern = FakeBackend.modern().list("resources", ONE);
        FakeBackend deaf = FakeBackend.modern()
                .capabilities("{\"tools\":{},\"resources\":{}}")
                .list("resources", "[{\"uri\":\"deaf://one\",\"name\":\"one\"}]");
        try (TestGateway gateway = TestGateway.start().with("modern", modern).with("deaf", deaf);
                WireClient.Stream stream = listen(
                        gateway,
                        "/mcp",
                        "1",
                        "'notifications':{'toolsListChanged':false,'promptsListChanged':true,'unknown':true,"
                                + "'resourceSubscriptions':['test://one','deaf://one','none://x','test://one']}")) {
            assertThat(stream.message().path("params").path("notifications").toString())
                    .isEqualTo("{\"promptsListChanged\":true,\"resourceSubscriptions\":[\"test://one\"]}");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"modern", "legacy"})
    void listChangeIsToldWhenTheNewListCanBeHad(String era) throws Exception {
        FakeBackend backend = era.equals("modern") ? FakeBackend.modern() : FakeBackend.legacy();
        try (TestGateway gateway = TestGateway.start().with("up", backend).listeningTo(backend);
                WireClient.Stream all = listen(gateway, "/mcp", "1", LISTS);
                WireClient.Stream own = listen(gateway, "/mcp/up", "'two'", LISTS)) {
            all.message();
            own.message();
            for (int round = 0; round < 5; round++) {
                String name = "tool-" + round;
                backend.tool(name, arguments -> "");
                backend.push("notifications/tools/list_changed", "{}");

                for (WireClient.Stream stream : List.of(all, own)) {
                    JsonNode changed = stream.message();
                    assertThat(changed.path("method").asString()).isEqualTo("notifications/tools/list_changed");
                    assertThat(changed.path("params").path("_meta").path(ID).toString())
                            .isEqualTo(stream == all ? "1" : "\"two\"");
                }
                assertThat(ModernRequest.of("tools/list", "").send(gateway).text())
                        .contains("\"" + name + "\"");
            }
        }
    }

    @Test
    void changesOfAllBackendsAndErasArriveOnOneStream() throws Exception {
        FakeBackend modern = FakeBackend.modern().list("resources", "[{\"uri\":\"new://a\",\"name\":\"a\"}]");
        FakeBackend legacy = FakeBackend.legacy().list("resources", "[{\"uri\":\"old://b\",\"name\":\"b\"}]");
        try (TestGateway gateway = TestGateway.start()
                        .with("modern", modern)
                        .with("legacy", legacy)
                        .listeningTo(modern)
                        .listeningTo(legacy);
                WireClient.Stream stream = listen(
                        gateway,
                        "/mcp",
                        "1",
                        "'notifications':{'toolsListChanged':true,'resourceSubscriptions':['new://a','old://b']}")) {
            assertThat(stream.message()
                            .path("params")
                            .path("notifications")
                            .path("resourceSubscriptions")
                            .toString())
                    .contains("new://a", "old://b");

            modern.tool("fresh", arguments -> "").push("notifications/tools/list_changed", "{}");
            assertThat(stream.message().path("method").asString()).isEqualTo("notifications/tools/list_changed");
            legacy.tool("older", arguments -> "").push("notifications/tools/list_changed", "{}");
            assertThat(stream.message().path("method").asString()).isEqualTo("notifications/tools/list_changed");
            modern.push("notifications/resources/updated", "{\"uri\":\"new://a\"}");
            assertThat(stream.message().path("params").path("uri").asString()).isEqualTo("new://a");
            legacy.push("notifications/resources/updated", "{\"uri\":\"old://b\"}");
            assertThat(stream.message().path("params").path("uri").asString()).isEqualTo("old://b");
            assertThat(legacy.received("resources/subscribe"))
                    .singleElement()
                    .satisfies(asked ->
                            assertThat(asked.params().path("uri").asString()).isEqualTo("old://b"));
        }
    }

    @Test
    void updatesOfOtherResourcesAndOtherTypesAreNotTold() throws Exception {
        FakeBackend backend = FakeBackend.legacy().list("resources", ONE);
        try (TestGateway gateway = TestGateway.start().with("up", backend).listeningTo(backend);
                WireClient.Stream stream =
                        listen(gateway, "/mcp", "1", "'notifications':{'resourceSubscriptions':['test://one']}")) {
            stream.message();

            backend.push("notifications/resources/updated", "{\"uri\":\"test://two\"}");
            backend.push("notifications/message", "{\"level\":\"error\",\"data\":\"x\"}");
            backend.push("notifications/progress", "{\"progressToken\":1,\"progress\":1}");
            backend.push("notifications/prompts/list_changed", "{}");
            backend.push("notifications/resources/updated", "{\"uri\":\"test://one\"}");

            JsonNode first = stream.message();
            assertThat(first.path("method").asString()).isEqualTo("notifications/resources/updated");
            assertThat(first.path("params").path("uri").asString()).isEqualTo("test://one");
        }
    }

    @Test
    @SuppressWarnings("try") // the client that leaves early is what is tested
    void twoListensOfOneClientAreTwo() throws Exception {
        String members = "'notifications':{'resourceSubscriptions':['test://one']}";
        FakeBackend backend = FakeBackend.modern().list("resources", ONE);
        try (TestGateway gateway = TestGateway.start().with("up", backend).listeningTo(backend);
                WireClient.Stream stays = listen(gateway, "/mcp", "1", members)) {
            stays.message();
            try (WireClient.Stream leaves = listen(gateway, "/mcp", "1", members)) {
                leaves.message();
                backend.push("notifications/resources/updated", "{\"uri\":\"test://one\"}");
                for (WireClient.Stream each : List.of(stays, leaves)) {
                    assertThat(each.message().path("params").path("uri").asString())
                            .isEqualTo("test://one");
                }
            }

            await().atMost(TestGateway.PATIENCE).until(() -> gateway.gateway().activeClients() == 1);
            backend.push("notifications/resources/updated", "{\"uri\":\"test://one\"}");
            assertThat(stays.message().path("params").path("uri").asString()).isEqualTo("test://one");
        }
    }

    @Test
    void manyClientsShareOneListenAndOneSubscriptionAtEachBackend() throws Exception {
        FakeBackend modern = FakeBackend.modern().list("resources", "[{\"uri\":\"new://a\",\"name\":\"a\"}]");
        FakeBackend legacy = FakeBackend.legacy().list("resources", "[{\"uri\":\"old://b\",\"name\":\"b\"}]");
        try (TestGateway gateway = TestGateway.start()
                .with("modern", modern)
                .with("legacy", legacy)
                .listeningTo(modern)
                .listeningTo(legacy)) {
            List<WireClient.Stream> clients = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                clients.add(listen(
                        gateway,
                        "/mcp",
                        "1",
                        "'notifications':{'toolsListChanged':true,'resourceSubscriptions':['new://a','old://b']}"));
            }
            for (WireClient.Stream client : clients) {
                assertThat(client.message().path("params").path("notifications").toString())
                        .contains("new://a", "old://b");
            }

            await().atMost(TestGateway.PATIENCE).until(() -> modern.openFeeds() == 1);
            assertThat(legacy.openFeeds()).isEqualTo(1);
            assertThat(legacy.count("resources/subscribe")).isEqualTo(1);
            // one without the URI, one with it
            assertThat(modern.count("subscriptions/listen")).isEqualTo(2);

            modern.push("notifications/resources/updated", "{\"uri\":\"new://a\"}");
            for (WireClient.Stream client : clients) {
                assertThat(client.message().path("params").path("uri").asString())
                        .isEqualTo("new://a");
                client.close();
            }
            await().atMost(TestGateway.PATIENCE).until(() -> legacy.count("resources/unsubscribe") == 1);
            await().atMost(TestGateway.PATIENCE).until(() -> gateway.gateway().activeClients() == 0);
        }
    }

    @Test
    void whatHappensWhileABackendIsAskedIsToldAfterTheAcknowledgement() throws Exception {
        CountDownLatch asked = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        FakeBackend slow = FakeBackend.legacy().list("resources", "[{\"uri\":\"slow://b\",\"name\":\"b\"}]");
        slow.on("resources/subscribe", (request, answer) -> {
            asked.countDown();
            assertThat(go.await(10, TimeUnit.SECONDS)).isTrue();
            answer.result("{}");
        });
        FakeBackend quick = FakeBackend.legacy().list("resources", "[{\"uri\":\"quick://a\",\"name\":\"a\"}]");
        try (TestGateway gateway = TestGateway.start()
                        .with("slow", slow)
                        .with("quick", quick)
                        .listeningTo(slow)
                        .listeningTo(quick);
                WireClient.Stream before =
                        listen(gateway, "/mcp", "0", "'notifications':{'resourceSubscriptions':['quick://a']}")) {
            before.message();
            var opening = java.util.concurrent.CompletableFuture.supplyAsync(() -> listen(
                    gateway,
                    "/mcp",
                    "1",
                    "'notifications':{'toolsListChanged':true,'resourceSubscriptions':['quick://a','slow://b']}"));
            assertThat(asked.await(10, TimeUnit.SECONDS)).isTrue();
            quick.push("notifications/resources/updated", "{\"uri\":\"quick://a\"}");
            assertThat(before.message().path("params").path("uri").asString()).isEqualTo("quick://a");
            quick.tool("fresh", arguments -> "").push("notifications/tools/list_changed", "{}");
            gateway.whenCatalog(catalog -> catalog.aggregate().tool("fresh").isPresent());
            go.countDown();

            try (WireClient.Stream stream = opening.get(10, TimeUnit.SECONDS)) {
                assertThat(stream.message().path("method").asString())
                        .isEqualTo("notifications/subscriptions/acknowledged");
                List<String> told = List.of(
                        stream.message().path("method").asString(),
                        stream.message().path("method").asString());
                assertThat(told)
                        .containsExactlyInAnyOrder(
                                "notifications/tools/list_changed", "notifications/resources/updated");
            }
        }
    }

    @Test
    void endOfTheGatewayIsToldAsTheResponse() throws Exception {
        try (TestGateway gateway = TestGateway.start().with("up", FakeBackend.modern());
                WireClient.Stream stream = listen(gateway, "/mcp", "'s-1'", LISTS)) {
            stream.message();

            gateway.gateway().endStreams();

            JsonNode last = stream.message();
            assertThat(last.path("id").asString()).isEqualTo("s-1");
            assertThat(last.path("result").path("resultType").asString()).isEqualTo("complete");
            assertThat(last.path("result").path("_meta").path(ID).asString()).isEqualTo("s-1");
            assertThat(stream.line()).isNull();
        }
    }

    @Test
    void backendThatComesAndGoesIsAListChangeAndTheStreamStays() throws Exception {
        FakeBackend late = FakeBackend.modern().tool("late", arguments -> "");
        try (TestGateway gateway = TestGateway.start().with("up", FakeBackend.modern());
                WireClient.Stream stream = listen(gateway, "/mcp", "1", LISTS)) {
            stream.message();

            gateway.with("late", late);
            assertThat(stream.message().path("method").asString()).contains("list_changed");
            gateway.without("late");

            assertThat(stream.message().path("method").asString()).contains("list_changed");
        }
    }

    @Test
    void subscriptionOutlivesARestartOfTheBackend() throws Exception {
        FakeBackend backend = FakeBackend.modern().list("resources", ONE);
        try (TestGateway gateway = TestGateway.start().with("up", backend).listeningTo(backend);
                WireClient.Stream stream =
                        listen(gateway, "/mcp", "1", "'notifications':{'resourceSubscriptions':['test://one']}")) {
            stream.message();
            int listens = backend.count("subscriptions/listen");

            backend.dropFeeds(true);
            await().atMost(TestGateway.PATIENCE)
                    .until(() -> backend.count("subscriptions/listen") > listens && backend.openFeeds() == 1);
            backend.push("notifications/resources/updated", "{\"uri\":\"test://one\"}");

            assertThat(stream.message().path("params").path("uri").asString()).isEqualTo("test://one");
        }
    }

    @Test
    void clientThatTakesNoStreamIsToldSo() throws Exception {
        try (TestGateway gateway = TestGateway.start().with("up", FakeBackend.modern())) {
            RawExchange.Got got = ModernRequest.of("subscriptions/listen", LISTS)
                    .accept("application/json")
                    .send(gateway);

            assertThat(got.status()).isEqualTo(406);
            assertThat(got.json().path("id").asInt()).isEqualTo(7);
        }
    }

    @Test
    void malformedFilterIsRefused() throws Exception {
        try (TestGateway gateway = TestGateway.start().with("up", FakeBackend.modern())) {
            for (String members : List.of(
                    "'notifications':[]",
                    "'notifications':{'resourceSubscriptions':'test://one'}",
                    "'notifications':{'resourceSubscriptions':[1]}")) {
                RawExchange.Got got =
                        ModernRequest.of("subscriptions/listen", members).send(gateway);

                assertThat(got.status()).as(got.toString()).isEqualTo(200);
                assertThat(got.code()).isEqualTo(-32602);
            }
        }
    }
}
