package io.sluice.cache;

import io.netty.buffer.ByteBuf;
import io.sluice.envelope.Envelope;
import io.sluice.envelope.Kind;
import io.sluice.envelope.MessageReader;
import io.sluice.envelope.RequestId;
import io.sluice.envelope.Span;
import io.sluice.protocol.Era;
import io.sluice.upstream.Event;
import io.sluice.upstream.Reply;
import java.io.ByteArrayOutputStream;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.MonoSink;

/** Where the answer to one call may be kept, or be found. Made for each call that has such a place. */
public final class Place {
    private final ResultCache cache;
    private final RequestId id;
    private final Key key;
    private final Key.Whose whose;

    /** How long its answers are kept. Null for a resource of which the backend says it. */
    private final @Nullable Duration life;

    Place(ResultCache cache, RequestId id, Key key, Key.Whose whose, @Nullable Duration life) {
        this.cache = cache;
        this.id = id;
        this.key = key;
        this.whose = whose;
        this.life = life;
    }

    /** What is kept for the call and still good, or null. */
    public @Nullable Kept find() {
        return cache.find(key);
    }

    /**
     * The reply to the call: what is kept, or what comes of a request that is under way for others, or of its own.
     *
     * @param alone whether the call has something to hear before its answer, or something to be asked, so that it goes by itself; its answer is kept all the same
     * @param quiet sends a request whose answer may be for others as well; ends in {@link Asked} if the backend wants to know something
     * @param own sends the request of this call alone; what either brings bears the id of the call
     */
    public Mono<Reply> reply(boolean alone, Supplier<Mono<Reply>> quiet, Supplier<Mono<Reply>> own) {
        return Mono.defer(() -> {
            Kept kept = find();
            if (kept != null) {
                return Mono.just(reply(kept));
            }
            key.shelf().misses.increment();
            return alone ? alone(own) : together(quiet, own);
        });
    }

    /** Looks at what passes. */
    private Mono<Reply> alone(Supplier<Mono<Reply>> source) {
        long stamp = stamp();
        return source.get().map(reply -> watched(reply, stamp));
    }

    private Reply watched(Reply reply, long stamp) {
        if (reply instanceof Reply.Events events) {
            return new Reply.Events(watched(events.events(), stamp));
        }
        if (reply instanceof Reply.Json json) {
            return new Reply.Json(json.status(), Flux.defer(() -> watched(json, stamp)), json.small());
        }
        return reply;
    }

    private Flux<ByteBuf> watched(Reply.Json json, long stamp) {
        ByteArrayOutputStream seen = new ByteArrayOutputStream(256);
        int limit = cache.maxEntryBytes();
        return json.body()
                .doOnNext(part -> {
                    if (seen.size() <= limit) {
                        byte[] bytes = io.netty.buffer.ByteBufUtil.getBytes(part);
                        seen.write(bytes, 0, bytes.length);
                    }
                })
                .doOnComplete(() -> {
                    if (seen.size() <= limit && json.status() == 200) {
                        keep(seen.toByteArray(), stamp);
                    }
                });
    }

    /** The same events; the response among them is kept if it may be. */
    public Flux<Event> watched(Flux<Event> events) {
        return Flux.defer(() -> {
            key.shelf().misses.increment();
            return watched(events, stamp());
        });
    }

    private Flux<Event> watched(Flux<Event> events, long stamp) {
        return events.doOnNext(event -> {
            if (event instanceof Event.Message message && Outcome.isResponse(message.json())) {
                keep(message.json(), stamp);
            }
        });
    }

    private Mono<Reply> together(Supplier<Mono<Reply>> quiet, Supplier<Mono<Reply>> own) {
        return Mono.<Mono<Reply>>create(sink -> join(sink, quiet, own))
                .flatMap(Function.identity())
                .doOnDiscard(Reply.class, Reply::discard);
    }

    private void join(MonoSink<Mono<Reply>> sink, Supplier<Mono<Reply>> quiet, Supplier<Mono<Reply>> alone) {
        Flight.Waiter waiter = new Flight.Waiter(id, whose, sink, alone);
        while (true) {
            Flight running = cache.flight(key);
            if (running != null && running.isOf(key, stamp()) && running.join(waiter)) {
                key.shelf().joined.increment();
                sink.onCancel(() -> leave(running, waiter));
                return;
            }
            Flight own = new Flight(key, stamp());
            own.join(waiter);
            if (cache.departs(running, own)) {
                sink.onCancel(() -> leave(own, waiter));
                own.start(
                        Mono.defer(quiet).flatMap(reply -> Outcome.of(reply, cache.maxEntryBytes())),
                        (outcome, waiters) -> land(own.stamp(), outcome, waiters),
                        cache::arrived);
                return;
            }
        }
    }

    private void leave(Flight flight, Flight.Waiter waiter) {
        if (flight.leave(waiter)) {
            cache.arrived(flight);
        }
    }

