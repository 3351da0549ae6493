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
 * @param tasks whether it can be called as a task; only tools can
 */
public record Target(
        String backend,
        String originalName,
        String exposedName,
        Definition definition,
        List<ParamHeader> paramHeaders,
        boolean readOnly,
        boolean idempotent,
        FixedArguments fixed,
        TaskSupport tasks) {
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
                backend,
                uri,
                uri,
                new Definition(uri, definition),
                List.of(),
                true,
                true,
                FixedArguments.NONE,
                TaskSupport.FORBIDDEN);
    }

    /**
     * A task, which no list names.
     *
     * @param taskId as the backend knows it
     * @param exposedId as the mount's clients know it
     * @param readOnly whether it is only looked at
     */
    public static Target ofTask(String backend, String taskId, String exposedId, boolean readOnly) {
        return new Target(
                backend,
                taskId,
                exposedId,
                new Definition(taskId, RawJson.EMPTY_OBJECT),
                List.of(),
                readOnly,
                true,
                FixedArguments.NONE,
                TaskSupport.FORBIDDEN);
    }

    Target exposedAs(String name) {
        return name.equals(exposedName)
                ? this
                : new Target(backend, originalName, name, definition, paramHeaders, readOnly, idempotent, fixed, tasks);
    }

    /** What a URI that matches this template leads to. */
    Target expanded(String originalUri, String exposedUri) {
        return new Target(
                backend, originalUri, exposedUri, definition, paramHeaders, readOnly, idempotent, fixed, tasks);
    }
}
