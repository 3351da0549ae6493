package io.sluice.bridge;

import io.sluice.envelope.Envelope;
import io.sluice.envelope.Json;
import io.sluice.envelope.Patch;
import io.sluice.envelope.RequestId;
import io.sluice.envelope.Span;
import io.sluice.protocol.McpMethod;
import io.sluice.protocol.ProtocolVersion;
import io.sluice.protocol.RawJson;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.StringJoiner;

/**
 * A result of the type {@code input_required}: what a modern backend wants to know before it goes on, and the state it wants back (2026-07-28, <em>Multi round-trip requests</em>).
 *
 * @param requests by the keys that the backend chose, in its order
 * @param state {@code requestState} as the JSON string it came as, to be returned exactly
 */
public record InputRequired(Map<String, Request> requests, Optional<RawJson> state) {
    /**
     * One question.
     *
     * @param method {@code elicitation/create}, {@code sampling/createMessage} or {@code roots/list}
     * @param params its parameters
     */
    public record Request(String method, RawJson params) {
        /** The parameters as a legacy client of this revision needs them: a question by URL has an id there. */
        public String paramsFor(ProtocolVersion version, RequestId id) {
            String json = params.toString();
            boolean byUrl = method.equals(McpMethod.ELICITATION_CREATE.wire())
                    && json.contains("\"url\"")
                    && !json.contains("\"elicitationId\"");
            boolean empty = json.equals("{}");
            if (!byUrl || empty || !version.isAtLeast(ProtocolVersion.V2025_11_25)) {
                return json;
            }
            return json.substring(0, json.lastIndexOf('}')) + ",\"elicitationId\":" + Json.quote(id.toString()) + "}";
        }
    }

    /** Reads a response; empty when it is not of this type. */
    public static Optional<InputRequired> of(Envelope response) {
        Span result = response.result();
        Span type = response.resultType();
        if (!response.isString(type) || !response.text(type).equals("input_required")) {
            return Optional.empty();
        }
        Map<String, Request> requests = new LinkedHashMap<>();
        response.members(response.member(result, "inputRequests")).forEach((key, value) -> {
            Span method = response.member(value, "method");
            Span params = response.member(value, "params");
            if (response.isString(method)) {
                requests.put(
                        key,
                        new Request(
                                response.text(method),
                                params.isPresent() ? response.raw(params) : RawJson.EMPTY_OBJECT));
            }
        });
        Span state = response.member(result, "requestState");
        return Optional.of(
                new InputRequired(requests, state.isPresent() ? Optional.of(response.raw(state)) : Optional.empty()));
    }

    /** Adds answers, as JSON by key, and the state to a request that is sent again. */
    public void addTo(Patch patch, Map<String, String> responses) {
        if (!responses.isEmpty()) {
            StringJoiner json = new StringJoiner(",", "{", "}");
            responses.forEach((key, value) -> json.add(Json.quote(key) + ":" + value));
            patch.putParamsMember("inputResponses", RawJson.of(json.toString()));
        }
        state.ifPresent(value -> patch.putParamsMember("requestState", value));
    }
}
