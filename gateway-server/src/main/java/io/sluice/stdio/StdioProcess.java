package io.sluice.stdio;

import io.sluice.adapter.Pipe;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.HexFormat;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedTransferQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/**
 * One running program and its three pipes, each with a thread of its own, because pipes can only be waited for. Messages that arrive are told to the listener by one thread at a time, which then tells
 * the end, once.
 */
final class StdioProcess implements Pipe {
    /** Of the gateway's own environment, what a program needs to find itself at home; never its secrets. */
    private static final Set<String> INHERITED = Set.of(
            "PATH",
            "HOME",
            "USER",
            "LOGNAME",
            "SHELL",
            "TERM",
            "LANG",
            "LC_ALL",
            "LC_CTYPE",
            "TZ",
            "TMPDIR",
            "TEMP",
            "TMP",
            "SystemRoot",
            "APPDATA",
            "LOCALAPPDATA",
            "USERPROFILE",
            "PATHEXT",
            "HTTP_PROXY",
            "HTTPS_PROXY",
            "NO_PROXY",
            "http_proxy",
            "https_proxy",
            "no_proxy");

    /** Of messages that the program has not read, each of which counts as {@link #LEAST} at least: 1,024 messages. */
    private static final long MOST_WAITING_BYTES = 64L << 20;

    private static final int LEAST = 64 << 10;
    private static final long STDIN_GRACE_MILLIS = 1000;
    private static final long TERM_GRACE_MILLIS = 2000;
    /** In the place of a message: nothing more will be sent. */
    private static final byte[] CLOSE = new byte[0];

    private static final SecureRandom RANDOM = new SecureRandom();

    /** Those that run, to be killed if the gateway ends without stopping them. */
    private static final Set<StdioProcess> RUNNING = ConcurrentHashMap.newKeySet();

    static {
        Runtime.getRuntime()
                .addShutdownHook(
                        new Thread(() -> RUNNING.forEach(process -> process.tree.end(200)), "sluice-stdio-shutdown"));
    }

    private final Process process;
    private final ProcessTree tree;
    private final Listener listener;
    private final StderrTail tail;
    private final int maxMessageBytes;
    private final Instant since;
    /** Without a lock: event loops put messages into it, and must not wait for each other. */
    private final BlockingQueue<byte[]> outgoing = new LinkedTransferQueue<>();

    private final AtomicLong outgoingBytes = new AtomicLong();
    private final AtomicBoolean stopping = new AtomicBoolean();
    private final Thread writer;
    private final Thread reader;
    private final Thread errors;

    /** Told by the reading thread. */
    interface Listener {
        void arrived(byte[] json);

        /** It ended by itself, or was stopped. {@code code} is the exit code, or -1 when it sent nonsense and was killed for it. */
        void ended(int code, String why);
    }

    private StdioProcess(
            Process process, String run, String name, StderrTail tail, int maxMessageBytes, Listener listener) {
        this.process = process;
        this.tree = new ProcessTree(process.toHandle(), run);
        this.listener = listener;
        this.tail = tail;
        this.maxMessageBytes = maxMessageBytes;
        this.since = Instant.now();
        this.writer = thread(this::write, "sluice-stdio-" + name + "-in");
        this.reader = thread(this::read, "sluice-stdio-" + name + "-out");
        this.errors = thread(this::readErrors, "sluice-stdio-" + name + "-err");
    }

    private static Thread thread(Runnable work, String name) {
        Thread thread = new Thread(work, name);
        thread.setDaemon(true);
        return thread;
    }

    /**
     * Starts the program. Blocks for as long as that takes.
     *
     * @throws IOException with the system's reason when it cannot be started
     */
    static StdioProcess start(
            StdioSettings settings, String name, StderrTail tail, int maxMessageBytes, Listener listener)
            throws IOException {
        ProcessBuilder builder = new ProcessBuilder(settings.commandLine());
        Map<String, String> environment = builder.environment();
        environment.keySet().retainAll(INHERITED);
        environment.putAll(settings.env());
        String run = HexFormat.of().toHexDigits(RANDOM.nextLong());
        environment.put(ProcessTree.MARK, run);
        settings.cwd().ifPresent(directory -> builder.directory(new File(directory)));
        StdioProcess started = new StdioProcess(builder.start(), run, name, tail, maxMessageBytes, listener);
        RUNNING.add(started);
        started.writer.start();
        started.errors.start();
        started.reader.start();
        return started;
    }

