package io.sluice.upstream;

import io.sluice.envelope.Envelope;
import io.sluice.envelope.Json;
import io.sluice.envelope.Kind;
import io.sluice.envelope.RequestId;
import io.sluice.protocol.McpMethod;
import io.sluice.protocol.ProtocolVersion;
import io.sluice.protocol.RawJson;
import io.sluice.rejection.Rejection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/**
 * A modern backend's feed: one {@code subscriptions/listen} stream (2026-07-28, <em>Subscriptions</em>). When the set
 * of resources changes, a second stream with the new filter is opened and the first ends once the second is
 * acknowledged, so that nothing falls between them. A stream that breaks is opened again after a growing wait.
 *
 * <p>State is owned by this object's monitor, which is never held while signals are delivered or anything is sent.
 */
final class ListenFeed implements Feed {
    private static final Logger log = LoggerFactory.getLogger(ListenFeed.class);

    private final BackendHttp http;
    private final Set<String> kinds;
    private final Consumer<Signal> signals;
    private final Backoff backoff;
    private final Set<String> uris = new TreeSet<>();
    private List<Waiting> waiting = new ArrayList<>();
    private @Nullable Stream serving;
    private @Nullable Stream opening;
    private Disposable retry = Disposables.disposed();
    private long streams;
    private int failures;
    private boolean started;
    private boolean closed;
    private boolean refused;

    private record Waiting(String uri, Sinks.Empty<Void> acknowledged) {}

    /**
     * @param kinds members of the filter to set, such as {@code toolsListChanged}: what the backend's capabilities
     * offer
     */
    ListenFeed(BackendHttp http, Set<String> kinds, Consumer<Signal> signals) {
        this.http = http;
        this.kinds = Set.copyOf(kinds);
        this.signals = signals;
        this.backoff = new Backoff(
                Duration.ofMillis(250), Duration.ofSeconds(15), http.settings().random());
    }

    @Override
    public void start() {
        synchronized (this) {
            if (started) {
                return;
            }
            started = true;
        }
        open();
    }

    @Override
    public Mono<Void> add(String uri) {
        return Mono.defer(() -> {
            Sinks.Empty<Void> acknowledged = Sinks.empty();
            synchronized (this) {
                started = true;
                uris.add(uri);
                waiting.add(new Waiting(uri, acknowledged));
            }
            open();
            return acknowledged
                    .asMono()
                    .timeout(
                            http.probeTimeout(),
                            Mono.error(() -> http.failures().silent(http.probeTimeout())))
                    .doOnError(ignored -> forget(uri));
        });
    }

    @Override
    public Mono<Void> remove(String uri) {
        return Mono.fromRunnable(() -> {
            forget(uri);
            open();
        });
    }

    @Override
    public synchronized boolean isOpen() {
        return serving != null;
    }

    private synchronized void forget(String uri) {
        uris.remove(uri);
    }

    @Override
    public void close() {
        List<Waiting> left;
        synchronized (this) {
            closed = true;
            retry.dispose();
            dispose(serving);
            dispose(opening);
            left = waiting;
            waiting = new ArrayList<>();
        }
        left.forEach(w -> w.acknowledged().tryEmitError(http.failures().unavailable("it was removed")));
    }

    private static void dispose(@Nullable Stream stream) {
        if (stream != null) {
            stream.connection.dispose();
        }
    }

    private void open() {
        Stream next;
        synchronized (this) {
            if (closed || refused) {
                return;
            }
            retry.dispose();
            dispose(opening);
            if (kinds.isEmpty() && uris.isEmpty()) {
                dispose(serving);
                serving = null;
                opening = null;
                return;
            }
            next = new Stream(++streams, Set.copyOf(uris), serving == null && streams > 1);
            opening = next;
        }
        next.connect();
    }

    private void acknowledged(Stream stream, Set<String> honoured) {
        List<Waiting> answered;
        synchronized (this) {
            if (opening != stream) {
                return;
            }
            dispose(serving);
            serving = stream;
            opening = null;
            failures = 0;
            answered =
                    waiting.stream().filter(w -> stream.uris.contains(w.uri())).toList();
            waiting.removeAll(answered);
        }
        for (Waiting w : answered) {
            if (honoured.contains(w.uri())) {
                w.acknowledged().tryEmitEmpty();
            } else {
                w.acknowledged()
                        .tryEmitError(new Rejection.MethodNotFound(McpMethod.RESOURCES_SUBSCRIBE.wire(), false));
            }
        }
        if (stream.afterGap) {
            // 2026-07-28, Subscriptions: after a reconnect caches are stale, events may have been missed.
            signals.accept(new Signal.ToolsChanged());
            signals.accept(new Signal.PromptsChanged());
            signals.accept(new Signal.ResourcesChanged());
            stream.uris.forEach(uri ->
                    signals.accept(new Signal.ResourceUpdated(uri, RawJson.of("{\"uri\":" + Json.quote(uri) + "}"))));
        }
    }

