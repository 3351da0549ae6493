package io.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.testing.FakeBackend;
import org.junit.jupiter.api.Test;

class FederationTest {
    @Test
    void toolsOfAllBackendsAreCalledThroughTheAggregate() throws Exception {
        try (TestGateway gateway = TestGateway.start()
                .with("weather", FakeBackend.legacy().tool("forecast", arguments -> "sunny"))
                .with("news", FakeBackend.modern().tool("headlines", arguments -> "quiet"))) {
            WireClient client = gateway.client().initialize("2025-11-25", "{}");

            assertThat(client.post("{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{'name':'forecast'}}")
                            .body())
                    .contains("sunny");
            assertThat(client.post("{'jsonrpc':'2.0','id':2,'method':'tools/call','params':{'name':'headlines'}}")
                            .body())
                    .contains("quiet");
        }
    }
}
