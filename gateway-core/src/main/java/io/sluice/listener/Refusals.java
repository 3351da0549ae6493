package io.sluice.listener;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpMethod;
import io.sluice.protocol.ErrorCodes;
import io.sluice.rejection.Rejection;
import java.nio.charset.StandardCharsets;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Mono;
import reactor.netty.http.server.HttpServerRequest;
import reactor.netty.http.server.HttpServerResponse;
import tools.jackson.core.io.JsonStringEncoder;

/** Writes the listener's own refusals: the status, and a JSON-RPC error without an id for clients that look for one. */
final class Refusals {
    private Refusals() {}

    static Publisher<Void> write(HttpServerRequest request, HttpServerResponse response, Rejection rejection) {
        rejection.headers().forEach(response::header);
        return write(
                request,
                response,
                rejection.status(),
                rejection.code() == 0 ? ErrorCodes.INVALID_REQUEST : rejection.code(),
                rejection.reason(),
                rejection.closesConnection());
    }

    static Publisher<Void> internalError(HttpServerRequest request, HttpServerResponse response) {
        return write(request, response, 500, ErrorCodes.INTERNAL_ERROR, "Internal error", false);
    }

    private static Publisher<Void> write(
            HttpServerRequest request,
            HttpServerResponse response,
            int status,
            int code,
            String reason,
            boolean close) {
        String body = "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":" + code + ",\"message\":\""
                + new String(JsonStringEncoder.getInstance().quoteAsCharArray(reason)) + "\"}}";
        byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
        response.status(status)
                .header(HttpHeaderNames.CONTENT_TYPE, HttpHeaderValues.APPLICATION_JSON)
                .header(HttpHeaderNames.CACHE_CONTROL, HttpHeaderValues.NO_STORE)
                .header(HttpHeaderNames.CONTENT_LENGTH, Integer.toString(bytes.length));
        if (close && !request.version().text().startsWith("HTTP/2")) {
            response.keepAlive(false);
        }
        if (HttpMethod.HEAD.equals(request.method())) {
            return response.send();
        }
        return response.sendObject(Mono.fromSupplier(() -> buffer(bytes)));
    }

    private static ByteBuf buffer(byte[] bytes) {
        return Unpooled.wrappedBuffer(bytes);
    }
}
