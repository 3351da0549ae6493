package io.sluice.adapter;

import io.sluice.adapter.Adapter.Outcome;
import io.sluice.envelope.Envelope;
import io.sluice.envelope.Kind;
import io.sluice.envelope.MessageReader;
import io.sluice.envelope.Patch;
import io.sluice.envelope.RequestId;
import io.sluice.envelope.Span;
import io.sluice.protocol.ErrorCodes;
import io.sluice.protocol.McpMethod;
import io.sluice.protocol.MetaKeys;
import io.sluice.rejection.Rejection.BackendFailure;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Lets many askers share one {@link Pipe}. Each request travels under an id and a progress token of the switchboard's own, which are put back in all that comes back, so that two clients may use the
 * same ids at once. Whoever leaves before the answer has its request cancelled at the server.
 *
 * <p>What arrives belongs to a request by its id, its progress token or its subscription id. What names none goes to the only request under way, if there is just one, and else to whoever listens to
 * the server as a whole. A question of the server's that nobody can be asked is declined.
 *
 * <p>{@link #arrived} and {@link #broken} are called by one thread at a time, everything else by any.
 */
public final class Switchboard {
    private final Pipe pipe;
    private final String backend;
    private final AtomicLong ids = new AtomicLong();
    private final Map<Long, Request> requests = new ConcurrentHashMap<>();
    private final List<Incoming> listeners = new CopyOnWriteArrayList<>();
    private final AtomicReference<@Nullable BackendFailure> broken = new AtomicReference<>();

    /** @param backend its name, for sentences */
    public Switchboard(Pipe pipe, String backend) {
        this.pipe = pipe;
        this.backend = backend;
    }

    /** A request that has not been answered. {@code listening} when it stays open for what may come. */
    private record Request(Envelope asked, Incoming incoming, boolean listening) {
        @Nullable
        RequestId id() {
            return asked.id();
        }
    }

    // ---- towards the server

    /**
     * Sends a message of a client's.
     *
     * @param session what the response of an {@code initialize} is to be marked with, or null
     */
    public Mono<Outcome> post(Envelope message, @Nullable String session) {
        return Mono.defer(() -> {
            if (message.kind() == Kind.REQUEST) {
                return request(message, session);
            }
            byte[] json = message.knownMethod()
                            .filter(McpMethod.NOTIFICATION_CANCELLED::equals)
                            .isPresent()
                    ? cancellation(message).orElse(null)
                    : message.body();
            if (json != null && !pipe.send(oneLine(json))) {
                return Mono.error(notSent());
            }
            return Mono.just(Outcome.Accepted.INSTANCE);
        });
    }

    private Mono<Outcome> request(Envelope message, @Nullable String session) {
        long number = ids.incrementAndGet();
        byte[] own = ascii(number);
        Patch patch = new Patch(message).replace(message.idSpan(), own);
        if (message.metaProgressToken().isPresent()) {
            patch.replace(message.metaProgressToken(), own);
        }
        boolean initialize =
                message.knownMethod().filter(McpMethod.INITIALIZE::equals).isPresent();
        boolean listening = message.knownMethod()
                .filter(McpMethod.SUBSCRIPTIONS_LISTEN::equals)
                .isPresent();
        Incoming incoming = new Incoming(() -> abandon(number, !initialize));
        requests.put(number, new Request(message, incoming, listening));
        BackendFailure already = broken.get();
        if (already != null || !pipe.send(oneLine(patch.toBytes()))) {
            requests.remove(number);
            return Mono.error(already != null ? already : notSent());
        }
        Mono<Outcome> outcome = incoming.outcome();
        return session == null
                ? outcome
                : outcome.map(found ->
                        found instanceof Outcome.Message whole ? new Outcome.Message(whole.json(), session) : found);
    }

    private BackendFailure notSent() {
        BackendFailure why = broken.get();
        return why != null
                ? why
                : BackendFailure.limited(
                        backend,
                        "Backend '" + backend + "' is busy: it does not read what it is sent",
                        java.time.Duration.ofSeconds(1));
    }

    private void abandon(long number, boolean tell) {
        if (requests.remove(number) != null && tell && broken.get() == null) {
            pipe.send(utf8("{\"jsonrpc\":\"2.0\",\"method\":\"" + McpMethod.NOTIFICATION_CANCELLED.wire()
                    + "\",\"params\":{\"requestId\":" + number + "}}"));
        }
    }

    /** A legacy client's cancellation, naming the request as the server knows it; empty when it is over. */
    private Optional<byte[]> cancellation(Envelope message) {
        Optional<RequestId> named = message.requestIdAt(message.requestId());
        return named.flatMap(id -> requests.entrySet().stream()
                        .filter(entry -> id.equals(entry.getValue().id()))
                        .map(Map.Entry::getKey)
                        .findFirst())
                .filter(number -> requests.remove(number) != null)
                .map(number -> new Patch(message)
                        .replace(message.requestId(), ascii(number))
                        .toBytes());
    }

    /** All that the server says outside of requests, until the channel breaks. */
    public Flux<byte[]> listen() {
        return Flux.defer(() -> {
            AtomicReference<@Nullable Incoming> self = new AtomicReference<>();
            Incoming incoming = new Incoming(() -> listeners.remove(self.get()));
            self.set(incoming);
            Flux<byte[]> messages = incoming.stream();
            listeners.add(incoming);
            if (broken.get() != null) {
                incoming.end();
            }
            return messages;
        });
    }

    /** How many requests wait for an answer, not counting those that only listen. */
    public int underWay() {
        int count = 0;
        for (Request request : requests.values()) {
            count += request.listening() ? 0 : 1;
        }
        return count;
    }

    /** The requests that listen, as their clients sent them. */
    public Collection<Envelope> listening() {
        return requests.values().stream()
                .filter(Request::listening)
                .map(Request::asked)
                .toList();
    }

    // ---- from the server

    /** One message of the server's; what is none is ignored. */
    public void arrived(byte[] json) {
        MessageReader.read(json).ifPresent(message -> {
            switch (message.kind()) {
                case RESPONSE -> response(message);
                case NOTIFICATION -> notification(message);
                case REQUEST -> question(message);
            }
        });
    }

    private void response(Envelope message) {
        Long number = number(message, message.idSpan());
        Request request = number == null ? null : requests.remove(number);
        RequestId id = request == null ? null : request.id();
        if (request != null && id != null) {
            Patch patch = new Patch(message).replace(message.idSpan(), id.rawJsonBytes());
            Span meta = message.member(message.result(), "_meta");
            Span subscription = message.member(meta, MetaKeys.SUBSCRIPTION_ID);
            if (subscription.isPresent()) {
                patch.replace(subscription, id.rawJsonBytes());
            }
            request.incoming().response(patch.toBytes(), null);
        }
    }

    private void notification(Envelope message) {
        Span token = message.progressToken();
        if (message.knownMethod()
                .filter(McpMethod.NOTIFICATION_PROGRESS::equals)
                .isPresent()) {
            Request request = find(message, token);
            Span asked = request == null ? Span.NONE : request.asked().metaProgressToken();
            if (request != null && asked.isPresent()) {
                byte[] original = request.asked().raw(asked).bytes();
                request.incoming()
                        .message(new Patch(message).replace(token, original).toBytes());
            }
            return;
        }
        Span subscription = message.member(message.meta(), MetaKeys.SUBSCRIPTION_ID);
        if (subscription.isPresent()) {
            Request request = find(message, subscription);
            RequestId id = request == null ? null : request.id();
            if (request != null && id != null) {
                request.incoming()
                        .message(new Patch(message)
                                .replace(subscription, id.rawJsonBytes())
                                .toBytes());
            }
            return;
        }
        boolean ofCall = message.knownMethod()
                .filter(McpMethod.NOTIFICATION_MESSAGE::equals)
                .isPresent();
        Request only = ofCall ? onlyOne() : null;
        if (only != null) {
            only.incoming().message(message.body());
        } else {
            listeners.forEach(listener -> listener.message(message.body()));
        }
    }

    private void question(Envelope message) {
        RequestId id = message.id();
        if (id == null) {
            return;
        }
        if (message.knownMethod().filter(McpMethod.PING::equals).isPresent()) {
            pipe.send(utf8("{\"jsonrpc\":\"2.0\",\"id\":" + id.rawJson() + ",\"result\":{}}"));
            return;
        }
        Request only = onlyOne();
        if (only != null) {
            only.incoming().message(message.body());
        } else if (!listeners.isEmpty()) {
            listeners.get(0).message(message.body());
        } else {
            pipe.send(utf8("{\"jsonrpc\":\"2.0\",\"id\":" + id.rawJson() + ",\"error\":{\"code\":"
                    + ErrorCodes.METHOD_NOT_FOUND + ",\"message\":\"Nobody can be asked\"}}"));
        }
    }

    private @Nullable Request onlyOne() {
        Request found = null;
        for (Request request : requests.values()) {
            if (!request.listening()) {
                if (found != null) {
                    return null;
                }
                found = request;
            }
        }
        return found;
    }

    private @Nullable Request find(Envelope message, Span named) {
        Long number = number(message, named);
        return number == null ? null : requests.get(number);
    }

    /** Some servers turn a number into a string; the value decides. */
    private static @Nullable Long number(Envelope message, Span span) {
        if (!span.isPresent() || span.length() > 22) {
            return null;
        }
        String text =
                message.isString(span) ? message.text(span) : message.raw(span).toString();
        try {
            return Long.valueOf(text);
        } catch (NumberFormatException e) {
            return null;
        }
    }

    /** Nothing will come any more: whoever waits is told why. Streams that only listen end. */
    public void broken(BackendFailure why) {
        if (broken.compareAndSet(null, why)) {
            requests.forEach((number, request) -> {
                if (requests.remove(number, request)) {
                    if (request.listening()) {
                        request.incoming().end();
                    } else {
                        request.incoming().fail(why);
                    }
                }
            });
            listeners.forEach(Incoming::end);
            listeners.clear();
        }
    }

    public boolean isBroken() {
        return broken.get() != null;
    }

    /** Line breaks in JSON are white space; a pipe of lines must not see any. */
    private static byte[] oneLine(byte[] json) {
        boolean broken = false;
        for (byte b : json) {
            broken |= b == '\n' || b == '\r';
        }
        if (!broken) {
            return json;
        }
        byte[] line = json.clone();
        for (int i = 0; i < line.length; i++) {
            if (line[i] == '\n' || line[i] == '\r') {
                line[i] = ' ';
            }
        }
        return line;
    }

    private static byte[] ascii(long number) {
        return Long.toString(number).getBytes(StandardCharsets.US_ASCII);
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
