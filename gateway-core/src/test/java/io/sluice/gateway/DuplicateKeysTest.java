package io.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.testing.FakeBackend;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A message that two parsers could read differently reaches no backend: what was checked would not be what is executed.
 */
class DuplicateKeysTest {
    private static final String META = "'_meta':{'io.modelcontextprotocol/protocolVersion':'2026-07-28',"
            + "'io.modelcontextprotocol/clientCapabilities':{}}";

    private static FakeBackend backend;
    private static TestGateway gateway;

    @BeforeAll
    static void start() {
        backend = FakeBackend.dual().tool("other", arguments -> "should not run");
        gateway = TestGateway.start().with("up", backend).listeningTo(backend);
    }

    @AfterAll
    static void stop() throws Exception {
        gateway.close();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{'jsonrpc':'2.0','id':7,'method':'tools/call','method':'tools/list','params':{'name':'echo',META}}",
                "{'method':'tools/list','jsonrpc':'2.0','id':7,'params':{'name':'echo',META},'method':'tools/call'}",
                "{'jsonrpc':'2.0','id':7,'m\\u0065thod':'tools/list','method':'tools/call','params':{'name':'echo',META}}",
                "{'jsonrpc':'2.0','id':7,'id':8,'method':'tools/call','params':{'name':'echo',META}}",
                "{'jsonrpc':'2.0','jsonrpc':'2.0','id':7,'method':'tools/call','params':{'name':'echo',META}}",
                "{'jsonrpc':'2.0','id':7,'method':'tools/call','params':{},'params':{'name':'echo',META}}",
                "{'jsonrpc':'2.0','id':7,'method':'tools/call','params':{'name':'echo',META},'params':{'name':'other',META}}",
                "{'jsonrpc':'2.0','id':7,'method':'tools/call','params':{'name':'echo','name':'other',META}}",
                "{'jsonrpc':'2.0','id':7,'method':'tools/call','params':{'name':'other','name':'echo',META}}",
                "{'jsonrpc':'2.0','id':7,'method':'tools/call','params':{'name':'echo','n\\u0061me':'other',META}}",
                "{'jsonrpc':'2.0','id':7,'method':'tools/call','params':{'name':'echo',META,META}}",
                "{'jsonrpc':'2.0','id':7,'method':'tools/call','params':{'name':'echo','_meta':{},META}}",
                "{'jsonrpc':'2.0','id':7,'method':'tools/call','params':{'name':'echo','arguments':{},'arguments':{'a':1},META}}",
                "{'jsonrpc':'2.0','id':7,'method':'tools/call','params':{'name':'echo','arguments':{'a':1,'a':2},META}}",
                "{'jsonrpc':'2.0','id':7,'method':'tools/call','params':{'name':'echo','_meta':{'io.modelcontextprotocol/protocolVersion':'2026-07-28','io.modelcontextprotocol/protocolVersion':'2025-11-25','io.modelcontextprotocol/clientCapabilities':{}}}}",
                "{'jsonrpc':'2.0','id':7,'method':'tools/call','Method':'tools/list','params':{'name':'echo',META}}",
                "{'jsonrpc':'2.0','id':7,'method':'tools/call','params':{'name':'echo',META}}{'x':1}",
                "{'jsonrpc':'2.0','id':7,'method':'tools/call','params':{'name':'echo',META}},",
                "\uFEFF{'jsonrpc':'2.0','id':7,'method':'tools/call','params':{'name':'echo',META}}",
                "{'jsonrpc':'2.0','id':7,'method':'tools/call',/**/'params':{'name':'echo',META}}",
                "{'jsonrpc':'2.0','id':7,'method':'tools/call','params':{'name':'\\ud800',META}}",
            })
    void ambiguousMessageIsRefusedInEitherEraAndNothingIsSent(String template) {
        String modern = template.replace("META", META);
        String legacy = template.replace("META", "'_meta':{}");
        int before = backend.received().size();

        RawExchange.Got asModern =
                ModernRequest.call("echo", "{}").body(modern.replace('\'', '"')).send(gateway);
        RawExchange.Got asLegacy = ModernRequest.call("echo", "{}")
                .without("MCP-Protocol-Version")
                .without("Mcp-Method")
                .without("Mcp-Name")
                .body(legacy.replace('\'', '"'))
                .send(gateway);

        assertThat(asModern.status()).as(asModern.toString()).isEqualTo(400);
        assertThat(asModern.code()).isIn(-32600, -32700);
        assertThat(asLegacy.status()).as(asLegacy.toString()).isEqualTo(400);
        assertThat(asLegacy.code()).isIn(-32600, -32700, -32602);
        assertThat(backend.received()).hasSize(before);
    }
}
