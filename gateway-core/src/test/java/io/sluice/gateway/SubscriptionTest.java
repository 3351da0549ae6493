package io.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.testing.FakeBackend;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

class SubscriptionTest {
    private static final String LIST = "[{\"uri\":\"file:///a\",\"name\":\"a\"}]";

    private final FakeBackend backend = FakeBackend.legacy().list("resources", LIST);
    private final TestGateway gateway = TestGateway.start().with("files", backend);

    @AfterEach
    void close() throws Exception {
        gateway.close();
    }

    private WireClient session() {
        return gateway.client().initialize("2025-11-25", "{}");
    }

    private static WireClient.Got ask(WireClient client, String method, String uri) {
        return client.post(
                "{'jsonrpc':'2.0','id':1,'method':'resources/" + method + "','params':{'uri':'" + uri + "'}}");
    }

    private static void updated(FakeBackend backend, String uri) {
        backend.push("notifications/resources/updated", "{\"uri\":\"" + uri + "\"}");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void updatesComeOnTheStandingStream(boolean modern) {
        FakeBackend watched = modern ? FakeBackend.modern() : backend;
        if (modern) {
            watched.list("resources", LIST.replace("///a", "///m"));
            gateway.with("modern", watched);
        }
        String uri = modern ? "file:///m" : "file:///a";
        WireClient client = session();
        try (WireClient.Stream stream = client.listen()) {
            assertThat(ask(client, "subscribe", uri).json().at("/result").isEmpty())
                    .isTrue();
            await().until(() -> watched.openFeeds() > 0);

            updated(watched, uri);

            JsonNode message = stream.message();
            assertThat(message.path("method").asString()).isEqualTo("notifications/resources/updated");
            assertThat(message.path("params").toString()).isEqualTo("{\"uri\":\"" + uri + "\"}");
        }
    }

    @Test
    void oneSubscriptionAtTheBackendServesAllSessions() {
        WireClient first = session();
        WireClient second = session();

        ask(first, "subscribe", "file:///a");
        ask(second, "subscribe", "file:///a");
        ask(second, "subscribe", "file:///a");

        assertThat(backend.count("resources/subscribe")).isEqualTo(1);
        try (WireClient.Stream one = first.listen();
                WireClient.Stream two = second.listen()) {
            updated(backend, "file:///a");

            assertThat(one.message().at("/params/uri").asString()).isEqualTo("file:///a");
            assertThat(two.message().at("/params/uri").asString()).isEqualTo("file:///a");
        }
    }

    @Test
    void lastOneToUnsubscribeEndsTheSubscriptionAtTheBackend() {
        WireClient first = session();
        WireClient second = session();
        ask(first, "subscribe", "file:///a");
        ask(first, "subscribe", "file:///a");
        ask(second, "subscribe", "file:///a");

        ask(first, "unsubscribe", "file:///a");
        ask(first, "unsubscribe", "file:///a");
        assertThat(backend.count("resources/unsubscribe")).isZero();
        ask(second, "unsubscribe", "file:///a");

        assertThat(backend.count("resources/unsubscribe")).isEqualTo(1);
        ask(first, "subscribe", "file:///a");
        assertThat(backend.count("resources/subscribe")).isEqualTo(2);
    }

    @Test
    void endOfTheSessionEndsItsSubscriptions() {
        WireClient client = session();
        ask(client, "subscribe", "file:///a");

        client.delete();

        await().until(() -> backend.count("resources/unsubscribe") == 1);
    }

    @Test
    void whoHasUnsubscribedHearsNothing() {
        WireClient client = session();
        WireClient other = session();
        ask(client, "subscribe", "file:///a");
        ask(other, "subscribe", "file:///a");
        ask(client, "unsubscribe", "file:///a");
        try (WireClient.Stream mine = client.listen();
                WireClient.Stream theirs = other.listen()) {
            updated(backend, "file:///a");
            theirs.message();
            client.delete();

            for (String line = mine.line(); line != null; line = mine.line()) {
                assertThat(line).doesNotContain("updated");
            }
        }
    }

    @Test
    void unknownResourceCannotBeSubscribedTo() {
        WireClient.Got got = ask(session(), "subscribe", "file:///nowhere");

        assertThat(got.json().at("/error/code").asInt()).isEqualTo(-32002);
        assertThat(backend.count("resources/subscribe")).isZero();
    }

    @Test
    void refusalOfTheBackendIsPassedOnAndCanBeTriedAgain() {
        backend.on("resources/subscribe", (request, answer) -> answer.error(200, -32602, "not now"));
        WireClient client = session();

        WireClient.Got refused = ask(client, "subscribe", "file:///a");
        backend.usual("resources/subscribe");
        WireClient.Got agreed = ask(client, "subscribe", "file:///a");

        assertThat(refused.json().at("/error/message").asString()).contains("files", "not now");
        assertThat(agreed.json().has("result")).isTrue();
        assertThat(backend.count("resources/subscribe")).isEqualTo(2);
    }

    @Test
    void subscriptionNeedsASession() {
        assertThat(ask(gateway.client(), "subscribe", "file:///a")
                        .json()
                        .at("/error/message")
                        .asString())
                .contains("initialize");
    }

    @Test
    void updatesOfOneUriOfTwoBackendsAreToldApart() {
        FakeBackend other = FakeBackend.legacy().list("resources", LIST);
        gateway.with("other", other);
        WireClient client = session();
        ask(client, "subscribe", "file:///a");
        ask(client, "subscribe", "other+file:///a");

        try (WireClient.Stream stream = client.listen()) {
            updated(other, "file:///a");
            assertThat(stream.message().at("/params/uri").asString()).isEqualTo("other+file:///a");
            updated(backend, "file:///a");
            assertThat(stream.message().at("/params/uri").asString()).isEqualTo("file:///a");
        }
        assertThat(other.received("resources/subscribe")
                        .get(0)
                        .params()
                        .path("uri")
                        .asString())
                .isEqualTo("file:///a");
    }

    @Test
    void backendThatForgetsItsSessionIsAskedAgain() {
        WireClient client = session();
        ask(client, "subscribe", "file:///a");
        await().until(() -> backend.openFeeds() > 0);
        backend.forgetSessions();
        backend.dropFeeds(true);

        await().until(() -> backend.count("resources/subscribe") == 2 && backend.openFeeds() > 0);
        try (WireClient.Stream stream = client.listen()) {
            updated(backend, "file:///a");

            assertThat(stream.message().at("/params/uri").asString()).isEqualTo("file:///a");
        }
    }

    private void offerMore() {
        backend.tool("more", arguments -> "");
        backend.push("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}");
        gateway.whenCatalog(catalog -> catalog.aggregate().tool("more").isPresent());
    }

    @Test
    void changedListIsToldOnOpenStreams() {
        WireClient client = session();
        try (WireClient.Stream stream = client.listen()) {
            await().until(() -> backend.openFeeds() > 0);
            offerMore();

            assertThat(stream.message().path("method").asString()).isEqualTo("notifications/tools/list_changed");
            assertThat(client.post("{'jsonrpc':'2.0','id':1,'method':'tools/list'}")
                            .body())
                    .contains("\"more\"");
        }
    }

    @Test
    void changedListIsToldOnStreamsThatAreOpenedLater() {
        WireClient idle = session();
        WireClient busy = session();
        busy.post("{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{'name':'echo'}}");
        await().until(() -> backend.openFeeds() > 0);
        offerMore();

        for (WireClient client : List.of(idle, busy)) {
            try (WireClient.Stream stream = client.listen()) {
                assertThat(stream.message().path("method").asString()).isEqualTo("notifications/tools/list_changed");
            }
        }
    }

    @Test
    void whatChangedBeforeTheSessionBeganIsNoNews() {
        await().until(() -> backend.openFeeds() > 0);
        offerMore();
        WireClient client = session();

        try (WireClient.Stream stream = client.listen()) {
            backend.tool("evenMore", arguments -> "");
            backend.list("prompts", "[{\"name\":\"p\"}]");
            backend.push("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/prompts/list_changed\"}");

            assertThat(stream.message().path("method").asString()).isEqualTo("notifications/prompts/list_changed");
        }
    }

    @Test
    void backendThatLeavesChangesTheLists() {
        WireClient client = session();
        try (WireClient.Stream stream = client.listen()) {
            gateway.without("files");

            List<String> methods = List.of(
                    stream.message().path("method").asString(),
                    stream.message().path("method").asString());
            assertThat(methods)
                    .containsExactlyInAnyOrder(
                            "notifications/tools/list_changed", "notifications/resources/list_changed");
            assertThat(client.post("{'jsonrpc':'2.0','id':1,'method':'ping'}").status())
                    .isEqualTo(200);
        }
    }
}
