package io.sluice.upstream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.sluice.rejection.Rejection.BackendFailure;
import io.sluice.testing.FakeBackend;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import reactor.test.scheduler.VirtualTimeScheduler;

/** Streams of legacy calls that end before the answer. */
class ResumptionTest {
    @RegisterExtension
    final Ways ways = new Ways();

    private List<Event> eventsOf(FakeBackend backend) {
        LegacySession session = Objects.requireNonNull(ways.to(backend).shared().block(Ways.PATIENCE));
        Reply.Events reply = (Reply.Events) Objects.requireNonNull(
                Clients.call(session, "\"c\"", "echo", "{}").reply().block(Ways.PATIENCE));
        return Objects.requireNonNull(reply.events().collectList().block(Ways.PATIENCE));
    }

    private static String text(Event event) {
        return event instanceof Event.Message message
                ? new String(message.json(), StandardCharsets.UTF_8)
                : event.toString();
    }

    private static String idOf(FakeBackend backend) {
        return backend.received("tools/call").get(0).id().toString();
    }

    @Test
    void callGoesOnWhenTheBackendClosesAfterPriming() {
        FakeBackend backend = FakeBackend.legacy();
        AtomicInteger gets = new AtomicInteger();
        backend.on(
                "tools/call",
                (request, answer) -> answer.events()
                        .raw("id: s.0\ndata: \n\n")
                        .raw("retry: 20\n\n")
                        .end());
        backend.onGet((request, answer) -> {
            if (gets.incrementAndGet() == 1) {
                answer.events()
                        .message(
                                "s.1",
                                "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{"
                                        + "\"progress\":1}}")
                        .end();
            } else {
                answer.events()
                        .message("s.2", "{\"jsonrpc\":\"2.0\",\"id\":" + idOf(backend) + ",\"result\":{\"ok\":true}}")
                        .end();
            }
        });

        List<Event> events = eventsOf(backend);

        assertThat(events.stream().map(ResumptionTest::text))
                .containsExactly(
                        "Paused[retry=PT0.02S]",
                        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progress\":1}}",
                        "Paused[retry=PT0.02S]",
                        "{\"jsonrpc\":\"2.0\",\"id\":\"c\",\"result\":{\"ok\":true}}");
        assertThat(backend.received().stream()
                        .filter(r -> r.httpMethod().equals("GET"))
                        .map(r -> r.header("last-event-id") + " " + r.header("mcp-session-id") + " "
                                + r.header("accept")))
                .containsExactly("s.0 session-1 text/event-stream", "s.1 session-1 text/event-stream");
    }

    @Test
    void brokenConnectionIsResumedToo() {
        FakeBackend backend = FakeBackend.legacy();
        backend.on("tools/call", (request, answer) -> {
            answer.events().raw("id: s.0\nretry: 5\ndata: \n\n").raw("data: {\"jsonrpc\":");
            answer.reset();
        });
        backend.onGet((request, answer) -> answer.events()
                .message("s.1", "{\"jsonrpc\":\"2.0\",\"id\":" + idOf(backend) + ",\"result\":{}}")
                .end());

        List<Event> events = eventsOf(backend);

        assertThat(text(events.get(events.size() - 1))).isEqualTo("{\"jsonrpc\":\"2.0\",\"id\":\"c\",\"result\":{}}");
    }

    @Test
    void streamWithoutEventIdsEndsInAFailure() {
        FakeBackend backend = FakeBackend.legacy()
                .on(
                        "tools/call",
                        (request, answer) -> answer.events()
                                .message("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{}}")
                                .end());

        assertThatThrownBy(() -> eventsOf(backend))
                .isInstanceOf(BackendFailure.class)
                .hasMessageContaining("ended the stream of a call before it answered");
        assertThat(backend.countHttp("GET")).isZero();
    }

    @Test
    void backendThatCannotResumeIsNotAskedAgain() {
        FakeBackend backend = FakeBackend.legacy().withoutGetStream();
        backend.on(
                "tools/call",
                (request, answer) ->
                        answer.events().raw("id: s.0\nretry: 1\ndata: \n\n").end());

        assertThatThrownBy(() -> eventsOf(backend)).hasMessageContaining("could not be resumed");
        assertThat(backend.countHttp("GET")).isEqualTo(1);
    }

    @Test
    void resumptionThatBringsNothingNewIsGivenUp() {
        FakeBackend backend = FakeBackend.legacy();
        backend.on(
                "tools/call",
                (request, answer) ->
                        answer.events().raw("id: s.0\nretry: 1\ndata: \n\n").end());
        backend.onGet(
                (request, answer) -> answer.events().raw("id: s.0\ndata: \n\n").end());
        VirtualTimeScheduler timer = VirtualTimeScheduler.create();
        LegacySession session = Objects.requireNonNull(
                ways.to(backend, Ways.settings().withTimer(timer)).shared().block(Ways.PATIENCE));
        Reply.Events reply = (Reply.Events) Objects.requireNonNull(
                Clients.call(session, "1", "echo", "{}").reply().block(Ways.PATIENCE));
        CompletableFuture<@Nullable Event> end = reply.events().last().toFuture();

        await().until(() -> {
            timer.advanceTimeBy(Duration.ofSeconds(10));
            return end.isDone();
        });

        assertThat(end)
                .failsWithin(Duration.ZERO)
                .withThrowableThat()
                .havingCause()
                .isInstanceOf(BackendFailure.class)
                .withMessageContaining("could not be resumed");
        assertThat(backend.countHttp("GET")).isBetween(3, 8);
    }
}
