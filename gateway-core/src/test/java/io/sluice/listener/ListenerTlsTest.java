package io.sluice.listener;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.pkitesting.X509Bundle;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import reactor.core.publisher.Mono;
import reactor.netty.resources.LoopResources;

@Timeout(60)
class ListenerTlsTest {
    private static final LoopResources LOOPS = HttpListener.newLoops("tls-test", 2);
    private static final String GET = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

    @TempDir
    static Path files;

    private static TestPki pki;
    private static HttpListener listener;
    private static HttpListener mutual;

    @BeforeAll
    static void start() throws Exception {
        pki = new TestPki(files);
        ListenerTls tls = pki.listenerTls("localhost");
        listener = open(tls);
        mutual = open(new ListenerTls(tls.certificate(), tls.key(), Optional.of(pki.authorityFile())));
    }

    @AfterAll
    static void stop() {
        listener.drain(Duration.ofSeconds(1))
                .then(mutual.drain(Duration.ofSeconds(1)))
                .then(mutual.close())
                .block();
    }

    private static HttpListener open(ListenerTls tls) {
        Duration soon = Duration.ofMillis(1500);
        return Listeners.start(
                ListenerSettings.of("127.0.0.1", 0)
                        .withTls(tls)
                        .withTimeouts(new Timeouts(soon, soon, soon, soon, soon)),
                LOOPS,
                (request, response) -> response.sendString(Mono.just("ok")));
    }

    @Test
    void http1IsServedWhereItIsNegotiated() throws Exception {
        try (SSLSocket socket = RawHttp2.tls(listener.port(), pki.client(null), "http/1.1")) {
            assertThat(socket.getApplicationProtocol()).isEqualTo("http/1.1");
            assertThat(new RawClient(socket).send(GET).readToEnd()).startsWith("HTTP/1.1 200 ");
        }
    }

    @Test
    void http1IsServedWhereNothingIsNegotiated() throws Exception {
        try (SSLSocket socket = RawHttp2.tls(listener.port(), pki.client(null))) {
            assertThat(new RawClient(socket).send(GET).readToEnd()).startsWith("HTTP/1.1 200 ");
        }
    }

    @Test
    void http2IsPreferred() throws Exception {
        try (SSLSocket socket = RawHttp2.tls(listener.port(), pki.client(null), "http/1.1", "h2")) {
            assertThat(socket.getApplicationProtocol()).isEqualTo("h2");
        }
    }

    @Test
    void http1UnderTlsIsAsStrictAsWithout() throws Exception {
        String folded = "GET / HTTP/1.1\r\nHost: localhost\r\nA: b\r\n c\r\n\r\n";
        String twice = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" + folded + GET;
        try (SSLSocket socket = RawHttp2.tls(listener.port(), pki.client(null), "http/1.1")) {
            assertThat(new RawClient(socket).send(folded).readToEnd()).startsWith("HTTP/1.1 400 ");
        }
        try (SSLSocket socket = RawHttp2.tls(listener.port(), pki.client(null), "http/1.1")) {
            String answers = new RawClient(socket).send(twice).readToEnd();
            assertThat(answers.split("HTTP/1.1 ", -1)).hasSize(3);
            assertThat(answers).startsWith("HTTP/1.1 200 ").contains("HTTP/1.1 400 ");
        }
    }

    @Test
    void trickledHeadUnderTlsIsCutOff() throws Exception {
        try (SSLSocket socket = RawHttp2.tls(listener.port(), pki.client(null), "http/1.1")) {
            assertThat(new RawClient(socket).send("GET / HT").readToEnd()).isEmpty();
        }
    }

    @Test
    void handshakeThatDoesNotComeIsCutOff() throws IOException {
        try (RawClient client = new RawClient(listener.port())) {
            assertThat(client.readToEnd()).isEmpty();
        }
    }

    @Test
    void plainHttpIsNotAnswered() throws IOException {
        try (RawClient client = new RawClient(listener.port())) {
            assertThat(client.send(GET).readToEnd()).doesNotContain("200");
        }
    }

    @Test
    void renewedCertificateIsUsedForNewConnectionsOnly() throws Exception {
        ListenerTls tls = pki.listenerTls("renewed.localhost");
        HttpListener renewed = open(tls);
        try (SSLSocket before = RawHttp2.tls(renewed.port(), pki.client(null), "http/1.1")) {
            before.startHandshake();
            assertThat(renewed.renewTls()).isFalse();

            pki.listenerTls("renewed.localhost");

            assertThat(renewed.renewTls()).isTrue();
            try (SSLSocket after = RawHttp2.tls(renewed.port(), pki.client(null), "http/1.1")) {
                assertThat(after.getSession().getPeerCertificates()[0])
                        .isNotEqualTo(before.getSession().getPeerCertificates()[0]);
                assertThat(new RawClient(after).send(GET).readToEnd()).startsWith("HTTP/1.1 200 ");
            }
            assertThat(new RawClient(before).send(GET).readToEnd()).startsWith("HTTP/1.1 200 ");
        } finally {
            renewed.drain(Duration.ofSeconds(1)).block();
        }
    }

