package io.sluice.egress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.pkitesting.CertificateBuilder;
import io.netty.pkitesting.X509Bundle;
import io.sluice.registry.Backend.Source;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import javax.net.ssl.SSLException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import reactor.core.publisher.Mono;
import reactor.netty.DisposableServer;
import reactor.netty.http.server.HttpServer;
import reactor.netty.resources.ConnectionProvider;
import reactor.netty.resources.LoopResources;

class EgressTlsTest {
    private static final LoopResources LOOPS = LoopResources.create("egress-tls-test", 1, 2, true, true);
    private static final EgressPolicy POLICY = EgressPolicy.of(true, List.of());

    @TempDir
    static Path files;

    private static X509Bundle authority;
    private static Path trusted;

    @BeforeAll
    static void issue() throws Exception {
        authority = authority("CN=sluice test authority");
        trusted = write("authority.pem", authority.getCertificatePEM());
    }

    @AfterAll
    static void stop() {
        LOOPS.disposeLater(Duration.ZERO, Duration.ofSeconds(2)).block();
    }

    @Test
    void rightNameFromATrustedAuthorityIsAccepted() throws Exception {
        X509Bundle leaf = leaf().addSanDnsName("localhost").buildIssuedBy(authority);

        assertThat(call(leaf, "localhost", EgressTls.PLATFORM.authoritiesOf(trusted)))
                .isEqualTo("secret");
    }

    @Test
    void rightAddressFromATrustedAuthorityIsAccepted() throws Exception {
        X509Bundle leaf = leaf().addSanIpAddress("127.0.0.1").buildIssuedBy(authority);

        assertThat(call(leaf, "127.0.0.1", EgressTls.PLATFORM.authoritiesOf(trusted)))
                .isEqualTo("secret");
    }

    @Test
    void wrongNameIsRefused() throws Exception {
        X509Bundle leaf = leaf().addSanDnsName("elsewhere.example").buildIssuedBy(authority);

        assertThatThrownBy(() -> call(leaf, "localhost", EgressTls.PLATFORM.authoritiesOf(trusted)))
                .hasCauseInstanceOf(SSLException.class)
                .hasStackTraceContaining("localhost");
    }

    @Test
    void wrongAddressIsRefused() throws Exception {
        X509Bundle leaf = leaf().addSanIpAddress("127.0.0.2").buildIssuedBy(authority);

        assertThatThrownBy(() -> call(leaf, "127.0.0.1", EgressTls.PLATFORM.authoritiesOf(trusted)))
                .hasCauseInstanceOf(SSLException.class);
    }

    @Test
    void expiredCertificateIsRefused() throws Exception {
        X509Bundle leaf = leaf().notBefore(Instant.now().minus(Duration.ofDays(30)))
                .notAfter(Instant.now().minus(Duration.ofDays(1)))
                .addSanDnsName("localhost")
                .buildIssuedBy(authority);

        assertThatThrownBy(() -> call(leaf, "localhost", EgressTls.PLATFORM.authoritiesOf(trusted)))
                .hasCauseInstanceOf(SSLException.class)
                .hasStackTraceContaining("expired");
    }

    @Test
    void foreignAuthorityIsRefused() throws Exception {
        X509Bundle leaf = leaf().addSanDnsName("localhost").buildIssuedBy(authority("CN=somebody else"));

        assertThatThrownBy(() -> call(leaf, "localhost", EgressTls.PLATFORM.authoritiesOf(trusted)))
                .hasCauseInstanceOf(SSLException.class);
        assertThatThrownBy(() -> call(leaf, "localhost", EgressTls.PLATFORM)).hasCauseInstanceOf(SSLException.class);
    }

    @Test
    void clientCertificateIsShownWhereConfigured() throws Exception {
        X509Bundle leaf = leaf().addSanDnsName("localhost").buildIssuedBy(authority);
        X509Bundle client = new CertificateBuilder()
                .subject("CN=sluice")
                .ecp256()
                .addExtendedKeyUsageClientAuth()
                .buildIssuedBy(authority);
        EgressTls.Identity identity = new EgressTls.Identity(
                write("client.pem", client.getCertificatePathPEM()), write("client.key", client.getPrivateKeyPEM()));
        EgressTls with = new EgressTls(Optional.of(trusted), Optional.of(identity));

        assertThat(call(leaf, "localhost", with, ClientAuth.REQUIRE)).isEqualTo("secret");
        assertThatThrownBy(() -> call(leaf, "localhost", EgressTls.PLATFORM.authoritiesOf(trusted), ClientAuth.REQUIRE))
                .isNotNull();
    }

    @Test
    void missingFileIsNamed() {
        assertThatThrownBy(() -> EgressTls.PLATFORM
                        .authoritiesOf(files.resolve("nowhere.pem"))
                        .context())
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("nowhere.pem");
    }

    private static String call(X509Bundle shown, String host, EgressTls tls) throws Exception {
        return call(shown, host, tls, ClientAuth.NONE);
    }

    private static String call(X509Bundle shown, String host, EgressTls tls, ClientAuth clientAuth) throws Exception {
        var context = SslContextBuilder.forServer(shown.getKeyPair().getPrivate(), shown.getCertificatePath())
                .trustManager(authority.getCertificate())
                .clientAuth(clientAuth)
                .build();
        DisposableServer backend = HttpServer.create()
                .host("127.0.0.1")
                .port(0)
                .runOn(LOOPS, true)
                .secure(spec -> spec.sslContext(context))
                .handle((request, response) -> response.sendString(Mono.just("secret")))
                .bindNow();
        try {
            return Objects.requireNonNull(EgressClient.create(
                            ConnectionProvider.newConnection(), LOOPS, POLICY, Source.FILE, tls, Duration.ofSeconds(5))
                    .resolver(new AnswersWith("127.0.0.1"))
                    .get()
                    .uri("https://" + host + ":" + backend.port() + "/")
                    .responseContent()
                    .aggregate()
                    .asString()
                    .block());
        } finally {
            backend.disposeNow();
        }
    }

    private static X509Bundle authority(String name) throws Exception {
        return new CertificateBuilder()
                .subject(name)
                .ecp256()
                .setIsCertificateAuthority(true)
                .buildSelfSigned();
    }

    private static CertificateBuilder leaf() {
        return new CertificateBuilder().subject("CN=backend").ecp256().addExtendedKeyUsageServerAuth();
    }

    private static Path write(String name, String text) throws IOException {
        return Files.writeString(files.resolve(name), text);
    }
}
