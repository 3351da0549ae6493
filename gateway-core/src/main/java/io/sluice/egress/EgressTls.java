package io.sluice.egress;

import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import javax.net.ssl.SSLException;

/**
 * What a client trusts and shows on {@code https}.
 *
 * @param authorities PEM file of the authorities to trust instead of the platform's
 * @param identity what to show to a backend that asks for a client certificate
 */
public record EgressTls(Optional<Path> authorities, Optional<Identity> identity) {

    /** The platform's authorities, no client certificate. */
    public static final EgressTls PLATFORM = new EgressTls(Optional.empty(), Optional.empty());

    /** PEM files of a certificate chain and of its unencrypted PKCS #8 key. */
    public record Identity(Path chain, Path key) {}

    /** The same with another file of authorities. */
    public EgressTls authoritiesOf(Path file) {
        return new EgressTls(Optional.of(file), identity);
    }

    /** Reads the files: not on an event loop. */
    public SslContext context() {
        return context(builder -> {});
    }

    /**
     * As the other form, for a client that has something to add, such as the protocols it speaks.
     *
     * @throws IllegalArgumentException with a sentence when the files are no good
     */
    public SslContext context(Consumer<SslContextBuilder> addition) {
        SslContextBuilder builder = SslContextBuilder.forClient()
                .protocols(List.of("TLSv1.3", "TLSv1.2"))
                .endpointIdentificationAlgorithm("HTTPS");
        try {
            authorities.ifPresent(file -> builder.trustManager(file.toFile()));
            identity.ifPresent(
                    it -> builder.keyManager(it.chain().toFile(), it.key().toFile()));
            addition.accept(builder);
            return builder.build();
        } catch (SSLException | IllegalArgumentException e) {
            throw new IllegalArgumentException("TLS towards backends cannot be set up: " + e.getMessage(), e);
        }
    }
}
