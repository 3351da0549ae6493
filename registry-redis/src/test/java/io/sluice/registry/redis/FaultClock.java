package io.sluice.registry.redis;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

/**
 * The clock of a replica's process: the machine's, or one that is hours ahead of it, by libfaketime.
 *
 * @param library of libfaketime; empty for the machine's clock
 */
record FaultClock(int hoursAhead, String library) {
    private static final long HOUR_MILLIS = 3_600_000;

    static final FaultClock OF_THE_MACHINE = new FaultClock(0, "");

    /** For each of three replicas: an hour ahead, an hour behind and right; all right without {@code faketime} on the PATH. */
    static List<FaultClock> apart() {
        try {
            Process asked = new ProcessBuilder("faketime", "-f", "+0", "printenv", "LD_PRELOAD").start();
            String said = new String(asked.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
            if (asked.waitFor() == 0 && !said.isEmpty()) {
                return List.of(new FaultClock(1, said), new FaultClock(-1, said), OF_THE_MACHINE);
            }
        } catch (IOException e) {
            // there is no such command
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return together();
    }

    /** For three replicas, the machine's. */
    static List<FaultClock> together() {
        return List.of(OF_THE_MACHINE, OF_THE_MACHINE, OF_THE_MACHINE);
    }

    long aheadMillis() {
        return hoursAhead * HOUR_MILLIS;
    }

    /**
     * What makes a process see this clock. Waiting must stay as it is: without the last two settings every timed wait of
     * a JVM returns at once, and the process does little but wait.
     */
    Map<String, String> environment() {
        return library.isEmpty()
                ? Map.of()
                : Map.of(
                        "LD_PRELOAD",
                        library,
                        "FAKETIME",
                        (hoursAhead < 0 ? "-" : "+") + Math.abs(hoursAhead) + "h",
                        "FAKETIME_DONT_FAKE_MONOTONIC",
                        "1",
                        "FAKETIME_FORCE_MONOTONIC_FIX",
                        "0");
    }

    @Override
    public String toString() {
        return library.isEmpty() ? "the machine's" : hoursAhead + " h";
    }
}
