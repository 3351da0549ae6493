package io.sluice.registry.redis;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.replica.Message;
import io.sluice.replica.Messages;
import io.sluice.replica.MessagesContract;
import io.sluice.seal.Keyring;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class RedisMessagesTest extends MessagesContract {
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final List<RedisConnections> open = new ArrayList<>();
    private final Keyring keyring = Keyring.random();

    @Override
    protected List<Messages> two() {
        RedisSettings settings = TestRedis.settings();
        return List.of(replica(settings, keyring), replica(settings, keyring));
    }

    @AfterEach
    void close() {
        open.forEach(connections -> connections.close().block(PATIENCE));
    }

    @Test
    void messageOfAReplicaWithAnotherKeyIsIgnored() {
        RedisSettings settings = TestRedis.settings();
        Messages stranger = replica(settings, Keyring.random());
        Messages friend = replica(settings, keyring);
        List<Message> heard = listen(replica(settings, keyring), "news");

        stranger.publish("news", "forged".getBytes(UTF_8)).block(PATIENCE);
        friend.publish("news", "true".getBytes(UTF_8)).block(PATIENCE);

        await().atMost(PATIENCE).until(() -> !heard.isEmpty());
        assertThat(heard)
                .extracting(message -> new String(message.body(), UTF_8))
                .containsExactly("true");
    }

    @Test
    void copiedMessageIsIgnoredOnItsTopicAndOnOthers() {
        RedisSettings settings = TestRedis.settings();
        RedisConnections writer = connect(settings);
        List<byte[]> seen = new CopyOnWriteArrayList<>();
        RedisConnections spy = connect(settings);
        String prefix = settings.key("msg:");
        spy.onMessages(connection -> {
            connection.addListener(new io.lettuce.core.pubsub.RedisPubSubAdapter<>() {
                @Override
                public void message(String channel, byte[] token) {
                    seen.add(token);
                }
            });
            connection.reactive().subscribe(prefix + "news").subscribe();
        });
        Messages friend = replica(settings, keyring);
        Messages listener = replica(settings, keyring);
        List<Message> news = listen(listener, "news");
        List<Message> orders = listen(listener, "orders");
        await().atMost(PATIENCE).until(() -> {
            friend.publish("news", "said".getBytes(UTF_8)).block(PATIENCE);
            return !seen.isEmpty();
        });
        byte[] copy = seen.get(0);
        friend.publish("news", "last".getBytes(UTF_8)).block(PATIENCE);
        await().atMost(PATIENCE).until(() -> news.stream().anyMatch(m -> new String(m.body(), UTF_8).equals("last")));
        int before = news.size();

        writer.command(redis -> redis.publish(prefix + "news", copy)).block(PATIENCE);
        writer.command(redis -> redis.publish(prefix + "orders", copy)).block(PATIENCE);
        friend.publish("orders", "end".getBytes(UTF_8)).block(PATIENCE);
        friend.publish("news", "end".getBytes(UTF_8)).block(PATIENCE);

        await().atMost(PATIENCE).until(() -> orders.size() > 0 && news.size() > before);
        assertThat(orders)
                .extracting(message -> new String(message.body(), UTF_8))
                .containsExactly("end");
        assertThat(news.subList(before, news.size()))
                .extracting(message -> new String(message.body(), UTF_8))
                .containsExactly("end");
    }

    @Test
    void listeningGoesOnAfterRedisWasKilled() {
        try (RedisProcess redis = RedisProcess.forgetful()) {
            RedisSettings settings = RedisSettings.of(redis.url(), "messages");
            Messages speaker = replica(settings, keyring);
            List<Message> heard = listen(replica(settings, keyring), "news");

            redis.kill();
            redis.start();

            await().atMost(PATIENCE.multipliedBy(2)).until(() -> {
                speaker.publish("news", "again".getBytes(UTF_8))
                        .onErrorComplete()
                        .block(PATIENCE);
                return !heard.isEmpty();
            });
        }
    }

    private List<Message> listen(Messages replica, String topic) {
        List<Message> heard = new CopyOnWriteArrayList<>();
        requireNonNull(replica.listen(topic, heard::add).block(PATIENCE));
        return heard;
    }

    private Messages replica(RedisSettings settings, Keyring key) {
        RedisConnections connections = connect(settings);
        RedisMessages messages = RedisMessages.over(connections, key);
        await().atMost(PATIENCE).until(connections::isUp);
        return messages;
    }

    private RedisConnections connect(RedisSettings settings) {
        RedisConnections connections = RedisConnections.open(settings);
        open.add(connections);
        await().atMost(PATIENCE).until(connections::isUp);
        return connections;
    }
}
