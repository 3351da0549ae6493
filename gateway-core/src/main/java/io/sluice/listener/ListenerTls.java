package io.sluice.listener;

import java.nio.file.Path;
import java.util.Optional;

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
}
