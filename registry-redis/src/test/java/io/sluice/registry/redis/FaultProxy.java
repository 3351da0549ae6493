package io.sluice.registry.redis;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A way to Redis that can be cut, also amid a word, fall silent, lose the answers or drag. Threads of its own wait for sockets; the mode is
 * one volatile.
 */
final class FaultProxy implements AutoCloseable {
    private static final long DRAG_NANOS = TimeUnit.MILLISECONDS.toNanos(120);

    private final ServerSocket listener;
    private final int target;
    private final Set<Socket> open = ConcurrentHashMap.newKeySet();
    private volatile Mode mode = Mode.PASS;
    private volatile @Nullable String marker;
    private volatile boolean closed;

    /** What becomes of bytes. */
    enum Mode {
        /** They arrive. */
        PASS,
        /** None arrives, in either direction, and new connections lead nowhere; nobody is told. */
        SILENT,
        /** Questions arrive, answers do not. */
        NO_ANSWERS,
        /** They arrive late. */
        DRAG,
        /** The first half of what is said next arrives, and the connection is reset. */
        HALVE
    }

    FaultProxy(int target) {
        this.target = target;
        try {
            this.listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        start(this::accept);
    }

    String url() {
        return "redis://127.0.0.1:" + listener.getLocalPort();
    }

    /** Bytes that are lost in a mode are lost for good: going back to {@link Mode#PASS} cuts what they were lost from. */
    void turn(Mode next) {
        Mode before = mode;
        mode = next;
        if (next == Mode.PASS && (before == Mode.SILENT || before == Mode.NO_ANSWERS)) {
            cut();
        }
    }

    /** The next question that holds this text arrives, and nothing is answered on its connection from then on. */
    void loseAnswerTo(String text) {
        marker = text;
    }

    /** Resets every connection. */
    void cut() {
        open.forEach(FaultProxy::drop);
        open.clear();
    }

    @Override
    public void close() {
        closed = true;
        try {
            listener.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        cut();
    }

    private void accept() {
        while (!closed) {
            try {
                Socket downstream = listener.accept();
                open.add(downstream);
                start(() -> connect(downstream));
            } catch (IOException e) {
                return; // closed
            }
        }
    }

    private void connect(Socket downstream) {
        while (mode == Mode.SILENT && !downstream.isClosed()) {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
        }
        try {
            Socket upstream = new Socket(InetAddress.getLoopbackAddress(), target);
            upstream.setTcpNoDelay(true);
            downstream.setTcpNoDelay(true);
            open.add(upstream);
            AtomicBoolean mute = new AtomicBoolean();
            start(() -> pump(downstream, upstream, false, mute));
            pump(upstream, downstream, true, mute);
        } catch (IOException e) {
            drop(downstream);
        }
    }

    private void pump(Socket from, Socket to, boolean answers, AtomicBoolean mute) {
        byte[] buffer = new byte[16 * 1024];
        try {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
                Mode now = mode;
                String wanted = marker;
                if (!answers && wanted != null && new String(buffer, 0, read, ISO_8859_1).contains(wanted)) {
                    marker = null;
                    mute.set(true);
                }
                if (now == Mode.SILENT || answers && (now == Mode.NO_ANSWERS || mute.get())) {
                    continue;
                }
                if (now == Mode.DRAG) {
                    LockSupport.parkNanos(DRAG_NANOS);
                }
                if (now == Mode.HALVE) {
                    out.write(buffer, 0, read / 2);
                    break;
                }
                out.write(buffer, 0, read);
            }
        } catch (IOException e) {
            // one side is gone; so is the other
        }
        drop(from);
        drop(to);
        open.remove(from);
        open.remove(to);
    }

    private static void drop(Socket socket) {
        try {
            socket.setSoLinger(true, 0);
            socket.close();
        } catch (IOException e) {
            // it is gone already
        }
    }

    private static void start(Runnable work) {
        Thread thread = new Thread(work, "fault-proxy");
        thread.setDaemon(true);
        thread.start();
    }
}
