package io.sluice.registry.redis;

import static java.util.Objects.requireNonNull;

import io.sluice.registry.RecordKind;
import io.sluice.registry.RegistrySnapshot;
import io.sluice.registry.redis.FaultWire.Answer;
import io.sluice.registry.redis.FaultWire.Ask;
import io.sluice.registry.redis.FaultWire.News;
import io.sluice.registry.redis.FaultWire.Wish;
import io.sluice.registry.redis.FaultWire.Word;
import io.sluice.registry.redis.History.Outcome;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * A replica of {@link FaultRun} in a process of its own, {@link FaultReplica}, which may be killed, frozen and started
 * again on the same disk. Starting and ending is for one thread, asking and looking for any. Ends with the JVM at the latest.
 */
final class ReplicaProcess implements AutoCloseable {
    private static final long PATIENCE_SECONDS = 10;
    private static final int START_MILLIS = 120_000;
    private static final long CLOCK_MILLIS = 60_000;

    private final int number;
    private final Path disk;
    private final String key;
    private final FaultClock clock;
    private final History history;
    private final FaultProxy way;
    private final ServerSocket meeting;
    private final AtomicLong ids = new AtomicLong();
    private final Thread atExit = new Thread(this::destroy);
    private volatile RegistrySnapshot snapshot = RegistrySnapshot.EMPTY;
    private volatile @Nullable Talk talk;
    private volatile @Nullable Process process;
    private int life;

    /** @param disk the directory for what it keeps and what it logs */
    ReplicaProcess(int number, int redis, Path disk, String key, FaultClock clock, History history) throws IOException {
        this.number = number;
        this.disk = disk;
        this.key = key;
        this.clock = clock;
        this.history = history;
        this.way = new FaultProxy(redis);
        this.meeting = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        meeting.setSoTimeout(START_MILLIS);
        Runtime.getRuntime().addShutdownHook(atExit);
    }

    /** The same in all its lives. */
    String name() {
        return "replica-" + number;
    }

    FaultProxy way() {
        return way;
    }

    /** What it showed last. */
    RegistrySnapshot snapshot() {
        return snapshot;
    }

    boolean isUp() {
        return talk != null;
    }

    /** Starts it, without waiting. */
    void launch() {
        ProcessBuilder builder = new ProcessBuilder(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Xmx256m",
                "-cp",
                System.getProperty("java.class.path"),
                FaultReplica.class.getName(),
                Integer.toString(meeting.getLocalPort()),
                way.url(),
                disk.resolve(name()).toString()));
        builder.environment().put(FaultReplica.KEY, key);
        builder.environment().putAll(clock.environment());
        builder.redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(
                        disk.resolve(name() + ".log").toFile()));
        try {
            process = builder.start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Waits until it serves what is on its disk. */
    void meet() {
        String name = name() + "." + ++life;
        try {
            Socket socket = meeting.accept();
            socket.setTcpNoDelay(true);
            DataInputStream in = new DataInputStream(new BufferedInputStream(socket.getInputStream()));
            long ahead = in.readLong() - System.currentTimeMillis();
            if (Math.abs(ahead - clock.aheadMillis()) > CLOCK_MILLIS) {
                throw new IllegalStateException(name() + " has a clock " + ahead + " ms ahead, not " + clock);
            }
            Talk begun = new Talk(socket);
            Thread listener = new Thread(() -> begun.listen(in, name), name);
            listener.setDaemon(true);
            listener.start();
            talk = begun;
        } catch (IOException e) {
            throw new UncheckedIOException(name() + " did not start, see " + disk, e);
        }
    }

    /** {@code kill -9}. */
    void kill() {
        destroy();
        Talk now = talk;
        if (now != null) {
            now.end();
        }
    }

    /** Stops it in its tracks ({@code SIGSTOP}); connections stay open. */
    void freeze() {
        RedisProcess.signal(requireNonNull(process), "STOP");
    }

    /** Lets it go on ({@code SIGCONT}). */
    void thaw() {
        RedisProcess.signal(requireNonNull(process), "CONT");
    }

    /** Asks, and waits for the answer. Who is not answered knows nothing. */
    Answer ask(Wish wish, RecordKind kind, String what, String value, long expected, long token) {
        Ask ask = new Ask(ids.incrementAndGet(), wish, kind, what, value, expected, token);
        Answer unknown = new Answer(ask.id(), Outcome.UNKNOWN, 0);
        Talk now = talk;
        if (now == null) {
            return unknown;
        }
        try {
            return now.say(ask).get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        } catch (TimeoutException | ExecutionException | IOException e) {
            return unknown;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return unknown;
        }
    }

    @Override
    public void close() throws IOException {
        kill();
        meeting.close();
        way.close();
        try {
            Runtime.getRuntime().removeShutdownHook(atExit);
        } catch (IllegalStateException e) {
            // The JVM is ending: then this is that hook's work.
        }
    }

    private void destroy() {
        Process now = process;
        if (now != null) {
            try {
                now.destroyForcibly().waitFor();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** The conversation with the process of one life. */
    private final class Talk {
        private final Socket socket;
        private final DataOutputStream out;
        private final Map<Long, CompletableFuture<Answer>> open = new ConcurrentHashMap<>();
        private volatile boolean over;

        Talk(Socket socket) throws IOException {
            this.socket = socket;
            this.out = new DataOutputStream(new BufferedOutputStream(socket.getOutputStream()));
        }

        CompletableFuture<Answer> say(Ask ask) throws IOException {
            CompletableFuture<Answer> answer = new CompletableFuture<>();
            open.put(ask.id(), answer);
            synchronized (out) {
                ask.write(out);
            }
            if (over) {
                end();
            }
            return answer;
        }

        void listen(DataInputStream in, String name) {
            RegistrySnapshot last = RegistrySnapshot.EMPTY;
            try {
                while (true) {
                    Word word = Word.read(in);
                    if (word instanceof News news) {
                        RegistrySnapshot next = news.after(last);
                        history.saw(name, last, next);
                        last = next;
                        snapshot = next;
                    } else if (word instanceof Answer answer) {
                        CompletableFuture<Answer> asked = open.remove(answer.id());
                        if (asked != null) {
                            asked.complete(answer);
                        }
                    }
                }
            } catch (IOException e) {
                end(); // the process is gone
            }
        }

        /** Nobody answers any more. */
        void end() {
            over = true;
            if (talk == this) {
                talk = null;
            }
            open.forEach((id, asked) -> asked.complete(new Answer(id, Outcome.UNKNOWN, 0)));
            open.clear();
            try {
                socket.close();
            } catch (IOException e) {
                // it is gone already
            }
        }
    }
}