    @Test
    void halfOfARenewalChangesNothing() throws Exception {
        ListenerTls tls = pki.listenerTls("half.localhost");
        HttpListener half = open(tls);
        try {
            Files.writeString(tls.key(), pki.issue("half.localhost", true).getPrivateKeyPEM());

            assertThatThrownBy(half::renewTls)
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("the key is not the certificate's");
            Files.delete(tls.key());
            assertThatThrownBy(half::renewTls).hasMessageContaining("there is no file");

            try (SSLSocket socket = RawHttp2.tls(half.port(), pki.client(null), "http/1.1")) {
                assertThat(new RawClient(socket).send(GET).readToEnd()).startsWith("HTTP/1.1 200 ");
            }
        } finally {
            half.drain(Duration.ofSeconds(1)).block();
        }
    }

    @Test
    void renegotiationByTheClientEndsTheConnection() throws Exception {
        try (Socket plain = new Socket(InetAddress.getLoopbackAddress(), listener.port());
                SSLSocket socket = (SSLSocket)
                        pki.client(null).getSocketFactory().createSocket(plain, "localhost", listener.port(), true)) {
            socket.setEnabledProtocols(new String[] {"TLSv1.2"});
            socket.setSoTimeout(5000);
            socket.startHandshake();
            assertThat(socket.getSession().getProtocol()).isEqualTo("TLSv1.2");

            socket.startHandshake();

            assertThatThrownBy(() -> new RawClient(socket).send(GET).readToEnd())
                    .isInstanceOf(Exception.class);
        }
    }

    @Test
    void oldVersionsAreRefused() throws Exception {
        for (String version : new String[] {"TLSv1", "TLSv1.1"}) {
            try (Socket plain = new Socket(InetAddress.getLoopbackAddress(), listener.port());
                    SSLSocket socket = (SSLSocket) pki.client(null)
                            .getSocketFactory()
                            .createSocket(plain, "localhost", listener.port(), true)) {
                socket.setEnabledProtocols(new String[] {version});
                assertThatThrownBy(socket::startHandshake).isInstanceOf(IOException.class);
            }
        }
    }

    @Test
    void bothNewVersionsAreSpoken() throws Exception {
        for (String version : new String[] {"TLSv1.2", "TLSv1.3"}) {
            try (Socket plain = new Socket(InetAddress.getLoopbackAddress(), listener.port());
                    SSLSocket socket = (SSLSocket) pki.client(null)
                            .getSocketFactory()
                            .createSocket(plain, "localhost", listener.port(), true)) {
                socket.setEnabledProtocols(new String[] {version});
                socket.startHandshake();
                assertThat(socket.getSession().getProtocol()).isEqualTo(version);
                assertThat(socket.getSession().getCipherSuite()).contains("GCM").doesNotContain("_RSA_WITH");
            }
        }
    }

    @Test
    void clientCertificateOfTheAuthorityIsAccepted() throws Exception {
        SSLContext known = pki.client(pki.issue("client", false));
        try (SSLSocket socket = RawHttp2.tls(mutual.port(), known, "http/1.1")) {
            assertThat(new RawClient(socket).send(GET).readToEnd()).startsWith("HTTP/1.1 200 ");
        }
    }

    @Test
    void missingOrForeignClientCertificateIsRefused() throws Exception {
        X509Bundle foreign = new TestPki(files).issue("client", false);
        for (SSLContext context : new SSLContext[] {pki.client(null), pki.client(foreign)}) {
            // in TLS 1.3 the client learns of it with its first read
            assertThatThrownBy(() -> {
                        try (SSLSocket socket = RawHttp2.tls(mutual.port(), context, "http/1.1")) {
                            socket.getOutputStream().write(GET.getBytes(StandardCharsets.US_ASCII));
                            assertThat(socket.getInputStream().read()).isNegative();
                            throw new IOException("closed");
                        }
                    })
                    .isInstanceOf(IOException.class);
        }
    }

    @Test
    void filesThatAreNoneAreNamed() {
        ListenerTls nowhere = ListenerTls.of(files.resolve("nowhere.pem"), files.resolve("nowhere.key"));

        assertThatThrownBy(() -> open(nowhere))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("nowhere.pem");
    }
}
