package io.sluice.listener;

import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.codec.http2.Http2SecurityUtil;
import io.netty.handler.ssl.ApplicationProtocolConfig;
import io.netty.handler.ssl.ApplicationProtocolConfig.Protocol;
import io.netty.handler.ssl.ApplicationProtocolConfig.SelectedListenerFailureBehavior;
import io.netty.handler.ssl.ApplicationProtocolConfig.SelectorFailureBehavior;
import io.netty.handler.ssl.ApplicationProtocolNames;
import io.netty.handler.ssl.ApplicationProtocolNegotiator;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SupportedCipherSuiteFilter;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.SignatureException;
import java.security.cert.X509Certificate;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLSessionContext;

/**
 * The listener's certificate and key, which can be replaced while connections are open: a handshake uses those that are
 * current when it begins, and nothing else changes. {@link #renew} for one thread at a time; the rest for any.
 */
final class RenewableTls extends SslContext {
    private static final byte[] SAMPLE = "sluice".getBytes(StandardCharsets.UTF_8);

    private static final String NO_RENEGOTIATION = "jdk.tls.rejectClientInitiatedRenegotiation";

    static {
        // In TLS 1.2 a client may ask for handshake after handshake on one connection, which costs the server far more
        // than itself. The JDK refuses only when told so for the whole process, before its first handshake.
        if (System.getProperty(NO_RENEGOTIATION) == null) {
            System.setProperty(NO_RENEGOTIATION, "true");
        }
    }

    private final ListenerTls files;
    private Pem pem;
    private volatile SslContext current;

    private RenewableTls(ListenerTls files, Pem pem) {
        this.files = files;
        this.pem = pem;
        this.current = pem.context();
    }

    /** What the files hold. */
    @SuppressWarnings("ArrayRecordComponent") // compared by sameAs
    private record Pem(byte[] certificate, byte[] key, Optional<byte[]> clientAuthorities) {
        static Pem of(ListenerTls files) throws IOException {
            return new Pem(
                    Files.readAllBytes(files.certificate()),
                    Files.readAllBytes(files.key()),
                    files.clientAuthorities().isEmpty()
                            ? Optional.empty()
                            : Optional.of(
                                    Files.readAllBytes(files.clientAuthorities().get())));
        }

        boolean sameAs(Pem other) {
            return Arrays.equals(certificate, other.certificate)
                    && Arrays.equals(key, other.key)
                    && Objects.deepEquals(clientAuthorities.orElse(null), other.clientAuthorities.orElse(null));
        }

        SslContext context() {
            try {
                X509Certificate[] chain = toX509Certificates(new ByteArrayInputStream(certificate));
                PrivateKey own = toPrivateKey(new ByteArrayInputStream(key), null);
                checkPair(chain[0], own);
                SslContextBuilder builder = SslContextBuilder.forServer(own, chain)
                        .protocols(List.of("TLSv1.3", "TLSv1.2"))
                        .ciphers(Http2SecurityUtil.CIPHERS, SupportedCipherSuiteFilter.INSTANCE)
                        .applicationProtocolConfig(new ApplicationProtocolConfig(
                                Protocol.ALPN,
                                SelectorFailureBehavior.NO_ADVERTISE,
                                SelectedListenerFailureBehavior.ACCEPT,
                                ApplicationProtocolNames.HTTP_2,
                                ApplicationProtocolNames.HTTP_1_1));
                if (clientAuthorities.isPresent()) {
                    builder.trustManager(new ByteArrayInputStream(clientAuthorities.get()))
                            .clientAuth(ClientAuth.REQUIRE);
                }
                return builder.build();
            } catch (IOException | GeneralSecurityException e) {
                throw new IllegalArgumentException(e.getMessage(), e);
            }
        }
    }

    /**
     * Reads the files: not on an event loop.
     *
     * @throws IllegalArgumentException when they cannot be used, which they cannot either when the key is not the
     *     certificate's
     */
    static RenewableTls of(ListenerTls files) {
        try {
            return new RenewableTls(files, Pem.of(files));
        } catch (IOException | IllegalArgumentException e) {
            throw unusable(files, e);
        }
    }

    /**
     * Reads the files again, and takes over what changed. Blocks.
     *
     * @return whether anything changed
     * @throws IllegalArgumentException when they cannot be used; what was current stays
     */
    synchronized boolean renew() {
        try {
            Pem fresh = Pem.of(files);
            if (fresh.sameAs(pem)) {
                return false;
            }
            current = fresh.context();
            pem = fresh;
            return true;
        } catch (IOException | IllegalArgumentException e) {
            throw unusable(files, e);
        }
    }

    private static IllegalArgumentException unusable(ListenerTls files, Exception why) {
        String reason = why instanceof NoSuchFileException missing
                ? "there is no file " + missing.getFile()
                : String.valueOf(why.getMessage());
        return new IllegalArgumentException(
                "The listener's TLS cannot be set up from " + files.certificate() + " and " + files.key() + ": "
                        + reason,
                why);
    }

    /** Two files are not replaced in one moment, and with a pair that does not fit no handshake would succeed. */
    private static void checkPair(X509Certificate certificate, PrivateKey key) throws GeneralSecurityException {
        String algorithm = certificate.getPublicKey().getAlgorithm();
        try {
            Signature signature = Signature.getInstance(
                    switch (algorithm) {
                        case "RSA" -> "SHA256withRSA";
                        case "EC" -> "SHA256withECDSA";
                        default -> algorithm;
                    });
            // made anew, as the reader of the file may have used another provider
            signature.initSign(
                    KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(key.getEncoded())));
            signature.update(SAMPLE);
            byte[] signed = signature.sign();
            signature.initVerify(certificate.getPublicKey());
            signature.update(SAMPLE);
            if (signature.verify(signed)) {
                return;
            }
        } catch (InvalidKeySpecException | SignatureException e) {
            // of two kinds
        }
        throw new IllegalArgumentException("the key is not the certificate's");
    }

    @Override
    public boolean isClient() {
        return false;
    }

    @Override
    public List<String> cipherSuites() {
        return current.cipherSuites();
    }

    @Override
    @SuppressWarnings("deprecation") // there is no other accessor
    public ApplicationProtocolNegotiator applicationProtocolNegotiator() {
        return current.applicationProtocolNegotiator();
    }

    @Override
    public SSLEngine newEngine(ByteBufAllocator allocator) {
        return current.newEngine(allocator);
    }

    @Override
    public SSLEngine newEngine(ByteBufAllocator allocator, String peerHost, int peerPort) {
        return current.newEngine(allocator, peerHost, peerPort);
    }

    @Override
    public SSLSessionContext sessionContext() {
        return current.sessionContext();
    }
}
