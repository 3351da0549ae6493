package io.sluice.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.gateway.WireClient;
import io.sluice.testing.FakeBackend;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Selections across backends, edited while clients use them. */
final class ProfilesTest {
    private static final HttpClient http = HttpClient.newHttpClient();

    @TempDir
    static Path scratch;

    private static FakeBackend weather;
    private static FakeBackend news;
    private static InProcess gateway;

    private record Got(int status, JsonNode json) {}

    @BeforeAll
    static void start() throws Exception {
        weather = FakeBackend.legacy()
                .tool("forecast", arguments -> "sunny")
                .list("resources", "[{\"uri\":\"file:///readme\",\"name\":\"readme\"}]");
        news = FakeBackend.modern()
                .tool("headlines", arguments -> "quiet")
                .tool("archive", arguments -> "dusty")
                .list("prompts", "[{\"name\":\"ask\"},{\"name\":\"summary\"}]");
        gateway = InProcess.start(scratch, """
                        server: { port: 0, drainTimeout: 1s }
                        mcpServers: { weather: { url: "%s" }, news: { url: "%s" } }
                        """.formatted(weather.url(), news.url()))
                .whenListed("weather", "news");
    }

    @AfterAll
    static void stop() {
        gateway.close();
        weather.close();
        news.close();
    }

    private static Got send(String method, String path, String body) throws Exception {
        HttpResponse<String> response = http.send(
                HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + gateway.port() + path))
                        .header("Content-Type", "application/json")
                        .method(method, BodyPublishers.ofString(body.replace('\'', '"')))
                        .build(),
                BodyHandlers.ofString());
        return new Got(response.statusCode(), JsonMapper.shared().readTree(response.body()));
    }

    private static void put(String name, String body) throws Exception {
        Got kept = send("PUT", "/api/v1/mcp/profiles/" + name, body);
        assertThat(kept.status()).as(kept.toString()).isEqualTo(200);
        gateway.whenCatalog(catalog -> catalog.mount(name).isPresent());
    }

    private static JsonNode ask(String era, String mount, String method, String members) {
        WireClient client = gateway.client("/mcp/" + mount);
        return (era.equals("modern")
                        ? client.modern("1", method, members)
                        : client.initialize("2025-11-25", "{}")
                                .post("{'jsonrpc':'2.0','id':1,'method':'" + method + "','params':{" + members + "}}"))
                .json();
    }

    private static List<String> names(String era, String mount, String list, String key) {
        List<String> names = new ArrayList<>();
        ask(era, mount, list + "/list", "")
                .at("/result/" + list)
                .forEach(entry -> names.add(entry.path(key).asString()));
        return names;
    }

    @ParameterizedTest
    @ValueSource(strings = {"modern", "legacy"})
    void profileOffersWhatItSelectsAndNothingElse(String era) throws Exception {
        put("desk-" + era, "{'tools':['forecast','news__head*'],'prompts':['summary'],'resources':['file:///*']}");

        assertThat(names(era, "desk-" + era, "tools", "name")).containsExactlyInAnyOrder("forecast", "headlines");
        assertThat(names(era, "desk-" + era, "prompts", "name")).containsExactly("summary");
        assertThat(names(era, "desk-" + era, "resources", "uri")).contains("file:///readme");
        assertThat(ask(era, "desk-" + era, "tools/call", "'name':'forecast','arguments':{}")
                        .at("/result/content/0/text")
                        .asString())
                .isEqualTo("sunny");
        for (String hidden : List.of("archive", "news__archive", "list_mcp_servers", "gateway__list_mcp_servers")) {
            assertThat(ask(era, "desk-" + era, "tools/call", "'name':'" + hidden + "','arguments':{}")
                            .at("/error/message")
                            .asString())
                    .isEqualTo("Unknown tool: " + hidden);
        }
        assertThat(ask(era, "desk-" + era, "resources/read", "'uri':'news+file:///secret'")
                        .has("error"))
                .isTrue();
    }

    @Test
    void changedProfileIsAnotherSelectionAtOnce() throws Exception {
        put("edited", "{'tools':['forecast']}");
        assertThat(names("modern", "edited", "tools", "name")).containsExactly("forecast");

        put("edited", "{'tools':['archive']}");
        gateway.whenCatalog(
                catalog -> catalog.mount("edited").orElseThrow().tool("archive").isPresent());

        assertThat(names("modern", "edited", "tools", "name")).containsExactly("archive");
        assertThat(send("GET", "/api/v1/mcp/profiles/edited", "")
                        .json()
                        .at("/data/tools/0")
                        .asString())
                .isEqualTo("archive");

        assertThat(send("DELETE", "/api/v1/mcp/profiles/edited", "").status()).isEqualTo(200);
        gateway.whenCatalog(catalog -> catalog.mount("edited").isEmpty());
        assertThat(send("GET", "/api/v1/mcp/profiles/edited", "").status()).isEqualTo(404);
    }

    @Test
    void profilesAndBackendsShareTheirNames() throws Exception {
        put("taken", "{'tools':['forecast']}");

        assertThat(send("PUT", "/api/v1/mcp/profiles/weather", "{'tools':['forecast']}")
                        .status())
                .isEqualTo(409);
        assertThat(send("POST", "/register", "{'name':'taken','url':'" + news.url() + "'}")
                        .status())
                .isEqualTo(409);
        assertThat(send("PUT", "/api/v1/mcp/profiles/call_tool", "{'tools':[]}").status())
                .isEqualTo(422);
    }

    @Test
    void malformedProfilesAreRefused() throws Exception {
        assertThat(send("PUT", "/api/v1/mcp/profiles/x", "{'tools':'forecast'}").status())
                .isEqualTo(422);
        assertThat(send("PUT", "/api/v1/mcp/profiles/x", "{'tool':['forecast']}")
                        .status())
                .isEqualTo(422);
        assertThat(send("PUT", "/api/v1/mcp/profiles/x", "[]").status()).isEqualTo(422);
    }
}
