package io.sluice.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.sluice.oauth.Guarded;
import io.sluice.registry.redis.RedisProcess;
import java.net.URI;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Two replicas that share a Redis use backends for which a person has to agree. */
final class OAuthReplicasTest {
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final String KEY = "MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY=";
    private static final String CANARY = "cAnArY7f31";
    private static final Logger LOGS = (Logger) LoggerFactory.getLogger("io.sluice");

    @TempDir
    Path folder;

    private final HttpClient http = HttpClient.newHttpClient();
    private final Guarded guarded = new Guarded();
    private final ListAppender<ILoggingEvent> logged = new ListAppender<>();
    private final List<String> answers = new CopyOnWriteArrayList<>();
    private RedisProcess redis;
    private InProcess one;
    private InProcess two;

    private record Got(int status, String text) {
        JsonNode json() {
            return JsonMapper.shared().readTree(text);
        }
    }

    @BeforeEach
    void start() throws Exception {
        LOGS.setLevel(Level.DEBUG);
        logged.start();
        LOGS.addAppender(logged);
        guarded.prefix = CANARY;
        guarded.metadata = ",\"registration_endpoint\":\"" + guarded.url("/as/register") + "\"";
        redis = RedisProcess.start(
                "--appendonly",
                "yes",
                "--appendfsync",
                "always",
                "--dir",
                Files.createDirectory(folder.resolve("redis")).toString());
        one = launch("one");
        two = launch("two");
        ready(one);
        ready(two);
    }

    @AfterEach
    void stop() {
        one.close();
        two.close();
        guarded.close();
        redis.close();
        LOGS.detachAppender(logged);
        LOGS.setLevel(null);
    }

    private InProcess launch(String name) throws Exception {
        Path own = Files.createDirectories(folder.resolve(name));
        String yaml = """
                server: { port: 0, drainTimeout: 1s }
                redis: { cluster: oauth, snapshot: %s }
                """.formatted(own.resolve("registry.snapshot"));
        return InProcess.start(own, yaml, Map.of("REDIS_URL", redis.url(), "SLUICE_SECRET_KEY", KEY));
    }

    private void ready(InProcess replica) {
        await().atMost(PATIENCE).until(() -> send(replica, "GET", "/readyz", "").status() == 200);
        await().atMost(PATIENCE)
                .until(() -> send(replica, "GET", "/readyz?verbose", "").text().contains("revision"));
    }

