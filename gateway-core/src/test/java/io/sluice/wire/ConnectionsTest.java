package io.sluice.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.EventLoop;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.timeout.ReadTimeoutException;
import io.sluice.egress.EgressDenied;
import io.sluice.egress.EgressPolicy;
import io.sluice.egress.EgressTls;
import io.sluice.registry.Backend.Source;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import reactor.netty.resources.LoopResources;

class ConnectionsTest {
    private static final LoopResources LOOPS = LoopResources.create("wire-test", 1, true);
    private static final String OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private final Server server = new Server();
    private final Connections connections =
            Connections.open(LOOPS, EgressPolicy.of(true, List.of()), Source.FILE, EgressTls.PLATFORM);
    private final EventLoop loop = connections.eventLoop();

    @AfterEach
    void close() throws IOException {
        connections.close();
        server.close();
    }

    @AfterAll
    static void disposeOfLoops() {
        LOOPS.disposeLater(Duration.ZERO, Duration.ofSeconds(2)).block(Duration.ofSeconds(5));
    }

    /** Answers each request of a connection with the next of its answers, as they stand. */
    private static final class Server {
        private final ServerSocket socket;
        private final List<Socket> accepted = new CopyOnWriteArrayList<>();
        private volatile String answer = OK;
        private final CountDownLatch left = new CountDownLatch(1);
        private final Thread accepting = new Thread(this::accept, "wire-test-server");

        Server() {
            try {
                socket = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
            } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
            accepting.setDaemon(true);
            accepting.start();
        }

        private void accept() {
            while (!socket.isClosed()) {
                try {
                    Socket connection = socket.accept();
                    accepted.add(connection);
                    Thread thread = new Thread(() -> serve(connection), "wire-test-connection");
                    thread.setDaemon(true);
                    thread.start();
                } catch (IOException closed) {
                    return;
                }
            }
        }

        private void serve(Socket connection) {
            try (connection) {
                InputStream in = connection.getInputStream();
                StringBuilder head = new StringBuilder();
                for (int b = in.read(); b >= 0; b = in.read()) {
                    head.append((char) b);
                    if (head.toString().endsWith("\r\n\r\n")) {
                        head.setLength(0);
                        connection.getOutputStream().write(answer.getBytes(StandardCharsets.ISO_8859_1));
                    }
                }
                left.countDown();
            } catch (SocketException reset) {
                left.countDown();
            } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        }

        Origin origin() {
            return Origin.of(URI.create("http://127.0.0.1:" + socket.getLocalPort() + "/x?y=1"));
        }

        void close() throws IOException {
            socket.close();
            try {
                accepting.join(); // until it has left accept(), the kernel still takes connections for it
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
            for (Socket connection : accepted) {
                connection.close();
            }
        }
    }

    /** Keeps what it is told. */
    private static class Told extends Exchange {
        private final CompletableFuture<String> body = new CompletableFuture<>();
        private final CompletableFuture<Integer> status = new CompletableFuture<>();
        private final StringBuilder text = new StringBuilder();

        @Override
        protected void head(HttpResponse head) {
            status.complete(head.status().code());
        }

        @Override
        protected void part(ByteBuf part) {
            text.append(part.toString(StandardCharsets.ISO_8859_1));
            part.release();
        }

        @Override
        protected void end() {
            body.complete(text.toString());
        }

        @Override
        protected void failed(Throwable error) {
            status.completeExceptionally(error);
            body.completeExceptionally(error);
        }

        String whole() throws Exception {
            return body.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        }

        Throwable failure() {
            await().atMost(PATIENCE).until(body::isDone);
            return body.handle((value, error) -> error).join();
        }
    }

    private Told send(Origin to, Duration patience, boolean shared) {
        return send(to, patience, shared, new Told());
    }

    private Told send(Origin to, Duration patience, boolean shared, Told told) {
        ByteBuf request = Unpooled.copiedBuffer(
                "GET " + to.target() + " HTTP/1.1\r\nHost: " + to.authority() + "\r\n\r\n",
                StandardCharsets.ISO_8859_1);
        loop.execute(() -> connections.send(loop, to, request, patience, shared, told));
        return told;
    }

    private Told send() {
        return send(server.origin(), PATIENCE, true);
    }

    @Test
    void connectionCarriesOneExchangeAfterTheOther() throws Exception {
        for (int i = 0; i < 5; i++) {
            assertThat(send().whole()).isEqualTo("ok");
        }

        assertThat(server.accepted).hasSize(1);
    }

