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
import io.sluice.upstream.TaskNews;
import io.sluice.upstream.Upstream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.StringJoiner;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/**
 * The open {@code subscriptions/listen} streams of modern clients (2026-07-28, <em>Subscriptions</em>). Each begins
 * with the acknowledgement of what is honoured; what follows is merged over
 * all backends of the mount and tagged with the client's own request id.
 */
final class Listens {
    private static final int MAX_URIS = 1000;
    private static final int MAX_TASKS = 100;
    private static final Duration AGREEMENT = Duration.ofSeconds(5);

    private final ResourceUpdates updates;
    private final TaskIds tasks;
    private final Set<Listen> open = ConcurrentHashMap.newKeySet();

    Listens(ResourceUpdates updates, TaskIds tasks) {
        this.updates = updates;
        this.tasks = tasks;
    }

    /**
     * One open stream. Identity matters: two listens of one client are two. What happens before the acknowledgement
     * waits for it; that, and nothing else, is guarded by the monitor.
     */
    private static final class Listen {
        private final String mount;
        private final RequestId id;
        private final int lists;
        private final EventStream stream = EventStream.passing("l");
        private final Disposable.Composite feeds = Disposables.composite();
        private Set<String> early = Set.of();
        private List<byte[]> earlyTasks = List.of();
        private int earlyLists;
        private volatile @Nullable Set<String> honoured;

        Listen(String mount, RequestId id, int lists) {
            this.mount = mount;
            this.id = id;
            this.lists = lists;
        }

        String meta() {
            return "\"_meta\":{\"" + MetaKeys.SUBSCRIPTION_ID + "\":" + id.rawJson() + "}";
        }

        private void notify(McpMethod method, String membersBefore) {
            stream.publish(JsonRpc.notification(method.wire(), "{" + membersBefore + meta() + "}"));
        }

        /** Says what is honoured, and then what has happened meanwhile. Only the first time. */
        synchronized void acknowledge(Set<String> uris, Set<String> taskNames) {
            if (honoured != null) {
                return;
            }
            StringJoiner filter = new StringJoiner(",", "{", "}");
            if ((lists & ListChanges.TOOLS) != 0) {
                filter.add("\"toolsListChanged\":true");
            }
            if ((lists & ListChanges.PROMPTS) != 0) {
                filter.add("\"promptsListChanged\":true");
            }
            if ((lists & ListChanges.RESOURCES) != 0) {
                filter.add("\"resourcesListChanged\":true");
            }
            if (!uris.isEmpty()) {
                filter.add(array("resourceSubscriptions", uris));
            }
            if (!taskNames.isEmpty()) {
                filter.add(array("taskIds", taskNames));
            }
            notify(McpMethod.NOTIFICATION_SUBSCRIPTIONS_ACKNOWLEDGED, "\"notifications\":" + filter + ",");
            honoured = uris;
            listsChanged(earlyLists);
            early.forEach(this::updated);
            early = Set.of();
            earlyTasks.forEach(stream::publish);
            earlyTasks = List.of();
        }

        private static String array(String member, Set<String> texts) {
            StringJoiner array = new StringJoiner(",", "\"" + member + "\":[", "]");
            texts.forEach(text -> array.add(Json.quote(text)));
            return array.toString();
        }

        /** @param members what describes the task, without braces */
        synchronized void taskChanged(String members) {
            byte[] json = JsonRpc.notification(McpMethod.NOTIFICATION_TASKS.wire(), "{" + members + "," + meta() + "}");
            if (honoured == null) {
                earlyTasks = earlyTasks.isEmpty() ? new ArrayList<>() : earlyTasks;
                earlyTasks.add(json);
            } else {
                stream.publish(json);
            }
        }

        void listsChanged(int bits) {
            if (honoured == null) {
                synchronized (this) {
                    if (honoured == null) {
                        earlyLists |= bits;
                        return;
                    }
                }
            }
            ListChanges.notifications(bits & lists).forEach(method -> notify(method, ""));
        }

        void updated(String uri) {
            Set<String> agreed = honoured;
            if (agreed == null) {
                synchronized (this) {
                    agreed = honoured;
                    if (agreed == null) {
                        early = early.isEmpty() ? new LinkedHashSet<>() : early;
                        early.add(uri);
                        return;
                    }
                }
            }
            if (agreed.contains(uri)) {
                notify(McpMethod.NOTIFICATION_RESOURCES_UPDATED, "\"uri\":" + Json.quote(uri) + ",");
            }
        }
    }

    /** Equal for one listen and URI, as {@link ResourceUpdates} needs it. */
    private record UriListener(Listen listen, String exposedUri) implements ResourceUpdates.Listener {
        @Override
        public void updated() {
            listen.updated(exposedUri);
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
        Map<String, Target> targets = targets(call, filter);
        Map<String, Map<String, String>> watched = watched(call, filter);
        Flux<EventStream.Item> items = targets.isEmpty() && watched.isEmpty()
                ? Flux.defer(() -> begin(listen))
                : agreed(listen, targets, watched, view.ways());
        return Mono.just(new Answer.Events(items.map(Listens::frame).doFinally(signal -> end(listen, targets))));
    }

    /** A stream that waits for no backend. What is held here is held for as long as the client listens: it is little. */
    private Flux<EventStream.Item> begin(Listen listen) {
        open.add(listen);
        listen.acknowledge(Set.of(), Set.of());
        return listen.stream.read(0, null, item -> item);
    }

