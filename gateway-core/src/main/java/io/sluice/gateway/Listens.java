package io.sluice.gateway;

import io.netty.buffer.Unpooled;
import io.sluice.call.Answer;
import io.sluice.call.Call;
import io.sluice.call.JsonRpc;
import io.sluice.catalog.Changes;
import io.sluice.catalog.Target;
import io.sluice.envelope.Envelope;
import io.sluice.envelope.Json;
import io.sluice.envelope.RequestId;
import io.sluice.envelope.Span;
import io.sluice.protocol.Era;
import io.sluice.protocol.McpMethod;
import io.sluice.protocol.MetaKeys;
import io.sluice.rejection.Rejection;
import io.sluice.session.EventStream;
import io.sluice.upstream.SseWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.StringJoiner;
import java.util.concurrent.ConcurrentHashMap;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * The open {@code subscriptions/listen} streams of modern clients (2026-07-28, <em>Subscriptions</em>). Each begins with the acknowledgement of what is honoured; what follows is merged over
 * all backends of the mount and tagged with the client's own request id.
 */
final class Listens {
    private static final int MAX_URIS = 1000;
    private static final Duration AGREEMENT = Duration.ofSeconds(5);

    private final ResourceUpdates updates;
    private final Set<Listen> open = ConcurrentHashMap.newKeySet();

    Listens(ResourceUpdates updates) {
        this.updates = updates;
    }

    /** One open stream. Identity matters: two listens of one client are two. */
    private static final class Listen {
        private final String mount;
        private final RequestId id;
        private final int lists;
        private final EventStream stream = EventStream.passing("l");
        private final Map<String, Target> uris = new LinkedHashMap<>();

        Listen(String mount, RequestId id, int lists) {
            this.mount = mount;
            this.id = id;
            this.lists = lists;
        }

        String meta() {
            return "\"_meta\":{\"" + MetaKeys.SUBSCRIPTION_ID + "\":" + id.rawJson() + "}";
        }

        void notify(McpMethod method, String membersBefore) {
            stream.publish(JsonRpc.notification(method.wire(), "{" + membersBefore + meta() + "}"));
        }
    }

    /** Equal for one listen and URI, as {@link ResourceUpdates} needs it. */
    private record UriListener(Listen listen, String exposedUri) implements ResourceUpdates.Listener {
        @Override
        public void updated() {
            listen.notify(McpMethod.NOTIFICATION_RESOURCES_UPDATED, "\"uri\":" + Json.quote(exposedUri) + ",");
        }
    }

    Mono<Answer> open(Call call, View view) {
        if (!call.inbound().accept().events() && !call.inbound().accept().wildcard()) {
            throw Rejection.BadHttp.notAcceptable("text/event-stream");
        }
        Envelope envelope = call.envelope();
        Span filter = envelope.notifications();
        if (!filter.isPresent() || !envelope.isObject(filter)) {
            throw new Rejection.InvalidParams("params.notifications is missing or not an object");
        }
        int lists = wanted(call, filter, "toolsListChanged", McpMethod.TOOLS_LIST, ListChanges.TOOLS)
                | wanted(call, filter, "promptsListChanged", McpMethod.PROMPTS_LIST, ListChanges.PROMPTS)
                | wanted(call, filter, "resourcesListChanged", McpMethod.RESOURCES_LIST, ListChanges.RESOURCES);
        Listen listen = new Listen(call.mount().name(), call.id(), lists);
        List<Target> targets = targets(call, filter);
        Flux<EventStream.Item> items = Flux.fromIterable(targets)
                .flatMap(target -> updates.add(
                                view.upstream(target.backend()),
                                target.originalName(),
                                new UriListener(listen, target.exposedName()))
                        .timeout(AGREEMENT)
                        .thenReturn(target)
                        .onErrorResume(e -> Mono.empty()))
                .collectList()
                .doOnNext(agreed -> begin(listen, agreed))
                .thenMany(Flux.defer(() -> listen.stream.read(0, null, item -> item)))
                .doFinally(signal -> end(listen, targets));
        return Mono.just(new Answer.Events(items.map(Listens::frame)));
    }

