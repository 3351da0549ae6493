package io.sluice.demo;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A load balancer as small as it can be: HTTP/1.1, one request for each connection, to one replica after the other. It
 * knows nothing of sessions. It asks {@code /readyz} often, sends nothing to a replica that is not ready, and tries the
 * next one where nobody listens; what has been sent is never sent again. Threads of its own, until {@link #close()}.
 */
final class DemoBalancer implements AutoCloseable {
    /** Which replica answered: its port. */
    static final String SERVED_BY = "X-Served-By";

    private static final int MAX_HEAD_BYTES = 64 * 1024;
    private static final int CONNECT_MILLIS = 500;
    private static final int CHECK_MILLIS = 100;
    private static final Pattern LENGTH = Pattern.compile("(?im)^content-length:\\s*(\\d+)\\s*$");
    private static final Pattern CONNECTION = Pattern.compile("(?im)^connection:.*\r\n");

    private final ServerSocket server;
    private final List<Integer> replicas;
    private final Set<Integer> ready = ConcurrentHashMap.newKeySet();
    private final AtomicInteger turn = new AtomicInteger();
    private final ExecutorService threads = Executors.newCachedThreadPool(DemoBalancer::daemon);
    private final ScheduledExecutorService checks = Executors.newScheduledThreadPool(2, DemoBalancer::daemon);

    private DemoBalancer(ServerSocket server, List<Integer> replicas) {
        this.server = server;
        this.replicas = List.copyOf(replicas);
    }

    private static Thread daemon(Runnable work) {
        Thread thread = new Thread(work, "balancer");
        thread.setDaemon(true);
        return thread;
    }

    /**
     * @param port 0 for any free one
     * @param replicas ports on this machine
     */
    static DemoBalancer start(int port, List<Integer> replicas) throws IOException {
        ServerSocket server = new ServerSocket(port, 1024, InetAddress.getLoopbackAddress());
        DemoBalancer balancer = new DemoBalancer(server, replicas);
        for (int replica : replicas) {
            balancer.check(replica);
            balancer.checks.scheduleWithFixedDelay(
                    () -> balancer.check(replica), CHECK_MILLIS, CHECK_MILLIS, TimeUnit.MILLISECONDS);
        }
        balancer.threads.execute(balancer::accept);
        return balancer;
    }

    int port() {
        return server.getLocalPort();
    }

    /** The replicas that are sent requests. */
    Set<Integer> ready() {
        return Set.copyOf(ready);
    }

    private void check(int replica) {
        try (Socket socket = connect(replica)) {
            socket.setSoTimeout(CONNECT_MILLIS);
            String ask = "GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
            socket.getOutputStream().write(ask.getBytes(StandardCharsets.ISO_8859_1));
            byte[] begin = socket.getInputStream().readNBytes("HTTP/1.1 200".length());
            if (new String(begin, StandardCharsets.ISO_8859_1).endsWith(" 200")) {
                ready.add(replica);
                return;
            }
        } catch (IOException away) {
            // not ready
        }
        ready.remove(replica);
    }

    private static Socket connect(int port) throws IOException {
        Socket socket = new Socket();
        try {
            socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), CONNECT_MILLIS);
            socket.setTcpNoDelay(true);
            return socket;
        } catch (IOException e) {
            socket.close();
            throw e;
        }
    }

    private void accept() {
        while (!server.isClosed()) {
            try {
                Socket client = server.accept();
                threads.execute(() -> serve(client));
            } catch (IOException closed) {
                return;
            }
        }
    }

    private void serve(Socket client) {
        try (client) {
            client.setTcpNoDelay(true);
            InputStream in = new BufferedInputStream(client.getInputStream());
            String head = head(in);
            if (head.isEmpty()) {
                return;
            }
            Matcher length = LENGTH.matcher(head);
            byte[] body = in.readNBytes(length.find() ? Integer.parseInt(length.group(1)) : 0);
            String sent = CONNECTION.matcher(head).replaceAll("").replaceFirst("\r\n", "\r\nConnection: close\r\n");
            int first = turn.getAndIncrement();
            for (int i = 0; i < 2 * replicas.size(); i++) {
                int replica = replicas.get(Math.floorMod(first + i, replicas.size()));
                if (i >= replicas.size() || ready.contains(replica)) {
                    Socket upstream = connectIfThere(replica);
                    if (upstream != null) {
                        try (upstream) {
                            relay(client, upstream, replica, sent, body);
                        }
                        return;
                    }
                }
            }
            String none = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            client.getOutputStream().write(none.getBytes(StandardCharsets.ISO_8859_1));
        } catch (IOException ended) {
            // the client sees it
        }
    }

    private @Nullable Socket connectIfThere(int replica) {
        try {
            return connect(replica);
        } catch (IOException nobody) {
            ready.remove(replica);
            return null;
        }
    }

    /** Until the replica has said all; a client that leaves takes its connection to the replica along. */
    private void relay(Socket client, Socket upstream, int replica, String head, byte[] body) throws IOException {
        OutputStream out = upstream.getOutputStream();
        out.write(head.getBytes(StandardCharsets.ISO_8859_1));
        out.write(body);
        out.flush();
        threads.execute(() -> {
            try {
                if (client.getInputStream().read() < 0) {
                    upstream.close();
                }
            } catch (IOException left) {
                closeQuietly(upstream);
            }
        });
        InputStream in = new BufferedInputStream(upstream.getInputStream());
        String answer = head(in);
        if (answer.isEmpty()) {
            return;
        }
        OutputStream towards = client.getOutputStream();
        String marked = answer.replaceFirst("\r\n", "\r\n" + SERVED_BY + ": " + replica + "\r\n");
        towards.write(marked.getBytes(StandardCharsets.ISO_8859_1));
        towards.flush();
        byte[] buffer = new byte[8192];
        for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
            towards.write(buffer, 0, read);
            towards.flush();
        }
    }

    private static void closeQuietly(Socket socket) {
        try {
            socket.close();
        } catch (IOException closed) {
            // as meant
        }
    }

    /** Up to the empty line, which is part of it; empty when the other side says nothing. */
    private static String head(InputStream in) throws IOException {
        ByteArrayOutputStream head = new ByteArrayOutputStream(512);
        int matched = 0;
        while (matched < 4) {
            int next = in.read();
            if (next < 0 || head.size() > MAX_HEAD_BYTES) {
                return "";
            }
            head.write(next);
            matched = next == (matched % 2 == 0 ? '\r' : '\n') ? matched + 1 : next == '\r' ? 1 : 0;
        }
        return head.toString(StandardCharsets.ISO_8859_1);
    }

    @Override
    public void close() throws IOException {
        server.close();
        checks.shutdownNow();
        threads.shutdownNow();
    }
}
