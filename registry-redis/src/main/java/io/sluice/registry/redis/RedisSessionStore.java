package io.sluice.registry.redis;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.lettuce.core.KeyValue;
import io.lettuce.core.Limit;
import io.lettuce.core.Range;
import io.lettuce.core.RedisCommandTimeoutException;
import io.lettuce.core.StreamMessage;
import io.lettuce.core.XAddArgs;
import io.sluice.seal.Keyring;
import io.sluice.seal.Sealer;
import io.sluice.session.EndedSessions;
import io.sluice.session.SessionNote;
import io.sluice.session.SessionRecord;
import io.sluice.session.SessionStore;
import io.sluice.session.StoredEvents;
import io.sluice.upstream.SessionHandle;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/**
 * Sessions in Redis. A record is a hash, settled by one script that compares before it changes; the events of a stream are
 * a Redis stream, bounded in number and bytes; ended sessions are a stream that each replica follows by asking for news
 * every second, so that {@link #ended} answers from memory. Everything but the names of resources, log levels and replicas
 * is sealed and bound to where it is kept, so that who can write to Redis cannot make a replica speak to another session
 * or another address.
 *
 * <p>While Redis is away nothing waits: what is asked fails at once, after the first few who found out. What was noted is
 * lost then, except that a session has ended, which is said again until it is heard.
 */
public final class RedisSessionStore implements SessionStore, Disposable {
    private static final Logger log = LoggerFactory.getLogger(RedisSessionStore.class);
    private static final Duration NEWS_EVERY = Duration.ofSeconds(1);
    private static final Duration REST = Duration.ofMillis(500);

    /** For so long after it answered last it is expected to come back any moment. */
    private static final Duration NEAR = Duration.ofSeconds(3);

    private static final int MOST_ENDED = 100_000;
    private static final int PAGE = 1_000;
    private static final String HANDLE = "u/";
    private static final String SUBSCRIPTION = "s/";
    private static final String TASK = "k/";

    /** KEYS record; ARGV field, digest expected, value, ttl. A value is its digest, 64 characters, and what is sealed. */
    private static final Script SETTLE = Script.of("""
            local now = redis.call('HGET', KEYS[1], ARGV[1])
            local digest = now and string.sub(now, 1, 64) or ''
            if digest ~= ARGV[2] then return {now or ''} end
            if ARGV[3] == '' then redis.call('HDEL', KEYS[1], ARGV[1]) else redis.call('HSET', KEYS[1], ARGV[1], ARGV[3]) end
            redis.call('PEXPIRE', KEYS[1], ARGV[4])
            return {ARGV[3]}
            """);

    /** KEYS stream; ARGV most events, most bytes, ttl, request, completed, then id and event by turns. Each entry says how many bytes came before its end. */
    private static final Script APPEND = Script.of("""
            local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
            local total = 0
            if last[1] then
              for i = 1, #last[1][2], 2 do if last[1][2][i] == 'b' then total = tonumber(last[1][2][i + 1]) end end
            end
            for i = 6, #ARGV, 2 do
              total = total + #ARGV[i + 1]
              redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', 'r', ARGV[4], 'b', total, 'i', ARGV[i], 'd', ARGV[i + 1])
            end
            if #ARGV < 6 or ARGV[5] == '1' then
              redis.call('XADD', KEYS[1], '*', 'r', ARGV[4], 'b', total, 'c', ARGV[5])
            end
            while true do
              local first = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)
              if not first[1] then break end
              local before = total
              for i = 1, #first[1][2], 2 do if first[1][2][i] == 'b' then before = tonumber(first[1][2][i + 1]) end end
              if total - before <= tonumber(ARGV[2]) or redis.call('XLEN', KEYS[1]) <= 2 then break end
              redis.call('XDEL', KEYS[1], first[1][1])
            end
            redis.call('PEXPIRE', KEYS[1], ARGV[3])
            return {'ok'}
            """);

