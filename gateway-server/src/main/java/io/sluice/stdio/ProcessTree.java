package io.sluice.stdio;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * A process and all that it started. Children that were left behind by a parent that ended are no longer its descendants for the operating system; on Linux they are found by a variable of their
 * environment, which they inherit.
 */
final class ProcessTree {
    static final String MARK = "SLUICE_STDIO_RUN";
    private static final Path PROC = Path.of("/proc");

    private final ProcessHandle root;
    private final byte[] mark;

    /** @param run the value of {@link #MARK} in the environment of the root, unlike any other's */
    ProcessTree(ProcessHandle root, String run) {
        this.root = root;
        this.mark = (MARK + "=" + run).getBytes(StandardCharsets.US_ASCII);
    }

    /**
     * Asks everything in the tree to end, and makes it end after {@code grace}. Blocks until nothing is left.
     *
     * @return whether anything had to be killed
     */
    boolean end(long graceMillis) {
        Set<ProcessHandle> members = members();
        members.forEach(ProcessHandle::destroy);
        long until = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(graceMillis);
        members.forEach(member -> await(member, until - System.nanoTime()));
        Set<ProcessHandle> left = members();
        left.forEach(ProcessHandle::destroyForcibly);
        left.forEach(member -> await(member, TimeUnit.SECONDS.toNanos(2)));
        return !left.isEmpty();
    }

    private static void await(ProcessHandle member, long nanos) {
        try {
            member.onExit().get(Math.max(1, nanos), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (TimeoutException | java.util.concurrent.ExecutionException stillThere) {
            // killed next
        }
    }

    /** What is alive of the tree. */
    Set<ProcessHandle> members() {
        Set<ProcessHandle> members = new LinkedHashSet<>();
        root.descendants().forEach(members::add);
        members.add(root);
        marked(members);
        members.removeIf(member -> !member.isAlive());
        return members;
    }

    private void marked(Set<ProcessHandle> members) {
        if (!Files.isDirectory(PROC.resolve("self"))) {
            return;
        }
        try (DirectoryStream<Path> all = Files.newDirectoryStream(PROC, "[0-9]*")) {
            for (Path process : all) {
                if (isMarked(process)) {
                    handle(process).ifPresent(members::add);
                }
            }
        } catch (IOException e) {
            // the descendants are what is known
        }
    }

    private static Optional<ProcessHandle> handle(Path process) {
        return ProcessHandle.of(Long.parseLong(process.getFileName().toString()));
    }

    private boolean isMarked(Path process) {
        try {
            return contains(Files.readAllBytes(process.resolve("environ")), mark);
        } catch (IOException notOurs) {
            return false;
        }
    }

    private static boolean contains(byte[] text, byte[] word) {
        outer:
        for (int i = 0; i + word.length <= text.length; i++) {
            for (int j = 0; j < word.length; j++) {
                if (text[i + j] != word[j]) {
                    continue outer;
                }
            }
            return true;
        }
        return false;
    }
}