    private Flux<EventStream.Item> agreed(
            Listen listen, Map<String, Target> targets, Map<String, Map<String, String>> watched, View view) {
        return Flux.defer(() -> {
                    open.add(listen);
                    return Flux.fromIterable(targets.entrySet());
                })
                .flatMap(asked -> agree(listen, asked.getKey(), asked.getValue(), view))
                .collect(LinkedHashSet<String>::new, Set::add)
                .zipWith(watch(listen, watched, view), (uris, names) -> {
                    listen.acknowledge(uris, names);
                    return true;
                })
                .thenMany(Flux.defer(() -> listen.stream.read(0, null, item -> item)));
    }

    /** The URI, once its backend has agreed to report its changes; nothing when it does not, or takes too long. */
    private Mono<String> agree(Listen listen, String uri, Target target, View view) {
        return Mono.defer(() -> updates.add(
                        view.upstream(target.backend()), target.originalName(), new UriListener(listen, uri)))
                .timeout(AGREEMENT)
                .thenReturn(uri)
                .onErrorResume(refused -> Mono.empty());
    }

    /** The tasks of the filter, by backend: the backend's id, and the name that the client knows. What names none of its tasks is not honoured. */
    private Map<String, Map<String, String>> watched(Call call, Span filter) {
        Envelope envelope = call.envelope();
        Span names = envelope.member(filter, "taskIds");
        if (!names.isPresent() || !call.mount().offers(McpMethod.TASKS_GET, Era.MODERN)) {
            return Map.of();
        }
        Map<String, Map<String, String>> watched = new LinkedHashMap<>();
        TaskIds.requireDeclared(envelope);
        List<Span> elements = envelope.elements(names);
        if (!envelope.isArray(names) || elements.size() > MAX_TASKS) {
            throw new Rejection.InvalidParams(
                    "params.notifications.taskIds must be an array of at most " + MAX_TASKS + " task ids");
        }
        TaskIds.Holder holder = TaskIds.Holder.of(call);
        for (Span element : elements) {
            String name = envelope.isString(element) ? envelope.text(element) : "";
            tasks.find(holder, name)
                    .filter(task -> call.mount().contribution(task.backend()).isPresent())
                    .ifPresent(task -> watched.computeIfAbsent(task.backend(), backend -> new LinkedHashMap<>())
                            .put(task.taskId(), name));
        }
        return watched;
    }

    /** The names of those tasks whose backends have agreed to tell of them. */
    private static Mono<Set<String>> watch(Listen listen, Map<String, Map<String, String>> watched, View view) {
        return Flux.fromIterable(watched.entrySet())
                .flatMap(at -> watch(listen, at.getKey(), at.getValue(), view))
                .collect(LinkedHashSet<String>::new, Set::addAll);
    }

    private static Mono<Set<String>> watch(Listen listen, String backend, Map<String, String> names, View view) {
        return Mono.defer(() -> {
                    Upstream upstream = view.upstream(backend);
                    Sinks.One<Set<String>> agreed = Sinks.one();
                    listen.feeds.add(upstream.tasks(names.keySet())
                            .concatMap(news -> hear(upstream, names, news, agreed))
                            .subscribe(listen::taskChanged, agreed::tryEmitError));
                    return agreed.asMono();
                })
                .timeout(AGREEMENT)
                .onErrorReturn(Set.of());
    }

    /** What is to be told of a task, if anything. */
    private static Mono<String> hear(
            Upstream upstream, Map<String, String> names, TaskNews news, Sinks.One<Set<String>> agreed) {
        if (news instanceof TaskNews.Watched watched) {
            Set<String> known = new LinkedHashSet<>();
            watched.taskIds().forEach(id -> Optional.ofNullable(names.get(id)).ifPresent(known::add));
            agreed.tryEmitValue(known);
            return Mono.empty();
        }
        TaskNews.Changed changed = (TaskNews.Changed) news;
        String name = names.get(changed.taskId());
        if (name == null) {
            return Mono.empty();
        }
        Envelope message = changed.notification();
        return message.knownMethod().orElse(null) == McpMethod.NOTIFICATION_TASKS
                ? Mono.just(described(message, name))
                : TaskTranslation.describe(upstream, changed.taskId(), name);
    }

    /** The members of a notification's parameters, under the client's name and without the backend's metadata. */
    private static String described(Envelope message, String name) {
        StringJoiner members = new StringJoiner(",");
        message.members(message.params()).forEach((key, value) -> {
            if (key.equals("taskId")) {
                members.add("\"taskId\":" + Json.quote(name));
            } else if (!key.equals("_meta")) {
                members.add(Json.quote(key) + ":" + message.raw(value));
            }
        });
        return members.toString();
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

    /** What each URI of the filter leads to, in the order asked for. What leads nowhere is not honoured. */
    private static Map<String, Target> targets(Call call, Span filter) {
        Envelope envelope = call.envelope();
        Span uris = envelope.member(filter, "resourceSubscriptions");
        if (!uris.isPresent()) {
            return Map.of();
        }
        Map<String, Target> targets = new LinkedHashMap<>();
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
            String uri = envelope.text(element);
            call.mount().resource(uri).ifPresent(target -> targets.put(uri, target));
        }
        return targets;
    }

    private void end(Listen listen, Map<String, Target> targets) {
        open.remove(listen);
        listen.feeds.dispose();
        targets.forEach(
                (uri, target) -> updates.remove(target.backend(), target.originalName(), new UriListener(listen, uri))
                        .onErrorComplete()
                        .subscribe());
    }

    /** Tells every stream which of its mount's lists changed. */
    void listsChanged(Changes changes) {
        open.forEach(listen -> listen.listsChanged(ListChanges.bits(changes.of(listen.mount))));
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
            listen.acknowledge(Set.of(), Set.of());
            listen.stream.publish(JsonRpc.result(listen.id, "{\"resultType\":\"complete\"," + listen.meta() + "}"));
            listen.stream.complete();
        }
    }
}
