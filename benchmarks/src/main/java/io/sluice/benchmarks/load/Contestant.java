package io.sluice.benchmarks.load;

import com.sun.tools.attach.VirtualMachine;
import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Stream;
import javax.management.MBeanServerConnection;
import javax.management.ObjectName;
import javax.management.openmbean.CompositeData;
import javax.management.remote.JMXConnector;
import javax.management.remote.JMXConnectorFactory;
import javax.management.remote.JMXServiceURL;
import org.jspecify.annotations.Nullable;

/** A process that stands between generator and backend, on a core of its own. */
final class Contestant implements AutoCloseable {
    /** How the kernel counts time in {@code /proc}: USER_HZ, 100 on every Linux that has a libc. */
    private static final double TICKS = 100;

    /** Its warnings that a process it was connected to has gone are no news here. */
    private static final Logger JMX_LOG = Logger.getLogger("javax.management.remote.misc");

    static {
        JMX_LOG.setLevel(Level.OFF);
    }

    private final String name;
    private final int port;
    private final Process process;
    private final boolean java;
    private @Nullable JMXConnector jmx;

    private Contestant(String name, int port, Process process, boolean java) {
        this.name = name;
        this.port = port;
        this.process = process;
        this.java = java;
    }

    /** @param core the processor it is bound to, or a negative number for any */
    static Contestant start(String name, int port, int core, Path log, boolean java, List<String> command)
            throws IOException, InterruptedException {
        List<String> pinned = new ArrayList<>();
        if (core >= 0) {
            pinned.addAll(List.of("taskset", "-c", Integer.toString(core)));
        }
        pinned.addAll(command);
        Process process = new ProcessBuilder(pinned)
                .redirectErrorStream(true)
                .redirectOutput(new File(log.toString()))
                .start();
        Runtime.getRuntime().addShutdownHook(new Thread(process::destroyForcibly)); // also when the run is cut short
        Contestant started = new Contestant(name, port, process, java);
        try {
            started.awaitPort(log);
        } catch (InterruptedException e) {
            process.destroyForcibly();
            throw e;
        }
        return started;
    }

    private void awaitPort(Path log) throws IOException, InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (System.nanoTime() < end && process.isAlive()) {
            try (Socket socket = new Socket()) {
                socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 200);
                return;
            } catch (IOException notYet) {
                Thread.sleep(50); // a poll of another process, which tells nobody when it listens
            }
        }
        process.destroy();
        throw new IOException(name + " did not start: " + Files.readString(log));
    }

    /** Waits until a gateway says at {@code /readyz} that it knows the tools of its backends. */
    Contestant awaitReady() throws IOException, InterruptedException {
        HttpRequest ask = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/readyz"))
                .timeout(Duration.ofSeconds(10))
                .build();
        HttpClient http = HttpClient.newHttpClient();
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (http.send(ask, HttpResponse.BodyHandlers.discarding()).statusCode() != 200) {
            if (System.nanoTime() >= end) {
                throw new IOException(name + " was not ready within 60 s");
            }
            Thread.sleep(50); // a poll of another process, which tells nobody when it is ready
        }
        return this;
    }

    boolean isAlive() {
        return process.isAlive();
    }

    boolean isJava() {
        return java;
    }

    long pid() {
        return process.pid();
    }

    String name() {
        return name;
    }

    int port() {
        return port;
    }

    /** User and system time of all its threads since its start, in microseconds. */
    double cpuMicros() throws IOException {
        String stat = Files.readString(Path.of("/proc/" + process.pid() + "/stat"));
        String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
        return (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) * 1e6 / TICKS;
    }

    /** Whether a thread of it has such a word in its name. */
    boolean hasThread(String word) throws IOException {
        try (Stream<Path> threads = Files.list(Path.of("/proc/" + process.pid() + "/task"))) {
            for (Path thread : threads.toList()) {
                if (Files.readString(thread.resolve("comm")).contains(word)) {
                    return true;
                }
            }
        }
        return false;
    }

    /** Resident memory in KiB. */
    long residentKib() throws IOException {
        return Files.readAllLines(Path.of("/proc/" + process.pid() + "/status")).stream()
                .filter(line -> line.startsWith("VmRSS:"))
                .map(line -> Long.parseLong(line.replaceAll("\\D", "")))
                .findFirst()
                .orElse(0L);
    }

    /** Bytes that all threads have allocated on the heap since the start, -1 for what has no such heap. */
    long allocatedBytes() throws IOException {
        if (!java) {
            return -1;
        }
        try {
            MBeanServerConnection beans = beans();
            return (long) beans.getAttribute(new ObjectName("java.lang:type=Threading"), "TotalThreadAllocatedBytes");
        } catch (javax.management.AttributeNotFoundException before21) {
            return allocatedByLiveThreads();
        } catch (javax.management.JMException e) {
            throw new IOException(e);
        }
    }

    /** Bytes in use on the heap after a collection, and in direct buffers: what it holds on to. */
    long heldBytes() throws IOException {
        try {
            MBeanServerConnection beans = beans();
            ObjectName memory = new ObjectName("java.lang:type=Memory");
            beans.invoke(memory, "gc", new Object[0], new String[0]);
            beans.invoke(memory, "gc", new Object[0], new String[0]);
            CompositeData heap = (CompositeData) beans.getAttribute(memory, "HeapMemoryUsage");
            long direct =
                    (long) beans.getAttribute(new ObjectName("java.nio:type=BufferPool,name=direct"), "MemoryUsed");
            return (long) heap.get("used") + direct;
        } catch (javax.management.JMException e) {
            throw new IOException(e);
        }
    }

    private long allocatedByLiveThreads() throws IOException {
        try {
            ObjectName threading = new ObjectName("java.lang:type=Threading");
            long[] ids = (long[]) beans().getAttribute(threading, "AllThreadIds");
            long[] bytes = (long[])
                    beans().invoke(threading, "getThreadAllocatedBytes", new Object[] {ids}, new String[] {"[J"});
            long sum = 0;
            for (long each : bytes) {
                sum += Math.max(0, each);
            }
            return sum;
        } catch (javax.management.JMException e) {
            throw new IOException(e);
        }
    }

    @SuppressWarnings("BanJNDI") // the agent of our own child on this machine
    private MBeanServerConnection beans() throws IOException {
        JMXConnector connected = jmx;
        if (connected == null) {
            try {
                VirtualMachine machine = VirtualMachine.attach(Long.toString(process.pid()));
                String address = machine.startLocalManagementAgent();
                machine.detach();
                connected = JMXConnectorFactory.connect(new JMXServiceURL(address));
                jmx = connected;
            } catch (com.sun.tools.attach.AttachNotSupportedException e) {
                throw new IOException(e);
            }
        }
        return connected.getMBeanServerConnection();
    }

    /** Kills it: nothing that a run starts has anything to put in order, and a gateway would wait for its streams. */
    @Override
    public void close() {
        process.destroyForcibly();
        try {
            process.waitFor(5, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
