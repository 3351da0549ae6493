package io.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.catalog.CatalogSettings;
import io.sluice.testing.FakeBackend;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

class FederationTest {
    private static final FakeBackend weather = FakeBackend.legacy()
            .tool("forecast", arguments -> "sunny")
            .list("prompts", "[{\"name\":\"ask\"}]")
            .list("resources", "[{\"uri\":\"file:///readme\",\"name\":\"readme\"}]")
            .list("resourceTemplates", "[{\"uriTemplate\":\"city://{name}\",\"name\":\"city\"}]")
            .on("prompts/get", FederationTest::whoIsAsked)
            .on("resources/read", FederationTest::whoIsAsked)
            .on("completion/complete", FederationTest::whoIsAsked);
    private static final FakeBackend news = FakeBackend.modern()
            .tool("headlines", arguments -> "quiet")
            .list("prompts", "[{\"name\":\"ask\"},{\"name\":\"summary\"}]")
            .list("resources", "[{\"uri\":\"file:///readme\",\"name\":\"readme\"}]")
            .on("prompts/get", FederationTest::whoIsAsked)
            .on("resources/read", FederationTest::whoIsAsked);
    private static TestGateway gateway;
    private static WireClient client;

    @BeforeAll
    static void start() {
        gateway = TestGateway.start().with("weather", weather).with("news", news);
        client = gateway.client().initialize("2025-11-25", "{}");
    }

    @AfterAll
    static void stop() throws Exception {
        gateway.close();
    }

    /** Answers with the parameters it was given, but for {@code _meta}. */
    private static void whoIsAsked(FakeBackend.Received request, FakeBackend.Answer answer) throws Exception {
        ((tools.jackson.databind.node.ObjectNode) request.params()).remove("_meta");
        String legacy = request.header("mcp-method") == null ? "" : "\"resultType\":\"complete\",";
        answer.result("{" + legacy + "\"asked\":" + request.params() + "}");
    }

    private static JsonNode ask(WireClient asker, String method, String params) {
        return asker.post("{'jsonrpc':'2.0','id':1,'method':'" + method + "','params':" + params + "}")
                .json();
    }

    private static List<String> names(WireClient asker, String method, String member, String key) {
        List<String> names = new ArrayList<>();
        ask(asker, method, "{}")
                .at("/result/" + member)
                .forEach(entry -> names.add(entry.path(key).asString()));
        return names;
    }

    private static String call(WireClient caller, String tool) {
        JsonNode got = ask(caller, "tools/call", "{'name':'" + tool + "','arguments':{'by':'" + tool + "'}}");
        return got.has("error")
                ? got.at("/error/code").asString()
                : got.at("/result/content/0/text").asString();
    }

    @Test
    void aggregateListsAllAndQualifiesWhatCollides() {
        assertThat(names(client, "tools/list", "tools", "name"))
                .containsExactlyInAnyOrder("echo", "forecast", "news__echo", "headlines");
        assertThat(names(client, "prompts/list", "prompts", "name"))
                .containsExactlyInAnyOrder("ask", "news__ask", "summary");
        assertThat(names(client, "resources/list", "resources", "uri"))
                .containsExactlyInAnyOrder("file:///readme", "news+file:///readme");
    }

    @Test
    void toolsAreCalledByBareAndByQualifiedName() {
        assertThat(call(client, "forecast")).isEqualTo("sunny");
        assertThat(call(client, "weather__forecast")).isEqualTo("sunny");
        assertThat(call(client, "headlines")).isEqualTo("quiet");
        assertThat(call(client, "news__headlines")).isEqualTo("quiet");
    }

    @Test
    void qualifiedNameReachesTheBackendItNames() {
        int before = news.count("tools/call");

        call(client, "news__echo");

        assertThat(news.count("tools/call")).isEqualTo(before + 1);
        JsonNode params = news.received("tools/call").get(before).params();
        assertThat(params.path("name").asString()).isEqualTo("echo");
        assertThat(params.at("/arguments/by").asString()).isEqualTo("news__echo");
    }

    @Test
    void unknownToolIsRejected() {
        assertThat(call(client, "nothing")).isEqualTo("-32602");
        assertThat(call(client, "news__forecast")).isEqualTo("-32602");
        assertThat(call(client, "nobody__echo")).isEqualTo("-32602");
        assertThat(call(gateway.client("/mcp/news"), "forecast")).isEqualTo("-32602");
    }

