package io.sluice.openapi;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * A document that is kept in several files, as one: what its references name in other files comes along, and the references lead there. Only files beside or below the document are read; a reference to
 * anything else stays as it is, and is left open by whoever reads the document. Blocks; not for an event loop.
 */
final class DocumentFiles {
    private static final JsonMapper JSON = JsonMapper.shared();

    /** Where the other files go in the document; no pointer of a document's own leads there. */
    private static final String FILES = "x-sluice-files";

    private static final int MOST_FILES = 1000;

    private final Path directory;
    private final long mostBytes;
    private final Map<Path, String> keys = new LinkedHashMap<>();
    private final Set<String> taken = new HashSet<>();
    private final ObjectNode files = JSON.createObjectNode();
    private long size;

    private DocumentFiles(Path directory, long mostBytes) {
        this.directory = directory;
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
        read.lead(document, first);
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

    private byte[] bytes(Path path) throws IOException {
        size += Files.size(path);
        if (size > mostBytes) {
            throw new Unreadable("the document and its files are larger than " + (mostBytes >> 20) + " MiB together");
        }
        return Files.readAllBytes(path);
    }

    /** Rewrites the references of one file's tree, and takes in what they name. */
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
    private @Nullable String key(String place, Path from) {
        Path path;
        try {
            path = from.resolveSibling(place.replace("%20", " ")).normalize();
        } catch (InvalidPathException e) {
            return null;
        }
        String known = keys.get(path);
        if (known != null) {
            return known;
        }
        if (place.contains(":") || !path.startsWith(directory) || keys.size() >= MOST_FILES) {
            return null;
        }
        JsonNode tree;
        try {
            tree = OpenApiReader.tree(bytes(path));
        } catch (IOException e) {
            return null;
        } catch (Unreadable e) {
            throw new Unreadable("in its file " + directory.relativize(path) + ", " + e.getMessage());
        }
        String key = free(String.valueOf(path.getFileName()));
        keys.put(path, key);
        files.set(key, tree);
        lead(tree, path);
        return key;
    }

    /** A schema that is a file is called as its file is. */
    private String free(String fileName) {
        String plain = fileName.replaceFirst("\\.[A-Za-z]+$", "").replaceAll("[^A-Za-z0-9_.-]", "_");
        String key = plain;
        for (int i = 2; !taken.add(key); i++) {
            key = plain + "_" + i;
        }
        return key;
    }
}
