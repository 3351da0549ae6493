package io.sluice.parking;

import io.sluice.envelope.Envelope;
import io.sluice.envelope.Span;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * What a request asks for, as one number: equal for requests that differ only in their metadata, in the answers they
 * bring along, in white space or in the order of keys.
 */
final class ParamsDigest {
    private static final Set<String> PASSING = Set.of("_meta", "inputResponses", "requestState");

    private final Envelope request;
    private final MessageDigest digest;

    private ParamsDigest(Envelope request, MessageDigest digest) {
        this.request = request;
        this.digest = digest;
    }

    static byte[] of(Envelope request) {
        try {
            ParamsDigest taking = new ParamsDigest(request, MessageDigest.getInstance("SHA-256"));
            Map<String, Span> members = new TreeMap<>(request.members(request.params()));
            members.keySet().removeAll(PASSING);
            taking.object(members);
            return taking.digest.digest();
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    private void value(Span value) {
        if (request.isObject(value)) {
            object(new TreeMap<>(request.members(value)));
        } else if (request.isArray(value)) {
            List<Span> elements = request.elements(value);
            begin('[', elements.size());
            elements.forEach(this::value);
        } else if (request.isString(value)) {
            text(request.text(value));
        } else {
            bytes('#', request.raw(value).bytes());
        }
    }

    private void object(Map<String, Span> sorted) {
        begin('{', sorted.size());
        sorted.forEach((key, value) -> {
            text(key);
            value(value);
        });
    }

    private void text(String text) {
        bytes('"', text.getBytes(StandardCharsets.UTF_8));
    }

    private void bytes(char kind, byte[] bytes) {
        begin(kind, bytes.length);
        digest.update(bytes);
    }

    private void begin(char kind, int length) {
        digest.update(ByteBuffer.allocate(1 + Integer.BYTES)
                .put((byte) kind)
                .putInt(length)
                .flip());
    }
}
