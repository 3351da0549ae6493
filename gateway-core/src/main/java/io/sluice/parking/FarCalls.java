package io.sluice.parking;

import io.sluice.rejection.Rejection;
import io.sluice.replica.Message;
import io.sluice.replica.Messages;
import io.sluice.upstream.Event;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.reactivestreams.Subscription;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.FluxSink;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Scheduler;
import reactor.util.retry.Retry;

/**
 * Takes a client that has come back to the replica where its call waits, and the rest of the answer to the client. Each
 * such exchange has a number that its beginner chose; events come as there is room for them. A replica that has gone is
 * found out when it is told something, or by a look every two seconds.
 */
final class FarCalls implements Disposable {
    private static final Logger log = LoggerFactory.getLogger(FarCalls.class);
    private static final Duration LOOK = Duration.ofSeconds(2);
    private static final Duration PATIENCE = Duration.ofSeconds(2);
    private static final int HEAD_BYTES = 1 + Long.BYTES + 2 * Integer.BYTES;
    private static final int PART_BYTES = Messages.MOST_BODY_BYTES / 2;
    private static final int MOST_BYTES = 64 << 20;
    private static final byte TO_OWNER = 1;
    private static final byte TO_READER = 2;

    private final Messages messages;
    private final Function<Parcel.Resume, Flux<Event>> here;
    private final Map<Exchange, Reading> reading = new ConcurrentHashMap<>();
    private final Map<Exchange, Serving> serving = new ConcurrentHashMap<>();
    private final Map<Incoming, Gathered> unfinished = new ConcurrentHashMap<>();

    /** Its own monitor keeps its speakers apart. */
    private final Sinks.Many<Outgoing> outbox = Sinks.many().unicast().onBackpressureBuffer();

    private final Disposable.Composite resources = Disposables.composite();

    /** @param replica the other one */
    private record Exchange(String replica, long number) {}

    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record Outgoing(Exchange exchange, byte[] body) {}

    /** The parts of one message that have come. */
    private static final class Gathered {
        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        private int parts;
    }

    private record Incoming(Exchange exchange, byte direction) {}

    /** @param here goes on with a call of this replica */
    FarCalls(Messages messages, Scheduler timer, Function<Parcel.Resume, Flux<Event>> here) {
        this.messages = messages;
        this.here = here;
        Disposable.Swap heard = Disposables.swap();
        resources.add(heard);
        resources.add(messages.listen(topic(messages.self()), this::hear)
                .retryWhen(Retry.backoff(Long.MAX_VALUE, Duration.ofMillis(200)).maxBackoff(Duration.ofSeconds(5)))
                .subscribe(heard::update, error -> log.warn("Other replicas are not heard: {}", error.getMessage())));
        resources.add(outbox.asFlux().concatMap(this::post).subscribe());
        resources.add(timer.schedulePeriodically(this::look, LOOK.toMillis(), LOOK.toMillis(), TimeUnit.MILLISECONDS));
    }

    private static String topic(String replica) {
        return "parked/to/" + replica;
    }

    // ---- where the client is

    /** The rest of the answer of a call that waits at another replica. */
    Flux<Event> resume(String owner, Parcel.Resume parcel) {
        return Flux.create(sink -> {
            Exchange exchange = new Exchange(owner, ThreadLocalRandom.current().nextLong());
            Reading begun = new Reading(sink);
            reading.put(exchange, begun);
            sink.onDispose(() -> reading.remove(exchange, begun));
            sink.onCancel(() -> send(exchange, TO_OWNER, new Parcel.Left()));
            send(exchange, TO_OWNER, parcel);
            sink.onRequest(n -> send(exchange, TO_OWNER, new Parcel.Room(n)));
        });
    }

    private record Reading(FluxSink<Event> sink) {
        void hear(Parcel parcel) {
            if (parcel instanceof Parcel.Said said) {
                sink.next(said.json().length == 0 ? Event.Comment.INSTANCE : new Event.Message(said.json()));
            } else if (parcel instanceof Parcel.Refused refused) {
                sink.error(refused.why());
            } else if (parcel instanceof Parcel.Done) {
                sink.complete();
            }
        }
    }

    // ---- where the call is

    private final class Serving extends BaseSubscriber<Event> {
        private final Exchange exchange;

        Serving(Exchange exchange) {
            this.exchange = exchange;
        }

        @Override
        protected void hookOnSubscribe(Subscription subscription) {
            // as there is room
        }

        @Override
        protected void hookOnNext(Event event) {
            send(
                    exchange,
                    TO_READER,
                    new Parcel.Said(event instanceof Event.Message message ? message.json() : new byte[0]));
        }

        @Override
        protected void hookOnComplete() {
            end(new Parcel.Done());
        }

        @Override
        protected void hookOnError(Throwable error) {
            end(new Parcel.Refused(error instanceof Rejection refused ? refused : ParkedCalls.expired()));
        }

