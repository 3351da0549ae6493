package io.sluice.adapter;

import io.sluice.adapter.LocalContent.Offering;
import io.sluice.adapter.LocalContent.Step;
import io.sluice.envelope.Envelope;
import io.sluice.envelope.Json;
import io.sluice.envelope.Kind;
import io.sluice.envelope.RequestId;
import io.sluice.envelope.Span;
import io.sluice.protocol.Era;
import io.sluice.protocol.ErrorCodes;
import io.sluice.protocol.McpMethod;
import io.sluice.protocol.MetaKeys;
import io.sluice.protocol.ProtocolVersion;
import io.sluice.protocol.RawJson;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/**
 * An MCP server that is code in this process. It answers the handshakes, lists, pings and feeds of both eras out of a {@link LocalContent}, keeps no sessions, and leaves the calls to the content.
 */
public final class LocalServer implements Adapter {
    private static final byte[] EMPTY_RESULT = "{}".getBytes(StandardCharsets.US_ASCII);

    private final LocalContent content;

    /** Legacy calls under way, by the id their session gave them: what {@code notifications/cancelled} names. */
    private final Map<RequestId, Sinks.Empty<Void>> running = new ConcurrentHashMap<>();

    public LocalServer(LocalContent content) {
        this.content = content;
    }

    @Override
    public Mono<Outcome> post(Post post) {
        Envelope message = post.message();
        if (message.kind() != Kind.REQUEST) {
            if (message.knownMethod()
                    .filter(McpMethod.NOTIFICATION_CANCELLED::equals)
                    .isPresent()) {
                message.requestIdAt(message.requestId()).map(running::get).ifPresent(Sinks.Empty::tryEmitEmpty);
            }
            return Mono.just(Outcome.Accepted.INSTANCE);
        }
        boolean modern = message.metaProtocolVersion().isPresent();
        RequestId id = message.id();
        McpMethod method = message.knownMethod().orElse(null);
        if (id == null || method == null) {
            return Mono.just(error(message, ErrorCodes.METHOD_NOT_FOUND, "Method not found: " + message.method()));
        }
        return switch (method) {
            case DISCOVER -> content.offering().map(offering -> result(message, discovered(offering)));
            case INITIALIZE -> content.offering().map(offering -> result(message, initialized(message, offering)));
            case PING, LOGGING_SET_LEVEL -> Mono.just(result(message, utf8("{}")));
            case TOOLS_LIST -> list(message, modern, "tools");
            case PROMPTS_LIST -> list(message, modern, "prompts");
            case RESOURCES_LIST -> list(message, modern, "resources");
            case RESOURCE_TEMPLATES_LIST -> list(message, modern, "resourceTemplates");
            case SUBSCRIPTIONS_LISTEN -> Mono.just(new Outcome.Messages(listening(message)));
            case TOOLS_CALL, PROMPTS_GET, RESOURCES_READ, COMPLETION_COMPLETE ->
                call(
                        post,
                        new LocalContent.Asked(method, message, modern ? Era.MODERN : Era.LEGACY, post.traceparent()));
            default -> Mono.just(error(message, ErrorCodes.METHOD_NOT_FOUND, "Method not found: " + message.method()));
        };
    }

    @Override
    public Mono<Outcome> stream(@Nullable String session) {
        return Mono.just(new Outcome.Messages(content.changes().concatMapIterable(LocalServer::listChanges)));
    }

    @Override
    public Optional<String> remarks() {
        return content.remarks();
    }

    @Override
    public Mono<Void> close() {
        return content.close();
    }

    private static List<byte[]> listChanges(Offering ignored) {
        return List.of(
                utf8("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}"),
                utf8("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/prompts/list_changed\"}"),
                utf8("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/resources/list_changed\"}"));
    }

    // ---- handshakes and lists

    private static byte[] discovered(Offering offering) {
        String versions =
                ProtocolVersion.supported().stream().map(Json::quote).collect(Collectors.joining(",", "[", "]"));
        return utf8("{\"resultType\":\"complete\",\"supportedVersions\":" + versions + ",\"capabilities\":"
                + capabilities(offering) + instructions(offering)
                + ",\"ttlMs\":0,\"cacheScope\":\"public\",\"_meta\":{\"" + MetaKeys.SERVER_INFO
                + "\":" + offering.serverInfo() + "}}");
    }

    private static byte[] initialized(Envelope request, Offering offering) {
        ProtocolVersion version = Optional.of(request.protocolVersion())
                .filter(request::isString)
                .flatMap(span -> ProtocolVersion.of(request.text(span)))
                .filter(known -> known.era() == Era.LEGACY)
                .orElse(ProtocolVersion.LATEST_LEGACY);
        return utf8("{\"protocolVersion\":\"" + version.wire() + "\",\"capabilities\":" + capabilities(offering)
                + ",\"serverInfo\":" + offering.serverInfo() + instructions(offering) + "}");
    }

    private static String instructions(Offering offering) {
        String text = offering.instructions();
        return text == null ? "" : ",\"instructions\":" + Json.quote(text);
    }

    private static String capabilities(Offering offering) {
        StringBuilder all = new StringBuilder("{\"tools\":{\"listChanged\":true}");
        if (!offering.prompts().isEmpty()) {
            all.append(",\"prompts\":{\"listChanged\":true}");
        }
        if (!offering.resources().isEmpty() || !offering.resourceTemplates().isEmpty()) {
            all.append(",\"resources\":{\"listChanged\":true}");
        }
        return all.append('}').toString();
    }

