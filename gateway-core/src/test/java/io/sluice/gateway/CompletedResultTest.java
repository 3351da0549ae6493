package io.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.cache.CacheRule;
import io.sluice.cache.CacheSettings;
import io.sluice.testing.FakeBackend;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Servers of 2026-07-28 that leave out what every result must have. The gateway is a server of that revision itself, and there are clients that take no result without it: what is not there means
 * that the result is complete (schema, <em>Result</em>), and the gateway says so.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class CompletedResultTest {
    private final FakeBackend backend = FakeBackend.modern()
            .tool("echo", arguments -> "")
            .list("resources", "[{\"uri\":\"file:///a\",\"name\":\"a\"}]");

    private final TestGateway direct = TestGateway.start().with(backend.backend("up"));
    private final TestGateway general =
            TestGateway.setUp().withoutLane().start().with(backend.backend("up"));

    @AfterAll
    void stop() throws Exception {
        direct.close();
        general.close();
        backend.close();
    }

    private TestGateway gateway(boolean lane) {
        return lane ? direct : general;
    }

    private static String called(TestGateway gateway, String accept) {
        return gateway.client()
                .modern("7", "tools/call", "'name':'echo','arguments':{}", "Accept", accept)
                .body();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void resultOfAToolSaysThatItIsComplete(boolean lane) {
        backend.on("tools/call", (request, answer) -> answer.result("{\"content\":[ ],\"x\":1.0}"));
        TestGateway gateway = gateway(lane);
        assertThat(called(gateway, "application/json"))
                .contains("\"result\":{\"resultType\":\"complete\",\"content\":[ ],\"x\":1.0}");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void resultOnAStreamSaysThatItIsComplete(boolean lane) {
        backend.on("tools/call", (request, answer) -> {
            FakeBackend.Stream stream = answer.events();
            stream.message("{\"jsonrpc\":\"2.0\",\"id\":" + request.id() + ",\"result\":{}}");
            stream.end();
        });
        TestGateway gateway = gateway(lane);
        assertThat(called(gateway, "application/json, text/event-stream"))
                .contains("\"result\":{\"resultType\":\"complete\"}");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void largeResultSaysThatItIsComplete(boolean lane) {
        String text = "{\"content\":[{\"type\":\"text\",\"text\":\"" + "long ".repeat(60_000) + "\"}]";
        for (String end : new String[] {"}", ",\"resultType\":\"complete\"}"}) {
            backend.on("tools/call", (request, answer) -> answer.result(text + end));
            TestGateway gateway = gateway(lane);
            assertThat(called(gateway, "application/json"))
                    .endsWith("\"result\":" + text + ",\"resultType\":\"complete\"}}");
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void resourceSaysForHowLongItIsGood(boolean lane) {
        backend.on("resources/read", (request, answer) -> answer.result("{\"contents\":[],\"ttlMs\":5}"));
        TestGateway gateway = gateway(lane);
        assertThat(gateway.client()
                        .modern("7", "resources/read", "'uri':'file:///a'")
                        .body())
                .contains(
                        "\"result\":{\"resultType\":\"complete\",\"cacheScope\":\"private\",\"contents\":[],\"ttlMs\":5}");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void answerThatMayBeUsedAgainSaysItEachTime(boolean lane) {
        AtomicInteger executed = new AtomicInteger();
        backend.on("tools/call", (request, answer) -> answer.result("{\"n\":" + executed.incrementAndGet() + "}"));
        TestGateway gateway = gateway(lane);
        gateway.gateway()
                .cache()
                .apply(CacheSettings.STANDARD.withTools(
                        List.of(new CacheRule("*", "echo", Duration.ofMinutes(1), true))));
        for (int i = 1; i <= 3; i++) {
            assertThat(called(gateway, "application/json")).contains("\"result\":{\"resultType\":\"complete\",\"n\":");
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void errorStaysAsItIs(boolean lane) {
        backend.on("tools/call", (request, answer) -> answer.error(200, -32000, "no"));
        TestGateway gateway = gateway(lane);
        assertThat(called(gateway, "application/json")).contains("-32000").doesNotContain("resultType");
    }
}
