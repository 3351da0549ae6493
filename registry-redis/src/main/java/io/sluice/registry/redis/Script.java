package io.sluice.registry.redis;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** A Lua script that Redis runs whole, with nothing in between, and remembers by its digest. */
public final class Script {
    private final String text;
    private final String digest;

    private Script(String text) {
        this.text = text;
        try {
            this.digest =
                    HexFormat.of().formatHex(MessageDigest.getInstance("SHA-1").digest(text.getBytes(UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    public static Script of(String text) {
        return new Script(text);
    }

    /** Reads a script from files beside that class, one after the other. Blocks: for start-up. */
    public static Script beside(Class<?> owner, String... files) {
        StringBuilder text = new StringBuilder();
        for (String file : files) {
            try (InputStream in = owner.getResourceAsStream(file)) {
                if (in == null) {
                    throw new IllegalStateException("There is no " + file + " beside " + owner.getName());
                }
                text.append(new String(in.readAllBytes(), UTF_8));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return new Script(text.toString());
    }

    String text() {
        return text;
    }

    /** How Redis calls it. */
    String digest() {
        return digest;
    }
}
