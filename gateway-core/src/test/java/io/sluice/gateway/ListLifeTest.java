package io.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.testing.FakeBackend;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** A list that is answered from memory says how long it is still good, and not how long it once was. */
class ListLifeTest {
    private final TestGateway gateway = TestGateway.start();

    @AfterEach
    void close() {
        gateway.close();
    }

    /** Promises its tools for as long as told at the time, and its prompts for no time at all. */
    private static FakeBackend promising(String tool, AtomicLong ttlMillis) {
        return FakeBackend.modern()
                .capabilities("{\"tools\":{},\"prompts\":{}}")
                .on(
                        "tools/list",
                        (request, answer) -> answer.result("{\"resultType\":\"complete\",\"tools\":[{\"name\":\"" + tool
                                + "\",\"inputSchema\":{\"type\":\"object\"}}],\"ttlMs\":" + ttlMillis
                                + ",\"cacheScope\":\"public\",\"x\":1}"));
    }

    private static JsonNode ask(WireClient client, String method) {
        WireClient.Got got = client.modern("1", method, "");
        assertThat(got.status()).as(got.body()).isEqualTo(200);
        return got.json().path("result");
    }

    private long left(String path, String method) {
        JsonNode ttl = ask(gateway.client(path), method).path("ttlMs");
        assertThat(ttl.isIntegralNumber()).as("%s", ttl).isTrue();
        return ttl.asLong();
    }

    @Test
    void listSaysWhatIsLeftOfItsLifeAndBeginsAnewWhenItIsRead() {
        AtomicLong promised = new AtomicLong(30_000);
        gateway.with("files", promising("read", promised));

        long first = left("/mcp", "tools/list");
        await().untilAsserted(() -> assertThat(left("/mcp", "tools/list")).isLessThan(first - 20));
        promised.set(55_000);
        gateway.discovery().refresh("files").block(TestGateway.PATIENCE);

        assertThat(first).isPositive().isLessThanOrEqualTo(30_000);
        await().untilAsserted(() -> assertThat(left("/mcp", "tools/list")).isBetween(30_001L, 55_000L));
        assertThat(ask(gateway.client(), "tools/list").at("/tools/0/name").asString())
                .isEqualTo("read");
    }

    @Test
    void mergedListIsAsGoodAsTheLeastOfItsParts() {
        gateway.with("long", promising("one", new AtomicLong(58_000)));
        gateway.with("short", promising("two", new AtomicLong(20_000)));

        assertThat(left("/mcp/long", "tools/list")).isBetween(20_001L, 58_000L);
        assertThat(left("/mcp/short", "tools/list")).isBetween(1L, 20_000L);
        assertThat(left("/mcp", "tools/list")).isBetween(1L, 20_000L);
    }

    @Test
    void eachListHasALifeOfItsOwnAndGreetingsTheirs() {
        gateway.with("files", promising("read", new AtomicLong(40_000)));

        assertThat(left("/mcp", "prompts/list")).isZero();
        assertThat(left("/mcp", "tools/list")).isPositive();
        assertThat(left("/mcp", "server/discover")).isBetween(1L, 40_000L);
    }

    @Test
    void listOfABackendThatIsGoneLivesNoLonger() {
        FakeBackend backend = promising("read", new AtomicLong(300));
        gateway.with("files", backend);

        backend.close();

        await().untilAsserted(() -> assertThat(left("/mcp", "tools/list")).isZero());
        assertThat(ask(gateway.client(), "tools/list").path("tools").size()).isEqualTo(1);
    }

    @Test
    void listOfALegacyBackendIsGoodAsLongAsTheGatewaySays() {
        gateway.with("old", FakeBackend.legacy().tool("say", arguments -> "said"));

        assertThat(left("/mcp", "tools/list")).isEqualTo(30_000);
        assertThat(left("/mcp/old", "tools/list")).isEqualTo(30_000);
    }
}
