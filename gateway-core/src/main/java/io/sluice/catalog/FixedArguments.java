package io.sluice.catalog;

import io.sluice.protocol.RawJson;
import java.util.List;
import java.util.Map;

/**
 * Arguments that clients of a tool neither see nor choose.
 *
 * @param values by the argument's name; they take the place of whatever a client sends under it
 * @param headers that mirror those of them which the backend wants mirrored, ready for the wire
 */
public record FixedArguments(Map<String, RawJson> values, List<Map.Entry<String, String>> headers) {
    public static final FixedArguments NONE = new FixedArguments(Map.of(), List.of());

    public FixedArguments {
        values = Map.copyOf(values);
        headers = List.copyOf(headers);
    }
}