    private void ended(Stream stream, @Nullable Throwable error) {
        List<Waiting> failed = List.of();
        boolean gone = error instanceof NotOffered;
        String why = error == null ? "" : error.getMessage();
        synchronized (this) {
            if (closed || (stream != serving && stream != opening)) {
                return;
            }
            if (stream == serving) {
                serving = null;
            } else {
                opening = null;
                failed = List.copyOf(waiting);
                waiting.clear();
            }
            refused = gone;
            if (!gone && opening == null && serving == null) {
                failures++;
                retry.dispose();
                retry = http.settings()
                        .timer()
                        .schedule(
                                this::open,
                                backoff.after(failures).toMillis(),
                                java.util.concurrent.TimeUnit.MILLISECONDS);
            }
        }
        if (gone) {
            log.info(
                    "Backend '{}' offers no subscriptions/listen: {}",
                    http.backend().name(),
                    why);
        }
        Throwable reason = gone
                ? new Rejection.MethodNotFound(McpMethod.RESOURCES_SUBSCRIBE.wire(), false)
                : error != null ? error : http.failures().unavailable("it ended its change feed");
        failed.forEach(w -> w.acknowledged().tryEmitError(reason));
    }

    /** The backend has no such method, so there is no point in asking again. */
    private static final class NotOffered extends RuntimeException {
        private static final long serialVersionUID = 1L;

        NotOffered(String message) {
            super(message, null, false, false);
        }
    }

    /** One listen request and what arrives on its stream. */
    private final class Stream {
        private final long number;
        private final Set<String> uris;
        private final boolean afterGap;
        private final Disposable.Swap connection = Disposables.swap();

        private Stream(long number, Set<String> uris, boolean afterGap) {
            this.number = number;
            this.uris = uris;
            this.afterGap = afterGap;
        }

        void connect() {
            connection.update(http.send(ask())
                    .flatMapMany(this::read)
                    .subscribe(this::take, error -> ended(this, error), () -> ended(this, null)));
        }

        private Ask ask() {
            String method = McpMethod.SUBSCRIPTIONS_LISTEN.wire();
            String wanted =
                    kinds.stream().sorted().map(kind -> "\"" + kind + "\":true").collect(Collectors.joining(","));
            String resources = uris.isEmpty()
                    ? ""
                    : uris.stream()
                            .sorted()
                            .map(Json::quote)
                            .collect(Collectors.joining(",", "\"resourceSubscriptions\":[", "]"));
            String filter = wanted + (wanted.isEmpty() || resources.isEmpty() ? "" : ",") + resources;
            ProtocolVersion version = ProtocolVersion.LATEST_MODERN;
            byte[] body = Messages.request(
                    RequestId.of("listen-" + number),
                    method,
                    Messages.modernParams(
                            "\"notifications\":{" + filter + "}",
                            version,
                            http.settings().clientInfo()));
            return Ask.listen(body);
        }

        private Flux<Envelope> read(Answer answer) {
            if (answer.isEventStream()) {
                SseReader reader = new SseReader(http.settings().maxEventBytes());
                return answer.items(reader, () -> false)
                        .concatMapIterable(Messages::messagesOf, 1)
                        .takeUntil(message -> message.kind() == Kind.RESPONSE);
            }
            return answer.refused()
                    .flatMapMany(refused -> Flux.error(
                            Failures.concernsBackend(refused.status())
                                    ? http.failures()
                                            .answered(refused, answer.endpoint().url())
                                    : new NotOffered(refused.status()
                                            + Failures.errorMessage(refused.body())
                                                    .map(text -> " " + text)
                                                    .orElse(""))));
        }

        private void take(Envelope message) {
            if (message.knownMethod()
                    .filter(McpMethod.NOTIFICATION_SUBSCRIPTIONS_ACKNOWLEDGED::equals)
                    .isPresent()) {
                Set<String> honoured = new HashSet<>();
                message.elements(message.member(message.notifications(), "resourceSubscriptions")).stream()
                        .filter(message::isString)
                        .forEach(span -> honoured.add(message.text(span)));
                acknowledged(this, honoured);
            } else {
                Signals.of(message).ifPresent(signals);
            }
        }
    }
}