    private final RedisConnections redis;
    private final HandleCodec handles;
    private final Sealer events;
    private final Sealer endings;
    private final Duration kept;
    private final EndedSessions ended = new EndedSessions();
    private final Sinks.Many<String> elsewhere = Sinks.many().multicast().directBestEffort();
    private final Queue<Ending> unsaid = new ConcurrentLinkedQueue<>();
    private final AtomicInteger unsaidSize = new AtomicInteger();
    private final AtomicBoolean asking = new AtomicBoolean();
    private final Disposable news;
    private volatile String read = "0-0";
    private volatile long restUntilNanos = System.nanoTime();
    private volatile long answeredNanos = System.nanoTime();

    private record Ending(String session, Instant expiresAt) {}

    private RedisSessionStore(RedisConnections redis, Keyring keyring, Duration idle, Scheduler timer) {
        this.redis = redis;
        this.handles = new HandleCodec(keyring);
        this.events = keyring.sealer("session-events");
        this.endings = keyring.sealer("session-endings");
        this.kept = idle.multipliedBy(2).plus(Duration.ofMinutes(10));
        long every = NEWS_EVERY.toMillis();
        this.news = timer.schedulePeriodically(
                this::askForNews, ThreadLocalRandom.current().nextLong(every / 4), every, TimeUnit.MILLISECONDS);
    }

    /**
     * @param idle how long a session is kept that nobody uses
     */
    public static RedisSessionStore over(RedisConnections redis, Keyring keyring, Duration idle) {
        return new RedisSessionStore(redis, keyring, idle, Schedulers.parallel());
    }

    private String recordKey(String session) {
        return redis.settings().key("sess:" + session);
    }

    private String streamKey(String session, String stream) {
        return redis.settings().key("evt:" + session + ":" + stream);
    }

    private String endedKey() {
        return redis.settings().key("ended");
    }

    /** Fails at once for a while after Redis did not answer, so that not each of many finds out by waiting. */
    private <T> Mono<T> soon(Mono<T> asked) {
        return Mono.defer(() -> {
            if (System.nanoTime() - restUntilNanos < 0) {
                return Mono.error(new RedisAway("Redis did not answer a moment ago"));
            }
            return asked.doOnNext(answer -> answeredNanos = System.nanoTime()).doOnError(away -> {
                boolean silent = away instanceof RedisCommandTimeoutException;
                restUntilNanos = System.nanoTime() + (silent ? REST.toNanos() : 0);
            });
        });
    }

    // What is known of a session

    @Override
    public Mono<SessionRecord> load(String session) {
        String key = recordKey(session);
        return soon(redis.command(commands -> commands.hgetall(key).collectList()))
                .map(fields -> record(session, fields));
    }

    private SessionRecord record(String session, List<KeyValue<String, byte[]>> fields) {
        Map<String, SessionHandle> known = new HashMap<>();
        Set<String> subscriptions = new HashSet<>();
        Set<String> tasks = new HashSet<>();
        Optional<String> level = Optional.empty();
        Optional<String> holder = Optional.empty();
        Instant used = Instant.EPOCH;
        for (KeyValue<String, byte[]> field : fields) {
            String name = field.getKey();
            String value = new String(field.getValue(), UTF_8);
            if (name.startsWith(HANDLE)) {
                String backend = name.substring(HANDLE.length());
                handles.open(session, backend, value).ifPresent(handle -> known.put(backend, handle));
            } else if (name.startsWith(SUBSCRIPTION)) {
                subscriptions.add(name.substring(SUBSCRIPTION.length()));
            } else if (name.startsWith(TASK)) {
                tasks.add(name.substring(TASK.length()));
            } else if (name.equals("l")) {
                level = Optional.of(value);
            } else if (name.equals("h")) {
                holder = Optional.of(value);
            } else if (name.equals("t") && value.matches("\\d{1,12}")) {
                used = Instant.ofEpochSecond(Long.parseLong(value));
            }
        }
        return new SessionRecord(known, subscriptions, tasks, level, holder, used);
    }

