package io.sluice.wire;

import io.netty.channel.EventLoop;
import io.netty.resolver.AddressResolverGroup;
import io.netty.util.NetUtil;
import io.netty.util.concurrent.Future;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.WeakHashMap;
import reactor.netty.resources.LoopResources;
import reactor.netty.transport.NameResolverProvider;

/** Finds addresses without blocking. One for all who share event loops, so that an answer serves them all. */
final class Names {
    private static final Map<LoopResources, Names> SHARED = Collections.synchronizedMap(new WeakHashMap<>());

    private final AddressResolverGroup<InetSocketAddress> group;

    private Names(LoopResources loops) {
        group = NameResolverProvider.builder().build().newNameResolverGroup(loops, true);
    }

    /** Reads the system's files about names the first time: not on an event loop. */
    static Names on(LoopResources loops) {
        return SHARED.computeIfAbsent(loops, Names::new);
    }

    /** Every address of a host, best first. Fails with {@link UnknownHostException}. */
    Future<List<InetSocketAddress>> resolve(Origin to, EventLoop loop) {
        byte[] literal = NetUtil.createByteArrayFromIpAddressString(to.host());
        if (literal != null) {
            try {
                return loop.newSucceededFuture(
                        List.of(new InetSocketAddress(InetAddress.getByAddress(literal), to.port())));
            } catch (UnknownHostException e) {
                return loop.newFailedFuture(e);
            }
        }
        return group.getResolver(loop).resolveAll(InetSocketAddress.createUnresolved(to.host(), to.port()));
    }
}
