package io.sluice.replica;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/** What every {@link Messages} promises, to be extended by a test of each. */
public abstract class MessagesContract {
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final List<Messages> replicas = new CopyOnWriteArrayList<>();

    /** Two replicas that hear each other. Called before each test; whoever extends this closes them. */
    protected abstract List<Messages> two();

    @BeforeEach
    void meet() {
        replicas.addAll(two());
    }

    @Test
    void whatOneSaysTheOtherHearsAndSoDoesTheFirst() {
        List<Message> atFirst = listen(first(), "greetings");
        List<Message> atSecond = listen(second(), "greetings");

        publish(first(), "greetings", "hello");

        await().atMost(PATIENCE).until(() -> atFirst.size() == 1 && atSecond.size() == 1);
        for (Message heard : List.of(atFirst.get(0), atSecond.get(0))) {
            assertThat(heard.topic()).isEqualTo("greetings");
            assertThat(heard.from()).isEqualTo(first().self());
            assertThat(new String(heard.body(), UTF_8)).isEqualTo("hello");
        }
    }

    @Test
    void messagesOfOneSenderComeInOrder() {
        List<Message> heard = listen(second(), "counting");

        Flux.range(0, 500)
                .flatMapSequential(i -> first().publish("counting", ("" + i).getBytes(UTF_8)), 1)
                .blockLast(PATIENCE);

        await().atMost(PATIENCE).until(() -> heard.size() == 500);
        assertThat(heard.stream().map(message -> new String(message.body(), UTF_8)))
                .containsExactlyElementsOf(
                        IntStream.range(0, 500).mapToObj(String::valueOf).toList());
    }

    @Test
    void topicsAreSeparate() {
        List<Message> one = listen(second(), "topic/one");
        List<Message> two = listen(second(), "topic/two");

        publish(first(), "topic/one", "1");
        publish(first(), "topic/two", "2");

        await().atMost(PATIENCE).until(() -> one.size() == 1 && two.size() == 1);
        assertThat(new String(two.get(0).body(), UTF_8)).isEqualTo("2");
    }

    @Test
    void whoLeftHearsNothingAndWhoStaysGoesOn() {
        List<Message> leaving = new CopyOnWriteArrayList<>();
        Disposable leaver = requireNonNull(second().listen("news", leaving::add).block(PATIENCE));
        List<Message> staying = listen(second(), "news");
        publish(first(), "news", "1");
        await().atMost(PATIENCE).until(() -> leaving.size() == 1 && staying.size() == 1);

        leaver.dispose();
        publish(first(), "news", "2");

        await().atMost(PATIENCE).until(() -> staying.size() == 2);
        assertThat(leaving).hasSize(1);
    }

    @Test
    void manyThreadsSpeakAtOnceAndEachMessageIsHeard() {
        List<Message> heard = listen(second(), "news");

        Flux.range(0, 2_000)
                .flatMap(
                        i -> Mono.defer(() -> first().publish(
                                                "news", Integer.toString(i).getBytes(UTF_8)))
                                .subscribeOn(Schedulers.parallel()),
                        16)
                .blockLast(PATIENCE);

        await().atMost(PATIENCE).until(() -> heard.size() >= 2_000);
        assertThat(heard)
                .extracting(message -> new String(message.body(), UTF_8))
                .hasSize(2_000)
                .doesNotHaveDuplicates();
    }

    @Test
    void listenerThatFailsDisturbsNobody() {
        second().listen("news", message -> {
                    throw new IllegalStateException("as this test wants it");
                })
                .block(PATIENCE);
        List<Message> heard = listen(second(), "news");

        publish(first(), "news", "1");
        publish(first(), "news", "2");

        await().atMost(PATIENCE).until(() -> heard.size() == 2);
    }

    @Test
    void messageToNobodyIsNoError() {
        assertThat(publish(first(), "nobody/here", "hello")).isZero();
    }

    @Test
    void emptyAndBinaryBodiesArriveWhole() {
        byte[] binary = new byte[70_000];
        for (int i = 0; i < binary.length; i++) {
            binary[i] = (byte) i;
        }
        List<Message> heard = listen(second(), "bytes");

        first().publish("bytes", new byte[0]).block(PATIENCE);
        first().publish("bytes", binary).block(PATIENCE);

        await().atMost(PATIENCE).until(() -> heard.size() == 2);
        assertThat(heard.get(0).body()).isEmpty();
        assertThat(heard.get(1).body()).isEqualTo(binary);
    }

    @Test
    void replicasCallThemselvesDifferently() {
        assertThat(first().self()).isNotEqualTo(second().self()).matches("[A-Za-z0-9_-]{8,32}");
    }

    @Test
    void oddTopicsAndEndlessBodiesAreRefused() {
        assertThatThrownBy(() -> first().publish("no spaces", new byte[0]))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> first().publish("long", new byte[Messages.MOST_BODY_BYTES + 1]))
                .isInstanceOf(IllegalArgumentException.class);
    }

    private Messages first() {
        return replicas.get(0);
    }

    private Messages second() {
        return replicas.get(1);
    }

    private static List<Message> listen(Messages replica, String topic) {
        List<Message> heard = new CopyOnWriteArrayList<>();
        requireNonNull(replica.listen(topic, heard::add).block(PATIENCE));
        return heard;
    }

    private static long publish(Messages replica, String topic, String body) {
        return requireNonNull(replica.publish(topic, body.getBytes(UTF_8)).block(PATIENCE));
    }
}