    @Override
    public void note(String session, SessionNote note) {
        String key = recordKey(session);
        Mono<?> noted = redis.command(commands -> {
            Map<String, byte[]> fields = new HashMap<>();
            fields.put("t", Long.toString(Instant.now().getEpochSecond()).getBytes(UTF_8));
            Mono<?> removed = Mono.empty();
            if (note instanceof SessionNote.Subscribed subscribed) {
                fields.put(SUBSCRIPTION + subscribed.uri(), new byte[] {'1'});
            } else if (note instanceof SessionNote.Unsubscribed unsubscribed) {
                removed = commands.hdel(key, SUBSCRIPTION + unsubscribed.uri());
            } else if (note instanceof SessionNote.TaskBegun begun) {
                fields.put(TASK + begun.name(), new byte[] {'1'});
            } else if (note instanceof SessionNote.TaskForgotten forgotten) {
                removed = commands.hdel(key, TASK + forgotten.name());
            } else if (note instanceof SessionNote.LogLevel set) {
                fields.put("l", set.level().getBytes(UTF_8));
            } else if (note instanceof SessionNote.Holder taken) {
                fields.put("h", taken.replica().getBytes(UTF_8));
            }
            return Mono.when(removed, commands.hset(key, fields), commands.pexpire(key, kept))
                    .thenReturn(true);
        });
        noted.subscribe(done -> {}, away -> log.debug("Not noted: {}", away.getMessage()));
    }

    @Override
    public Mono<Optional<SessionHandle>> settle(
            String session, String backend, @Nullable SessionHandle expected, @Nullable SessionHandle next) {
        String value = next == null ? "" : handles.seal(session, backend, next);
        return soon(redis.run(
                        SETTLE,
                        List.of(recordKey(session)),
                        (HANDLE + backend).getBytes(UTF_8),
                        (expected == null ? "" : handles.digest(expected)).getBytes(UTF_8),
                        value.getBytes(UTF_8),
                        Long.toString(kept.toMillis()).getBytes(UTF_8)))
                .map(answer -> {
                    String now = new String((byte[]) answer.get(0), UTF_8);
                    return now.isEmpty() ? Optional.empty() : handles.open(session, backend, now);
                });
    }

    @Override
    public Mono<Void> forget(String session) {
        return soon(redis.command(commands -> commands.del(recordKey(session)))).then();
    }

    // Events

    @Override
    public Mono<Void> append(String session, String stream, StoredEvents more) {
        return Mono.defer(() -> {
            String key = streamKey(session, stream);
            List<byte[]> arguments = new ArrayList<>(5 + 2 * more.events().size());
            for (String fixed : List.of(
                    Integer.toString(MOST_EVENTS),
                    Integer.toString(MOST_BYTES),
                    Long.toString(EVENTS_KEPT.toMillis()),
                    more.request().orElse(""),
                    more.completed() ? "1" : "0")) {
                arguments.add(fixed.getBytes(UTF_8));
            }
            for (StoredEvents.Event event : more.events()) {
                arguments.add(event.id().getBytes(UTF_8));
                arguments.add(events.seal(event.json(), bound(key, event.id())).getBytes(ISO_8859_1));
            }
            return soon(redis.run(APPEND, List.of(key), arguments.toArray(byte[][]::new)))
                    .then();
        });
    }

    @Override
    public Mono<StoredEvents> events(String session, String stream) {
        String key = streamKey(session, stream);
        return soon(redis.command(commands ->
                        commands.xrange(key, Range.<String>unbounded()).collectList()))
                .map(entries -> stored(key, entries));
    }

    private StoredEvents stored(String key, List<StreamMessage<String, byte[]>> entries) {
        if (entries.isEmpty()) {
            return StoredEvents.NONE;
        }
        List<StoredEvents.Event> found = new ArrayList<>(entries.size());
        Optional<String> request = Optional.empty();
        boolean completed = false;
        for (StreamMessage<String, byte[]> entry : entries) {
            Map<String, byte[]> fields = entry.getBody();
            request = text(fields, "r").filter(id -> !id.isEmpty()).or(() -> Optional.empty());
            completed |= text(fields, "c").filter("1"::equals).isPresent();
            Optional<String> id = text(fields, "i");
            id.flatMap(known -> text(fields, "d").flatMap(token -> events.open(token, bound(key, known))))
                    .ifPresent(json -> found.add(new StoredEvents.Event(id.orElseThrow(), json)));
        }
        return new StoredEvents(request, found, completed);
    }