    private Got send(InProcess replica, String method, String path, String body) throws Exception {
        HttpResponse<String> response = http.send(
                HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + replica.port() + path))
                        .header("Content-Type", "application/json")
                        .method(method, BodyPublishers.ofString(body.replace('\'', '"')))
                        .build(),
                BodyHandlers.ofString());
        answers.add(response.body());
        return new Got(response.statusCode(), response.body());
    }

    private String whoami(InProcess replica) {
        return replica.client("/mcp")
                .post("{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{'name':'whoami','arguments':{}}}")
                .json()
                .at("/result/content/0/text")
                .asString("");
    }

    private String status(InProcess replica) throws Exception {
        return send(replica, "GET", "/api/v1/mcp/servers/guarded", "")
                .json()
                .at("/data/status")
                .asString("");
    }

    /** A browser that is sent away and comes back to a replica. */
    private Got browse(String page, InProcess back) throws Exception {
        String state = Stream.of(URI.create(page).getRawQuery().split("&"))
                .filter(pair -> pair.startsWith("state="))
                .map(pair -> URLDecoder.decode(pair.substring(6), StandardCharsets.UTF_8))
                .findFirst()
                .orElseThrow();
        return send(
                back,
                "GET",
                "/callback?code=" + CANARY + "code&state=" + state + "&iss="
                        + URLEncoder.encode(guarded.issuer, StandardCharsets.UTF_8),
                "");
    }

    private String page(InProcess replica, String backend) throws Exception {
        Got asked = send(replica, "GET", "/oauth/" + backend + "/authorize", "");
        assertThat(asked.status()).isEqualTo(200);
        return asked.json().path("authorization_url").asString("");
    }

    @Test
    void consentGivenAtOneReplicaIsGoodAtAllAndOneOfThemRenewsTheToken() throws Exception {
        Got registered = send(
                one,
                "POST",
                "/register",
                "{'serviceName':'guarded','endpoint':'" + guarded.url("/mcp")
                        + "','oauth':{'grant':'authorization_code'}}");
        assertThat(registered.status()).isEqualTo(201);
        assertThat(registered.json().path("status").asString("")).isEqualTo("needs_reauth");
        await().atMost(PATIENCE).until(() -> status(two).equals("needs_reauth"));

        Got back = browse(page(one, "guarded"), two);

        assertThat(back.status()).as(back.text()).isEqualTo(200);
        assertThat(back.text()).contains("<b>guarded</b>");
        one.whenListed("guarded");
        two.whenListed("guarded");
        assertThat(status(one)).isEqualTo("connected");
        assertThat(status(two)).isEqualTo("connected");
        assertThat(List.of(whoami(one), whoami(two))).containsOnly("Bearer " + CANARY + "token-1");

        guarded.valid.clear();
        List<CompletableFuture<String>> calls = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            calls.add(CompletableFuture.supplyAsync(() -> whoami(one)));
            calls.add(CompletableFuture.supplyAsync(() -> whoami(two)));
        }

        assertThat(calls.stream().map(CompletableFuture::join)).containsOnly("Bearer " + CANARY + "token-2");
        assertThat(guarded.asked.stream().map(form -> form.get("grant_type")))
                .containsExactly("authorization_code", "refresh_token");

        nothingIsSaidOrKept();
    }

    @Test
    void clientOfTheHttpApiWaitsForConsentAndIsServedByAnyReplica() throws Exception {
        Got connected = send(
                one,
                "POST",
                "/mcp/connect",
                "{'transport':'http','mcp_url':'" + guarded.url("/mcp") + "','auth_type':'oauth',"
                        + "'oauth_client_id':'your-client-id','oauth_client_secret':'" + CANARY + "client-secret',"
                        + "'oauth_auth_url':'" + guarded.url("/as/authorize") + "','oauth_token_url':'"
                        + guarded.url("/as/token") + "','oauth_redirect_uri':'http://localhost:8080/callback',"
                        + "'oauth_scopes':['read','write']}");
        assertThat(connected.status()).as(connected.text()).isEqualTo(201);
        assertThat(connected.json().path("status").asString("")).isEqualTo("needs_reauth");
        String id = connected.json().path("client_id").asString("");
        String page = connected.json().path("authorization_url").asString("");
        assertThat(page)
                .startsWith(guarded.url("/as/authorize?response_type=code&client_id=your-client-id&redirect_uri="
                        + "http%3A%2F%2Flocalhost%3A8080%2Fcallback&"))
                .endsWith("&scope=read%20write");
        await().atMost(PATIENCE)
                .until(() -> send(two, "GET", "/mcp/client/" + id, "")
                        .json()
                        .at("/metadata/status")
                        .asString("")
                        .equals("needs_reauth"));
        Got early = send(two, "GET", "/mcp/list_tools?client_id=" + id, "");
        assertThat(early.status()).isEqualTo(400);
        assertThat(early.json().path("hint").asString("")).contains("/oauth/client-" + id + "/authorize");
        assertThat(page(two, "client-" + id)).startsWith(guarded.url("/as/authorize"));

        assertThat(browse(page, two).status()).isEqualTo(200);

        assertThat(guarded.asked.get(0))
                .containsEntry("client", "your-client-id:" + CANARY + "client-secret")
                .containsEntry("redirect_uri", "http://localhost:8080/callback");
        assertThat(guarded.looked()).noneMatch(path -> path.contains("well-known"));
        for (InProcess replica : List.of(two, one)) {
            Got tools = send(replica, "GET", "/mcp/list_tools?client_id=" + id, "");
            assertThat(tools.json().at("/tools/0/name").asString(""))
                    .as(tools.text())
                    .isEqualTo("whoami");
        }
        assertThat(send(one, "GET", "/mcp/client/" + id, "")
                        .json()
                        .at("/metadata/status")
                        .asString(""))
                .isEqualTo("connected");
        nothingIsSaidOrKept();
        assertThat(send(one, "POST", "/mcp/disconnect", "{'client_id':'" + id + "'}")
                        .status())
                .isEqualTo(200);
    }

    @Test
    void noTokenIsSaidOrKeptWhenTheAuthorizationServerSaysNo() throws Exception {
        String denied = "'endpoint':'" + guarded.url("/mcp") + "','oauth':{'clientId':'x','clientSecret':'" + CANARY
                + "denied'}}";
        assertThat(send(one, "POST", "/register", "{'serviceName':'denied'," + denied)
                        .status())
                .isEqualTo(201);
        one.whenListed("denied");
        guarded.deny();
        guarded.valid.clear();
        assertThat(one.client("/mcp/denied")
                        .post(
                                "{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{'name':'whoami','arguments':{}}}")
                        .body())
                .contains("invalid_client");

        nothingIsSaidOrKept();
    }

    /** Asks for all there is to see, and searches what was said and kept. */
    private void nothingIsSaidOrKept() throws Exception {
        for (String path : List.of(
                "/metrics",
                "/health",
                "/readyz?verbose",
                "/api/v1/mcp/servers",
                "/services",
                "/mcp/clients",
                "/openapi.json")) {
            send(one, "GET", path, "");
            send(two, "GET", path, "");
        }
        await().atMost(PATIENCE).until(() -> Files.exists(folder.resolve("one/registry.snapshot")));

        assertThat(answers).hasSizeGreaterThan(15).noneMatch(answer -> answer.contains(CANARY));
        synchronized (logged) {
            assertThat(logged.list)
                    .isNotEmpty()
                    .noneMatch(line -> line.getFormattedMessage().contains(CANARY)
                            || (line.getThrowableProxy() != null
                                    && String.valueOf(line.getThrowableProxy().getMessage())
                                            .contains(CANARY)));
        }
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                assertThat(Files.readString(file, StandardCharsets.ISO_8859_1))
                        .as("%s", file)
                        .doesNotContain(CANARY);
            }
        }
        assertThat(folder.resolve("redis/appendonlydir")).isNotEmptyDirectory();
    }
}
