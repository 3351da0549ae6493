package io.sluice.egress;

import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelOption;
import io.netty.handler.ssl.SslContext;
import io.sluice.registry.Backend.Source;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import javax.net.ssl.SSLParameters;
import reactor.netty.http.HttpProtocol;
import reactor.netty.http.client.HttpClient;
import reactor.netty.resources.ConnectionProvider;
import reactor.netty.resources.LoopResources;

/** Makes the HTTP clients through which everything leaves: backends, probes, key sets, descriptions of services. */
public final class EgressClient {
    private EgressClient() {}

    /** As the full form, with the platform's authorities and ten seconds to connect. */
    public static HttpClient create(ConnectionProvider pool, LoopResources loops, EgressPolicy policy, Source source) {
        return create(pool, loops, policy, source, EgressTls.PLATFORM, Duration.ofSeconds(10));
    }

    /**
     * A client that dials only what {@code policy} lets {@code source} reach; what it refuses fails with
     * {@link EgressDenied}. It follows no redirect, inflates nothing, repeats nothing, knows no proxy and checks the host
     * name of an {@code https} backend against its certificate. HTTP/1.1 only.
     *
     * <p>A pool must not be shared by clients of different sources: a connection is checked when it is made, not when it
     * is taken again. Reads the files of {@code tls}, so not to be called on an event loop.
     *
     * @param loops those of the listener, so that a call stays on the thread it arrived on
     * @param connectTimeout for the TCP connection and, again, for the TLS handshake
     */
    public static HttpClient create(
            ConnectionProvider pool,
            LoopResources loops,
            EgressPolicy policy,
            Source source,
            EgressTls tls,
            Duration connectTimeout) {
        EgressHandler handler = new EgressHandler(policy, source);
        loadClasses(policy, source);
        SslContext context = tls.context();
        return HttpClient.create(pool)
                .runOn(loops, true)
                .protocol(HttpProtocol.HTTP11)
                .secure(spec -> spec.sslContext(context)
                        .handshakeTimeout(connectTimeout)
                        .handlerConfigurator(ssl -> {
                            SSLParameters parameters = ssl.engine().getSSLParameters();
                            parameters.setEndpointIdentificationAlgorithm("HTTPS");
                            ssl.engine().setSSLParameters(parameters);
                        }))
                .noProxy()
                .followRedirect(false)
                .compress(false)
                .disableRetry(true)
                .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, Math.toIntExact(connectTimeout.toMillis()))
                .doOnChannelInit(
                        (observer, channel, remote) -> channel.pipeline().addFirst(EgressHandler.NAME, handler));
    }

    /**
     * What lets a channel connect only to what {@code policy} lets {@code source} reach; stands where the connection is
     * made. Fails the attempt with {@link EgressDenied}. Loads classes, so not to be called on an event loop.
     */
    public static ChannelHandler gate(EgressPolicy policy, Source source) {
        loadClasses(policy, source);
        return new EgressHandler(policy, source);
    }

    /** Looks at one address of each family: the first look loads classes, which must not wait for a disk on an event loop. */
    private static void loadClasses(EgressPolicy policy, Source source) {
        try {
            for (int length : new int[] {4, 16}) {
                policy.denies(source, new InetSocketAddress(InetAddress.getByAddress(new byte[length]), 1));
            }
        } catch (UnknownHostException e) {
            throw new IllegalStateException("an address of 4 or 16 bytes is one", e);
        }
    }
}
