package io.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.guard.DeadlineRule;
import io.sluice.guard.GateSettings;
import io.sluice.guard.LimitSettings;
import io.sluice.testing.FakeBackend;
import io.sluice.upstream.BackendPolicy;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** A call ends when its time is over, wherever it is by then, and whoever gave it the time is named. */
class DeadlineTest {
    private BackendPolicy policy = BackendPolicy.STANDARD;
    private final TestGateway gateway = TestGateway.setUp()
            .upstream(settings -> settings.withPolicies(backend -> policy))
            .start();

    @AfterEach
    void close() {
        gateway.close();
    }

    private void deadlines(DeadlineRule... rules) {
        gateway.gateway().guard().apply(LimitSettings.NONE.withDeadlines(List.of(rules)));
    }

    private static DeadlineRule rule(String tool, long withinMillis, long atMostMillis) {
        return new DeadlineRule(
                "*", Optional.of(tool), Duration.ofMillis(withinMillis), Duration.ofMillis(atMostMillis));
    }

    private static FakeBackend backend(String kind) {
        return kind.equals("modern") ? FakeBackend.modern() : FakeBackend.legacy();
    }

    private JsonNode call(boolean modern, String tool, String... headers) {
        String members = "'name':'" + tool + "','arguments':{}";
        WireClient client = gateway.client();
        WireClient.Got got = modern
                ? client.modern("1", "tools/call", members, headers)
                : client.initialize("2025-11-25", "{}")
                        .post("{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{" + members + "}}", headers);
        assertThat(got.status()).as(got.body()).isEqualTo(200);
        return got.events().isEmpty()
                ? got.json()
                : got.events().get(got.events().size() - 1);
    }

    private static String text(JsonNode answer) {
        return answer.at("/result/content/0/text").asString("");
    }

    @ParameterizedTest
    @ValueSource(strings = {"modern", "legacy"})
    void callIsEndedAtItsDeadlineAndItsOutcomeIsUnknown(String kind) throws Exception {
        CountDownLatch closed = new CountDownLatch(1);
        FakeBackend backend = backend(kind).tool("slow", arguments -> "").on("tools/call", (request, answer) -> {
            answer.untilClosed();
            closed.countDown();
        });
        gateway.with("files", backend);
        deadlines(rule("slow", 200, 200));

        for (boolean modern : new boolean[] {true, false}) {
            JsonNode late = call(modern, "slow");

            assertThat(late.at("/result/isError").asBoolean()).isTrue();
            assertThat(text(late))
                    .contains("'files'")
                    .contains("did not answer the call within the 200 ms that limits.deadlines gives it");
            assertThat(late.at("/result/_meta/io.sluice~1error/outcome").asString())
                    .isEqualTo("unknown");
        }
        assertThat(closed.await(10, TimeUnit.SECONDS)).isTrue();
        if (kind.equals("legacy")) {
            await().until(() -> backend.count("notifications/cancelled") == 2);
        }
    }

    @Test
    void answerThatComesInDripsIsCutOff() {
        CountDownLatch over = new CountDownLatch(1);
        gateway.with("files", FakeBackend.modern().tool("slow", arguments -> "").on("tools/call", (request, answer) -> {
            answer.header("Content-Type", "application/json")
                    .header("Content-Length", "5000")
                    .head(200);
            while (!over.await(50, TimeUnit.MILLISECONDS)) {
                answer.raw(" ");
            }
        }));
        deadlines(rule("slow", 400, 400));

        assertThat(text(call(true, "slow"))).contains("within the 400 ms that limits.deadlines gives it");
        over.countDown();
    }

    @Test
    void progressGivesACallItsTimeAgainUpToABound() {
        AtomicInteger reports = new AtomicInteger();
        CountDownLatch over = new CountDownLatch(1);
        FakeBackend backend = FakeBackend.modern().tool("slow", arguments -> "").on("tools/call", (request, answer) -> {
            FakeBackend.Stream stream = answer.events();
            while (!over.await(100, TimeUnit.MILLISECONDS)) {
                stream.message("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":"
                        + "{\"progressToken\":\"p\",\"progress\":" + reports.incrementAndGet() + "}}");
            }
            stream.end();
        });
        policy = policy.withLongest(Duration.ofMillis(1200)); // for those of which nothing is said
        gateway.with("files", backend);
        deadlines(rule("slow", 1000, 2500));

        RawExchange.Got told =
                ModernRequest.call("slow", "{}").alsoMeta("'progressToken':'p'").send(gateway);

        over.countDown();
        assertThat(told.text()).contains("within the 2500 ms in all that limits.deadlines gives it");
        assertThat(reports.get()).isGreaterThan(10);
    }

