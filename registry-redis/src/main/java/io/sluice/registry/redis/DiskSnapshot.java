package io.sluice.registry.redis;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.sluice.seal.Keyring;
import io.sluice.seal.Sealer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * What a replica last knew, in a file that is sealed as a whole and readable by its owner only. It is replaced at once,
 * so that a crash leaves the old or the new one. Blocks.
 */
final class DiskSnapshot {
    private static final Logger log = LoggerFactory.getLogger(DiskSnapshot.class);
    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final Path file;
    private final Sealer sealer;
    private final byte[] binding;

    DiskSnapshot(Path file, Keyring keyring, String cluster) {
        this.file = file;
        this.sealer = keyring.sealer("registry-snapshot");
        this.binding = cluster.getBytes(UTF_8);
    }

    /**
     * @param operation the one that made the revision
     * @param records as Redis keeps them, by id
     */
    record Content(String epoch, long revision, String operation, Map<String, String> records) {}

    /** Empty, and said in the log, when there is none or it cannot be used. */
    Optional<Content> load() {
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        try {
            Optional<byte[]> opened = sealer.open(new String(Files.readAllBytes(file), ISO_8859_1), binding);
            if (opened.isEmpty()) {
                log.warn("The registry snapshot {} was sealed with another key, or is damaged; it is ignored", file);
                return Optional.empty();
            }
            JsonNode node = JSON.readTree(opened.get());
            Map<String, String> records = new LinkedHashMap<>();
            node.path("records")
                    .properties()
                    .forEach(each -> records.put(each.getKey(), each.getValue().asString()));
            return Optional.of(new Content(
                    node.path("epoch").asString(),
                    node.path("rev").asLong(),
                    node.path("op").asString(),
                    records));
        } catch (IOException | JacksonException e) {
            log.warn("The registry snapshot {} cannot be read: {}", file, e.toString());
            return Optional.empty();
        }
    }

    void save(Content content) throws IOException {
        ObjectNode node = JSON.createObjectNode();
        node.put("epoch", content.epoch());
        node.put("rev", content.revision());
        node.put("op", content.operation());
        ObjectNode records = node.putObject("records");
        content.records().forEach(records::put);
        byte[] sealed = sealer.seal(JSON.writeValueAsBytes(node), binding).getBytes(ISO_8859_1);
        Path folder = Objects.requireNonNull(file.toAbsolutePath().getParent());
        Files.createDirectories(folder);
        Path fresh = Files.createTempFile(folder, "registry", ".tmp", owner(folder));
        try {
            try (FileChannel channel = FileChannel.open(fresh, StandardOpenOption.WRITE)) {
                ByteBuffer rest = ByteBuffer.wrap(sealed);
                while (rest.hasRemaining()) {
                    channel.write(rest);
                }
                channel.force(true);
            }
            Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(fresh);
        }
    }

    private static FileAttribute<?>[] owner(Path folder) {
        boolean posix = folder.getFileSystem().supportedFileAttributeViews().contains("posix");
        return posix
                ? new FileAttribute<?>[] {
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"))
                }
                : new FileAttribute<?>[0];
    }
}
