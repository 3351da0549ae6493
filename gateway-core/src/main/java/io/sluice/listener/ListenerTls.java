package io.sluice.listener;

import io.netty.handler.codec.http2.Http2SecurityUtil;
import io.netty.handler.ssl.ApplicationProtocolConfig;
import io.netty.handler.ssl.ApplicationProtocolConfig.Protocol;
import io.netty.handler.ssl.ApplicationProtocolConfig.SelectedListenerFailureBehavior;
import io.netty.handler.ssl.ApplicationProtocolConfig.SelectorFailureBehavior;
import io.netty.handler.ssl.ApplicationProtocolNames;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SupportedCipherSuiteFilter;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import javax.net.ssl.SSLException;

/**
 * TLS on the listener: 1.3 and 1.2, HTTP/1.1 and h2 by ALPN.
 *
 * @param certificate PEM file of the chain, the listener's own certificate first
 * @param key PEM file of its unencrypted PKCS #8 key
 * @param clientAuthorities PEM file of the authorities of client certificates; with it, a client without one is refused
 */
public record ListenerTls(Path certificate, Path key, Optional<Path> clientAuthorities) {

    public static ListenerTls of(Path certificate, Path key) {
        return new ListenerTls(certificate, key, Optional.empty());
    }

    /** Reads the files: not on an event loop. */
    SslContext context() {
        try {
            SslContextBuilder builder = SslContextBuilder.forServer(certificate.toFile(), key.toFile())
                    .protocols(List.of("TLSv1.3", "TLSv1.2"))
                    .ciphers(Http2SecurityUtil.CIPHERS, SupportedCipherSuiteFilter.INSTANCE)
                    .applicationProtocolConfig(new ApplicationProtocolConfig(
                            Protocol.ALPN,
                            SelectorFailureBehavior.NO_ADVERTISE,
                            SelectedListenerFailureBehavior.ACCEPT,
                            ApplicationProtocolNames.HTTP_2,
                            ApplicationProtocolNames.HTTP_1_1));
            clientAuthorities.ifPresent(
                    file -> builder.trustManager(file.toFile()).clientAuth(ClientAuth.REQUIRE));
            return builder.build();
        } catch (SSLException | IllegalArgumentException e) {
            throw new IllegalArgumentException(
                    "The listener's TLS cannot be set up from " + certificate + " and " + key + ": " + e.getMessage(),
                    e);
        }
    }
}
