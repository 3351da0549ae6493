package io.sluice.upstream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.sluice.protocol.McpMethod;
import io.sluice.rejection.Rejection;
import io.sluice.testing.FakeBackend;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The one stream per backend on which its changes arrive. */
class FeedTest {
    @RegisterExtension
    final Ways ways = new Ways();

    private final List<String> heard = new CopyOnWriteArrayList<>();

    private Upstream listening(FakeBackend backend) {
        Upstream upstream = ways.to(backend);
        upstream.signals().subscribe(signal -> heard.add(signal.toString()));
        upstream.verdict().block(Ways.PATIENCE);
        upstream.listen();
        upstream.listen();
        await().until(() -> backend.openFeeds() == 1);
        await().until(upstream::isListening);
        return upstream;
    }

    private static FakeBackend backend(String era) {
        return era.equals("legacy") ? FakeBackend.legacy() : FakeBackend.modern();
    }

    @ParameterizedTest
    @ValueSource(strings = {"legacy", "modern"})
    void changesAreHeardInEitherEra(String era) {
        FakeBackend backend = backend(era);
        listening(backend);

        backend.push("notifications/tools/list_changed", "{}");
        backend.push("notifications/prompts/list_changed", "{}");
        backend.push("notifications/resources/list_changed", "{}");

        await().untilAsserted(() ->
                assertThat(heard).containsExactly("ToolsChanged[]", "PromptsChanged[]", "ResourcesChanged[]"));
        assertThat(backend.openFeeds()).isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"legacy", "modern"})
    void subscribersOfOneResourceShareOneSubscription(String era) {
        FakeBackend backend = backend(era);
        Upstream upstream = listening(backend);

        upstream.subscribe("file:///a").block(Ways.PATIENCE);
        upstream.subscribe("file:///a").block(Ways.PATIENCE);
        backend.push("notifications/resources/updated", "{\"uri\":\"file:///a\",\"x\":1}");

        await().untilAsserted(() -> assertThat(heard)
                .containsOnlyOnce("ResourceUpdated[uri=file:///a, params={\"uri\":\"file:///a\",\"x\":1}]"));
        if (era.equals("legacy")) {
            assertThat(backend.count("resources/subscribe")).isEqualTo(1);
            upstream.unsubscribe("file:///a").block(Ways.PATIENCE);
            assertThat(backend.count("resources/unsubscribe")).isZero();
            upstream.unsubscribe("file:///a").block(Ways.PATIENCE);
            assertThat(backend.count("resources/unsubscribe")).isEqualTo(1);
        } else {
            assertThat(backend.received("subscriptions/listen")
                            .get(1)
                            .params()
                            .path("notifications")
                            .toString())
                    .contains("\"resourceSubscriptions\":[\"file:///a\"]", "\"toolsListChanged\":true");
            upstream.unsubscribe("file:///a").block(Ways.PATIENCE);
            assertThat(backend.count("subscriptions/listen")).isEqualTo(2);
            upstream.unsubscribe("file:///a").block(Ways.PATIENCE);
            await().untilAsserted(() ->
                    assertThat(backend.count("subscriptions/listen")).isEqualTo(3));
            await().untilAsserted(() -> assertThat(backend.openFeeds()).isEqualTo(1));
        }
    }

    @Test
    void listenStreamThatTakesOverFromAnOpenOneReportsNothingByItself() {
        FakeBackend backend = FakeBackend.modern();
        Upstream upstream = listening(backend);

        upstream.subscribe("file:///a").block(Ways.PATIENCE);
        upstream.subscribe("file:///b").block(Ways.PATIENCE);

        await().untilAsserted(() -> assertThat(backend.openFeeds()).isEqualTo(1));
        backend.push("notifications/resources/updated", "{\"uri\":\"file:///b\"}");
        await().untilAsserted(() -> assertThat(heard).isNotEmpty());
        assertThat(heard).containsExactly("ResourceUpdated[uri=file:///b, params={\"uri\":\"file:///b\"}]");
    }

    @Test
    void listenStreamAfterAGapReportsEveryResourceOnce() {
        FakeBackend backend = FakeBackend.modern();
        Upstream upstream = listening(backend);
        upstream.subscribe("file:///a").block(Ways.PATIENCE);

        backend.dropFeeds(true);

        await().untilAsserted(() ->
                assertThat(heard).contains("ResourceUpdated[uri=file:///a, params={\"uri\":\"file:///a\"}]"));
        assertThat(heard).containsOnlyOnce("ResourceUpdated[uri=file:///a, params={\"uri\":\"file:///a\"}]");
    }

    @ParameterizedTest
    @ValueSource(strings = {"legacy", "modern"})
    void brokenFeedIsOpenedAgainAndEverythingMayHaveChanged(String era) {
        FakeBackend backend = backend(era);
        Upstream upstream = listening(backend);

        backend.dropFeeds(true);

        await().untilAsserted(
                        () -> assertThat(heard).contains("ToolsChanged[]", "PromptsChanged[]", "ResourcesChanged[]"));
        await().until(upstream::isListening);
        heard.clear();
        backend.push("notifications/tools/list_changed", "{}");
        await().untilAsserted(() -> assertThat(heard).contains("ToolsChanged[]"));
    }

    @Test
    void subscriptionsOutliveAForgottenSession() {
        FakeBackend backend = FakeBackend.legacy();
        Upstream upstream = listening(backend);
        upstream.subscribe("file:///a").block(Ways.PATIENCE);
        backend.forgetSessions();
        heard.clear();

        upstream.ask(McpMethod.PING, "").block(Ways.PATIENCE);

        await().untilAsserted(() -> assertThat(
                        backend.received("resources/subscribe").stream().map(r -> r.header("mcp-session-id")))
                .containsExactly("session-1", "session-2"));
        await().untilAsserted(() ->
                assertThat(heard).contains("ResourceUpdated[uri=file:///a, params={\"uri\":\"file:///a\"}]"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"legacy", "modern"})
    void backendWithoutSubscriptionsRefusesThem(String era) {
        FakeBackend backend = backend(era).capabilities("{\"resources\":{}}");
        Upstream upstream = ways.to(backend);

        assertThatThrownBy(() -> upstream.subscribe("file:///a").block(Ways.PATIENCE))
                .isInstanceOf(Rejection.MethodNotFound.class);
    }

    @Test
    void uriThatIsNotHonouredIsRefused() {
        FakeBackend backend = FakeBackend.modern()
                .on(
                        "subscriptions/listen",
                        (request, answer) -> answer.events()
                                .message("{\"jsonrpc\":\"2.0\",\"method\":"
                                        + "\"notifications/subscriptions/acknowledged\",\"params\":"
                                        + "{\"notifications\":{}}}")
                                .untilClosed());
        Upstream upstream = ways.to(backend);

        assertThatThrownBy(() -> upstream.subscribe("file:///a").block(Ways.PATIENCE))
                .isInstanceOf(Rejection.MethodNotFound.class);
    }

    @Test
    void requestsOnTheSharedFeedAreDeclined() {
        FakeBackend backend = FakeBackend.legacy();
        listening(backend);

        backend.push("{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"roots/list\"}");

        await().untilAsserted(() -> assertThat(backend.received())
                .anyMatch(r -> r.text().startsWith("{\"jsonrpc\":\"2.0\",\"id\":4,\"error\":{\"code\":-32601")));
    }

    @Test
    void disposedUpstreamLeavesNothingBehind() {
        FakeBackend backend = FakeBackend.legacy();
        Upstream upstream = listening(backend);

        upstream.dispose();

        await().untilAsserted(() -> assertThat(backend.sessions()).isEmpty());
        await().untilAsserted(() -> assertThat(backend.openConnections()).isZero());
    }
}
