package io.sluice.stdio;

import io.sluice.adapter.Adapter.Outcome;
import io.sluice.envelope.Envelope;
import io.sluice.protocol.McpMethod;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import reactor.core.publisher.BufferOverflowStrategy;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Sinks;

/**
 * Who hears what a program says by itself: streams of the legacy era, and modern feeds, which outlive the process that
 * they began with. Safe for use by many threads: what is heard is given out one message at a time.
 */
final class ProgramFeeds {
    private static final int MOST_UNREAD = 1024;
    private static final List<McpMethod> LIST_CHANGES = List.of(
            McpMethod.NOTIFICATION_TOOLS_LIST_CHANGED,
            McpMethod.NOTIFICATION_PROMPTS_LIST_CHANGED,
            McpMethod.NOTIFICATION_RESOURCES_LIST_CHANGED);

    private final Sinks.Many<byte[]> heard = Sinks.many().multicast().directBestEffort();
    private final Sinks.Many<ProgramRun> begun = Sinks.many().multicast().directBestEffort();
    private final Map<Object, Feeding> feeds = new ConcurrentHashMap<>();

    /** A feed that is open; {@code ofResources} when a process that sleeps would keep something from it. */
    private record Feeding(Sinks.Empty<Void> ended, boolean ofResources) {}

    /** All that is heard, for a stream of the legacy era; a reader that falls far behind misses the oldest. */
    Flux<byte[]> all() {
        return heard.asFlux().onBackpressureBuffer(MOST_UNREAD, late -> {}, BufferOverflowStrategy.DROP_OLDEST);
    }

    /**
     * A modern feed that goes on with the next process, which is asked for it as well.
     *
     * @param listen the request for it
     * @param first what the process of now sends on it
     */
    Flux<byte[]> outliving(Envelope listen, Flux<byte[]> first) {
        Feeding feeding = new Feeding(Sinks.empty(), isOfResources(listen));
        Object key = new Object();
        feeds.put(key, feeding);
        Flux<byte[]> later = begun.asFlux()
                .concatMap(run -> run.post(listen)
                        .flatMapMany(
                                again -> again instanceof Outcome.Messages more ? more.json() : Flux.<byte[]>empty())
                        .onErrorComplete());
        return Flux.merge(first.concatWith(Flux.never()), later)
                .takeUntilOther(feeding.ended().asMono())
                .doFinally(end -> feeds.remove(key));
    }

    private static boolean isOfResources(Envelope message) {
        return message.member(message.notifications(), "resourceSubscriptions").isPresent();
    }

    /** Whether somebody would miss something if the program slept. */
    boolean areOfResources() {
        return feeds.values().stream().anyMatch(Feeding::ofResources);
    }

    /** Another process took the place of the one before, and is ready. */
    void begun(ProgramRun next) {
        begun.tryEmitNext(next);
    }

    /** The program said this by itself. */
    void hear(byte[] json) {
        synchronized (heard) {
            heard.tryEmitNext(json);
        }
    }

    /** Nobody listened while it was down: whoever has a feed asks anew, and is told that anything may have changed. */
    void gap() {
        feeds.values().forEach(feeding -> feeding.ended().tryEmitEmpty());
        for (McpMethod change : LIST_CHANGES) {
            hear(("{\"jsonrpc\":\"2.0\",\"method\":\"" + change.wire() + "\"}").getBytes(StandardCharsets.UTF_8));
        }
    }
}
