package io.sluice.gateway;

import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelPipeline;
import reactor.netty.NettyPipeline;
import reactor.netty.http.server.HttpServerResponse;

/**
 * Handlers that stand in a connection's pipeline for as long as one answer lasts. Whoever adds one removes it when the
 * answer ends, which is also when the connection does: so nothing needs to watch the connection for that, as Reactor
 * Netty's own way of adding a handler does with about 300 bytes for each.
 */
final class StreamHandlers {
    private StreamHandlers() {}

    /** Adds a handler where Reactor Netty would, unless there is one of that name, or the connection is gone. */
    static void add(HttpServerResponse response, String name, ChannelHandler handler) {
        response.withConnection(connection -> {
            ChannelPipeline pipeline = connection.channel().pipeline();
            if (pipeline.get(name) == null && pipeline.get(NettyPipeline.ReactiveBridge) != null) {
                pipeline.addBefore(NettyPipeline.ReactiveBridge, name, handler);
            }
        });
    }

    static void remove(HttpServerResponse response, String name) {
        response.withConnection(connection -> connection.removeHandler(name));
    }
}
