package io.sluice.auth;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.StringTokenizer;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import reactor.core.scheduler.Scheduler;

/**
 * A file of tokens that may change while the gateway runs. One token a line: {@code token}, {@code name token}, or
 * {@code name token call} for one that may not manage. A word that begins with {@code #} starts a comment. The newest
 * good table is one volatile reference; {@link #reload} replaces it, one thread at a time.
 *
 * <p>A file that cannot be read or understood leaves the table as it was. A file without any token is a table without
 * any: everyone is refused.
 */
public final class TokensFile {
    private static final Logger log = LoggerFactory.getLogger(TokensFile.class);
    private static final int MAX_BYTES = 1024 * 1024;
    private static final String CALL_ONLY = "call";

    private final Path path;
    private volatile TokenTable table;
    private byte[] digest;
    private String trouble = "";

    private TokensFile(Path path, byte[] content) {
        this.path = path;
        this.table = parse(content);
        this.digest = sha256(content);
    }

    /**
     * Reads the file. Blocks.
     *
     * @throws IOException when it cannot be read
     * @throws IllegalArgumentException when a line is wrong, naming the line and never quoting it
     */
    public static TokensFile open(Path path) throws IOException {
        return new TokensFile(path, read(path));
    }

    /** The tokens valid now; for {@link Authenticator#bearer}. Never blocks. */
    public TokenTable table() {
        return table;
    }

    /**
     * Reads the file again and takes over what changed. Blocks.
     *
     * @return whether the content differed
     * @throws IOException when it cannot be read; the table stays as it was
     * @throws IllegalArgumentException when a line is wrong, naming the line and never quoting it; the table stays as
     *     it was
     */
    public synchronized boolean reload() throws IOException {
        byte[] content = read(path);
        byte[] fresh = sha256(content);
        if (MessageDigest.isEqual(fresh, digest)) {
            return false;
        }
        table = parse(content);
        digest = fresh;
        return true;
    }

    /**
     * Reloads periodically and logs what changes: a new table, a file gone bad, a file good again.
     *
     * @param scheduler one whose threads may block
     * @return disposes of the period; the last table stays
     */
    public Disposable follow(Duration every, Scheduler scheduler) {
        return scheduler.schedulePeriodically(this::follow, every.toMillis(), every.toMillis(), TimeUnit.MILLISECONDS);
    }

    private synchronized void follow() {
        try {
            if (reload() || !trouble.isEmpty()) {
                log.info("Tokens file {}: {}", path, table);
            }
            trouble = "";
        } catch (IOException | RuntimeException e) {
            String found = e instanceof IllegalArgumentException ? String.valueOf(e.getMessage()) : e.toString();
            if (!found.equals(trouble)) {
                log.warn("Tokens file {}: {}; the tokens stay as they were", path, found);
            }
            trouble = found;
        }
    }

    @Override
    public String toString() {
        return "TokensFile[" + path + " " + table + "]";
    }

    private static byte[] read(Path path) throws IOException {
        try (var in = Files.newInputStream(path)) {
            byte[] content = in.readNBytes(MAX_BYTES + 1);
            if (content.length > MAX_BYTES) {
                throw new IOException("longer than " + MAX_BYTES + " bytes");
            }
            return content;
        }
    }

    private static TokenTable parse(byte[] content) {
        List<NamedToken> tokens = new ArrayList<>();
        int number = 0;
        for (String line : text(content).lines().toList()) {
            number++;
            List<String> words = words(line);
            if (words.isEmpty()) {
                continue;
            }
            try {
                tokens.add(token(words));
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException("line " + number + ": " + e.getMessage());
            }
        }
        return TokenTable.of(tokens);
    }

    private static NamedToken token(List<String> words) {
        return switch (words.size()) {
            case 1 -> NamedToken.of(words.get(0));
            case 2 -> new NamedToken(words.get(0), words.get(1), true);
            case 3 -> new NamedToken(words.get(0), words.get(1), !callOnly(words.get(2)));
            default -> throw new IllegalArgumentException("more than a name, a token and '" + CALL_ONLY + "'");
        };
    }

    private static boolean callOnly(String word) {
        if (!word.equals(CALL_ONLY)) {
            throw new IllegalArgumentException("the third word can only be '" + CALL_ONLY + "'");
        }
        return true;
    }

    private static List<String> words(String line) {
        List<String> words = new ArrayList<>();
        StringTokenizer tokenizer = new StringTokenizer(line, " \t");
        while (tokenizer.hasMoreTokens()) {
            String word = tokenizer.nextToken();
            if (word.startsWith("#")) {
                break;
            }
            words.add(word);
        }
        return words;
    }

    private static String text(byte[] content) {
        try {
            String text = StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(content))
                    .toString();
            return text.startsWith("\uFEFF") ? text.substring(1) : text;
        } catch (CharacterCodingException e) {
            throw new IllegalArgumentException("the file is not UTF-8");
        }
    }

    private static byte[] sha256(byte[] content) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(content);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
