package io.sluice.upstream;

import io.sluice.envelope.Envelope;
import io.sluice.envelope.Json;
import io.sluice.envelope.Kind;
import io.sluice.envelope.MessageReader;
import io.sluice.envelope.RequestId;
import io.sluice.protocol.ClientFeatures;
import io.sluice.protocol.MetaKeys;
import io.sluice.protocol.ProtocolVersion;
import io.sluice.protocol.RawJson;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** The JSON-RPC messages that the gateway writes to a backend for itself, and the reading of what answers them. */
final class Messages {
    private static final byte[] WRAP_START = "{\"result\":".getBytes(StandardCharsets.US_ASCII);

    private Messages() {}

    static byte[] request(RequestId id, String method, @Nullable RawJson params) {
        return utf8("{\"jsonrpc\":\"2.0\",\"id\":" + id.rawJson() + ",\"method\":" + Json.quote(method)
                + (params == null ? "" : ",\"params\":" + params) + "}");
    }

    static byte[] notification(String method, @Nullable RawJson params) {
        return utf8("{\"jsonrpc\":\"2.0\",\"method\":" + Json.quote(method)
                + (params == null ? "" : ",\"params\":" + params) + "}");
    }

    static byte[] emptyResult(RequestId id) {
        return utf8("{\"jsonrpc\":\"2.0\",\"id\":" + id.rawJson() + ",\"result\":{}}");
    }

    static byte[] error(RequestId id, int code, String message) {
        return utf8("{\"jsonrpc\":\"2.0\",\"id\":" + id.rawJson() + ",\"error\":{\"code\":" + code + ",\"message\":"
                + Json.quote(message) + "}}");
    }

    static RawJson initializeParams(ProtocolVersion version, ClientFeatures features, RawJson clientInfo) {
        return RawJson.of("{\"protocolVersion\":\"" + version.wire() + "\",\"capabilities\":" + features.toJson(version)
                + ",\"clientInfo\":" + clientInfo + "}");
    }

    /** The envelope of a modern request of the gateway's own, with further members of {@code params} before it. */
    static RawJson modernParams(String members, ProtocolVersion version, RawJson clientInfo) {
        return RawJson.of("{" + members + (members.isEmpty() ? "" : ",") + "\"_meta\":{\"" + MetaKeys.PROTOCOL_VERSION
                + "\":\"" + version.wire() + "\",\"" + MetaKeys.CLIENT_INFO + "\":" + clientInfo + ",\""
                + MetaKeys.CLIENT_CAPABILITIES + "\":{}}}");
    }

    /** The response in an answer, whether it comes as JSON or on an event stream; empty when there is none. */
    static Mono<Envelope> response(Answer answer, UpstreamSettings settings) {
        if (answer.isEventStream()) {
            SseReader reader = new SseReader(settings.maxEventBytes());
            boolean[] answered = new boolean[1];
            return answer.items(reader, () -> answered[0])
                    .concatMapIterable(Messages::messagesOf, 1)
                    .filter(message -> message.kind() == Kind.RESPONSE)
                    .doOnNext(ignored -> answered[0] = true)
                    .next();
        }
        return answer.bytes(settings.maxReplyBytes())
                .flatMapMany(body -> Flux.fromIterable(split(body)))
                .filter(message -> message.kind() == Kind.RESPONSE)
                .next();
    }

    static List<Envelope> messagesOf(SseItem item) {
        if (item instanceof SseItem.Dispatched event
                && event.data() != null
                && (event.type().isEmpty() || event.type().equals("message"))) {
            return split(event.data());
        }
        return List.of();
    }

    /** The messages in a text: one, or those of a batch (2025-03-26). What is none is left out. */
    static List<Envelope> split(byte[] json) {
        int first = 0;
        while (first < json.length && json[first] <= ' ' && json[first] >= 0) {
            first++;
        }
        if (first == json.length || json[first] != '[') {
            return MessageReader.read(json).map(List::of).orElse(List.of());
        }
        byte[] wrapped = new byte[WRAP_START.length + json.length + 1];
        System.arraycopy(WRAP_START, 0, wrapped, 0, WRAP_START.length);
        System.arraycopy(json, 0, wrapped, WRAP_START.length, json.length);
        wrapped[wrapped.length - 1] = '}';
        return MessageReader.read(wrapped)
                .map(batch -> batch.elements(batch.result()).stream()
                        .map(span -> MessageReader.read(batch.raw(span).bytes()))
                        .flatMap(java.util.Optional::stream)
                        .toList())
                .orElse(List.of());
    }

    /** An object that came as the value of some member, ready to be looked into. */
    static Envelope opened(RawJson value) {
        return MessageReader.read(utf8("{\"result\":" + value + "}"))
                .orElseThrow(() -> new IllegalArgumentException("not JSON: " + value));
    }

    static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
