package io.sluice.openapi;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * A document that is kept in several files, as one: what its references name in other files comes along, and the references lead there. Only files that really are beside or below the document are
 * read; a reference to anything else stays as it is, and is left open by whoever reads the document. Blocks; not for an event loop.
 */
final class DocumentFiles {
    private static final JsonMapper JSON = JsonMapper.shared();

    /** Where the other files go in the document; no pointer of a document's own leads there. */
    private static final String FILES = "x-sluice-files";

    private static final int MOST_FILES = 1000;

    private final Path directory;

    /** With its links followed, those of the files in it not: a mounted ConfigMap is links to links beside them. */
    private final Path realDirectory;

    private final long mostBytes;
    private final Map<Path, String> keys = new LinkedHashMap<>();
    private final Set<Path> unread = new HashSet<>();
    private final Queue<Tree> waiting = new ArrayDeque<>();
    private final Set<String> taken = new HashSet<>();
    private final ObjectNode files = JSON.createObjectNode();
    private long size;

    /** A file whose references are yet to be led. */
    private record Tree(JsonNode root, Path file) {}

    private DocumentFiles(Path directory, long mostBytes) throws IOException {
        this.directory = directory;
        this.realDirectory = directory.toRealPath();
        this.mostBytes = mostBytes;
    }

    /**
     * The bytes of the file itself when it refers to no other.
     *
     * @param mostBytes of all files together
     * @throws IOException when the first file cannot be read; of the others those are left out
     * @throws Unreadable when one of them is neither JSON nor YAML, or when there is too much of it
     */
    static byte[] read(Path file, long mostBytes) throws IOException {
        Path first = file.toAbsolutePath().normalize();
        Path directory = first.getParent();
        if (directory == null) {
            throw new IOException("it is a directory");
        }
        DocumentFiles read = new DocumentFiles(directory, mostBytes);
        byte[] bytes = read.bytes(first);
        if (!mentionsFiles(bytes)) {
            return bytes;
        }
        JsonNode document = OpenApiReader.tree(bytes);
        read.keys.put(first, ""); // references back to it are references within it
        read.waiting.add(new Tree(document, first));
        // One after the other: a file that leads to a file that leads to a file takes no stack.
        for (Tree next = read.waiting.poll(); next != null; next = read.waiting.poll()) {
            read.lead(next.root(), next.file());
        }
        if (read.files.isEmpty()) {
            return bytes;
        }
        ((ObjectNode) document).set(FILES, read.files);
        return JSON.writeValueAsBytes(document);
    }

    /** Nearly all documents are one file, and large ones take a while to be read as a tree twice. */
    private static boolean mentionsFiles(byte[] bytes) {
        String text = new String(bytes, StandardCharsets.UTF_8);
        for (int at = text.indexOf("$ref"); at >= 0; at = text.indexOf("$ref", at + 4)) {
            int start = at + 4;
            while (start < text.length() && "\"': \t\r\n".indexOf(text.charAt(start)) >= 0) {
                start++;
            }
            if (start < text.length() && text.charAt(start) != '#' && text.charAt(start) != '{') {
                return true;
            }
        }
        return false;
    }

    /** @throws IOException also when it is something else than a file: a pipe would be waited for, a device has no end */
    private byte[] bytes(Path path) throws IOException {
        if (!Files.isRegularFile(path)) {
            throw new IOException("it is no file");
        }
        try (InputStream in = Files.newInputStream(path)) {
            byte[] bytes = in.readNBytes((int) Math.min(mostBytes - size + 1, Integer.MAX_VALUE));
            size += bytes.length;
            if (size > mostBytes) {
                throw new Unreadable(
                        "the document and its files are larger than " + (mostBytes >> 20) + " MiB together");
            }
            return bytes;
        }
    }

    /** Rewrites the references of one file's tree, which is as deep as the reader lets it be, and takes in what they name. */
    private void lead(JsonNode node, Path from) {
        if (node instanceof ObjectNode object && object.path("$ref").isString()) {
            String reference = object.path("$ref").stringValue();
            int hash = reference.indexOf('#');
            String place = hash < 0 ? reference : reference.substring(0, hash);
            String fragment = hash < 0 ? "" : reference.substring(hash + 1);
            String key = place.isEmpty() ? keys.get(from) : key(place, from);
            boolean pointer = fragment.isEmpty() || fragment.startsWith("/");
            if (key != null && pointer && !(key.isEmpty() && fragment.isEmpty())) {
                object.put("$ref", "#" + (key.isEmpty() ? "" : "/" + FILES + "/" + key) + fragment);
            }
        }
        node.forEach(child -> lead(child, from));
    }

    /** What the file is called in the document; null when it is none that is read. */
    private @Nullable String key(String reference, Path from) {
        Path path;
        try {
            path = from.resolveSibling(reference.replace("%20", " ")).normalize();
        } catch (InvalidPathException e) {
            return null;
        }
        String known = keys.get(path);
        if (known != null) {
            return known;
        }
        if (reference.contains(":")
                || !path.startsWith(directory)
                || keys.size() >= MOST_FILES
                || unread.contains(path)) {
            return null;
        }
        JsonNode tree;
        try {
            Path real = path.toRealPath();
            if (!real.startsWith(realDirectory)) {
                throw new IOException("a link leads out of the directory");
            }
            tree = OpenApiReader.unquotedTree(bytes(real));
        } catch (IOException e) {
            unread.add(path);
            return null;
        } catch (Unreadable e) {
            throw new Unreadable("in its file " + directory.relativize(path) + ", " + e.getMessage());
        }
        String key = free(String.valueOf(path.getFileName()));
        keys.put(path, key);
        files.set(key, tree);
        waiting.add(new Tree(tree, path));
        return key;
    }

    /** A schema that is a file is called as its file is. */
    private String free(String fileName) {
        String plain = fileName.replaceFirst("\\.[A-Za-z]+$", "").replaceAll("[^A-Za-z0-9_.-]", "_");
        String name = plain.isEmpty() ? "file" : plain; // the empty one is the first file's
        String key = name;
        for (int i = 2; !taken.add(key); i++) {
            key = name + "_" + i;
        }
        return key;
    }
}