    @Test
    void timeThatIsLeftIsPassedOnLessAMargin() {
        FakeBackend backend = FakeBackend.modern().tool("quick", arguments -> "done");
        gateway.with("files", backend);
        deadlines(rule("quick", 10_000, 60_000));

        assertThat(text(call(true, "quick"))).isEqualTo("done");
        assertThat(text(call(true, "quick", "Sluice-Timeout-Ms", "4000"))).isEqualTo("done");
        assertThat(text(call(true, "echo"))).isEqualTo("{}");

        assertThat(told(backend, 0)).isBetween(5_000L, 9_500L);
        assertThat(told(backend, 1)).isBetween(1_000L, 3_800L);
        assertThat(backend.received("tools/call").get(2).header("Sluice-Timeout-Ms"))
                .isNull();
    }

    private static long told(FakeBackend backend, int call) {
        return Long.parseLong(
                Objects.requireNonNull(backend.received("tools/call").get(call).header("Sluice-Timeout-Ms")));
    }

    @Test
    void callersOwnTimeCountsAndIsNamed() {
        gateway.with(
                "files",
                FakeBackend.modern()
                        .tool("slow", arguments -> "")
                        .on("tools/call", (request, answer) -> answer.untilClosed()));

        assertThat(text(call(true, "slow", "Sluice-Timeout-Ms", "150")))
                .contains("within the 150 ms that its caller gave it in Sluice-Timeout-Ms");
        WireClient.Got bad =
                gateway.client().modern("1", "tools/call", "'name':'slow','arguments':{}", "Sluice-Timeout-Ms", "soon");
        assertThat(bad.status()).isEqualTo(400);
        assertThat(bad.body()).contains("Sluice-Timeout-Ms must be milliseconds");
    }

    @Test
    void waitingForAPlaceIsPartOfTheTimeAndWhatIsLateIsNeverSent() throws Exception {
        policy = policy.withGate(GateSettings.STANDARD.withConcurrent(1, false));
        CountDownLatch go = new CountDownLatch(1);
        FakeBackend backend = FakeBackend.modern().tool("slow", arguments -> "").on("tools/call", (request, answer) -> {
            assertThat(go.await(10, TimeUnit.SECONDS)).isTrue();
            answer.result("{\"resultType\":\"complete\",\"content\":[]}");
        });
        gateway.with("files", backend);
        RawExchange first = ModernRequest.call("slow", "{}").sent(gateway);
        await().until(() -> backend.count("tools/call") == 1);
        deadlines(rule("slow", 200, 200));

        assertThat(text(call(true, "slow"))).contains("within the 200 ms that limits.deadlines gives it");
        go.countDown();
        first.close();

        assertThat(backend.count("tools/call")).isOne();
    }

    @Test
    void timeThatTheClientTakesToAnswerIsItsOwn() {
        FakeBackend backend = FakeBackend.legacy().tool("slow", arguments -> "").on("tools/call", (request, answer) -> {
            FakeBackend.Stream stream = answer.events();
            stream.message("{\"jsonrpc\":\"2.0\",\"id\":\"q\",\"method\":\"roots/list\"}");
            await().pollDelay(Duration.ofMillis(600)).until(() -> true);
            stream.message("{\"jsonrpc\":\"2.0\",\"id\":" + request.id()
                    + ",\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"done\"}]}}");
            stream.end();
        });
        gateway.with("files", backend);
        deadlines(rule("slow", 300, 300));

        WireClient.Got got = gateway.client()
                .initialize("2025-11-25", "{'roots':{}}")
                .post("{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{'name':'slow','arguments':{}}}");

        assertThat(got.body()).contains("roots/list").contains("done");
    }
}
