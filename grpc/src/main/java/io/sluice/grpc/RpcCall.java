package io.sluice.grpc;

import com.google.protobuf.Any;
import com.google.protobuf.DynamicMessage;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.util.JsonFormat;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.protobuf.StatusProto;
import io.sluice.adapter.LocalContent.Step;
import io.sluice.protocol.RawJson;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.FluxSink;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * One call of a method, told as steps of a tool call: each message of a stream as progress, and at the end a result. A status other than OK is a result with {@code isError}; only what kept the
 * service from being asked at all is trouble of the backend. Told by one thread at a time.
 */
final class RpcCall extends ClientCall.Listener<DynamicMessage> {
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final int LONGEST_RESULT = 4 << 20;
    private static final int LONGEST_PROGRESS = 16 << 10;
    private static final int LONGEST_DETAIL = 4 << 10;

    private final Rpc rpc;
    private final ClientCall<DynamicMessage, DynamicMessage> call;
    private final JsonFormat.Printer printer;
    private final int most;
    private final FluxSink<Step> sink;
    private final Function<Status, @Nullable Throwable> unreached;
    private final List<String> messages = new ArrayList<>();
    private long length;
    private boolean done;

    /**
     * @param most how many messages of a stream are waited for
     * @param unreached what to fail with when the status means that the service could not be asked, else null
     */
    RpcCall(
            Rpc rpc,
            ClientCall<DynamicMessage, DynamicMessage> call,
            JsonFormat.Printer printer,
            int most,
            FluxSink<Step> sink,
            Function<Status, @Nullable Throwable> unreached) {
        this.rpc = rpc;
        this.call = call;
        this.printer = printer;
        this.most = most;
        this.sink = sink;
        this.unreached = unreached;
    }

    void start(DynamicMessage request, Metadata headers) {
        sink.onCancel(() -> call.cancel("The caller does not wait any more", null));
        call.start(this, headers);
        call.request(rpc.streams() ? 1 : 2); // a second message of a unary call is an error that must be seen
        call.sendMessage(request);
        call.halfClose();
    }

    @Override
    public void onMessage(DynamicMessage message) {
        if (done) {
            return;
        }
        String json;
        try {
            json = printer.print(message);
        } catch (InvalidProtocolBufferException e) {
            // an Any of a type that the service does not describe
            json = JSON.writeValueAsString(JSON.createObjectNode().put("unprintable", String.valueOf(e.getMessage())));
        }
        messages.add(json);
        length += json.length();
        if (!rpc.streams()) {
            return;
        }
        String shown = json.length() > LONGEST_PROGRESS ? json.substring(0, LONGEST_PROGRESS) + "…" : json;
        sink.next(new Step.Progress(messages.size(), null, shown));
        if (messages.size() >= most || length > LONGEST_RESULT) {
            call.cancel("That is enough", null);
            finish(result(true));
        } else {
            call.request(1);
        }
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
        if (done) {
            return;
        }
        if (status.isOk()) {
            finish(length > LONGEST_RESULT ? tooLong() : result(false));
            return;
        }
        Throwable trouble = unreached.apply(status);
        if (trouble != null) {
            done = true;
            sink.error(trouble);
        } else {
            finish(failed(sentence(status, trailers), messages));
        }
    }

    private void finish(Step step) {
        done = true;
        sink.next(step);
        sink.complete();
    }

    private static Step tooLong() {
        return failed("The service answered with more than " + (LONGEST_RESULT >> 20) + " MiB", List.of());
    }

    private Step result(boolean truncated) {
        String json = rpc.streams() ? whole(truncated) : messages.isEmpty() ? "{}" : messages.get(0);
        String text = "{\"content\":[{\"type\":\"text\",\"text\":" + JSON.writeValueAsString(json) + "}]"
                + (rpc.structured() ? ",\"structuredContent\":" + json : "") + "}";
        return new Step.Result(RawJson.of(text.getBytes(StandardCharsets.UTF_8)));
    }

    private String whole(boolean truncated) {
        return "{\"messages\":[" + String.join(",", messages) + "]" + (truncated ? ",\"truncated\":true" : "") + "}";
    }

    /** An error result, with what came before the error. */
    static Step failed(String sentence, List<String> before) {
        ObjectNode result = JSON.createObjectNode();
        ArrayNode content = result.putArray("content");
        content.addObject().put("type", "text").put("text", sentence);
        before.forEach(json -> content.addObject().put("type", "text").put("text", json));
        result.put("isError", true);
        return new Step.Result(RawJson.of(JSON.writeValueAsBytes(result)));
    }

    private String sentence(Status status, Metadata trailers) {
        StringBuilder text = new StringBuilder("The service answered ")
                .append(status.getCode().name());
        String description = status.getDescription();
        if (description != null && !description.isBlank()) {
            text.append(": ").append(description);
        }
        com.google.rpc.Status rich = StatusProto.fromStatusAndTrailers(status, trailers);
        for (Any detail : rich == null ? List.<Any>of() : rich.getDetailsList()) {
            try {
                String json = printer.print(detail);
                if (text.length() + json.length() < LONGEST_DETAIL) {
                    text.append('\n').append(json);
                }
            } catch (InvalidProtocolBufferException e) {
                text.append('\n').append(detail.getTypeUrl());
            }
        }
        return text.toString();
    }
}
