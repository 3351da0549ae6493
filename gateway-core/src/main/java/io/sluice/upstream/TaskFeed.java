package io.sluice.upstream;

import io.sluice.envelope.Envelope;
import io.sluice.envelope.Json;
import io.sluice.envelope.Kind;
import io.sluice.envelope.RequestId;
import io.sluice.protocol.McpMethod;
import io.sluice.protocol.MetaKeys;
import io.sluice.protocol.ProtocolVersion;
import io.sluice.protocol.RawJson;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.util.retry.Retry;

/**
 * Watches some tasks of a modern backend by a {@code subscriptions/listen} of their own: a task has one client, so that
 * there is nothing to share. A stream that ends is opened again.
 */
final class TaskFeed {
    private static final String CAPABILITIES = "{\"extensions\":{\"" + MetaKeys.TASKS_EXTENSION + "\":{}}}";

    private final BackendHttp http;
    private final Set<String> taskIds;
    private final RequestId id;

    TaskFeed(BackendHttp http, Set<String> taskIds, RequestId id) {
        this.http = http;
        this.taskIds = new TreeSet<>(taskIds);
        this.id = id;
    }

    /** Never ends by itself. */
    Flux<TaskNews> news() {
        return Flux.defer(() -> http.send(ask()))
                .flatMap(this::read)
                .concatWith(Mono.error(() -> http.failures().unavailable("it ended its change feed")))
                .retryWhen(Retry.backoff(Long.MAX_VALUE, Duration.ofMillis(250))
                        .maxBackoff(Duration.ofSeconds(15))
                        .scheduler(http.settings().timer())
                        .transientErrors(true));
    }

    private Ask ask() {
        String method = McpMethod.SUBSCRIPTIONS_LISTEN.wire();
        ProtocolVersion version = ProtocolVersion.LATEST_MODERN;
        String filter = taskIds.stream().map(Json::quote).collect(Collectors.joining(",", "\"taskIds\":[", "]"));
        byte[] body = Messages.request(
                id,
                method,
                RawJson.of("{\"notifications\":{" + filter + "},\"_meta\":{\"" + MetaKeys.PROTOCOL_VERSION + "\":\""
                        + version.wire() + "\",\"" + MetaKeys.CLIENT_INFO + "\":"
                        + http.settings().clientInfo() + ",\"" + MetaKeys.CLIENT_CAPABILITIES + "\":" + CAPABILITIES
                        + "}}"));
        return Ask.listen(body);
    }

    private Flux<TaskNews> read(Answer answer) {
        if (!answer.isEventStream()) {
            return answer.refused()
                    .flatMapMany(refused -> Failures.concernsBackend(refused.status())
                            ? Flux.error(http.failures()
                                    .answered(refused, answer.endpoint().url()))
                            : Flux.<TaskNews>just(new TaskNews.Watched(Set.of()))
                                    .concatWith(Flux.never()));
        }
        SseReader reader = new SseReader(http.settings().maxEventBytes());
        return answer.items(reader, () -> false)
                .concatMapIterable(Messages::messagesOf, 1)
                .takeUntil(message -> message.kind() == Kind.RESPONSE)
                .handle((message, sink) -> {
                    McpMethod method = message.knownMethod().orElse(null);
                    if (method == McpMethod.NOTIFICATION_SUBSCRIPTIONS_ACKNOWLEDGED) {
                        sink.next(new TaskNews.Watched(watched(message)));
                    } else if (method == McpMethod.NOTIFICATION_TASKS && message.isString(message.taskId())) {
                        sink.next(new TaskNews.Changed(message.text(message.taskId()), message));
                    }
                });
    }

    private static Set<String> watched(Envelope acknowledgement) {
        Set<String> watched = new HashSet<>();
        acknowledgement
                .elements(acknowledgement.member(acknowledgement.notifications(), "taskIds"))
                .forEach(element -> {
                    if (acknowledgement.isString(element)) {
                        watched.add(acknowledgement.text(element));
                    }
                });
        return watched;
    }
}