    private static Optional<String> text(Map<String, byte[]> fields, String name) {
        return Optional.ofNullable(fields.get(name)).map(bytes -> new String(bytes, UTF_8));
    }

    private static byte[] bound(String key, String id) {
        return (key + "\n" + id).getBytes(UTF_8);
    }

    // Ended sessions

    @Override
    public void end(String session, Instant expiresAt) {
        if (ended.add(session, expiresAt) && unsaidSize.incrementAndGet() <= MOST_ENDED) {
            unsaid.add(new Ending(session, expiresAt));
            sayEndings().subscribe(done -> {}, away -> log.debug("An end is not said yet: {}", away.getMessage()));
        }
    }

    @Override
    public boolean ended(String session) {
        return ended.contains(session);
    }

    @Override
    public Flux<String> endedElsewhere() {
        return elsewhere.asFlux();
    }

    private Mono<Void> sayEndings() {
        return Mono.defer(() -> {
            Ending next = unsaid.poll();
            if (next == null) {
                return Mono.empty();
            }
            unsaidSize.decrementAndGet();
            String plain = next.session() + " " + next.expiresAt().toEpochMilli();
            byte[] token = endings.seal(plain.getBytes(UTF_8), endedKey().getBytes(UTF_8))
                    .getBytes(ISO_8859_1);
            return redis.command(commands -> commands.xadd(
                            endedKey(), XAddArgs.Builder.maxlen(MOST_ENDED).approximateTrimming(), Map.of("e", token)))
                    .doOnError(away -> {
                        unsaidSize.incrementAndGet();
                        unsaid.add(next);
                    })
                    .then(Mono.defer(this::sayEndings));
        });
    }

    private void askForNews() {
        if (asking.compareAndSet(false, true)) {
            sayEndings()
                    .then(readEndings())
                    .doFinally(signal -> asking.set(false))
                    .subscribe(done -> {}, away -> log.debug("No news of ended sessions: {}", away.getMessage()));
        }
    }

    private Mono<Void> readEndings() {
        return Mono.defer(() -> redis.command(commands -> commands.xrange(
                                endedKey(),
                                Range.from(Range.Boundary.excluding(read), Range.Boundary.unbounded()),
                                Limit.from(PAGE))
                        .collectList()))
                .flatMap(page -> {
                    answeredNanos = System.nanoTime();
                    for (StreamMessage<String, byte[]> entry : page) {
                        read = entry.getId();
                        text(entry.getBody(), "e")
                                .flatMap(token -> endings.open(token, endedKey().getBytes(UTF_8)))
                                .ifPresent(this::heard);
                    }
                    return page.size() == PAGE ? readEndings() : Mono.empty();
                });
    }

    private void heard(byte[] plain) {
        String[] parts = new String(plain, UTF_8).split(" ", 2);
        Instant expiresAt = Instant.ofEpochMilli(Long.parseLong(parts[1]));
        if (expiresAt.isAfter(Instant.now()) && ended.add(parts[0], expiresAt)) {
            elsewhere.tryEmitNext(parts[0]);
        }
    }

    @Override
    public boolean isNear() {
        return System.nanoTime() - answeredNanos < NEAR.toNanos();
    }

    @Override
    public boolean shared() {
        return true;
    }

    /** Redis does one thing after the other on a connection, so that an answer to this comes after all of it was done. */
    @Override
    public Mono<Void> flush() {
        return sayEndings()
                .then(redis.command(commands -> commands.ping()))
                .then()
                .onErrorComplete();
    }

    /** Asks for no more news. The connections are their owner's. */
    @Override
    public void dispose() {
        news.dispose();
    }
}