    private Mono<Outcome> list(Envelope request, boolean modern, String member) {
        return content.offering().map(offering -> {
            List<RawJson> definitions = switch (member) {
                case "tools" -> offering.tools();
                case "prompts" -> offering.prompts();
                case "resources" -> offering.resources();
                default -> offering.resourceTemplates();
            };
            StringBuilder json = new StringBuilder("{\"").append(member).append("\":[");
            for (int i = 0; i < definitions.size(); i++) {
                json.append(i == 0 ? "" : ",").append(definitions.get(i));
            }
            json.append(']');
            if (modern) {
                json.append(",\"resultType\":\"complete\",\"ttlMs\":0,\"cacheScope\":\"public\"");
            }
            return result(request, utf8(json.append('}').toString()));
        });
    }

    /** A modern listen stream: its acknowledgement, then whatever changes of what it asked for. */
    private Flux<byte[]> listening(Envelope request) {
        Span wanted = request.notifications();
        String id = request.raw(request.idSpan()).toString();
        String meta = "\"_meta\":{\"" + MetaKeys.SUBSCRIPTION_ID + "\":" + id + "}";
        List<String> kinds = List.of("tools", "prompts", "resources").stream()
                .filter(kind -> isTrue(request, request.member(wanted, kind + "ListChanged")))
                .toList();
        String honoured =
                kinds.stream().map(kind -> "\"" + kind + "ListChanged\":true").collect(Collectors.joining(","));
        byte[] acknowledged = utf8("{\"jsonrpc\":\"2.0\",\"method\":\""
                + McpMethod.NOTIFICATION_SUBSCRIPTIONS_ACKNOWLEDGED.wire() + "\",\"params\":{\"notifications\":{"
                + honoured + "}," + meta + "}}");
        return Flux.just(acknowledged)
                .concatWith(content.changes()
                        .concatMapIterable(changed -> kinds.stream()
                                .map(kind -> utf8("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/" + kind
                                        + "/list_changed\",\"params\":{" + meta + "}}"))
                                .toList()));
    }

    private static boolean isTrue(Envelope message, Span value) {
        return value.isPresent() && message.body()[value.start()] == 't';
    }

    // ---- calls

    private Mono<Outcome> call(Post post, LocalContent.Asked asked) {
        Envelope request = post.message();
        RequestId id = request.id();
        if (id == null || asked.era() == Era.MODERN) {
            return outcome(asked, content.perform(asked));
        }
        Sinks.Empty<Void> cancelled = Sinks.empty();
        running.put(id, cancelled);
        return outcome(
                asked,
                content.perform(asked)
                        .takeUntilOther(cancelled.asMono())
                        .doFinally(signal -> running.remove(id, cancelled)));
    }

    private static Mono<Outcome> outcome(LocalContent.Asked asked, Flux<Step> steps) {
        return Mono.defer(() -> {
            Disposable.Swap work = Disposables.swap();
            Incoming incoming = new Incoming(work::dispose);
            Span token = asked.request().metaProgressToken();
            work.update(steps.subscribe(
                    step -> {
                        if (!(step instanceof Step.Progress)) {
                            incoming.response(message(asked, token, step), null);
                        } else if (token.isPresent()) {
                            incoming.message(message(asked, token, step));
                        }
                    },
                    incoming::fail,
                    incoming::end));
            return incoming.outcome();
        });
    }

    private static byte[] message(LocalContent.Asked asked, Span token, Step step) {
        Envelope request = asked.request();
        if (step instanceof Step.Progress progress) {
            Double total = progress.total();
            String text = progress.message();
            return utf8("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":"
                    + request.raw(token) + ",\"progress\":" + number(progress.progress())
                    + (total == null ? "" : ",\"total\":" + number(total))
                    + (text == null ? "" : ",\"message\":" + Json.quote(text)) + "}}");
        }
        if (step instanceof Step.Refusal refusal) {
            return errorJson(request, refusal.code(), refusal.message());
        }
        RawJson result = ((Step.Result) step).json();
        return resultJson(request, asked.era() == Era.MODERN ? modern(asked.method(), result) : result.bytes());
    }

    private static String number(double value) {
        return value == Math.rint(value) && Math.abs(value) < 1e15
                ? Long.toString((long) value)
                : Double.toString(value);
    }

    private static byte[] modern(McpMethod method, RawJson result) {
        String text = result.toString();
        String members = "\"resultType\":\"complete\""
                + (method == McpMethod.RESOURCES_READ ? ",\"ttlMs\":0,\"cacheScope\":\"private\"" : "");
        boolean empty = text.substring(1).stripLeading().startsWith("}");
        return utf8("{" + members + (empty ? "" : ",") + text.substring(1));
    }

    // ---- messages

    private static Outcome result(Envelope request, byte[] result) {
        return Outcome.Message.of(resultJson(request, result));
    }

    private static Outcome error(Envelope request, int code, String message) {
        return Outcome.Message.of(errorJson(request, code, message));
    }

    private static byte[] resultJson(Envelope request, byte[] result) {
        byte[] head = utf8("{\"jsonrpc\":\"2.0\",\"id\":" + request.raw(request.idSpan()) + ",\"result\":");
        byte[] value = result.length == 0 ? EMPTY_RESULT : result;
        byte[] whole = new byte[head.length + value.length + 1];
        System.arraycopy(head, 0, whole, 0, head.length);
        System.arraycopy(value, 0, whole, head.length, value.length);
        whole[whole.length - 1] = '}';
        return whole;
    }

    private static byte[] errorJson(Envelope request, int code, String message) {
        return utf8("{\"jsonrpc\":\"2.0\",\"id\":" + request.raw(request.idSpan()) + ",\"error\":{\"code\":" + code
                + ",\"message\":" + Json.quote(message) + "}}");
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
