package io.sluice.e2e;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** SIGINT, as ctrl-C sends it. */
public final class Interrupt {
    private static final Path OWN_STATUS = Path.of("/proc/self/status");

    private Interrupt() {}

    /**
     * Sends it. A shell ignores it in what it runs in the background, which all processes below inherit; these tests
     * may run so, and then the process gets SIGTERM.
     */
    public static void send(Process process) throws IOException, InterruptedException {
        String signal = isIgnored() ? "-TERM" : "-INT";
        new ProcessBuilder("kill", signal, Long.toString(process.pid())).start().waitFor();
    }

    private static boolean isIgnored() throws IOException {
        if (!Files.exists(OWN_STATUS)) {
            return false;
        }
        List<String> lines = Files.readAllLines(OWN_STATUS);
        return lines.stream()
                .filter(line -> line.startsWith("SigIgn:"))
                .map(line -> Long.parseUnsignedLong(
                        line.substring("SigIgn:".length()).strip(), 16))
                .anyMatch(ignored -> (ignored & 1 << 1) != 0); // of signal 2
    }
}
