package io.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.testing.FakeBackend;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Two backends that both have {@code file:///readme}, and results that speak of it. */
class ResourceLinkTest {
    private static final String RESULT = """
            {%s"content":[{"type":"resource_link","uri":"file:///readme","size":1.10},\
            {"type":"resource","resource":{"uri":"file:///readme","text":"file:///readme"}},\
            {"uri":"https://elsewhere.example/"}],"structuredContent":{"uri":"file:///readme"}}""";

    private static final FakeBackend weather = linking(FakeBackend.legacy(), "");
    private static final FakeBackend news = linking(FakeBackend.modern(), "\"resultType\":\"complete\",");
    private static TestGateway gateway;

    private static FakeBackend linking(FakeBackend backend, String start) {
        return backend.list("resources", "[{\"uri\":\"file:///readme\",\"name\":\"readme\"}]")
                .on("tools/call", (request, answer) -> answer.result(RESULT.formatted(start)))
                .on(
                        "resources/read",
                        (request, answer) -> answer.result("{" + start + "\"contents\":[{\"uri\":"
                                + request.params().path("uri") + ",\"text\":\"t\"}]}"));
    }

    @BeforeAll
    static void start() {
        gateway = TestGateway.start().with("weather", weather).with("news", news);
    }

    @AfterAll
    static void stop() {
        gateway.close();
    }

    @ParameterizedTest
    @CsvSource({"weather, file:///readme", "news, news+file:///readme"})
    void linksLeadToTheBackendThatGaveThem(String backend, String readme) {
        String call = "'name':'" + backend + "__echo'";
        String legacy = gateway.client()
                .post("{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{" + call + "}}")
                .body();
        String modern = gateway.client().modern("1", "tools/call", call).body();

        String expected = RESULT.substring(3)
                .replace("\"uri\":\"file:///readme\"", "\"uri\":\"" + readme + "\"")
                .replace("structuredContent\":{\"uri\":\"" + readme, "structuredContent\":{\"uri\":\"file:///readme");
        assertThat(legacy).contains(expected);
        assertThat(modern).contains(expected);
    }

    @Test
    void linksOfASingleMountStayAsTheyAre() {
        String call = "{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{'name':'echo'}}";

        assertThat(gateway.client("/mcp/news").post(call).body()).contains(RESULT.substring(3));
    }

    @Test
    void resourceReadByItsQualifiedUriIsReturnedUnderIt() {
        String read = "{'jsonrpc':'2.0','id':1,'method':'resources/read','params':{'uri':'%s'}}";

        assertThat(gateway.client().post(read.formatted("news+file:///hidden")).body())
                .contains("\"contents\":[{\"uri\":\"news+file:///hidden\",\"text\":\"t\"}]");
        assertThat(gateway.client().post(read.formatted("file:///readme")).body())
                .contains("\"contents\":[{\"uri\":\"file:///readme\",\"text\":\"t\"}]");
        assertThat(gateway.client("/mcp/news")
                        .post(read.formatted("file:///hidden"))
                        .body())
                .contains("\"contents\":[{\"uri\":\"file:///hidden\",\"text\":\"t\"}]");
    }
}