    private void land(long stamp, Outcome outcome, List<Flight.Waiter> waiters) {
        if (outcome instanceof Outcome.Answered answered) {
            Use use = answered.status() == 200 ? keep(answered.message(), stamp) : Use.NONE;
            for (int i = 0; i < waiters.size(); i++) {
                Flight.Waiter waiter = waiters.get(i);
                boolean may = i == 0
                        || use == Use.ALL
                        || use == Use.OWN && waiter.whose().equals(whose);
                if (may) {
                    waiter.told().success(Mono.just(answered.under(waiter.id(), id)));
                } else {
                    waiter.goAlone();
                }
            }
        } else if (outcome instanceof Outcome.Refused refused) {
            for (Flight.Waiter waiter : waiters) {
                waiter.told().success(Mono.just(refused.under(waiter.id(), id)));
            }
        } else if (outcome instanceof Outcome.Other other) {
            if (waiters.isEmpty()) {
                other.reply().discard();
            }
            for (int i = 0; i < waiters.size(); i++) {
                if (i == 0) {
                    waiters.get(0).told().success(Mono.just(other.reply()));
                } else {
                    waiters.get(i).goAlone();
                }
            }
        }
    }

    private long stamp() {
        return key.shelf().stamp(key.tool(), key.name());
    }

    /** Whom an answer is good for, of those who asked the same at the same time. */
    private enum Use {
        NONE,
        OWN,
        ALL
    }

    /** Keeps a response if it may be used again. */
    private Use keep(byte[] json, long stamp) {
        Envelope message = MessageReader.read(json).orElse(null);
        if (message == null || message.kind() != Kind.RESPONSE || !Outcome.isFor(message, id)) {
            return Use.NONE;
        }
        if (message.error().isPresent()) {
            return Use.OWN; // whoever asks the same now would hear the same; whoever asks later may not
        }
        Span result = message.result();
        Span type = message.resultType();
        boolean complete = type.isPresent()
                ? message.isString(type) && message.text(type).equals("complete")
                : key.era()
                        == Era.LEGACY; // a modern one without is completed on its way, and what is kept would not be
        if (!message.isObject(result) || !complete) {
            return Use.NONE;
        }
        return life == null ? keepResource(message, stamp) : keepResult(message, life, stamp);
    }

    private Use keepResult(Envelope message, Duration kept, long stamp) {
        Span failed = message.member(message.result(), "isError");
        if (!failed.isPresent() || message.body()[failed.start()] == 'f') {
            put(key, message, kept.toNanos(), stamp);
        }
        return key.whose() == null ? Use.ALL : Use.OWN;
    }

    /** As the backend says (2026-07-28, <em>Caching</em>). */
    private Use keepResource(Envelope message, long stamp) {
        Span ttl = message.member(message.result(), "ttlMs");
        long millis = Math.min(millis(message, ttl), cache.maxTtl().toMillis());
        if (millis == 0) {
            cache.learn(key, Learnt.NOTHING);
            return Use.NONE;
        }
        Span scope = message.member(message.result(), "cacheScope");
        boolean all = message.isString(scope) && message.text(scope).equals("public");
        cache.learn(key, all ? Learnt.PUBLIC : Learnt.PRIVATE);
        put(key.of(all ? null : whose), message, TimeUnit.MILLISECONDS.toNanos(millis), stamp);
        return all ? Use.ALL : Use.OWN;
    }

    private void put(Key where, Envelope message, long lifeNanos, long stamp) {
        if (message.body().length > cache.maxEntryBytes()) {
            return;
        }
        Span ttl = message.member(message.result(), "ttlMs");
        long promised = millis(message, ttl);
        cache.put(
                where,
                new Kept(
                        message.body(),
                        message.result(),
                        promised == 0 ? Span.NONE : ttl,
                        promised,
                        cache.now(),
                        lifeNanos,
                        stamp));
    }

    /** Absent, negative or no integer means 0. */
    private static long millis(Envelope message, Span ttl) {
        if (!ttl.isPresent() || ttl.length() > 15) {
            return 0;
        }
        long value = 0;
        for (int i = ttl.start(); i < ttl.end(); i++) {
            int digit = message.body()[i] - '0';
            if (digit < 0 || digit > 9) {
                return 0;
            }
            value = value * 10 + digit;
        }
        return value;
    }

    /** A backend asks something in the course of a request that several may be waiting for: each of them asks for itself then. */
    public static final class Asked extends RuntimeException {
        private static final long serialVersionUID = 1L;

        public Asked() {
            super("asked", null, false, false);
        }
    }

    /** What was found as the backend would have answered this call. */
    public Reply reply(Kept found) {
        return found.reply(id, cache.now());
    }

    /** A whole answer made of what was found, for its reader to release. */
    public ByteBuf answer(Kept found) {
        return found.buffer(id, cache.now());
    }

    /** What is known of how a backend speaks of one of its resources. */
    enum Learnt {
        /** That it must not be kept. */
        NOTHING,
        PRIVATE,
        PUBLIC
    }
}
