package io.sluice.catalog;

import io.sluice.protocol.RawJson;
import java.util.List;

/**
 * Where a name of a mount leads.
 *
 * @param backend the backend's name
 * @param originalName the name, URI or URI template as the backend knows it
 * @param exposedName the same as the mount lists it; for a URI that matched a template, the URI that was asked for
 * @param definition the backend's own definition, untouched
 * @param paramHeaders arguments that travel as headers as well; only tools have any
 * @param readOnly whether it changes nothing: {@code annotations.readOnlyHint} of a tool, always so for prompts and
 *     resources
 * @param idempotent whether repeating it changes nothing more: {@code annotations.idempotentHint} of a tool, always so
 *     for prompts and resources
 * @param fixed arguments that its clients do not send; only tools have any
 */
public record Target(
        String backend,
        String originalName,
        String exposedName,
        Definition definition,
        List<ParamHeader> paramHeaders,
        boolean readOnly,
        boolean idempotent,
        FixedArguments fixed) {
    /** Whether the backend knows it by another name than the mount's clients do. */
    public boolean renamed() {
        return !originalName.equals(exposedName);
    }

    /** A resource that its backend does not list but may have. */
    static Target unlisted(String backend, String uri) {
        RawJson definition = JsonBytes.sized(uri.length() + 16)
                .ascii("{\"uri\":")
                .quoted(uri)
                .ascii("}")
                .toRawJson();
        return new Target(
                backend, uri, uri, new Definition(uri, definition), List.of(), true, true, FixedArguments.NONE);
    }

    Target exposedAs(String name) {
        return name.equals(exposedName)
                ? this
                : new Target(backend, originalName, name, definition, paramHeaders, readOnly, idempotent, fixed);
    }

    /** What a URI that matches this template leads to. */
    Target expanded(String originalUri, String exposedUri) {
        return new Target(backend, originalUri, exposedUri, definition, paramHeaders, readOnly, idempotent, fixed);
    }
}
