package io.sluice.catalog;

import java.util.List;

/**
 * An argument of a tool that travels as a header as well: an {@code x-mcp-header} annotation in the tool's input schema
 * (2026-07-28, Streamable HTTP, <em>Custom headers from tool parameters</em>).
 *
 * @param name what follows {@code Mcp-Param-} in the header's name, as the schema spells it
 * @param path names of the members that lead from {@code params.arguments} to the value; at least one
 * @param type type of the value
 */
public record ParamHeader(String name, List<String> path, Type type) {
    /** Types a mirrored argument can have; {@code number} is none of them, because one number has many spellings. */
    public enum Type {
        STRING,
        INTEGER,
        BOOLEAN
    }

    public ParamHeader {
        path = List.copyOf(path);
    }

    /**
     * The annotations of one tool, in the order of its schema.
     *
     * @throws IllegalArgumentException with a sentence saying what is wrong, when the definition cannot be read or an
     *     annotation breaks a rule; a client has to ignore such a tool
     */
    public static List<ParamHeader> of(Definition tool) {
        Entry entry = EntryReader.read(ListKind.TOOLS, tool);
        if (entry.problem().isPresent()) {
            throw new IllegalArgumentException(entry.problem().get());
        }
        return entry.paramHeaders();
    }
}
