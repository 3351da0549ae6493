package io.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.cache.CacheRule;
import io.sluice.cache.CacheSettings;
import io.sluice.cache.ResultCache;
import io.sluice.testing.FakeBackend;
import io.sluice.upstream.Upstream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** What backends answered is used again as far as they, and whoever runs the gateway, allow it; and no further. */
class CachingTest {
    private static final String ALICE = "alice-0123456789-abcdefgh";
    private static final String BOB = "bob-0123456789-ijklmnopqr";

    private TestGateway gateway = TestGateway.start();
    private final AtomicInteger executed = new AtomicInteger();

    @AfterEach
    void close() {
        gateway.close();
    }

    private ResultCache cache() {
        return gateway.gateway().cache();
    }

    private Upstream upstream(String backend) {
        return Objects.requireNonNull(gateway.discovery().state().upstreams().get(backend));
    }

    /** Results of the tool {@code look} are kept for its caller. */
    private void keepResults(boolean shared) {
        cache().apply(CacheSettings.STANDARD.withTools(
                List.of(new CacheRule("*", "look", Duration.ofMinutes(1), shared))));
    }

    private FakeBackend counting(FakeBackend backend) {
        return backend.tool("look", arguments -> "seen " + arguments + " " + executed.incrementAndGet());
    }

    private static FakeBackend reading(FakeBackend backend, FakeBackend.Script script) {
        return backend.list(
                        "resources", "[{\"uri\":\"note:1\",\"name\":\"one\"},{\"uri\":\"note:2\",\"name\":\"two\"}]")
                .on("resources/read", script);
    }

    /** A resource whose content is the number of times that it was read. */
    private FakeBackend.Script numbered(String scope, long ttlMillis) {
        return (request, answer) -> answer.result("{\"resultType\":\"complete\",\"ttlMs\":" + ttlMillis
                + ",\"cacheScope\":\"" + scope + "\",\"contents\":[{\"uri\":\"note:1\",\"text\":\""
                + executed.incrementAndGet() + "\"}]}");
    }

    private static JsonNode look(WireClient client, boolean modern, String id, String arguments) {
        String members = "'name':'look','arguments':" + arguments;
        WireClient.Got got = modern
                ? client.modern(id, "tools/call", members)
                : client.post("{'jsonrpc':'2.0','id':" + id + ",'method':'tools/call','params':{" + members + "}}");
        assertThat(got.status()).as(got.body()).isEqualTo(200);
        return got.events().isEmpty()
                ? got.json()
                : got.events().get(got.events().size() - 1);
    }

    private static JsonNode read(WireClient client, String id, String uri) {
        WireClient.Got got = client.modern(id, "resources/read", "'uri':'" + uri + "'");
        assertThat(got.status()).as(got.body()).isEqualTo(200);
        return got.json();
    }

