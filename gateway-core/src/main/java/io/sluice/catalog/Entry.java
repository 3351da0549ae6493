package io.sluice.catalog;

import io.sluice.protocol.Era;
import java.util.List;
import java.util.Optional;

/**
 * A definition together with what was learnt by reading it once: where its own name stands, and what legacy clients must not see.
 *
 * @param keyStart first byte of the value of {@code name}, {@code uri} or {@code uriTemplate}, its opening quote
 * @param keyEnd byte after its closing quote
 * @param cutStart first byte of the member that legacy clients cannot read (an {@code outputSchema} that is not an object's), with one comma; or -1
 * @param cutEnd byte after it
 * @param problem why the tool's {@code x-mcp-header} annotations are void, if they are
 * @param taskOnly whether the tool can only be called as a task
 */
record Entry(
        Definition definition,
        int keyStart,
        int keyEnd,
        int cutStart,
        int cutEnd,
        List<ParamHeader> paramHeaders,
        Optional<String> problem,
        boolean readOnly,
        boolean idempotent,
        boolean taskOnly) {
    String key() {
        return definition.key();
    }

    /** The most bytes {@link #write} will add. */
    int size(byte[] name) {
        return definition.json().bytes().length - (keyEnd - keyStart) + name.length;
    }

    /** Copies the definition, with {@code name} (a JSON literal; empty to keep the backend's own) in place of the key and without what the era cannot read. */
    void write(JsonBytes out, byte[] name, Era era) {
        byte[] json = definition.json().bytes();
        boolean cut = cutStart >= 0 && era == Era.LEGACY;
        int at = 0;
        if (cut && cutStart < keyStart) {
            out.raw(json, at, cutStart);
            at = cutEnd;
        }
        if (name.length > 0) {
            out.raw(json, at, keyStart).raw(name);
            at = keyEnd;
        }
        if (cut && cutStart > keyStart) {
            out.raw(json, at, cutStart);
            at = cutEnd;
        }
        out.raw(json, at, json.length);
    }

    Target target(String backend) {
        return new Target(backend, key(), key(), definition, paramHeaders, readOnly, idempotent);
    }
}