    /** How many there are now, in this process as a whole. */
    static int running() {
        return RUNNING.size();
    }

    long pid() {
        return process.pid();
    }

    Instant since() {
        return since;
    }

    @Override
    public boolean send(byte[] json) {
        if (stopping.get()) {
            return false;
        }
        int size = size(json);
        if (outgoingBytes.addAndGet(size) > MOST_WAITING_BYTES) {
            outgoingBytes.addAndGet(-size);
            return false;
        }
        return outgoing.offer(json);
    }

    private static int size(byte[] json) {
        return Math.max(json.length, LEAST);
    }

    private void write() {
        try (OutputStream out = process.getOutputStream()) {
            while (true) {
                byte[] json = outgoing.take();
                if (json.length == 0) {
                    return;
                }
                outgoingBytes.addAndGet(-size(json));
                out.write(json);
                out.write('\n');
                if (outgoing.isEmpty()) {
                    out.flush();
                }
            }
        } catch (IOException | InterruptedException gone) {
            // the reader tells how it ended
        }
    }

    private void read() {
        String why = "";
        try (InputStream in = process.getInputStream()) {
            why = readLines(in);
        } catch (IOException broken) {
            // as at its end
        }
        int code = why.isEmpty() ? exitCode() : -1;
        if (stopping.compareAndSet(false, true)) {
            tree.end(why.isEmpty() ? 0 : TERM_GRACE_MILLIS); // what it left behind
            outgoing.clear();
            outgoing.offer(CLOSE);
            RUNNING.remove(this);
        }
        join(errors);
        listener.ended(code, why);
    }

    /** One that has closed its output, but runs on, serves nobody. */
    private int exitCode() {
        try {
            return process.waitFor(STDIN_GRACE_MILLIS, TimeUnit.MILLISECONDS) ? process.exitValue() : -1;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return -1;
        }
    }

    /** @return empty at the end of the output, or what is wrong with it */
    private String readLines(InputStream in) throws IOException {
        byte[] chunk = new byte[64 * 1024];
        ByteArrayOutputStream line = new ByteArrayOutputStream(4096);
        while (true) {
            int read = in.read(chunk);
            if (read < 0) {
                return "";
            }
            int start = 0;
            for (int i = 0; i < read; i++) {
                if (chunk[i] == '\n') {
                    line.write(chunk, start, i - start);
                    start = i + 1;
                    take(line.toByteArray());
                    line = line.size() > 256 * 1024 ? new ByteArrayOutputStream(4096) : cleared(line);
                }
            }
            line.write(chunk, start, read - start);
            if (line.size() > maxMessageBytes) {
                return "it wrote a line of more than " + maxMessageBytes + " bytes";
            }
        }
    }

    private static ByteArrayOutputStream cleared(ByteArrayOutputStream line) {
        line.reset();
        return line;
    }

    private void take(byte[] line) {
        int first = 0;
        while (first < line.length && line[first] <= ' ' && line[first] >= 0) {
            first++;
        }
        if (first == line.length) {
            return;
        }
        if (line[first] == '{') {
            listener.arrived(line);
        } else {
            tail.add("(stdout) " + new String(line, 0, Math.min(line.length, 1000), StandardCharsets.UTF_8));
        }
    }

    private void readErrors() {
        try (BufferedReader lines =
                new BufferedReader(new InputStreamReader(process.getErrorStream(), StandardCharsets.UTF_8))) {
            StringBuilder line = new StringBuilder();
            int c;
            while ((c = lines.read()) >= 0) {
                if (c == '\n') {
                    tail.add(line.toString());
                    line.setLength(0);
                } else if (line.length() < 2000) {
                    line.append((char) c);
                }
            }
            tail.add(line.toString());
        } catch (IOException gone) {
            // nothing more to be told
        }
    }

    /** Ends the program as the protocol says, by closing its input first, and all that it started. Blocks until nothing of it is left; the listener has been told then. */
    void stop() {
        if (stopping.compareAndSet(false, true)) {
            outgoing.clear();
            outgoing.offer(CLOSE);
            waitFor(STDIN_GRACE_MILLIS);
            tree.end(TERM_GRACE_MILLIS);
            RUNNING.remove(this);
        }
        join(reader);
        join(writer);
        join(errors);
    }

    private void waitFor(long millis) {
        try {
            process.waitFor(millis, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void join(Thread thread) {
        if (!thread.equals(Thread.currentThread())) {
            try {
                thread.join(5000);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
