package io.sluice.session;

import io.sluice.replica.Message;
import io.sluice.replica.Messages;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;
import java.util.Iterator;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiConsumer;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.util.retry.Retry;

/**
 * Carries {@link SessionNews} between replicas: to all of them, or to one. What is longer than a message may be goes in
 * parts. Nothing waits for the transport; what cannot be said is lost, which each sender must be able to bear. Safe for
 * use by many threads.
 */
public final class SessionLink {
    private static final Logger log = LoggerFactory.getLogger(SessionLink.class);
    private static final String ALL = "sessions/all";
    private static final Pattern REPLICA = Pattern.compile("[A-Za-z0-9_-]{1,64}");
    private static final int PART_BYTES = Messages.MOST_BODY_BYTES / 2;
    private static final int MOST_PARTS = 32;
    private static final int MOST_UNFINISHED = 64;
    private static final int HEAD_BYTES = Long.BYTES + 2 * Short.BYTES;
    private static final Duration PATIENCE = Duration.ofSeconds(1);

    private final Messages messages;
    private final AtomicLong numbers = new AtomicLong();
    private final Map<String, Unfinished> unfinished = new ConcurrentHashMap<>();

    private record Unfinished(byte[] @Nullable [] parts) {}

    public SessionLink(Messages messages) {
        this.messages = messages;
    }

    /**
     * Listens until disposed.
     *
     * @param receiver told what other replicas say, with their names, on a thread of the transport that it must not keep
     *     waiting; never what this one says
     */
    public Disposable listen(BiConsumer<String, SessionNews> receiver) {
        return Disposables.composite(listen(ALL, receiver), listen(topic(messages.self()), receiver));
    }

    private Disposable listen(String topic, BiConsumer<String, SessionNews> receiver) {
        Disposable.Swap heard = Disposables.swap();
        Disposable starting = messages.listen(topic, message -> hear(message, receiver))
                .retryWhen(Retry.backoff(Long.MAX_VALUE, Duration.ofMillis(200)).maxBackoff(Duration.ofSeconds(5)))
                .subscribe(heard::update, error -> log.warn("Other replicas are not heard: {}", error.getMessage()));
        return Disposables.composite(starting, heard);
    }

    private static String topic(String replica) {
        return "sessions/to/" + replica;
    }

    /** This replica, as the others know it. */
    public String self() {
        return messages.self();
    }

    /** Says something to all other replicas; the value is how many heard it, as far as that is known. */
    public Mono<Long> tellAll(SessionNews news) {
        return send(ALL, news).map(heard -> Math.max(0, heard - 1)); // this one hears itself
    }

    /** Says something to one replica; true when there is one of that name. */
    public Mono<Boolean> tell(String replica, SessionNews news) {
        if (!REPLICA.matcher(replica).matches()) {
            return Mono.just(false); // names come from clients, too
        }
        return send(topic(replica), news).map(heard -> heard > 0);
    }

    /** As {@link #tellAll}, for who does not care. */
    public void mention(SessionNews news) {
        tellAll(news).subscribe(heard -> {}, error -> log.debug("Nobody could be told: {}", error.getMessage()));
    }

    /** As {@link #tell}, for who does not care. */
    public void mention(String replica, SessionNews news) {
        tell(replica, news).subscribe(heard -> {}, error -> log.debug("Nobody could be told: {}", error.getMessage()));
    }

    /** Whether a replica of that name can be reached. Fails when that cannot be found out. */
    public Mono<Boolean> reaches(String replica) {
        return messages.publish(topic(replica), new byte[0]).timeout(PATIENCE).map(heard -> heard > 0);
    }

    private Mono<Long> send(String topic, SessionNews news) {
        return Mono.defer(() -> {
            byte[] whole = NewsCodec.write(news);
            int count = Math.max(1, (whole.length + PART_BYTES - 1) / PART_BYTES);
            if (count > MOST_PARTS) {
                return Mono.error(new IllegalArgumentException("news of " + whole.length + " bytes are too long"));
            }
            long number = numbers.incrementAndGet();
            return Flux.range(0, count)
                    .concatMap(i -> messages.publish(topic, part(whole, number, i, count)))
                    .last()
                    .timeout(PATIENCE);
        });
    }

    private static byte[] part(byte[] whole, long number, int index, int count) {
        int from = index * PART_BYTES;
        int length = Math.min(PART_BYTES, whole.length - from);
        return ByteBuffer.allocate(HEAD_BYTES + length)
                .putLong(number)
                .putShort((short) index)
                .putShort((short) count)
                .put(whole, from, length)
                .array();
    }

    private void hear(Message message, BiConsumer<String, SessionNews> receiver) {
        if (message.from().equals(messages.self()) || message.body().length < HEAD_BYTES) {
            return;
        }
        ByteBuffer in = ByteBuffer.wrap(message.body());
        long number = in.getLong();
        int index = in.getShort();
        int count = in.getShort();
        byte[] part = Arrays.copyOfRange(message.body(), HEAD_BYTES, message.body().length);
        byte[] whole = count == 1 ? part : gather(message.from() + "/" + number, index, count, part);
        if (whole != null) {
            NewsCodec.read(whole).ifPresent(news -> receiver.accept(message.from(), news));
        }
    }

    /** The whole, once its last part is here; parts of one sender come in order. */
    private byte @Nullable [] gather(String key, int index, int count, byte[] part) {
        if (count < 1 || count > MOST_PARTS || index < 0 || index >= count) {
            return null;
        }
        Iterator<String> oldest = unfinished.keySet().iterator();
        while (unfinished.size() > MOST_UNFINISHED && oldest.hasNext()) {
            oldest.next();
            oldest.remove();
        }
        Unfinished gathered = unfinished.computeIfAbsent(key, first -> new Unfinished(new byte[count] @Nullable []));
        if (gathered.parts().length != count) {
            return null;
        }
        gathered.parts()[index] = part;
        if (index < count - 1) {
            return null;
        }
        unfinished.remove(key);
        int length = 0;
        for (byte @Nullable [] each : gathered.parts()) {
            if (each == null) {
                return null;
            }
            length += each.length;
        }
        ByteBuffer whole = ByteBuffer.allocate(length);
        for (byte @Nullable [] each : gathered.parts()) {
            if (each != null) {
                whole.put(each);
            }
        }
        return whole.array();
    }
}
