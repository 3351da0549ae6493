package io.sluice.replica;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/**
 * Messages within one process: for a single replica, which hears only itself, and for tests with several. One worker
 * delivers everything, so that order is kept and no speaker runs its listeners.
 */
public final class InMemoryMessages implements Messages {
    private static final Logger log = LoggerFactory.getLogger(InMemoryMessages.class);
    private static final AtomicInteger REPLICAS = new AtomicInteger();

    private final Hub hub;
    private final String self = "in-memory-replica-%06d".formatted(REPLICAS.incrementAndGet());

    private InMemoryMessages(Hub hub) {
        this.hub = hub;
    }

    /** A replica that is alone. */
    public static InMemoryMessages alone() {
        return new InMemoryMessages(new Hub());
    }

    /** Another replica that hears this one and is heard by it. */
    public InMemoryMessages another() {
        return new InMemoryMessages(hub);
    }

    @Override
    public String self() {
        return self;
    }

    @Override
    public Mono<Long> publish(String topic, byte[] body) {
        Messages.checkTopic(topic);
        Messages.checkBody(body);
        return Mono.fromSupplier(() -> hub.deliver(new Message(topic, self, body)));
    }

    @Override
    public Mono<Disposable> listen(String topic, Consumer<Message> listener) {
        Messages.checkTopic(topic);
        return Mono.fromSupplier(() -> hub.add(topic, new Listener(this, listener)));
    }

    /** Compared by identity: the same consumer may listen twice. */
    private static final class Listener {
        private final InMemoryMessages replica;
        private final Consumer<Message> consumer;

        Listener(InMemoryMessages replica, Consumer<Message> consumer) {
            this.replica = replica;
            this.consumer = consumer;
        }
    }

    /** Where the replicas of one process meet. Concurrent maps; messages are queued in order by the worker. */
    private static final class Hub {
        private final Map<String, List<Listener>> listeners = new ConcurrentHashMap<>();
        private final Scheduler.Worker worker = Schedulers.parallel().createWorker();

        Disposable add(String topic, Listener listener) {
            listeners
                    .computeIfAbsent(topic, first -> new CopyOnWriteArrayList<>())
                    .add(listener);
            return () -> remove(topic, listener);
        }

        private void remove(String topic, Listener listener) {
            listeners.computeIfPresent(topic, (name, all) -> {
                all.remove(listener);
                return all.isEmpty() ? null : all;
            });
        }

        long deliver(Message message) {
            List<Listener> now = List.copyOf(listeners.getOrDefault(message.topic(), List.of()));
            if (!now.isEmpty()) {
                worker.schedule(() -> now.forEach(listener -> tell(listener, message)));
            }
            return now.stream().map(listener -> listener.replica).distinct().count();
        }

        private static void tell(Listener listener, Message message) {
            try {
                listener.consumer.accept(message);
            } catch (RuntimeException e) {
                log.warn("A listener of '{}' failed", message.topic(), e);
            }
        }
    }
}
