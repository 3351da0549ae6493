package io.sluice.openapi;

import java.util.List;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * One operation of a service, as a tool and as a request.
 *
 * @param tool the tool's name, unique in its document
 * @param method in upper case
 * @param path the template, starting with a slash, parameters in braces
 * @param output what a success looks like, as far as it is checked; empty when it is no object
 * @param definition the whole tool definition
 */
record Operation(
        String tool,
        String method,
        String path,
        List<Parameter> parameters,
        Optional<Body> body,
        Optional<JsonNode> output,
        ObjectNode definition) {
    Operation {
        parameters = List.copyOf(parameters);
    }

    /** Where a parameter's value goes. */
    enum Place {
        PATH,
        QUERY,
        HEADER,
        COOKIE
    }

    /**
     * @param argument the name of the tool's argument
     * @param name the name in the request
     * @param style as OpenAPI calls it: simple, form, deepObject and so on; or {@link #SEGMENTS}
     * @param json whether the value is sent as JSON, because the document gives it a media type
     */
    record Parameter(
            String argument, String name, Place place, String style, boolean explode, boolean required, boolean json) {
        /** Of a path parameter that the document allows to be several segments, with its extension {@code x-multi-segment}. */
        static final String SEGMENTS = "segments";
    }

    /**
     * @param mediaType as it is sent
     * @param schema to know which members of a form are files
     */
    record Body(String argument, String mediaType, boolean required, JsonNode schema) {}
}