    @Test
    void singleMountHasItsBackendsOwnNames() {
        WireClient single = gateway.client("/mcp/news").initialize("2025-11-25", "{}");

        assertThat(names(single, "tools/list", "tools", "name")).containsExactlyInAnyOrder("echo", "headlines");
        assertThat(names(single, "prompts/list", "prompts", "name")).containsExactlyInAnyOrder("ask", "summary");
        assertThat(names(single, "resources/list", "resources", "uri")).containsExactly("file:///readme");
        assertThat(call(single, "headlines")).isEqualTo("quiet");
        assertThat(ask(single, "resources/read", "{'uri':'file:///readme'}")
                        .at("/result/asked/uri")
                        .asString())
                .isEqualTo("file:///readme");
    }

    @Test
    void whereNothingIsMountedThereIsNothing() {
        assertThat(gateway.client("/mcp/nobody")
                        .post("{'jsonrpc':'2.0','id':1,'method':'ping'}")
                        .status())
                .isEqualTo(404);
        assertThat(gateway.client("/else").get().status()).isEqualTo(404);
    }

    @Test
    void promptsAndResourcesReachTheirBackendsUnderTheirOwnNames() {
        assertThat(ask(client, "prompts/get", "{'name':'news__ask','arguments':{'a':'b'}}")
                        .at("/result/asked")
                        .toString())
                .isEqualTo("{\"name\":\"ask\",\"arguments\":{\"a\":\"b\"}}");
        assertThat(ask(client, "prompts/get", "{'name':'ask'}")
                        .at("/result/asked")
                        .toString())
                .isEqualTo("{\"name\":\"ask\"}");
        assertThat(ask(client, "resources/read", "{'uri':'news+file:///readme'}")
                        .at("/result/asked")
                        .toString())
                .isEqualTo("{\"uri\":\"file:///readme\"}");
        assertThat(ask(client, "resources/read", "{'uri':'city://bern'}")
                        .at("/result/asked")
                        .toString())
                .isEqualTo("{\"uri\":\"city://bern\"}");
        assertThat(ask(client, "resources/read", "{'uri':'ghost://bern'}")
                        .at("/error/code")
                        .asInt())
                .isEqualTo(-32002);
    }

    @Test
    void completionsReachTheBackendOfTheirReference() {
        assertThat(ask(
                                client,
                                "completion/complete",
                                "{'ref':{'type':'ref/prompt','name':'weather__ask'},"
                                        + "'argument':{'name':'a','value':'b'}}")
                        .at("/result/asked/ref/name")
                        .asString())
                .isEqualTo("ask");
        assertThat(ask(
                                client,
                                "completion/complete",
                                "{'ref':{'type':'ref/resource','uri':'city://{name}'},"
                                        + "'argument':{'name':'name','value':'b'}}")
                        .at("/result/asked/ref/uri")
                        .asString())
                .isEqualTo("city://{name}");
        assertThat(ask(client, "completion/complete", "{'ref':{'type':'ref/prompt','name':'none'}}")
                        .at("/error/code")
                        .asInt())
                .isEqualTo(-32602);
    }

    @Test
    void allNamesAreQualifiedWhereThatIsChosen() throws Exception {
        try (TestGateway qualified = TestGateway.setUp()
                .settings(settings -> settings.withNames(CatalogSettings.Names.QUALIFIED))
                .start()
                .with("one", FakeBackend.legacy())
                .with("two", FakeBackend.legacy())) {
            WireClient all = qualified.client().initialize("2025-11-25", "{}");

            assertThat(names(all, "tools/list", "tools", "name")).containsExactlyInAnyOrder("one__echo", "two__echo");
            assertThat(call(all, "two__echo")).isEqualTo("{\"by\":\"two__echo\"}");
        }
    }

    /** A name that is in use is never taken over, and stays free for its owner while that is away. */
    @Test
    void newcomerDoesNotTakeOverAName() throws Exception {
        try (TestGateway fresh =
                TestGateway.start().with("first", FakeBackend.legacy().tool("deploy", a -> "first"))) {
            WireClient all = fresh.client().initialize("2025-11-25", "{}");
            fresh.with("aaa", FakeBackend.legacy().tool("deploy", a -> "shadow"));

            assertThat(call(all, "deploy")).isEqualTo("first");
            assertThat(call(all, "aaa__deploy")).isEqualTo("shadow");
        }
    }
}
