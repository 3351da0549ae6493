package io.sluice.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.grpc.Metadata;
import io.netty.pkitesting.CertificateBuilder;
import io.netty.pkitesting.X509Bundle;
import io.sluice.adapter.Adapters;
import io.sluice.adapter.GrpcSettings;
import io.sluice.adapter.Part;
import io.sluice.adapter.PartAdapters;
import io.sluice.egress.EgressPolicy;
import io.sluice.egress.EgressTls;
import io.sluice.gateway.TestGateway;
import io.sluice.gateway.WireClient;
import io.sluice.grpc.ShopServer.Speaks;
import io.sluice.listener.HttpListener;
import io.sluice.registry.Backend;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import reactor.core.scheduler.Schedulers;
import reactor.netty.resources.LoopResources;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A gRPC service of grpc-java with server reflection, called through the gateway. */
class GrpcServiceTest {
    private static final LoopResources LOOPS = HttpListener.newLoops("test-grpc", 2);

    private TestGateway gateway;

    @BeforeEach
    void start() {
        gateway = gateway(EgressPolicy.of(true, List.of()), EgressTls.PLATFORM);
    }

    static TestGateway gateway(EgressPolicy egress, EgressTls tls) {
        return TestGateway.setUp()
                .upstream(settings -> settings.withProbeTimeout(TestGateway.PATIENCE)
                        .withAdapters(Adapters.of(Map.of(
                                GrpcSettings.KIND,
                                new PartAdapters(
                                        GrpcSettings.KIND,
                                        new Part.Surroundings(
                                                LOOPS, egress, tls, "sluice/test", Schedulers.parallel()))))))
                .start();
    }

    @AfterEach
    void stop() {
        gateway.close();
    }

    private ShopServer shop(Speaks speaks) {
        ShopServer shop = new ShopServer(speaks);
        gateway.closing(shop);
        return shop;
    }

    private JsonNode call(String tool, String arguments) {
        return gateway.client()
                .post("{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{'name':'" + tool + "','arguments':"
                        + arguments + "}}")
                .json()
                .path("result");
    }

    /** A modern call that asks for progress. */
    private WireClient.Stream watch(int count) {
        String body = WireClient.modernBody(
                        "1", "tools/call", "'name':'Shop_Watch','arguments':{'count':" + count + "}")
                .replace("'_meta':{", "'_meta':{'progressToken':'t',");
        return gateway.client().stream(
                body, "MCP-Protocol-Version", "2026-07-28", "Mcp-Method", "tools/call", "Mcp-Name", "Shop_Watch");
    }

    private static String text(JsonNode result) {
        return result.at("/content/0/text").asString();
    }

    private String trouble(String backend) {
        return Objects.requireNonNull(gateway.discovery().state().upstreams().get(backend))
                .trouble()
                .map(Object::toString)
                .orElse("");
    }

    @Test
    void methodsAreTools() {
        gateway.with(shop(Speaks.V1).backend("shop"));

        JsonNode tools = gateway.client()
                .post("{'jsonrpc':'2.0','id':1,'method':'tools/list'}")
                .json()
                .at("/result/tools");

        assertThat(tools.valueStream().map(tool -> tool.path("name").asString()))
                .containsExactlyInAnyOrder(
                        "Shop_GetItem", "Shop_Echo", "Shop_Later", "Shop_Ping", "Shop_Watch", "Shop_Silent");
        JsonNode item = tools.valueStream()
                .filter(tool -> tool.path("name").asString().equals("Shop_GetItem"))
                .findFirst()
                .orElseThrow();
        assertThat(item.at("/inputSchema/required").toString()).isEqualTo("[\"itemId\"]");
        assertThat(item.at("/annotations/readOnlyHint").asBoolean()).isTrue();
        assertThat(Objects.requireNonNull(
                                gateway.discovery().state().upstreams().get("shop"))
                        .remarks())
                .hasValue("method shop.v1.Shop.Upload is left out: it takes a stream");
    }

