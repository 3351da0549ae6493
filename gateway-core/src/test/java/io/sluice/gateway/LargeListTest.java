package io.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.testing.FakeBackend;
import java.io.IOException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** A list that does not fit into one read or write: its bytes are shared by all who are answered with it. */
class LargeListTest {
    private static final int TOOLS = 400;
    private final TestGateway gateway = TestGateway.start();

    @BeforeEach
    void register() {
        FakeBackend many = FakeBackend.modern(); // which has a tool already
        for (int i = 1; i < TOOLS; i++) {
            String definition = "{\"name\":\"tool-" + i + "\",\"description\":\"" + "Says so. ".repeat(500)
                    + "\",\"inputSchema\":{\"type\":\"object\"}}";
            many.tool("tool-" + i, definition, arguments -> "");
        }
        gateway.with("many", many);
    }

    @AfterEach
    void close() {
        gateway.close();
    }

    private static ModernRequest list(int id) {
        return ModernRequest.of("tools/list", "").id(Integer.toString(id));
    }

    private static JsonNode whole(RawExchange.Got got, int id) {
        assertThat(got.status()).isEqualTo(200);
        assertThat(got.json().path("id").asInt()).isEqualTo(id);
        return got.json().path("result").path("tools");
    }

    @Test
    void everyClientGetsTheWholeListUnderItsOwnId() {
        JsonNode first = whole(list(1).send(gateway), 1);

        assertThat(first).hasSize(TOOLS);
        for (int id = 2; id < 4; id++) {
            assertThat(whole(list(id).send(gateway), id)).isEqualTo(first);
        }
    }

    @Test
    void listIsTheSameOnTheLaneAndOnTheGeneralWay() {
        JsonNode lane = whole(list(1).send(gateway), 1);
        JsonNode general = whole(
                list(2).header("Origin", "http://localhost:" + gateway.port()).send(gateway), 2);

        assertThat(general).isEqualTo(lane);
    }

    /** What it was sent, and what not any more, is released: a leak fails the test. */
    @Test
    void clientThatLeavesInTheMiddleHarmsNobody() throws IOException {
        for (int id = 1; id < 8; id++) {
            try (RawExchange leaving = list(id).open(gateway)) {
                assertThat(leaving.status()).isEqualTo(200);
            }
        }

        assertThat(whole(list(20).send(gateway), 20)).hasSize(TOOLS);
        await().untilAsserted(() -> assertThat(gateway.gateway().openStreams()).isZero());
    }
}
