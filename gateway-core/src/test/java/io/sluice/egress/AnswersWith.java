package io.sluice.egress;

import io.netty.resolver.AddressResolver;
import io.netty.resolver.AddressResolverGroup;
import io.netty.resolver.InetNameResolver;
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.Promise;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/** A resolver in the attacker's hands: the nth question gets the nth answer, whatever the name; the last one for good. */
final class AnswersWith extends AddressResolverGroup<InetSocketAddress> {
    private final List<String> answers;
    private final AtomicInteger asked = new AtomicInteger();

    AnswersWith(String... answers) {
        this.answers = List.of(answers);
    }

    int asked() {
        return asked.get();
    }

    @Override
    protected AddressResolver<InetSocketAddress> newResolver(EventExecutor executor) {
        return new InetNameResolver(executor) {
            @Override
            protected void doResolve(String name, Promise<InetAddress> promise) throws Exception {
                promise.setSuccess(answer(name));
            }

            @Override
            protected void doResolveAll(String name, Promise<List<InetAddress>> promise) throws Exception {
                promise.setSuccess(List.of(answer(name)));
            }
        }.asAddressResolver();
    }

    private InetAddress answer(String name) throws UnknownHostException {
        String literal = answers.get(Math.min(asked.getAndIncrement(), answers.size() - 1));
        return InetAddress.getByAddress(name, InetAddress.getByName(literal).getAddress());
    }
}
