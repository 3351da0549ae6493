package io.sluice.upstream;

import io.sluice.envelope.Envelope;
import io.sluice.envelope.Json;
import io.sluice.envelope.Kind;
import io.sluice.protocol.McpMethod;
import io.sluice.protocol.RawJson;
import io.sluice.rejection.Rejection;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** A legacy backend's feed: the GET stream of its shared session, and {@code resources/subscribe} on it. */
final class SessionFeed implements Feed, GetStream.Listener {
    private static final Logger log = LoggerFactory.getLogger(SessionFeed.class);

    private final LegacySession session;
    private final Consumer<Signal> signals;
    private final Set<String> uris = ConcurrentHashMap.newKeySet();
    private volatile boolean open;
    private final AtomicBoolean started = new AtomicBoolean();

    SessionFeed(LegacySession session, Consumer<Signal> signals) {
        this.session = session;
        this.signals = signals;
    }

    @Override
    public void start() {
        if (started.compareAndSet(false, true)) {
            session.listen(this);
        }
    }

    @Override
    public Mono<Void> add(String uri) {
        return Mono.defer(() -> {
            start();
            uris.add(uri);
            return ask(McpMethod.RESOURCES_SUBSCRIBE, uri).doOnError(ignored -> uris.remove(uri));
        });
    }

    @Override
    public Mono<Void> remove(String uri) {
        return Mono.defer(() -> {
            uris.remove(uri);
            return ask(McpMethod.RESOURCES_UNSUBSCRIBE, uri);
        });
    }

    private Mono<Void> ask(McpMethod method, String uri) {
        return session.call(method.wire(), uriParams(uri))
                .flatMap(reply -> Replies.response(reply, session.http()))
                .flatMap(message ->
                        message.error().isPresent() ? Mono.error(refusal(method, uri, message)) : Mono.<Void>empty());
    }

    private Rejection refusal(McpMethod method, String uri, Envelope message) {
        String said = Failures.errorMessage(message.body()).orElse("no reason given");
        return Probe.code(message) == io.sluice.protocol.ErrorCodes.METHOD_NOT_FOUND
                ? new Rejection.MethodNotFound(method.wire(), false)
                : new Rejection.InvalidParams("Backend '"
                        + session.http().backend().name() + "' refused " + method.wire() + " of " + uri + ": " + said);
    }

    /** Subscribes again to everything; what changed meanwhile nobody has reported. */
    @Override
    public void onRenewed() {
        if (uris.isEmpty()) {
            return;
        }
        Flux.fromIterable(Set.copyOf(uris))
                .concatMap(uri -> ask(McpMethod.RESOURCES_SUBSCRIBE, uri)
                        .doOnError(e -> log.warn(
                                "Backend '{}' did not take a subscription up again: {}",
                                session.http().backend().name(),
                                e.getMessage()))
                        .onErrorComplete())
                .subscribe(ignored -> {}, ignored -> {}, this::mayHaveChanged);
    }

    private void mayHaveChanged() {
        uris.forEach(uri -> signals.accept(new Signal.ResourceUpdated(uri, uriParams(uri))));
    }

    private static RawJson uriParams(String uri) {
        return RawJson.of("{\"uri\":" + Json.quote(uri) + "}");
    }

    @Override
    public void onOpen(boolean first, boolean gapless) {
        open = true;
        if (!first && !gapless) {
            // Nobody listened for a while, so anything may have changed (2026-07-28 says the same of listen streams).
            signals.accept(new Signal.ToolsChanged());
            signals.accept(new Signal.PromptsChanged());
            signals.accept(new Signal.ResourcesChanged());
            mayHaveChanged();
        }
    }

    @Override
    public void onMessage(Envelope message) {
        if (message.kind() == Kind.REQUEST) {
            session.decline(message);
            return;
        }
        Signals.of(message).ifPresent(signals);
    }

    @Override
    public void onBroken() {
        open = false;
    }

    @Override
    public void onClosed() {
        open = false;
    }

    @Override
    public boolean isOpen() {
        return open;
    }

    /** The stream belongs to the session and ends with it. */
    @Override
    public void close() {}
}