    @Test
    void unsharedExchangeHasAConnectionOfItsOwn() throws Exception {
        assertThat(send().whole()).isEqualTo("ok");

        assertThat(send(server.origin(), Duration.ZERO, false).whole()).isEqualTo("ok");

        assertThat(server.accepted).hasSize(2);
    }

    @Test
    void bytesBehindAnAnswerAreNeverTakenForTheNext() throws Exception {
        server.answer = OK + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
        assertThat(send().whole()).isEqualTo("ok");
        server.answer = OK;

        assertThat(send().whole()).isEqualTo("ok");

        assertThat(server.accepted).hasSize(2);
    }

    @Test
    void interimAnswersAreSkipped() throws Exception {
        server.answer = "HTTP/1.1 102 Processing\r\n\r\n" + OK;

        assertThat(send().whole()).isEqualTo("ok");
    }

    @Test
    void answerThatSaysCloseIsTheLastOfItsConnection() throws Exception {
        server.answer = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok";

        assertThat(send().whole()).isEqualTo("ok");
        assertThat(send().whole()).isEqualTo("ok");

        assertThat(server.accepted).hasSize(2);
    }

    @Test
    void connectionThatTheOtherEndHasClosedIsNotTaken() throws Exception {
        assertThat(send().whole()).isEqualTo("ok");
        server.accepted.get(0).close();

        await().atMost(PATIENCE).untilAsserted(() -> assertThat(send().whole()).isEqualTo("ok"));
    }

    @Test
    void silenceFailsTheExchange() {
        server.answer = "";

        assertThat(send(server.origin(), Duration.ofMillis(100), true).failure())
                .isInstanceOf(ReadTimeoutException.class);
    }

    @Test
    void whatIsNotHttpFailsTheExchange() {
        server.answer = "SSH-2.0-OpenSSH\r\n\r\n";

        assertThat(send().failure()).isNotNull();
    }

    @Test
    void halfAnAnswerIsALostOne() throws Exception {
        server.answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok";
        Told told = send();
        assertThat(told.status.get(20, TimeUnit.SECONDS)).isEqualTo(200);

        server.accepted.get(0).close();

        assertThat(told.failure()).isInstanceOf(Lost.class);
    }

    @Test
    void abandoningClosesTheConnection() throws Exception {
        server.answer = "";
        Told told = send();
        await().atMost(PATIENCE).until(() -> !server.accepted.isEmpty());

        loop.execute(told::abandon);

        assertThat(server.left.await(20, TimeUnit.SECONDS)).isTrue();
        assertThat(told.body).isNotDone();
    }

    @Test
    void pausedExchangeGoesOnWhenItIsResumed() throws Exception {
        server.answer = "HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + "x".repeat(3_000_000);
        Told told = new Told() {
            @Override
            protected void head(HttpResponse head) {
                pause();
                super.head(head);
            }
        };
        send(server.origin(), PATIENCE, true, told);
        assertThat(told.status.get(20, TimeUnit.SECONDS)).isEqualTo(200);
        assertThat(told.body).isNotDone();

        loop.execute(told::resume);

        assertThat(told.whole()).hasSize(3_000_000);
    }

    @Test
    void refusedConnectionSaysSo() throws IOException {
        Origin nobody = server.origin();
        server.close();

        assertThat(send(nobody, PATIENCE, true).failure()).isInstanceOf(ConnectException.class);
    }

    @Test
    void forbiddenAddressIsNotDialled() {
        Connections outward =
                Connections.open(LOOPS, EgressPolicy.of(false, List.of()), Source.API, EgressTls.PLATFORM);
        Told told = new Told();
        ByteBuf request = Unpooled.copiedBuffer("GET / HTTP/1.1\r\n\r\n", StandardCharsets.ISO_8859_1);
        loop.execute(() -> outward.send(loop, server.origin(), request, PATIENCE, true, told));

        assertThat(told.failure()).isInstanceOf(EgressDenied.class);
        assertThat(server.accepted).isEmpty();
        assertThat(request.refCnt()).isZero();
    }

    @Test
    void afterTheCloseEachExchangeHasAConnectionOfItsOwn() throws Exception {
        assertThat(send().whole()).isEqualTo("ok");
        connections.close();

        assertThat(send().whole()).isEqualTo("ok");
        assertThat(send().whole()).isEqualTo("ok");

        assertThat(server.accepted).hasSize(3);
    }
}
