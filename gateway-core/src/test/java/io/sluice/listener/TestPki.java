package io.sluice.listener;

import io.netty.pkitesting.CertificateBuilder;
import io.netty.pkitesting.X509Bundle;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.jspecify.annotations.Nullable;

/** An authority made for one test class, and what it issues. */
final class TestPki {
    private final Path folder;
    private final X509Bundle authority;

    TestPki(Path folder) throws Exception {
        this.folder = folder;
        this.authority = new CertificateBuilder()
                .subject("CN=listener test authority")
                .ecp256()
                .setIsCertificateAuthority(true)
                .buildSelfSigned();
    }

    Path authorityFile() throws IOException {
        return Files.writeString(folder.resolve("authority.pem"), authority.getCertificatePEM());
    }

    X509Bundle issue(String name, boolean toServer) throws Exception {
        CertificateBuilder builder =
                new CertificateBuilder().subject("CN=" + name).ecp256().addSanDnsName(name);
        return (toServer ? builder.addExtendedKeyUsageServerAuth() : builder.addExtendedKeyUsageClientAuth())
                .buildIssuedBy(authority);
    }

    ListenerTls listenerTls(String name) throws Exception {
        X509Bundle leaf = issue(name, true);
        return ListenerTls.of(
                Files.writeString(folder.resolve(name + ".pem"), leaf.getCertificatePathPEM()),
                Files.writeString(folder.resolve(name + ".key"), leaf.getPrivateKeyPEM()));
    }

    /** What a client trusts, and shows if there is an identity. */
    SSLContext client(@Nullable X509Bundle identity) throws Exception {
        KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
        trusted.load(null);
        trusted.setCertificateEntry("authority", authority.getCertificate());
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(trusted);
        KeyManager[] keys = null;
        if (identity != null) {
            KeyStore own = KeyStore.getInstance(KeyStore.getDefaultType());
            own.load(null);
            own.setKeyEntry("own", identity.getKeyPair().getPrivate(), new char[0], identity.getCertificatePath());
            KeyManagerFactory factory = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
            factory.init(own, new char[0]);
            keys = factory.getKeyManagers();
        }
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys, trust.getTrustManagers(), null);
        return context;
    }
}
