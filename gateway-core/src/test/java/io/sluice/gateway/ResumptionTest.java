package io.sluice.gateway;

import static io.sluice.gateway.Words.result;
import static io.sluice.gateway.Words.word;
import static io.sluice.gateway.Words.words;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.testing.FakeBackend;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

class ResumptionTest {
    private static final String CALL =
            "{'jsonrpc':'2.0','id':7,'method':'tools/call','params':{'name':'echo','arguments':{}}}";

    private final FakeBackend backend = FakeBackend.legacy();
    private final TestGateway gateway = TestGateway.start().with("weather", backend);
    private final WireClient client = gateway.client().initialize("2025-11-25", "{}");

    @AfterEach
    void close() throws Exception {
        gateway.close();
    }

    /** The numbers of all messages up to the end of the stream; 0 stands for the result of call 7. */
    private static List<Integer> rest(WireClient.Stream stream) {
        List<Integer> numbers = new ArrayList<>();
        for (String line = stream.line(); line != null; line = stream.line()) {
            if (line.startsWith("data: ") && line.length() > 6) {
                numbers.add(
                        number(tools.jackson.databind.json.JsonMapper.shared().readTree(line.substring(6))));
            }
        }
        return numbers;
    }

    private static int number(JsonNode message) {
        return message.has("id") && message.path("id").asInt() == 7
                ? 0
                : message.at("/params/data").asInt();
    }

    @Test
    void callGoesOnWithoutItsClientAndNothingIsLostOrDoubled() throws Exception {
        CountDownLatch dropped = new CountDownLatch(1);
        backend.on("tools/call", (request, answer) -> {
            FakeBackend.Stream stream = answer.events();
            words(stream, 1, 20);
            if (dropped.await(10, TimeUnit.SECONDS)) {
                words(stream, 21, 60);
                result(request, stream);
            }
        });

        String last;
        List<Integer> numbers = new ArrayList<>();
        try (WireClient.Stream stream = client.stream(CALL)) {
            last = stream.field("id: ");
            assertThat(stream.line()).startsWith("data:");
            for (int i = 0; i < 5; i++) {
                last = stream.field("id: ");
                numbers.add(number(stream.message()));
            }
        }
        dropped.countDown();
        try (WireClient.Stream stream = client.listen("Last-Event-ID", last)) {
            assertThat(stream.status()).isEqualTo(200);
            numbers.addAll(rest(stream));
        }

        List<Integer> all = new ArrayList<>();
        for (int i = 1; i <= 60; i++) {
            all.add(i);
        }
        all.add(0);
        assertThat(numbers).isEqualTo(all);
        assertThat(backend.count("notifications/cancelled")).isZero();
    }

    @Test
    void streamOfACallThatHasEndedCanStillBeRead() throws Exception {
        CountDownLatch dropped = new CountDownLatch(1);
        CountDownLatch ended = new CountDownLatch(1);
        backend.on("tools/call", (request, answer) -> {
            FakeBackend.Stream stream = answer.events();
            words(stream, 1, 2);
            if (dropped.await(10, TimeUnit.SECONDS)) {
                words(stream, 3, 3);
                result(request, stream);
            }
            ended.countDown();
        });
        String last;
        try (WireClient.Stream stream = client.stream(CALL)) {
            stream.field("id: ");
            last = stream.field("id: ");
            stream.message();
        }
        dropped.countDown();
        assertThat(ended.await(10, TimeUnit.SECONDS)).isTrue();

        for (int i = 0; i < 2; i++) {
            try (WireClient.Stream stream = client.listen("Last-Event-ID", last)) {
                assertThat(rest(stream)).containsExactly(2, 3, 0);
            }
        }
    }

