package io.sluice.config;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Collection;
import java.util.HexFormat;
import java.util.Map;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The files one reading looked at, each read once, so that the hash is of the very bytes that were understood. Blocks;
 * not for an event loop. Owned by one thread.
 */
final class SourceFiles {
    static final int MAX_BYTES = 4 * 1024 * 1024;

    private final Map<Path, byte[]> contents = new TreeMap<>();
    private final SortedSet<Path> asked = new TreeSet<>();

    byte[] read(Path file) throws IOException {
        Path path = file.toAbsolutePath().normalize();
        asked.add(path);
        byte[] known = contents.get(path);
        if (known != null) {
            return known;
        }
        byte[] bytes = bytes(path);
        contents.put(path, bytes);
        return bytes;
    }

    /** Every file that was asked for, whether it could be read or not. */
    Set<Path> asked() {
        return Set.copyOf(asked);
    }

    String hash() {
        MessageDigest digest = sha256();
        asked.forEach(path -> add(digest, path, contents.get(path)));
        return HexFormat.of().formatHex(digest.digest());
    }

    /** What {@link #hash()} would say had these files been read now. */
    static String hash(Collection<Path> files) {
        SourceFiles now = new SourceFiles();
        for (Path file : files) {
            try {
                now.read(file);
            } catch (IOException e) {
                // An unreadable file is a state of its own, and the hash says so.
            }
        }
        return now.hash();
    }

    private static void add(MessageDigest digest, Path path, byte @org.jspecify.annotations.Nullable [] content) {
        digest.update(path.toString().getBytes(StandardCharsets.UTF_8));
        digest.update((byte) (content == null ? 0 : 1));
        digest.update(content == null ? new byte[0] : sha256().digest(content));
    }

    private static byte[] bytes(Path path) throws IOException {
        if (Files.isDirectory(path)) {
            throw new IOException("it is a directory");
        }
        try (InputStream in = Files.newInputStream(path)) {
            byte[] bytes = in.readNBytes(MAX_BYTES + 1);
            if (bytes.length > MAX_BYTES) {
                throw new IOException("it is larger than 4 MiB");
            }
            return bytes;
        }
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
