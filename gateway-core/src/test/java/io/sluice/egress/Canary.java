package io.sluice.egress;

import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.util.concurrent.atomic.AtomicInteger;

/** Listens on every address of this machine and counts who comes. Nobody should. */
final class Canary implements AutoCloseable {
    private final ServerSocket socket;
    private final AtomicInteger connections = new AtomicInteger();

    Canary() throws IOException {
        socket = new ServerSocket(0);
        Thread thread = new Thread(this::accept, "canary");
        thread.setDaemon(true);
        thread.start();
    }

    int port() {
        return socket.getLocalPort();
    }

    /**
     * How many connections were made. Makes one itself, which is not counted: connections are accepted in order, so when
     * it is in, all before it are, and a canary that does not sing is noticed.
     */
    int connections() throws IOException {
        int before = connections.get();
        try (Socket own = new Socket(InetAddress.getLoopbackAddress(), port())) {
            await().until(() ->
                    connections.get() > before && own.getInputStream().read() < 0);
        }
        return connections.decrementAndGet();
    }

    private void accept() {
        try {
            while (true) {
                socket.accept().close();
                connections.incrementAndGet();
            }
        } catch (SocketException closed) {
            // the end
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
