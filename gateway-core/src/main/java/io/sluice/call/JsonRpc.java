package io.sluice.call;

import io.netty.buffer.ByteBuf;
import io.sluice.catalog.RenderedList;
import io.sluice.envelope.Json;
import io.sluice.envelope.RequestId;
import io.sluice.protocol.Era;
import io.sluice.protocol.MetaKeys;
import io.sluice.rejection.Rejection;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Writes the JSON-RPC messages that the gateway itself is the author of. */
public final class JsonRpc {
    private static final byte[] HEAD = "{\"jsonrpc\":\"2.0\",\"id\":".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] END = {'}'};
    private static final byte[] RESULT = ",\"result\":".getBytes(StandardCharsets.US_ASCII);

    /** Ours: refused below JSON-RPC, where the HTTP status says what happened. */
    private static final int REFUSED = -31000;

    private JsonRpc() {}

    public static byte[] result(RequestId id, byte[] resultJson) {
        byte[] idJson = id.rawJson().getBytes(StandardCharsets.UTF_8);
        byte[] message = new byte[HEAD.length + idJson.length + RESULT.length + resultJson.length + 1];
        int at = copy(HEAD, message, 0);
        at = copy(idJson, message, at);
        at = copy(RESULT, message, at);
        at = copy(resultJson, message, at);
        message[at] = '}';
        return message;
    }

    /** The answer to a list method, with the life that the list has left now. */
    public static byte[] result(RequestId id, RenderedList list) {
        return list.between(resultHead(id), END);
    }

    /** The same for the wire, where a large list is not copied; to be released by the caller. */
    public static ByteBuf buffer(RequestId id, RenderedList list) {
        return list.bufferBetween(resultHead(id), END);
    }

    /** What stands before the result in the answer to a request; after it comes a brace. */
    public static byte[] resultHead(RequestId id) {
        byte[] idJson = id.rawJsonBytes();
        byte[] head = new byte[HEAD.length + idJson.length + RESULT.length];
        int at = copy(HEAD, head, 0);
        at = copy(idJson, head, at);
        copy(RESULT, head, at);
        return head;
    }

    public static byte[] result(RequestId id, String resultJson) {
        return result(id, resultJson.getBytes(StandardCharsets.UTF_8));
    }

    /** @param dataJson the {@code data} member as JSON, or null for none */
    public static byte[] error(@Nullable RequestId id, int code, String message, @Nullable String dataJson) {
        StringBuilder json = new StringBuilder(160).append("{\"jsonrpc\":\"2.0\"");
        if (id != null) {
            json.append(",\"id\":").append(id.rawJson());
        }
        json.append(",\"error\":{\"code\":")
                .append(code)
                .append(",\"message\":")
                .append(Json.quote(message));
        if (dataJson != null) {
            json.append(",\"data\":").append(dataJson);
        }
        return json.append("}}").toString().getBytes(StandardCharsets.UTF_8);
    }

    /** @param paramsJson the {@code params} object, or null for none */
    public static byte[] notification(String method, @Nullable String paramsJson) {
        String params = paramsJson == null ? "" : ",\"params\":" + paramsJson;
        return ("{\"jsonrpc\":\"2.0\",\"method\":\"" + method + "\"" + params + "}").getBytes(StandardCharsets.UTF_8);
    }

    public static byte[] request(RequestId id, String method, String paramsJson) {
        return ("{\"jsonrpc\":\"2.0\",\"id\":" + id.rawJson() + ",\"method\":\"" + method + "\",\"params\":"
                        + paramsJson + "}")
                .getBytes(StandardCharsets.UTF_8);
    }

    /** A result that tells the model that the tool could not be run. */
    public static byte[] toolFailure(RequestId id, Era era, String text, @Nullable String metaErrorJson) {
        String type = era == Era.MODERN ? "\"resultType\":\"complete\"," : "";
        String meta = metaErrorJson == null ? "" : ",\"_meta\":{\"" + MetaKeys.ERROR + "\":" + metaErrorJson + "}";
        return result(
                id,
                "{" + type + "\"content\":[{\"type\":\"text\",\"text\":" + Json.quote(text) + "}],\"isError\":true"
                        + meta + "}");
    }

    /** The answer that a refusal becomes when it is not a tool call's own business. */
    public static Answer.Message refusal(@Nullable RequestId id, Rejection rejection) {
        int code = rejection.code() == 0 ? REFUSED : rejection.code();
        byte[] json = error(id, code, rejection.reason(), rejection.data().orElse(null));
        Map<String, String> headers = rejection.headers();
        return new Answer.Message(rejection.status(), json, headers, "application/json");
    }

    private static int copy(byte[] from, byte[] to, int at) {
        System.arraycopy(from, 0, to, at, from.length);
        return at + from.length;
    }
}
