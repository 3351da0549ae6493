package io.sluice.bridge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.envelope.Envelope;
import io.sluice.envelope.EnvelopeReader;
import io.sluice.envelope.MessageReader;
import io.sluice.envelope.Patch;
import io.sluice.envelope.RequestId;
import io.sluice.protocol.ClientFeatures;
import io.sluice.protocol.McpMethod;
import io.sluice.protocol.RawJson;
import io.sluice.rejection.Rejection;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class TranslationTest {
    private static final RawJson GATEWAY = RawJson.of("{\"name\":\"sluice\",\"version\":\"1\"}");

    @Test
    void legacyRequestGetsAnEnvelopeAndKeepsItsOwnMembers() {
        Envelope request = request(
                "{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{'name':'t','arguments':{'n':1.10},'_meta':{'progressToken':7}}}");

        String sent = text(OldToNew.request(new Patch(request), GATEWAY, ClientFeatures.NONE, Optional.of("info"))
                .toBytes());

        assertThat(sent)
                .contains("\"arguments\":{\"n\":1.10}", "\"progressToken\":7")
                .contains("\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\"")
                .contains("\"io.modelcontextprotocol/clientCapabilities\":{}")
                .contains("\"io.modelcontextprotocol/logLevel\":\"info\"");
        assertThat(EnvelopeReader.read(sent.getBytes(StandardCharsets.UTF_8))
                        .metaProgressToken()
                        .isPresent())
                .isTrue();
    }

    @Test
    void legacyRequestWithoutParamsGetsThem() {
        Envelope request = request("{'jsonrpc':'2.0','id':1,'method':'tools/call'}");

        byte[] sent = OldToNew.request(new Patch(request), GATEWAY, ClientFeatures.NONE, Optional.empty())
                .toBytes();

        Envelope read = EnvelopeReader.read(sent);
        assertThat(read.metaProtocolVersion().isPresent()).isTrue();
        assertThat(read.metaClientCapabilities().isPresent()).isTrue();
        assertThat(read.metaLogLevel().isPresent()).isFalse();
    }

    @Test
    void modernResultLosesWhatLegacyClientsDoNotKnow() {
        String reply = oldToNew(
                "{'jsonrpc':'2.0','id':1,'result':{'resultType':'complete','content':[],'ttlMs':5,'cacheScope':'public','x':1e400}}",
                McpMethod.TOOLS_CALL);

        assertThat(reply).isEqualTo(json("{'jsonrpc':'2.0','id':1,'result':{'content':[],'x':1e400}}"));
    }

    @Test
    void structuredContentThatIsNoObjectMovesIntoTheEmptyContent() {
        assertThat(oldToNew(
                        "{'jsonrpc':'2.0','id':1,'result':{'resultType':'complete','content':[],'structuredContent':[1,2]}}",
                        McpMethod.TOOLS_CALL))
                .isEqualTo(json("{'jsonrpc':'2.0','id':1,'result':{'content':[{'type':'text','text':'[1,2]'}]}}"));
        assertThat(oldToNew(
                        "{'jsonrpc':'2.0','id':1,'result':{'content':[{'type':'text','text':'x'}],'structuredContent':7}}",
                        McpMethod.TOOLS_CALL))
                .isEqualTo(json("{'jsonrpc':'2.0','id':1,'result':{'content':[{'type':'text','text':'x'}]}}"));
        assertThat(oldToNew(
                        "{'jsonrpc':'2.0','id':1,'result':{'content':[],'structuredContent':{'a':1}}}",
                        McpMethod.TOOLS_CALL))
                .contains(json("'structuredContent':{'a':1}"));
    }

    @Test
    void interactiveResultIsRefusedInASentenceOfTheRightShape() {
        String asked = "{'jsonrpc':'2.0','id':1,'result':{'resultType':'input_required','inputRequests':{}}}";

        assertThat(oldToNew(asked, McpMethod.TOOLS_CALL)).contains("\"isError\":true", "'shop'");
        assertThat(oldToNew(asked, McpMethod.PROMPTS_GET)).contains("\"code\":-31004");
    }

    @Test
    void missingResourceHasItsErasCode() {
        assertThat(oldToNew(
                        "{'jsonrpc':'2.0','id':1,'error':{'code':-32602,'message':'m','data':{'uri':'a:b'}}}",
                        McpMethod.RESOURCES_READ))
                .contains("-32002");
        assertThat(oldToNew(
                        "{'jsonrpc':'2.0','id':1,'error':{'code':-32602,'message':'m','data':{'uri':'a:b'}}}",
                        McpMethod.TOOLS_CALL))
                .contains("-32602");
        assertThat(newToOld(
                        "{'jsonrpc':'2.0','id':1,'error':{'code':-32002,'message':'m','data':{'uri':'a:b'}}}",
                        McpMethod.RESOURCES_READ))
                .contains("-32602");
    }

    @Test
    void modernRequestLosesItsEnvelopeAndNothingElse() {
        Envelope request = request("{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{'name':'t','_meta':{"
                + "'io.modelcontextprotocol/protocolVersion':'2026-07-28','x':1,"
                + "'io.modelcontextprotocol/clientInfo':{'name':'c'},'io.modelcontextprotocol/clientCapabilities':{},"
                + "'progressToken':'p','io.modelcontextprotocol/logLevel':'info'}}}");

        String sent = text(NewToOld.request(request, new Patch(request)).toBytes());

        assertThat(sent)
                .isEqualTo(
                        json(
                                "{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{'name':'t','_meta':{'x':1,'progressToken':'p'}}}"));
    }

    @Test
    void legacyResultGetsWhatTheModernEraRequires() {
        assertThat(newToOld("{'jsonrpc':'2.0','id':1,'result':{'content':[{'n':1.10}]}}", McpMethod.TOOLS_CALL))
                .contains("\"resultType\":\"complete\"", "{\"n\":1.10}")
                .doesNotContain("ttlMs");
        assertThat(newToOld("{'jsonrpc':'2.0','id':1,'result':{'contents':[]}}", McpMethod.RESOURCES_READ))
                .contains("\"resultType\":\"complete\"", "\"ttlMs\":0", "\"cacheScope\":\"private\"");
        assertThat(newToOld("{'jsonrpc':'2.0','id':1,'result':{}}", McpMethod.TOOLS_CALL))
                .isEqualTo(json("{'jsonrpc':'2.0','id':1,'result':{'resultType':'complete'}}"));
    }

    @Test
    void missingResourceBearsTheModernCodeAndTheUriAsItWasAskedFor() {
        for (String data : List.of("", ",'data':{'uri':'own://x'}", ",'data':null", ",'data':'text'")) {
            assertThat(newToOld(
                            "{'jsonrpc':'2.0','id':1,'error':{'code':-32002,'message':'no'" + data + "}}",
                            McpMethod.RESOURCES_READ))
                    .contains("\"code\":-32602", "\"data\":{\"uri\":\"test://a\\u0062\"}")
                    .doesNotContain("own://x");
        }
    }

    @Test
    void errorCodesThatMeanSomethingElseInTheModernEraAreNotPassedOn() {
        assertThat(newToOld("{'jsonrpc':'2.0','id':1,'error':{'code':-32022,'message':'own'}}", McpMethod.TOOLS_CALL))
                .contains("\"code\":-32603", "own");
        assertThat(newToOld("{'jsonrpc':'2.0','id':1,'error':{'code':-32001,'message':'own'}}", McpMethod.TOOLS_CALL))
                .contains("\"code\":-32001");
        assertThatThrownBy(() -> newToOld(
                        "{'jsonrpc':'2.0','id':1,'error':{'code':-32042,'message':'log in','data':{}}}",
                        McpMethod.TOOLS_CALL))
                .isInstanceOf(Rejection.BackendFailure.class)
                .hasMessageContaining("'shop' wants the user to open a web page");
    }

    @Test
    void resultThatIsNoObjectIsTheBackendsFailure() {
        assertThatThrownBy(() -> newToOld("{'jsonrpc':'2.0','id':1,'result':[1]}", McpMethod.TOOLS_CALL))
                .isInstanceOf(Rejection.BackendFailure.class);
    }

    private static String oldToNew(String reply, McpMethod method) {
        Envelope message =
                MessageReader.read(json(reply).getBytes(StandardCharsets.UTF_8)).orElseThrow();
        return text(OldToNew.response(message, RequestId.of(1), method, "shop"));
    }

    private static String newToOld(String reply, McpMethod method) {
        Envelope asked =
                request("{'jsonrpc':'2.0','id':1,'method':'resources/read','params':{'uri':'test://a\\u0062'}}");
        return text(NewToOld.response(
                MessageReader.read(json(reply).getBytes(StandardCharsets.UTF_8)).orElseThrow(), asked, method, "shop"));
    }

    private static Envelope request(String json) {
        return EnvelopeReader.read(json(json).getBytes(StandardCharsets.UTF_8));
    }

    private static String json(String singleQuoted) {
        return singleQuoted.replace('\'', '"');
    }

    private static String text(byte[] json) {
        return new String(json, StandardCharsets.UTF_8);
    }
}
