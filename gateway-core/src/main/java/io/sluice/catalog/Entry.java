package io.sluice.catalog;

import io.sluice.envelope.Span;
import io.sluice.protocol.Era;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A definition together with what was learnt by reading it once: where the names in it stand, and what legacy clients
 * must not see.
 *
 * @param name where the value of {@code name}, {@code uri} or {@code uriTemplate} stands
 * @param links resources that a tool is shown with, as MCP Apps name them
 * @param legacyCut what legacy clients cannot read: an {@code outputSchema} that is not an object's, with one comma
 * @param problem why the tool's {@code x-mcp-header} annotations are void, if they are
 * @param tasks whether the tool can be called as a task
 * @param originalName the key by which the backend knows it
 * @param fixed arguments that clients do not send
 */
record Entry(
        Definition definition,
        Span name,
        List<Link> links,
        Optional<Span> legacyCut,
        List<ParamHeader> paramHeaders,
        Optional<String> problem,
        boolean readOnly,
        boolean idempotent,
        TaskSupport tasks,
        String originalName,
        FixedArguments fixed) {
    /** A URI inside a definition, and where it stands. */
    record Link(String uri, Span span) {}

    /** Bytes to stand in place of others. */
    record Edit(Span span, byte[] replacement) {}

    Entry {
        links = List.copyOf(links);
        paramHeaders = List.copyOf(paramHeaders);
    }

    String key() {
        return definition.key();
    }

    /** These edits, and for a legacy client the cut as well, in the order of their spans. */
    List<Edit> edits(List<Edit> renaming, Era client) {
        if (client == Era.MODERN || legacyCut.isEmpty()) {
            return renaming;
        }
        List<Edit> edits = new ArrayList<>(renaming);
        int at = 0;
        while (at < edits.size()
                && edits.get(at).span().start() < legacyCut.get().start()) {
            at++;
        }
        edits.add(at, new Edit(legacyCut.get(), new byte[0]));
        return edits;
    }

    /** Copies the definition, edited; everything else byte for byte. */
    void write(JsonBytes out, List<Edit> edits) {
        byte[] json = definition.json().bytes();
        int at = 0;
        for (Edit edit : edits) {
            out.raw(json, at, edit.span().start()).raw(edit.replacement());
            at = edit.span().end();
        }
        out.raw(json, at, json.length);
    }

    Target target(String backend) {
        return new Target(backend, originalName, key(), definition, paramHeaders, readOnly, idempotent, fixed, tasks);
    }

    /** The same of a tool that the registration shows otherwise. */
    Entry shownFor(String original, FixedArguments hidden) {
        return new Entry(
                definition,
                name,
                links,
                legacyCut,
                paramHeaders,
                problem,
                readOnly,
                idempotent,
                tasks,
                original,
                hidden);
    }
}
