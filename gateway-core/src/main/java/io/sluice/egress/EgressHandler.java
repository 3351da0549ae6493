package io.sluice.egress;

import io.netty.channel.ChannelHandler.Sharable;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import io.sluice.registry.Backend.Source;
import java.net.SocketAddress;
import java.util.Optional;

/**
 * Lets a channel connect only to what the policy permits. It stands where the connection is made, after every resolver,
 * and so sees the address itself and not a name for it.
 */
@Sharable
final class EgressHandler extends ChannelOutboundHandlerAdapter {
    static final String NAME = "sluice.egress";

    private final EgressPolicy policy;
    private final Source source;

    EgressHandler(EgressPolicy policy, Source source) {
        this.policy = policy;
        this.source = source;
    }

    @Override
    public void connect(
            ChannelHandlerContext context, SocketAddress remote, SocketAddress local, ChannelPromise promise) {
        Optional<String> refusal = policy.refusal(source, remote);
        if (refusal.isPresent()) {
            promise.setFailure(new EgressDenied(refusal.get()));
            context.close();
        } else {
            context.connect(remote, local, promise);
        }
    }
}