    private static io.netty.buffer.ByteBuf frame(EventStream.Item item) {
        byte[] data = item.data();
        return Unpooled.wrappedBuffer(data == null ? SseWriter.comment() : SseWriter.event(null, data));
    }

    private static int wanted(Call call, Span filter, String key, McpMethod list, int bit) {
        Envelope envelope = call.envelope();
        Span value = envelope.member(filter, key);
        boolean asked = value.isPresent() && envelope.raw(value).toString().equals("true");
        return asked && call.mount().offers(list, Era.MODERN) ? bit : 0;
    }

    private static List<Target> targets(Call call, Span filter) {
        Envelope envelope = call.envelope();
        Span uris = envelope.member(filter, "resourceSubscriptions");
        List<Target> targets = new ArrayList<>();
        if (!uris.isPresent()) {
            return targets;
        }
        if (!envelope.isArray(uris)) {
            throw new Rejection.InvalidParams("params.notifications.resourceSubscriptions must be an array of URIs");
        }
        List<Span> elements = envelope.elements(uris);
        if (elements.size() > MAX_URIS) {
            throw new Rejection.InvalidParams("params.notifications.resourceSubscriptions holds " + elements.size()
                    + " URIs; at most " + MAX_URIS + " fit into one stream");
        }
        for (Span element : elements) {
            if (!envelope.isString(element)) {
                throw new Rejection.InvalidParams(
                        "params.notifications.resourceSubscriptions must be an array of URIs");
            }
            call.mount().resource(envelope.text(element)).ifPresent(targets::add);
        }
        return targets;
    }

    private void begin(Listen listen, List<Target> agreed) {
        agreed.forEach(target -> listen.uris.put(target.exposedName(), target));
        StringJoiner honoured = new StringJoiner(",", "{", "}");
        if ((listen.lists & ListChanges.TOOLS) != 0) {
            honoured.add("\"toolsListChanged\":true");
        }
        if ((listen.lists & ListChanges.PROMPTS) != 0) {
            honoured.add("\"promptsListChanged\":true");
        }
        if ((listen.lists & ListChanges.RESOURCES) != 0) {
            honoured.add("\"resourcesListChanged\":true");
        }
        if (!agreed.isEmpty()) {
            StringJoiner uris = new StringJoiner(",", "\"resourceSubscriptions\":[", "]");
            listen.uris.keySet().forEach(uri -> uris.add(Json.quote(uri)));
            honoured.add(uris.toString());
        }
        listen.notify(McpMethod.NOTIFICATION_SUBSCRIPTIONS_ACKNOWLEDGED, "\"notifications\":" + honoured + ",");
        open.add(listen);
    }

    private void end(Listen listen, List<Target> targets) {
        open.remove(listen);
        for (Target target : targets) {
            updates.remove(target.backend(), target.originalName(), new UriListener(listen, target.exposedName()))
                    .onErrorComplete()
                    .subscribe();
        }
    }

    /** Tells every stream which of its mount's lists changed. */
    void listsChanged(Changes changes) {
        for (Listen listen : open) {
            int bits = ListChanges.bits(changes.of(listen.mount)) & listen.lists;
            ListChanges.notifications(bits).forEach(method -> listen.notify(method, ""));
        }
    }

    void heartbeat() {
        open.forEach(listen -> listen.stream.heartbeat());
    }

    int count() {
        return open.size();
    }

    /** Ends every stream with the response that says the gateway did so on purpose. */
    void close() {
        for (Listen listen : open) {
            listen.stream.publish(JsonRpc.result(listen.id, "{\"resultType\":\"complete\"," + listen.meta() + "}"));
            listen.stream.complete();
        }
    }
}