        private void end(Parcel last) {
            serving.remove(exchange, this);
            send(exchange, TO_READER, last);
        }
    }

    private void serve(Exchange exchange, Parcel parcel) {
        Serving known = serving.get(exchange);
        if (parcel instanceof Parcel.Resume resume && known == null) {
            Serving begun = new Serving(exchange);
            serving.put(exchange, begun);
            here.apply(resume).subscribe(begun);
        } else if (parcel instanceof Parcel.Room room && known != null && room.events() > 0) {
            known.request(room.events());
        } else if (parcel instanceof Parcel.Left && known != null) {
            serving.remove(exchange, known);
            known.cancel();
        }
    }

    // ---- between them

    /** In order: one message after the other, and the parts of each. */
    private void send(Exchange exchange, byte direction, Parcel parcel) {
        byte[] whole = parcel.encode();
        int parts = Math.max(1, (whole.length + PART_BYTES - 1) / PART_BYTES);
        synchronized (outbox) {
            for (int i = 0; i < parts; i++) {
                int from = i * PART_BYTES;
                int length = Math.min(PART_BYTES, whole.length - from);
                outbox.tryEmitNext(new Outgoing(
                        exchange,
                        ByteBuffer.allocate(HEAD_BYTES + length)
                                .put(direction)
                                .putLong(exchange.number())
                                .putInt(i)
                                .putInt(parts)
                                .put(whole, from, length)
                                .array()));
            }
        }
    }

    private Mono<Long> post(Outgoing next) {
        return messages.publish(topic(next.exchange().replica()), next.body())
                .timeout(PATIENCE)
                .doOnNext(listeners -> {
                    if (listeners == 0) {
                        gone(next.exchange());
                    }
                })
                .onErrorResume(error -> {
                    unreachable(next.exchange(), error);
                    return Mono.empty();
                });
    }

    private void hear(Message message) {
        if (message.body().length < HEAD_BYTES || message.from().equals(messages.self())) {
            return;
        }
        ByteBuffer in = ByteBuffer.wrap(message.body());
        byte direction = in.get();
        Exchange exchange = new Exchange(message.from(), in.getLong());
        int index = in.getInt();
        int count = in.getInt();
        Incoming key = new Incoming(exchange, direction);
        Gathered gathered = index == 0 ? new Gathered() : unfinished.remove(key);
        if (gathered == null || gathered.parts != index || gathered.bytes.size() > MOST_BYTES) {
            lost(exchange, direction);
            return;
        }
        gathered.parts++;
        gathered.bytes.write(message.body(), HEAD_BYTES, in.remaining());
        if (gathered.parts < count) {
            unfinished.put(key, gathered);
            return;
        }
        Parcel parcel = Parcel.decode(gathered.bytes.toByteArray());
        Reading waiting = reading.get(exchange);
        if (direction == TO_OWNER) {
            serve(exchange, parcel);
        } else if (waiting != null) {
            waiting.hear(parcel);
        } else if (parcel instanceof Parcel.Said) {
            send(exchange, TO_OWNER, new Parcel.Left());
        }
    }

    /** A part was lost on the way: what it belonged to cannot go on. */
    private void lost(Exchange exchange, byte direction) {
        if (direction == TO_OWNER) {
            send(exchange, TO_READER, new Parcel.Refused(ParkedCalls.expired()));
        } else {
            unreachable(exchange, new IllegalStateException("a part was lost on the way"));
            send(exchange, TO_OWNER, new Parcel.Left());
        }
    }

    /** Nobody listens at the other end: its calls are lost, and its clients have gone. */
    private void gone(Exchange exchange) {
        Reading left = reading.remove(exchange);
        if (left != null) {
            left.sink().error(ParkedCalls.expired());
        }
        unfinished.keySet().removeIf(incoming -> incoming.exchange().equals(exchange));
        Serving unread = serving.remove(exchange);
        if (unread != null) {
            unread.cancel();
        }
    }

    private void unreachable(Exchange exchange, Throwable error) {
        log.debug("Replica {} cannot be told anything: {}", exchange.replica(), error.getMessage());
        Reading left = reading.remove(exchange);
        if (left != null) {
            left.sink()
                    .error(new Rejection.Unavailable(
                            "The replica that holds this call cannot be reached", Duration.ofSeconds(1)));
        }
    }

    private void look() {
        reading.keySet().forEach(this::look);
        serving.keySet().forEach(this::look);
        unfinished.keySet().forEach(incoming -> look(incoming.exchange()));
    }

    private void look(Exchange exchange) {
        messages.publish(topic(exchange.replica()), new byte[0])
                .subscribe(
                        listeners -> {
                            if (listeners == 0) {
                                gone(exchange);
                            }
                        },
                        away -> log.debug("Replica {} cannot be looked for", exchange.replica()));
    }

    @Override
    public void dispose() {
        resources.dispose();
    }
}