    @Test
    void eventThatIsNoLongerKeptCannotBeResumedAfter() throws Exception {
        CountDownLatch dropped = new CountDownLatch(1);
        CountDownLatch ended = new CountDownLatch(1);
        backend.on("tools/call", (request, answer) -> {
            FakeBackend.Stream stream = answer.events();
            words(stream, 1, 1);
            if (dropped.await(10, TimeUnit.SECONDS)) {
                words(stream, 2, 400);
                result(request, stream);
            }
            ended.countDown();
        });
        String last;
        try (WireClient.Stream stream = client.stream(CALL)) {
            stream.field("id: ");
            last = stream.field("id: ");
        }
        dropped.countDown();
        assertThat(ended.await(10, TimeUnit.SECONDS)).isTrue();

        await().untilAsserted(() -> {
            WireClient.Got got = client.get("Accept", "text/event-stream", "Last-Event-ID", last);
            assertThat(got.status()).isEqualTo(400);
            assertThat(got.body()).contains("too old");
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"never.1", "0.99", "1", "1.x", ".", "0.-1", "1.99999999999999999999"})
    void eventThatNeverWasCannotBeResumedAfter(String id) {
        assertThat(client.get("Accept", "text/event-stream", "Last-Event-ID", id)
                        .status())
                .isEqualTo(400);
    }

    @Test
    void eventIdsOfOneSessionMeanNothingInAnother() {
        backend.on("tools/call", (request, answer) -> {
            FakeBackend.Stream stream = answer.events();
            words(stream, 1, 1);
            result(request, stream);
        });
        String id = client.post(CALL)
                .body()
                .lines()
                .filter(line -> line.startsWith("id: "))
                .findFirst()
                .orElseThrow()
                .substring(4);

        WireClient other = gateway.client().initialize("2025-11-25", "{}");

        assertThat(other.get("Accept", "text/event-stream", "Last-Event-ID", id).status())
                .isEqualTo(400);
    }

    @Test
    void standingStreamIsResumed() {
        client.post(CALL);
        await().until(() -> backend.openFeeds() >= 2);
        String last;
        try (WireClient.Stream stream = client.listen()) {
            stream.field("id: ");
            backend.push(word(1));
            backend.push(word(2));
            last = stream.field("id: ");
            assertThat(number(stream.message())).isEqualTo(1);
        }
        backend.push(word(3));

        try (WireClient.Stream stream = client.listen("Last-Event-ID", last)) {
            assertThat(number(stream.message())).isEqualTo(2);
            assertThat(number(stream.message())).isEqualTo(3);
            backend.push(word(4));
            assertThat(number(stream.message())).isEqualTo(4);
        }
    }

    @Test
    void secondStandingStreamTakesThePlaceOfTheFirst() {
        client.post(CALL);
        await().until(() -> backend.openFeeds() >= 2);
        try (WireClient.Stream first = client.listen()) {
            first.field("id: ");
            try (WireClient.Stream second = client.listen()) {
                second.field("id: ");
                backend.push(word(1));

                assertThat(number(second.message())).isEqualTo(1);
                assertThat(rest(first)).isEmpty();
            }
        }
    }

    /** Speaks 1, asks to come back in 20 ms for the rest, and says the rest to whoever comes back. */
    private void pausing(CountDownLatch heard) {
        backend.on("tools/call", (request, answer) -> {
            FakeBackend.Stream stream = answer.events();
            stream.raw("id: here\nretry: 20\ndata: " + word(1) + "\n\n");
            backend.onGet((resumed, rest) -> {
                if (!"here".equals(resumed.header("last-event-id"))) {
                    rest.status(405, "text/plain", "no");
                    return;
                }
                FakeBackend.Stream more = rest.events();
                words(more, 2, 2);
                result(request, more);
            });
            if (heard.await(10, TimeUnit.SECONDS)) {
                stream.end();
            }
        });
    }

    @Test
    void clientIsAskedToComeBackWhenTheBackendAsksForIt() {
        CountDownLatch heard = new CountDownLatch(1);
        pausing(heard);

        String last;
        List<Integer> numbers = new ArrayList<>();
        try (WireClient.Stream stream = client.stream(CALL)) {
            stream.field("id: ");
            last = stream.field("id: ");
            numbers.add(number(stream.message()));
            heard.countDown();
            assertThat(stream.field("retry: ")).isEqualTo("20");
            assertThat(rest(stream)).isEmpty();
        }
        try (WireClient.Stream stream = client.listen("Last-Event-ID", last)) {
            numbers.addAll(rest(stream));
        }

        assertThat(numbers).containsExactly(1, 2, 0);
        assertThat(backend.count("tools/call")).isEqualTo(1);
    }

    @Test
    void clientThatCannotComeBackKeepsItsStream() {
        CountDownLatch heard = new CountDownLatch(0);
        pausing(heard);

        try (WireClient.Stream stream = gateway.client().initialize("2025-06-18", "{}").stream(CALL)) {
            assertThat(rest(stream)).containsExactly(1, 2, 0);
        }
    }
}
