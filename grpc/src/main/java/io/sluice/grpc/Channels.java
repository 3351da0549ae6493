package io.sluice.grpc;

import io.grpc.ConnectivityState;
import io.grpc.ManagedChannel;
import io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.NettyChannelBuilder;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFactory;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.socket.SocketChannel;
import io.sluice.adapter.GrpcSettings;
import io.sluice.adapter.Part;
import io.sluice.egress.EgressClient;
import io.sluice.registry.Backend;
import io.sluice.registry.Endpoint;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/**
 * The channels to the endpoints of one backend. A connection is made by a Netty channel whose first handler is the {@link EgressClient#gate}, whatever resolves the name before it; there is no proxy,
 * no configuration out of the DNS and no name but one of the DNS, so nothing is dialled past it.
 */
final class Channels {
    private static final int CONNECT_TIMEOUT_MILLIS = 10_000;
    private static final int MOST_METADATA_BYTES = 16 << 10;
    private static final long CLOSING_SECONDS = 3;

    private final List<ManagedChannel> channels = new ArrayList<>();
    private final AtomicInteger turn = new AtomicInteger();

    /** Connects to nothing yet. Reads the files of TLS. */
    Channels(Backend backend, GrpcSettings settings, Part.Surroundings surroundings) {
        ChannelHandler gate = EgressClient.gate(surroundings.egress(), backend.source());
        EventLoopGroup group = surroundings.loops().onClient(true);
        ChannelFactory<Channel> sockets = () -> {
            Channel socket = surroundings.loops().onChannel(SocketChannel.class, group);
            socket.pipeline().addFirst(gate);
            return socket;
        };
        Executor elastic = task -> Schedulers.boundedElastic().schedule(task);
        for (Endpoint endpoint : backend.endpoints()) {
            if (!endpoint.isAddress()) {
                throw new IllegalArgumentException("a gRPC service needs a url");
            }
            NettyChannelBuilder builder = NettyChannelBuilder.forTarget("dns:///" + authority(endpoint))
                    .eventLoopGroup(group)
                    .channelFactory(sockets)
                    .withOption(ChannelOption.CONNECT_TIMEOUT_MILLIS, CONNECT_TIMEOUT_MILLIS)
                    .executor(elastic)
                    .offloadExecutor(elastic)
                    .proxyDetector(address -> null)
                    .disableServiceConfigLookUp()
                    .disableRetry()
                    .userAgent(surroundings.userAgent())
                    .maxInboundMetadataSize(MOST_METADATA_BYTES)
                    .maxInboundMessageSize(settings.maxMessageBytes());
            if (endpoint.secure()) {
                builder.sslContext(surroundings.tls().context(GrpcSslContexts::configure));
            } else {
                builder.usePlaintext();
            }
            channels.add(builder.build());
        }
    }

    private static String authority(Endpoint endpoint) {
        return endpoint.url().getHost() + ":" + endpoint.port();
    }

    /** The next in turn that is not known to be away; one that was away tries anew to connect. */
    ManagedChannel next() {
        int first = turn.getAndIncrement();
        ManagedChannel chosen = channels.get(Math.floorMod(first, channels.size()));
        for (int i = 0; i < channels.size(); i++) {
            ManagedChannel each = channels.get(Math.floorMod(first + i, channels.size()));
            if (each.getState(false) != ConnectivityState.TRANSIENT_FAILURE) {
                return each;
            }
        }
        chosen.enterIdle(); // forgets the pause it keeps: when to try again is decided above
        return chosen;
    }

    Mono<Void> close() {
        return Mono.<Void>fromRunnable(() -> {
                    channels.forEach(ManagedChannel::shutdown);
                    try {
                        for (ManagedChannel channel : channels) {
                            if (!channel.awaitTermination(CLOSING_SECONDS, TimeUnit.SECONDS)) {
                                channel.shutdownNow().awaitTermination(1, TimeUnit.SECONDS);
                            }
                        }
                    } catch (InterruptedException e) {
                        channels.forEach(ManagedChannel::shutdownNow);
                        Thread.currentThread().interrupt();
                    }
                })
                .subscribeOn(Schedulers.boundedElastic());
    }
}