    private static void until(CountDownLatch go) {
        try {
            assertThat(go.await(10, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private static String text(JsonNode answer) {
        return answer.at("/result/contents/0/text")
                .asString(answer.at("/result/content/0/text").asString(""));
    }

    @ParameterizedTest
    @ValueSource(strings = {"modern", "legacy", "dual", "events"})
    void resultOfAToolIsUsedAgainUnderEachClientsOwnIdInEveryPairing(String kind) {
        FakeBackend backend = counting(
                switch (kind) {
                    case "modern" -> FakeBackend.modern();
                    case "legacy" -> FakeBackend.legacy();
                    case "events" -> FakeBackend.legacy().asEvents();
                    default -> FakeBackend.dual();
                });
        gateway.with("files", backend);
        keepResults(false);
        WireClient session = gateway.client().initialize("2025-11-25", "{}");
        WireClient modern = gateway.client();

        JsonNode first = look(modern, true, "1", "{'a':1}");
        JsonNode again = look(modern, true, "'two'", "{'a':1}");
        JsonNode other = look(modern, true, "3", "{'a':2}");
        JsonNode old = look(session, false, "4", "{'a':1}");
        JsonNode oldAgain = look(session, false, "5", "{'a':1}");
        JsonNode elsewhere = look(gateway.client("/mcp/files"), true, "6", "{'a':1}");

        assertThat(first.path("id").asInt()).isEqualTo(1);
        assertThat(again.path("id").asString()).isEqualTo("two");
        assertThat(again.path("result")).isEqualTo(first.path("result"));
        assertThat(again.at("/result/resultType").asString()).isEqualTo("complete");
        assertThat(text(other)).isNotEqualTo(text(first));
        assertThat(old.at("/result/resultType").isMissingNode()).isTrue();
        assertThat(oldAgain.path("result")).isEqualTo(old.path("result"));
        assertThat(oldAgain.path("id").asInt()).isEqualTo(5);
        assertThat(elsewhere.path("result")).isEqualTo(first.path("result"));
        assertThat(executed).hasValue(3);
        assertThat(cache().figures(upstream("files")).hits()).isEqualTo(3);
        assertThat(cache().figures(upstream("files")).misses()).isEqualTo(3);
        assertThat(cache().figures(upstream("files")).entries()).isEqualTo(3);
        await().untilAsserted(() ->
                assertThat(cache().figures(upstream("files")).bytes()).isEqualTo(cache().bytes()));
    }

    @Test
    void toolThatNobodyConfiguredIsCalledEachTime() {
        gateway.with("files", counting(FakeBackend.modern()));

        look(gateway.client(), true, "1", "{}");
        look(gateway.client(), true, "2", "{}");

        assertThat(executed).hasValue(2);
        assertThat(cache().figures(upstream("files")).misses()).isZero();
    }

    @Test
    void resourceIsUsedAgainAndTheRestOfItsTimeIsTold() {
        gateway.with("files", reading(FakeBackend.modern(), numbered("public", 60_000)));

        JsonNode first = read(gateway.client(), "1", "note:1");
        await().pollDelay(Duration.ofMillis(20)).until(() -> true);
        JsonNode again = read(gateway.client(), "2", "note:1");
        JsonNode old = gateway.client()
                .initialize("2025-11-25", "{}")
                .post("{'jsonrpc':'2.0','id':3,'method':'resources/read','params':{'uri':'note:1'}}")
                .json();

        assertThat(first.at("/result/ttlMs").asLong()).isEqualTo(60_000);
        assertThat(text(again)).isEqualTo("1");
        assertThat(again.path("id").asInt()).isEqualTo(2);
        assertThat(again.at("/result/ttlMs").asLong()).isBetween(1L, 59_980L);
        assertThat(again.at("/result/cacheScope").asString()).isEqualTo("public");
        assertThat(old.path("result").has("ttlMs")).isFalse();
        assertThat(old.path("result").has("cacheScope")).isFalse();
    }

    @Test
    void resourceIsReadAgainWhenItsTimeIsOver() {
        gateway.with("files", reading(FakeBackend.modern(), numbered("public", 100)));

        assertThat(text(read(gateway.client(), "1", "note:1"))).isEqualTo("1");

        await().untilAsserted(() ->
                assertThat(text(read(gateway.client(), "2", "note:1"))).isEqualTo("2"));
    }

    @Test
    void resourceOfALegacyBackendIsReadEachTimeUnlessSomebodySaysForHowLongItIsGood() {
        gateway.close();
        gateway = TestGateway.setUp().token("alice", ALICE).token("bob", BOB).start();
        gateway.with("files", reading(FakeBackend.legacy(), numbered("public", 60_000)));
        WireClient alice = gateway.client().with("Authorization", "Bearer " + ALICE);
        WireClient bob = gateway.client().with("Authorization", "Bearer " + BOB);

        assertThat(text(read(alice, "1", "note:1"))).isEqualTo("1");
        assertThat(text(read(alice, "2", "note:1"))).isEqualTo("2");
        cache().apply(CacheSettings.STANDARD.withLegacyLife(Duration.ofMinutes(1)));

        assertThat(text(read(alice, "3", "note:1"))).isEqualTo("3");
        assertThat(text(read(alice, "4", "note:1"))).isEqualTo("3");
        assertThat(text(read(bob, "5", "note:1"))).isEqualTo("4");
        cache().apply(CacheSettings.STANDARD);
        assertThat(text(read(alice, "6", "note:1"))).isEqualTo("5");
    }

    @Test
    void resourceOfALegacyBackendIsKeptForItsSessionUntilItChanges() {
        cache().apply(CacheSettings.STANDARD.withLegacyLife(Duration.ofMinutes(1)));
        FakeBackend backend = reading(
                FakeBackend.legacy(),
                (request, answer) -> answer.result(
                        "{\"contents\":[{\"uri\":\"note:1\",\"text\":\"" + executed.incrementAndGet() + "\"}]}"));
        gateway.with("files", backend).listeningTo(backend);
        WireClient session = gateway.client().initialize("2025-11-25", "{}");
        String request = "{'jsonrpc':'2.0','id':1,'method':'resources/read','params':{'uri':'note:1'}}";

        JsonNode first = session.post(request).json();
        JsonNode modern = read(gateway.client(), "2", "note:1");
        assertThat(text(session.post(request).json())).isEqualTo(text(first));
        assertThat(modern.at("/result/ttlMs").asInt(-1)).isZero();
        assertThat(modern.at("/result/cacheScope").asString()).isEqualTo("private");
        assertThat(text(read(gateway.client(), "3", "note:1"))).isEqualTo(text(modern));

        backend.push("notifications/resources/list_changed", "{}");

        await().untilAsserted(
                        () -> assertThat(text(session.post(request).json())).isNotEqualTo(text(first)));
    }

    @Test
    void resourceWithoutTimeIsReadEachTime() {
        gateway.with("files", reading(FakeBackend.modern(), numbered("public", 0)));

        for (int i = 1; i <= 3; i++) {
            assertThat(text(read(gateway.client(), "" + i, "note:1"))).isEqualTo("" + i);
        }
    }

    @Test
    void privateAnswerStaysWithItsCallerAndAPublicOneIsForAll() {
        gateway.close();
        gateway = TestGateway.setUp().token("alice", ALICE).token("bob", BOB).start();
        FakeBackend backend = reading(counting(FakeBackend.modern()), (request, answer) -> {
            String uri = request.params().path("uri").asString("");
            answer.result("{\"resultType\":\"complete\",\"ttlMs\":60000,\"cacheScope\":\""
                    + (uri.equals("note:1") ? "private" : "public") + "\",\"contents\":[{\"uri\":\"" + uri
                    + "\",\"text\":\"" + executed.incrementAndGet() + "\"}]}");
        });
        gateway.with("files", backend);
        keepResults(false);
        WireClient alice = gateway.client().with("Authorization", "Bearer " + ALICE);
        WireClient bob = gateway.client().with("Authorization", "Bearer " + BOB);

        String alices = text(read(alice, "1", "note:1"));
        String bobs = text(read(bob, "2", "note:1"));
        String alicesAgain = text(read(alice, "3", "note:1"));
        String shared = text(read(alice, "4", "note:2"));
        String sharedAgain = text(read(bob, "5", "note:2"));
        String called = text(look(alice, true, "6", "{}"));
        String calledByBob = text(look(bob, true, "7", "{}"));

        assertThat(bobs).isNotEqualTo(alices);
        assertThat(alicesAgain).isEqualTo(alices);
        assertThat(called).isNotEqualTo(calledByBob);
        assertThat(shared).isNotEqualTo(alices);
        // of a resource that nobody has read yet it is not known that it is for all
        assertThat(sharedAgain).isEqualTo(shared);
    }

    @Test
    void sharedResultIsForAllCallers() {
        gateway.close();
        gateway = TestGateway.setUp().token("alice", ALICE).token("bob", BOB).start();
        gateway.with("files", counting(FakeBackend.legacy()));
        keepResults(true);

        String alices = text(look(gateway.client().with("Authorization", "Bearer " + ALICE), true, "1", "{}"));
        String bobs = text(look(gateway.client().with("Authorization", "Bearer " + BOB), true, "2", "{}"));

        assertThat(bobs).isEqualTo(alices);
        assertThat(executed).hasValue(1);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void sameReadsAtATimeAreOneRequestWithAnAnswerForEach(boolean modern) throws Exception {
        CountDownLatch go = new CountDownLatch(1);
        FakeBackend backend = modern ? FakeBackend.modern() : FakeBackend.legacy();
        gateway.with("files", backend.tool("look", arguments -> {
            executed.incrementAndGet();
            until(go);
            return "seen";
        }));
        keepResults(false);
        List<CompletableFuture<JsonNode>> calls = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            String id = "" + i;
            calls.add(CompletableFuture.supplyAsync(() -> look(gateway.client(), true, id, "{}")));
        }
        await().until(() -> cache().figures(upstream("files")).joined() == 19);
        go.countDown();

        for (int i = 0; i < calls.size(); i++) {
            JsonNode answer = calls.get(i).get(10, TimeUnit.SECONDS);
            assertThat(answer.path("id").asInt()).isEqualTo(i);
            assertThat(text(answer)).isEqualTo("seen");
        }
        assertThat(executed).hasValue(1);
    }

    @Test
    void whoeverLeavesDoesNotTakeTheOthersAlongAndTheLastEndsTheRequest() throws Exception {
        CountDownLatch go = new CountDownLatch(1);
        CountDownLatch closed = new CountDownLatch(1);
        gateway.with("files", reading(FakeBackend.modern(), (request, answer) -> {
            executed.incrementAndGet();
            if (request.params().path("uri").asString("").equals("note:2")) {
                answer.untilClosed();
                closed.countDown();
                return;
            }
            go.await();
            numbered("private", 60_000).answer(request, answer);
        }));

        RawExchange first = ModernRequest.read("note:1").id("1").sent(gateway);
        await().until(() -> executed.get() == 1);
        CompletableFuture<JsonNode> second = CompletableFuture.supplyAsync(() -> read(gateway.client(), "2", "note:1"));
        await().until(() -> cache().figures(upstream("files")).joined() == 1);
        first.close();
        RawExchange third = ModernRequest.read("note:2").id("3").sent(gateway);
        await().until(() -> executed.get() == 2);
        RawExchange fourth = ModernRequest.read("note:2").id("4").sent(gateway);
        await().until(() -> cache().figures(upstream("files")).joined() == 2);
        third.close();
        go.countDown();

        assertThat(text(second.get(10, TimeUnit.SECONDS))).isEqualTo("3");
        assertThat(closed.getCount()).isOne();
        fourth.close();
        assertThat(closed.await(10, TimeUnit.SECONDS)).isTrue();
    }

    @Test
    void failureIsNotKept() {
        FakeBackend backend = FakeBackend.modern().tool("look", arguments -> "").on("tools/call", (request, answer) -> {
            switch (executed.incrementAndGet()) {
                case 1 -> answer.result("{\"resultType\":\"complete\",\"isError\":true,\"content\":[]}");
                case 2 -> answer.error(200, -32603, "out of order");
                case 3 -> answer.reset();
                default ->
                    answer.result(
                            "{\"resultType\":\"complete\",\"isError\":false,\"content\":[{\"type\":\"text\",\"text\":\"fine\"}]}");
            }
        });
        gateway.with("files", backend);
        keepResults(false);

        assertThat(look(gateway.client(), true, "1", "{}").at("/result/isError").asBoolean())
                .isTrue();
        assertThat(look(gateway.client(), true, "2", "{}").has("error")).isTrue();
        assertThat(look(gateway.client(), true, "3", "{}").at("/result/isError").asBoolean())
                .isTrue();
        assertThat(text(look(gateway.client(), true, "4", "{}"))).isEqualTo("fine");
        assertThat(text(look(gateway.client(), true, "5", "{}"))).isEqualTo("fine");
        assertThat(executed).hasValue(4);
    }

    @Test
    void questionIsNotKeptAndNeitherIsTheAnswerToARetry() {
        FakeBackend backend = FakeBackend.modern().tool("look", arguments -> "").on("tools/call", (request, answer) -> {
            executed.incrementAndGet();
            answer.result(
                    request.params().has("requestState")
                            ? "{\"resultType\":\"complete\",\"content\":[]}"
                            : "{\"resultType\":\"input_required\",\"requestState\":\"s\",\"inputRequests\":{}}");
        });
        gateway.with("files", backend);
        keepResults(true);
        WireClient client = gateway.client();

        for (int i = 1; i <= 2; i++) {
            JsonNode asked = look(client, true, "" + i, "{}");
            assertThat(asked.at("/result/resultType").asString()).isEqualTo("input_required");
            client.modern("9", "tools/call", "'name':'look','arguments':{},'requestState':'s','inputResponses':{}");
        }

        assertThat(executed).hasValue(4);
        assertThat(cache().figures(upstream("files")).entries()).isZero();
    }

    @Test
    void progressReachesItsClientAndTheAnswerIsKeptAllTheSame() {
        FakeBackend backend = FakeBackend.modern().tool("look", arguments -> "").on("tools/call", (request, answer) -> {
            executed.incrementAndGet();
            answer.events()
                    .message(
                            "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":\"p\",\"progress\":1}}")
                    .message(
                            "{\"jsonrpc\":\"2.0\",\"id\":" + request.id()
                                    + ",\"result\":{\"resultType\":\"complete\",\"content\":[{\"type\":\"text\",\"text\":\"done\"}]}}")
                    .end();
        });
        gateway.with("files", backend);
        keepResults(false);

        RawExchange.Got told =
                ModernRequest.call("look", "{}").alsoMeta("'progressToken':'p'").send(gateway);
        JsonNode again = look(gateway.client(), true, "2", "{}");

        assertThat(told.text()).contains("notifications/progress").contains("done");
        assertThat(text(again)).isEqualTo("done");
        assertThat(executed).hasValue(1);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void whatTheBackendSaysHasChangedIsAskedForAgain(boolean modern) {
        FakeBackend backend = counting(modern ? FakeBackend.modern() : FakeBackend.legacy());
        gateway.with("files", backend).listeningTo(backend);
        keepResults(false);
        look(gateway.client(), true, "1", "{}");

        backend.push("notifications/tools/list_changed", "{}");

        await().untilAsserted(() -> {
            look(gateway.client(), true, "2", "{}");
            assertThat(executed).hasValue(2);
        });
    }

    @Test
    void updatedResourceIsReadAgainAndOthersAreNot() {
        FakeBackend backend = reading(FakeBackend.modern(), numbered("public", 60_000));
        gateway.with("files", backend).listeningTo(backend);
        gateway.client()
                .initialize("2025-11-25", "{}")
                .post("{'jsonrpc':'2.0','id':1,'method':'resources/subscribe','params':{'uri':'note:1'}}");
        String one = text(read(gateway.client(), "1", "note:1"));
        String two = text(read(gateway.client(), "2", "note:2"));

        await().untilAsserted(() -> {
            backend.push("notifications/resources/updated", "{\"uri\":\"note:1\"}");
            assertThat(text(read(gateway.client(), "3", "note:1"))).isNotEqualTo(one);
        });

        assertThat(text(read(gateway.client(), "4", "note:2"))).isEqualTo(two);
    }

    @Test
    void answerThatWasOnItsWayWhenTheBackendChangedIsNotKept() throws Exception {
        CountDownLatch go = new CountDownLatch(1);
        FakeBackend backend = FakeBackend.modern().tool("look", arguments -> {
            if (executed.incrementAndGet() == 1) {
                until(go);
            }
            return "seen";
        });
        gateway.with("files", backend);
        keepResults(false);
        CompletableFuture<JsonNode> early =
                CompletableFuture.supplyAsync(() -> look(gateway.client(), true, "1", "{}"));
        await().until(() -> executed.get() == 1);

        cache().clear(upstream("files"));
        look(gateway.client(), true, "2", "{}"); // and is not joined either
        go.countDown();
        early.get(10, TimeUnit.SECONDS);
        cache().clear(upstream("files"));
        look(gateway.client(), true, "3", "{}");

        assertThat(executed).hasValue(3);
    }

    @Test
    void anotherRegistrationOfTheBackendBeginsWithNothing() {
        FakeBackend backend = counting(FakeBackend.modern());
        gateway.with("files", backend);
        keepResults(false);
        look(gateway.client(), true, "1", "{}");
        Upstream before = upstream("files");

        gateway.register(backend.backend("files").withHeaders(java.util.Map.of("X-Other", "1")));
        await().until(() -> upstream("files") != before);
        await().untilAsserted(() -> {
            look(gateway.client(), true, "2", "{}");
            assertThat(executed).hasValue(2);
        });

        await().untilAsserted(
                        () -> assertThat(cache().figures(before).entries()).isZero());
    }

    @Test
    void moreThanThereIsRoomForIsNotKept() {
        gateway.with("files", FakeBackend.modern().tool("look", arguments -> {
            executed.incrementAndGet();
            return "x".repeat(arguments.path("n").asInt());
        }));
        cache().apply(CacheSettings.STANDARD
                .withBytes(100_000, 20_000)
                .withTools(List.of(new CacheRule("*", "look", Duration.ofMinutes(1), false))));

        for (int i = 0; i < 40; i++) {
            assertThat(text(look(gateway.client(), true, "1", "{'n':" + (10_000 + i) + "}")))
                    .hasSize(10_000 + i);
        }
        await().untilAsserted(() -> assertThat(cache().bytes()).isBetween(50_000L, 100_000L));
        int before = executed.get();
        for (int i = 0; i < 2; i++) {
            assertThat(text(look(gateway.client(), true, "1", "{'n':300000}"))).hasSize(300_000);
        }

        assertThat(executed).hasValue(before + 2);
    }

    @Test
    void longAnswerIsUsedAgainWithoutLane() {
        gateway.close();
        gateway = TestGateway.setUp().withoutLane().start();
        gateway.with("files", FakeBackend.modern().tool("look", arguments -> {
            executed.incrementAndGet();
            return "y".repeat(300_000);
        }));
        keepResults(false);

        for (int i = 0; i < 3; i++) {
            assertThat(text(look(gateway.client(), true, "" + i, "{}"))).hasSize(300_000);
        }

        assertThat(executed).hasValue(1);
    }
}
