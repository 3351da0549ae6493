package io.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.registry.Backend;
import io.sluice.testing.FakeBackend;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class PartialFailureTest {
    /** Far below the patience of the gateway with a backend, far above what an answer takes. */
    private static final Duration BOUND = Duration.ofSeconds(3);

    private static final Duration PATIENCE_WITH_BACKENDS = Duration.ofSeconds(30);

    private final CountDownLatch over = new CountDownLatch(1);
    private final FakeBackend good = FakeBackend.legacy();
    private final TestGateway gateway = TestGateway.setUp()
            .upstream(upstream -> upstream.withProbeTimeout(PATIENCE_WITH_BACKENDS))
            .start();

    @AfterEach
    void close() throws Exception {
        over.countDown();
        gateway.close();
    }

    private static String call(String tool) {
        return "{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{'name':'" + tool + "','arguments':{}}}";
    }

    private FakeBackend hanging() {
        FakeBackend.Script hang = (request, answer) -> over.await(60, TimeUnit.SECONDS);
        return FakeBackend.legacy().on("server/discover", hang).on("initialize", hang);
    }

    private static Backend dead(String name) {
        FakeBackend gone = FakeBackend.legacy();
        gone.down();
        return gone.backend(name);
    }

    @Test
    void goodBackendIsNotKeptWaitingByOthers() {
        gateway.register(dead("dead"));
        gateway.register(gateway.closing(hanging()).backend("hanging"));
        gateway.with("good", good);

        for (String version : List.of("2025-03-26", "2025-11-25")) {
            Instant start = Instant.now();
            WireClient client = gateway.client().initialize(version, "{}");
            WireClient.Got list = client.post("{'jsonrpc':'2.0','id':1,'method':'tools/list'}");
            WireClient.Got got = client.post(call("echo"));

            assertThat(Duration.between(start, Instant.now())).isLessThan(BOUND);
            assertThat(list.json().at("/result/tools/0/name").asString()).isEqualTo("echo");
            assertThat(got.json().at("/result/content/0/text").asString()).isEqualTo("{}");
        }
    }

    @Test
    void introductionWaitsForNoBackend() {
        gateway.register(gateway.closing(hanging()).backend("hanging"));
        gateway.whenCatalog(catalog -> catalog.mount("hanging").isPresent());
        Instant start = Instant.now();

        WireClient aggregate = gateway.client().initialize("2025-11-25", "{}");
        WireClient single = gateway.client("/mcp/hanging").initialize("2025-11-25", "{}");

        assertThat(aggregate.post("{'jsonrpc':'2.0','id':1,'method':'ping'}").status())
                .isEqualTo(200);
        assertThat(single.post("{'jsonrpc':'2.0','id':1,'method':'ping'}").status())
                .isEqualTo(200);
        assertThat(Duration.between(start, Instant.now())).isLessThan(BOUND);
    }

    @Test
    void toolOfABackendThatHasNotListedYetIsNotCalledUnknownForGood() {
        gateway.register(gateway.closing(hanging()).backend("hanging"));
        gateway.with("good", good);
        WireClient client = gateway.client().initialize("2025-11-25", "{}");
        WireClient single = gateway.client("/mcp/hanging").initialize("2025-11-25", "{}");

        for (WireClient.Got got :
                List.of(client.post(call("tool")), client.post(call("hanging__tool")), single.post(call("tool")))) {
            assertThat(got.json().at("/result/isError").asBoolean()).isTrue();
            assertThat(got.json().at("/result/content/0/text").asString())
                    .contains("backend 'hanging'", "not said yet what it offers");
        }
        assertThat(client.post(call("good__tool")).json().at("/error/code").asInt())
                .isEqualTo(-32602);
    }

    @Test
    void callToABackendThatDiedSaysSoAndSinceWhen() {
        FakeBackend mortal = FakeBackend.legacy().withoutTool("echo").tool("mortal", arguments -> "alive");
        gateway.with("good", good).with("mortal", mortal);
        WireClient client = gateway.client().initialize("2025-11-25", "{}");
        Instant before = Instant.now().minusSeconds(1);
        mortal.down();

        WireClient.Got first = client.post(call("mortal"));
        WireClient.Got second = client.post(call("mortal"));

        assertThat(first.status()).isEqualTo(200);
        assertThat(first.json().at("/result/isError").asBoolean()).isTrue();
        String sentence = second.json().at("/result/content/0/text").asString();
        assertThat(sentence).contains("Backend 'mortal'");
        Matcher since = Pattern.compile("since (\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ)")
                .matcher(sentence);
        assertThat(since.find()).as(sentence).isTrue();
        assertThat(Instant.parse(since.group(1))).isBetween(before, Instant.now());
        assertThat(client.post(call("echo")).json().has("result")).isTrue();
    }

    @Test
    void lastListOfABackendThatDiedStaysAndItIsFoundAgain() {
        FakeBackend mortal = FakeBackend.legacy().withoutTool("echo").tool("mortal", arguments -> "alive");
        gateway.with("mortal", mortal);
        WireClient client = gateway.client().initialize("2025-11-25", "{}");
        mortal.down();
        assertThat(client.post(call("mortal")).json().at("/result/isError").asBoolean())
                .isTrue();
        gateway.whenCatalog(catalog -> catalog.aggregate()
                .contribution("mortal")
                .filter(contribution -> contribution.trouble().isPresent())
                .isPresent());

        assertThat(client.post("{'jsonrpc':'2.0','id':1,'method':'tools/list'}").body())
                .contains("\"mortal\"");
        mortal.up();

        await().untilAsserted(() -> assertThat(client.post(call("mortal"))
                        .json()
                        .at("/result/content/0/text")
                        .asString())
                .isEqualTo("alive"));
        gateway.whenCatalog(catalog -> catalog.aggregate()
                .contribution("mortal")
                .filter(contribution -> contribution.trouble().isEmpty())
                .isPresent());
    }

    @Test
    void backendThatHangsInACallIsGivenUpAfterItsTimeout() {
        FakeBackend slow = FakeBackend.legacy().on("tools/call", (request, answer) -> over.await(60, TimeUnit.SECONDS));
        Backend plain = gateway.closing(slow).backend("slow");
        gateway.with(new Backend(
                plain.name(),
                plain.endpoints(),
                plain.headers(),
                plain.era(),
                Duration.ofMillis(300),
                List.of(),
                List.of(),
                List.of(),
                true,
                plain.source()));
        WireClient client = gateway.client().initialize("2025-11-25", "{}");
        Instant start = Instant.now();

        WireClient.Got got = client.post(call("echo"));

        assertThat(Duration.between(start, Instant.now())).isLessThan(BOUND);
        assertThat(got.json().at("/result/isError").asBoolean()).isTrue();
        assertThat(got.json().at("/result/content/0/text").asString()).contains("Backend 'slow'", "300 ms");
    }

    @Test
    void failureOfWhatIsNoToolIsAnError() {
        FakeBackend mortal = FakeBackend.legacy().list("prompts", "[{\"name\":\"p\"}]");
        gateway.with("mortal", mortal);
        WireClient client = gateway.client().initialize("2025-11-25", "{}");
        mortal.down();

        WireClient.Got got = client.post("{'jsonrpc':'2.0','id':1,'method':'prompts/get','params':{'name':'p'}}");

        assertThat(got.status()).isEqualTo(200);
        assertThat(got.json().at("/error/message").asString()).contains("Backend 'mortal'");
        assertThat(got.json().at("/error/data/backend").asString()).isEqualTo("mortal");
    }

    @Test
    void backendThatBreaksOffIsReportedOnce() {
        good.on("tools/call", (request, answer) -> answer.reset());
        gateway.with("good", good);
        WireClient client = gateway.client().initialize("2025-11-25", "{}");
        int before = good.count("tools/call");

        WireClient.Got got = client.post(call("echo"));

        assertThat(got.json().at("/result/isError").asBoolean()).isTrue();
        assertThat(good.count("tools/call")).as("a call is never repeated").isEqualTo(before + 1);
    }
}
