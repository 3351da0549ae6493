package io.sluice.registry;

import io.sluice.protocol.RawJson;
import java.util.Map;
import java.util.Optional;

/**
 * How a tool of a backend is shown otherwise than the backend shows it.
 *
 * @param name to list it under, in place of its own
 * @param description in place of its own
 * @param fixedArguments arguments that are no longer asked for, and the values they always have
 */
public record ToolOverride(Optional<String> name, Optional<String> description, Map<String, RawJson> fixedArguments) {
    public ToolOverride {
        name.filter(given -> !given.matches("[A-Za-z0-9_-]{1,64}")).ifPresent(given -> {
            throw new IllegalArgumentException(
                    "'" + given + "' is no name for a tool: use 1 to 64 of A-Z, a-z, 0-9, '_' and '-'");
        });
        fixedArguments = Map.copyOf(fixedArguments);
    }
}