    @Test
    void methodIsCalledByClientsOfBothEras() {
        ShopServer shop = shop(Speaks.V1);
        gateway.with(shop.backend("shop").withHeaders(Map.of("Authorization", "Bearer own", "x-raw-bin", "AAEC")));

        JsonNode result = call("Shop_GetItem", "{'itemId':7}");
        JsonNode modern = gateway.client()
                .modern(
                        "1",
                        "tools/call",
                        "'name':'Shop_GetItem','arguments':{'itemId':8}",
                        "Authorization",
                        "Bearer x")
                .json()
                .path("result");

        assertThat(text(result)).isEqualTo("{\"itemId\":7,\"name\":\"thing\",\"seen\":\"\"}");
        assertThat(result.at("/structuredContent/itemId").asInt()).isEqualTo(7);
        assertThat(modern.path("resultType").asString()).isEqualTo("complete");
        assertThat(modern.at("/structuredContent/itemId").asInt()).isEqualTo(8);
        assertThat(shop.seen).hasSize(2).allSatisfy(headers -> {
            assertThat(headers.get(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER)))
                    .isEqualTo("Bearer own");
            assertThat(headers.get(Metadata.Key.of("x-raw-bin", Metadata.BINARY_BYTE_MARSHALLER)))
                    .containsExactly(0, 1, 2);
        });
        assertThat(shop.deadlines).allSatisfy(left -> assertThat(left).isBetween(1L, 60_000L));
    }

    @Test
    void serviceThatKnowsOnlyTheOlderReflectionIsUnderstood() {
        gateway.with(shop(Speaks.V1ALPHA).backend("shop"));

        assertThat(text(call("Shop_GetItem", "{'itemId':7}"))).contains("\"itemId\":7");
    }

    @Test
    void serviceWithoutReflectionSaysWhatIsMissing() {
        gateway.register(shop(Speaks.NEITHER).backend("shop"));

        await().atMost(TestGateway.PATIENCE)
                .untilAsserted(() -> assertThat(trouble("shop")).contains("offers no server reflection"));
    }

    @Test
    void everyKindOfFieldGoesThereAndBack() {
        gateway.with(shop(Speaks.V1).backend("shop"));
        String all = "{'aDouble':'NaN','aFloat':1.5,'aInt64':'-9007199254740993','aUint64':18446744073709551615,"
                + "'aInt32':-1,'aFixed64':'1','aFixed32':4294967295,'aBool':true,'aString':'ä€\uD83D\uDE00','aBytes':'AAEC',"
                + "'aUint32':4294967295,'aSfixed32':-5,'aSfixed64':'-5','aSint32':-6,'aSint64':'-6','color':'RED',"
                + "'price':{'currency':'EUR','units':'12'},'child':{'child':{'aString':'deep'}},"
                + "'children':[{'tags':['a']}],'tags':['x','y'],'counts':{'1':'2'},"
                + "'prices':{'one':{'currency':'USD','units':'1'}},'phone':'123',"
                + "'wkAny':{'@type':'type.googleapis.com/shop.common.Money','currency':'CHF','units':'3'},"
                + "'wkDuration':'1.500s','wkEmpty':{},'wkFieldmask':'a.b,c','wkStruct':{'free':[1,null]},"
                + "'wkValue':'v','wkListvalue':[1,'two'],'wkTimestamp':'2026-11-21T19:00:00Z','wkInt64value':'64',"
                + "'wkStringvalue':'s','wkBoolvalue':false,'wkBytesvalue':'AA=='}";

        JsonNode result = call("Shop_Echo", all);

        JsonNode sent = JsonMapper.shared().readTree(all.replace('\'', '"'));
        JsonNode back = result.path("structuredContent");
        assertThat(result.path("isError").asBoolean()).as(text(result)).isFalse();
        sent.properties().stream()
                .filter(each -> !List.of("aUint64", "child", "children", "wkStruct", "wkListvalue")
                        .contains(each.getKey()))
                .forEach(each ->
                        assertThat(back.path(each.getKey())).as(each.getKey()).isEqualTo(each.getValue()));
        assertThat(back.path("aUint64").asString()).isEqualTo("18446744073709551615");
        assertThat(back.at("/child/child/aString").asString()).isEqualTo("deep");
        assertThat(back.at("/children/0/tags/0").asString()).isEqualTo("a");
        assertThat(back.at("/wkStruct/free/0").asDouble()).isEqualTo(1);
    }

    @Test
    void messageThatIsNoObjectIsTheArgumentValue() {
        gateway.with(shop(Speaks.V1).backend("shop"));

        JsonNode result = call("Shop_Later", "{'value':'2026-11-21T19:00:00Z'}");

        assertThat(text(result)).isEqualTo("\"2026-11-21T19:00:00Z\"");
        assertThat(result.has("structuredContent")).isFalse();
        assertThat(text(call("Shop_Later", "{}"))).contains("the argument 'value' is missing");
        assertThat(call("Shop_Ping", "{}").path("structuredContent").toString()).isEqualTo("{}");
    }

    @Test
    void argumentThatIsUnknownReachesNobody() {
        ShopServer shop = shop(Speaks.V1);
        gateway.with(shop.backend("shop"));

        JsonNode result = call("Shop_GetItem", "{'itemNumber':7}");

        assertThat(result.path("isError").asBoolean()).isTrue();
        assertThat(text(result)).contains("shop.v1.GetItemRequest").contains("itemNumber");
        assertThat(shop.seen).isEmpty();
    }

    @Test
    void statusIsAResultWithItsCodeMessageAndDetails() {
        gateway.with(shop(Speaks.V1).backend("shop"));

        JsonNode result = call("Shop_GetItem", "{'itemId':7,'failWith':'UNAVAILABLE'}");

        assertThat(result.path("isError").asBoolean()).isTrue();
        assertThat(text(result))
                .startsWith("The service answered UNAVAILABLE: as you wished")
                .contains("google.rpc.ErrorInfo")
                .contains("WISHED");
        assertThat(trouble("shop")).isEmpty();
    }

    @Test
    void messagesOfAStreamAreProgressAndThenTheResult() {
        gateway.with(shop(Speaks.V1).backend("shop"));

        try (WireClient.Stream stream = watch(3)) {
            for (int i = 1; i <= 3; i++) {
                JsonNode progress = stream.message();
                assertThat(progress.at("/params/progressToken").asString()).isEqualTo("t");
                assertThat(progress.at("/params/progress").asInt()).isEqualTo(i);
                assertThat(progress.at("/params/message").asString()).contains("\"itemId\":" + i);
            }
            JsonNode result = stream.message().path("result");
            assertThat(result.at("/structuredContent/messages").size()).isEqualTo(3);
            assertThat(result.at("/structuredContent").has("truncated")).isFalse();
        }
    }

    @Test
    void streamWithoutEndIsCutAndCancelled() {
        ShopServer shop = shop(Speaks.V1);
        gateway.with(
                shop.backend("shop").via(new GrpcSettings(List.of(), Duration.ofMinutes(1), 4 << 20, 10).transport()));

        JsonNode result = call("Shop_Watch", "{'count':-1}");

        assertThat(result.at("/structuredContent/messages").size()).isEqualTo(10);
        assertThat(result.at("/structuredContent/truncated").asBoolean()).isTrue();
        await().atMost(TestGateway.PATIENCE).until(() -> shop.cancelled.get() == 1);
    }

    @Test
    void streamThatFailsKeepsWhatItSaid() {
        gateway.with(shop(Speaks.V1).backend("shop"));

        JsonNode result = call("Shop_Watch", "{'count':2,'failWith':'ABORTED'}");

        assertThat(result.path("isError").asBoolean()).isTrue();
        assertThat(text(result)).startsWith("The service answered ABORTED");
        assertThat(result.path("content").size()).isEqualTo(3);
        assertThat(result.at("/content/2/text").asString()).contains("\"itemId\":2");
    }

    @Test
    void callOfAClientThatLeavesIsCancelled() {
        ShopServer shop = shop(Speaks.V1);
        gateway.with(shop.backend("shop"));

        WireClient.Stream stream = watch(-1);
        stream.message();
        stream.close();

        await().atMost(TestGateway.PATIENCE).until(() -> shop.cancelled.get() == 1);
    }

    @Test
    void answerLongerThanTheLimitIsAnError() {
        gateway.with(shop(Speaks.V1)
                .backend("shop")
                .via(new GrpcSettings(List.of(), Duration.ofMinutes(1), 64 << 10, 10).transport()));

        JsonNode result = call("Shop_Echo", "{'aString':'" + "x".repeat(70_000) + "'}");

        assertThat(result.path("isError").asBoolean()).isTrue();
        assertThat(text(result)).contains("RESOURCE_EXHAUSTED");
    }

    @Test
    void serviceThatIsAwayIsTroubleAndComesBack() {
        ShopServer first = new ShopServer(Speaks.V1);
        int port = first.port();
        gateway.with(first.backend("shop"));
        first.close();

        JsonNode result = call("Shop_GetItem", "{'itemId':7}");

        assertThat(result.path("isError").asBoolean()).isTrue();
        assertThat(text(result)).contains("Backend 'shop'").contains("it cannot be reached");
        gateway.closing(new ShopServer(Speaks.V1, port, builder -> builder));
        await().atMost(TestGateway.PATIENCE)
                .untilAsserted(() ->
                        assertThat(text(call("Shop_GetItem", "{'itemId':7}"))).contains("\"itemId\":7"));
    }

    @Test
    void addressThatMayNotBeReachedIsNotDialled() {
        TestGateway guarded = gateway(EgressPolicy.of(false, List.of()), EgressTls.PLATFORM);
        ShopServer shop = shop(Speaks.V1);
        gateway.closing(guarded);

        guarded.register(Backend.of("shop", "http://localhost:" + shop.port() + "/", Backend.Source.API)
                .via(GrpcSettings.USUAL.transport()));

        await().atMost(TestGateway.PATIENCE)
                .untilAsserted(() -> assertThat(Objects.requireNonNull(
                                        guarded.discovery().state().upstreams().get("shop"))
                                .trouble()
                                .toString())
                        .contains("is refused: the management API may not name private"));
        assertThat(shop.seen).isEmpty();
    }

    @Test
    void callEndsAtItsDeadline() {
        ShopServer shop = shop(Speaks.V1);
        gateway.with(new Backend(
                "shop",
                shop.backend("shop").endpoints(),
                Map.of(),
                Optional.empty(),
                Duration.ofMillis(700),
                List.of(),
                List.of(),
                List.of(),
                true,
                Backend.Source.FILE,
                GrpcSettings.USUAL.transport()));

        JsonNode result = call("Shop_Silent", "{}");

        assertThat(result.path("isError").asBoolean()).isTrue();
        assertThat(shop.deadlines)
                .singleElement()
                .satisfies(left -> assertThat(left).isBetween(1L, 700L));
        await().atMost(TestGateway.PATIENCE).until(() -> shop.cancelled.get() == 1);
    }

    @Test
    void secureServiceIsCalledWhenItsCertificateIsTrustedAndNotOtherwise(@TempDir Path files) throws Exception {
        X509Bundle authority = new CertificateBuilder()
                .subject("CN=sluice test authority")
                .ecp256()
                .setIsCertificateAuthority(true)
                .buildSelfSigned();
        X509Bundle leaf = new CertificateBuilder()
                .subject("CN=shop")
                .ecp256()
                .addSanDnsName("localhost")
                .buildIssuedBy(authority);
        Path trusted = Files.writeString(files.resolve("authority.pem"), authority.getCertificatePEM());
        ShopServer shop = new ShopServer(
                Speaks.V1,
                0,
                builder -> builder.useTransportSecurity(
                        new ByteArrayInputStream(leaf.getCertificatePathPEM().getBytes(StandardCharsets.UTF_8)),
                        new ByteArrayInputStream(leaf.getPrivateKeyPEM().getBytes(StandardCharsets.UTF_8))));
        gateway.closing(shop);
        Backend backend = Backend.of("shop", "https://localhost:" + shop.port() + "/", Backend.Source.FILE)
                .via(GrpcSettings.USUAL.transport());
        TestGateway trusting = gateway(EgressPolicy.of(true, List.of()), EgressTls.PLATFORM.authoritiesOf(trusted));
        gateway.closing(trusting);

        trusting.with(backend);
        gateway.register(backend);

        JsonNode result = trusting.client()
                .post(
                        "{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{'name':'Shop_GetItem','arguments':{'itemId':7}}}")
                .json()
                .path("result");
        assertThat(result.at("/structuredContent/itemId").asInt()).isEqualTo(7);
        await().atMost(TestGateway.PATIENCE)
                .untilAsserted(() -> assertThat(trouble("shop")).contains("it cannot be reached"));
    }
}
