package io.sluice.management;

import static io.sluice.management.RunningApi.json;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import org.junit.jupiter.api.Test;

/** Clients of {@code /mcp/connect} that nobody uses. */
final class ClientIdleTest {
    @Test
    void clientGoesAfterTheConfiguredTime() throws Exception {
        try (RunningApi api = RunningApi.start();
                StubBackend shop = StubBackend.offering("buy")) {
            String asked = "{\"transport\":\"http\",\"mcp_url\":\"" + shop.url() + "\",\"auth_type\":\"none\"}";
            String stays = json(api.call("POST", "/mcp/connect", asked))
                    .path("client_id")
                    .asString();
            api.clientIdle.set(Duration.ofSeconds(1));
            String goes = json(api.call("POST", "/mcp/connect", asked))
                    .path("client_id")
                    .asString();

            await().atMost(RunningApi.PATIENCE)
                    .until(() -> json(api.call("GET", "/mcp/clients", ""))
                                    .path("count")
                                    .asInt()
                            == 1);

            assertThat(json(api.call("GET", "/mcp/client/" + goes, ""))
                            .path("hint")
                            .asString())
                    .isEqualTo("It was disconnected, or idle for more than 1 seconds");
            assertThat(api.call("GET", "/mcp/client/" + stays, "").statusCode()).isEqualTo(200);
        }
    }
}
