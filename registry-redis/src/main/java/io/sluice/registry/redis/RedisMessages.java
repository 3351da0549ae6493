package io.sluice.registry.redis;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.lettuce.core.pubsub.RedisPubSubAdapter;
import io.lettuce.core.pubsub.StatefulRedisPubSubConnection;
import io.sluice.replica.Message;
import io.sluice.replica.Messages;
import io.sluice.seal.Keyring;
import io.sluice.seal.Sealer;
import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/**
 * Messages over Redis publish/subscribe. Each is encrypted and authenticated together with its channel, its sender and
 * the sender's count of messages, so that Redis, and whoever else can write to it, can only drop or delay them.
 *
 * <p>Its monitor guards the listeners, and is never held while waiting.
 */
public final class RedisMessages implements Messages {
    private static final Logger log = LoggerFactory.getLogger(RedisMessages.class);
    private static final int SELF_CHARS = 22;
    private static final int HEAD_BYTES = SELF_CHARS + Long.BYTES;
    private static final int MOST_SENDERS = 10_000;

    private final RedisConnections redis;
    private final Sealer sealer;
    private final String prefix;
    private final String self;
    private final AtomicLong said = new AtomicLong();
    private final Map<String, Topic> topics = new HashMap<>();
    private @Nullable StatefulRedisPubSubConnection<String, byte[]> connection;

    /** The counts heard, by sender and channel. */
    private final Map<String, ReplayWindow> heard = new LinkedHashMap<>(16, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, ReplayWindow> eldest) {
            return size() > MOST_SENDERS;
        }
    };

    private RedisMessages(RedisConnections redis, Keyring keyring) {
        this.redis = redis;
        this.sealer = keyring.sealer("replica-messages");
        this.prefix = redis.settings().key("msg:");
        byte[] name = new byte[16];
        new SecureRandom().nextBytes(name);
        this.self = Base64.getUrlEncoder().withoutPadding().encodeToString(name);
    }

    /** Blocks for a moment: for start-up. Ends with the connections. */
    public static RedisMessages over(RedisConnections redis, Keyring keyring) {
        RedisMessages messages = new RedisMessages(redis, keyring);
        redis.onMessages(messages::connected);
        return messages;
    }

    @Override
    public String self() {
        return self;
    }

    @Override
    public Mono<Long> publish(String topic, byte[] body) {
        String channel = prefix + Messages.checkTopic(topic);
        Messages.checkBody(body);
        return redis.command(commands -> Mono.defer(() -> commands.publish(channel, sealed(channel, body))));
    }

    @Override
    public Mono<Disposable> listen(String topic, Consumer<Message> listener) {
        Messages.checkTopic(topic);
        return Mono.defer(() -> {
            Listener added = new Listener(listener);
            Mono<Void> ready = add(topic, added);
            return ready.<Disposable>thenReturn(() -> remove(topic, added)).doOnCancel(() -> remove(topic, added));
        });
    }

    private Mono<Void> add(String topic, Listener listener) {
        StatefulRedisPubSubConnection<String, byte[]> now;
        Topic there;
        synchronized (this) {
            there = topics.get(topic);
            if (there != null) {
                there.listeners.add(listener);
                return there.ready.asMono();
            }
            there = new Topic(listener);
            topics.put(topic, there);
            now = connection;
        }
        if (now != null) {
            subscribe(now, List.of(prefix + topic));
        }
        return there.ready.asMono();
    }

    private void remove(String topic, Listener listener) {
        StatefulRedisPubSubConnection<String, byte[]> now;
        synchronized (this) {
            Topic there = topics.get(topic);
            if (there == null || !there.listeners.remove(listener) || !there.listeners.isEmpty()) {
                return;
            }
            topics.remove(topic);
            now = connection;
        }
        if (now != null && now.isOpen()) {
            // A message that comes all the same finds no listener; a listener that comes meanwhile subscribes behind
            // this.
            now.reactive().unsubscribe(prefix + topic).subscribe(done -> {}, e -> log.debug("Not unsubscribed", e));
        }
    }

    private void connected(StatefulRedisPubSubConnection<String, byte[]> fresh) {
        fresh.addListener(new RedisPubSubAdapter<>() {
            @Override
            public void message(String channel, byte[] token) {
                arrived(channel, token);
            }

            @Override
            public void subscribed(String channel, long count) {
                confirmed(channel);
            }
        });
        List<String> wanted;
        synchronized (this) {
            connection = fresh;
            wanted = topics.keySet().stream().map(topic -> prefix + topic).toList();
        }
        if (!wanted.isEmpty()) {
            subscribe(fresh, wanted);
        }
    }

    /** A failure is the connection's end, or followed by it; the next connection subscribes again. */
    private static void subscribe(StatefulRedisPubSubConnection<String, byte[]> on, List<String> channels) {
        on.reactive().subscribe(channels.toArray(String[]::new)).subscribe(done -> {}, e -> {
            log.debug("Not subscribed", e);
            on.closeAsync();
        });
    }

    private void confirmed(String channel) {
        Topic there = topic(channel);
        if (there != null) {
            there.ready.tryEmitEmpty();
        }
    }

    private synchronized @Nullable Topic topic(String channel) {
        return channel.startsWith(prefix) ? topics.get(channel.substring(prefix.length())) : null;
    }

    /** On Lettuce's thread, one message after the other. */
    private void arrived(String channel, byte[] token) {
        Topic there = topic(channel);
        if (there == null) {
            return;
        }
        Optional<Message> message = opened(channel, token);
        if (message.isEmpty()) {
            log.warn("A message on '{}' was not said by a replica with our key, or is a copy; it is ignored", channel);
            return;
        }
        for (Listener listener : there.listeners) {
            try {
                listener.consumer.accept(message.get());
            } catch (RuntimeException e) {
                log.warn("A listener of '{}' failed", channel, e);
            }
        }
    }

    // Wire form: a sealed (sender, count, body), bound to the channel

    private byte[] sealed(String channel, byte[] body) {
        ByteBuffer plain = ByteBuffer.allocate(HEAD_BYTES + body.length)
                .put(self.getBytes(ISO_8859_1))
                .putLong(said.incrementAndGet())
                .put(body);
        return sealer.seal(plain.array(), channel.getBytes(UTF_8)).getBytes(ISO_8859_1);
    }

    private Optional<Message> opened(String channel, byte[] token) {
        return sealer.open(new String(token, ISO_8859_1), channel.getBytes(UTF_8))
                .filter(plain -> plain.length >= HEAD_BYTES)
                .flatMap(plain -> {
                    String from = new String(plain, 0, SELF_CHARS, ISO_8859_1);
                    long count = ByteBuffer.wrap(plain, SELF_CHARS, Long.BYTES).getLong();
                    if (!isNew(from + channel, count)) {
                        return Optional.empty();
                    }
                    byte[] body = Arrays.copyOfRange(plain, HEAD_BYTES, plain.length);
                    return Optional.of(new Message(channel.substring(prefix.length()), from, body));
                });
    }

    private synchronized boolean isNew(String sender, long count) {
        return heard.computeIfAbsent(sender, first -> new ReplayWindow()).isNew(count);
    }

    /** What is listened to, and by whom. */
    private static final class Topic {
        private final List<Listener> listeners = new CopyOnWriteArrayList<>();
        private final Sinks.Empty<Void> ready = Sinks.empty();

        Topic(Listener first) {
            listeners.add(first);
        }
    }

    /** Compared by identity: the same consumer may listen twice. */
    private static final class Listener {
        private final Consumer<Message> consumer;

        Listener(Consumer<Message> consumer) {
            this.consumer = consumer;
        }
    }
}
