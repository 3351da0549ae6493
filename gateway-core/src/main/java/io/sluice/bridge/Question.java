package io.sluice.bridge;

import io.sluice.call.JsonRpc;
import io.sluice.envelope.Envelope;
import io.sluice.envelope.Json;
import io.sluice.envelope.MessageReader;
import io.sluice.envelope.Patch;
import io.sluice.envelope.RequestId;
import io.sluice.envelope.Span;
import io.sluice.protocol.ClientFeatures;
import io.sluice.protocol.ClientFeatures.Feature;
import io.sluice.protocol.ErrorCodes;
import io.sluice.protocol.McpMethod;
import io.sluice.protocol.ProtocolVersion;
import io.sluice.protocol.RawJson;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.StringJoiner;
import java.util.stream.IntStream;

/**
 * What a legacy backend asks in the middle of a call, as an input request of the modern era (2026-07-28, <em>Multi
 * round-trip requests</em>), and the client's answer to it as the response that the backend waits for.
 *
 * @param key names it towards the client
 * @param id the backend's own; empty for a question that came as an error, which nobody waits for
 * @param params absent for a request without any
 */
public record Question(String key, Optional<RequestId> id, McpMethod method, Optional<RawJson> params) {
    private static final int USER_DECLINED = -1;

    /**
     * Reads a request of a backend.
     *
     * @param number tells it apart from the others of its call
     * @param features what the client of the call can be asked for
     * @return empty when it is nothing that this client could answer
     */
    public static Optional<Question> of(Envelope request, int number, ClientFeatures features) {
        McpMethod method = request.knownMethod().orElse(McpMethod.PING);
        if (!features.has(needed(request, method))) {
            return Optional.empty();
        }
        String kind = method.wire().substring(0, method.wire().indexOf('/'));
        Optional<RawJson> params = request.isObject(request.params()) ? Optional.of(params(request)) : Optional.empty();
        return Optional.of(new Question(kind + "-" + number, Optional.ofNullable(request.id()), method, params));
    }

    private static Feature needed(Envelope request, McpMethod method) {
        return switch (method) {
            case ELICITATION_CREATE -> {
                Span mode = request.member(request.params(), "mode");
                boolean url = request.isString(mode) && request.text(mode).equals("url");
                yield url ? Feature.ELICITATION_URL : Feature.ELICITATION_FORM;
            }
            case SAMPLING_CREATE_MESSAGE ->
                request.member(request.params(), "tools").isPresent() ? Feature.SAMPLING_TOOLS : Feature.SAMPLING;
            case ROOTS_LIST -> Feature.ROOTS;
            default -> Feature.ROOTS_LIST_CHANGED; // declared by no modern client
        };
    }

    /** Without what only the legacy era knows: the id under which a page's end is announced, and tasks of the client's. */
    private static RawJson params(Envelope request) {
        Span id = request.member(request.params(), "elicitationId");
        Span task = request.task();
        if (!id.isPresent() && !task.isPresent()) {
            return request.raw(request.params());
        }
        return MessageReader.read(
                        new Patch(request).removeMember(id).removeMember(task).toBytes())
                .map(changed -> changed.raw(changed.params()))
                .orElseThrow();
    }

    /**
     * The pages that a backend wants opened before it repeats a call, from its error -32042 (2025-11-25,
     * <em>URL Elicitation Required</em>); empty for any other response.
     */
    public static List<Question> ofError(Envelope response) {
        Span error = response.error();
        Span code = response.member(error, "code");
        if (!code.isPresent()
                || !response.raw(code)
                        .toString()
                        .equals(Integer.toString(ErrorCodes.LEGACY_URL_ELICITATION_REQUIRED))) {
            return List.of();
        }
        List<Span> pages = response.elements(response.member(response.member(error, "data"), "elicitations"));
        return IntStream.range(0, pages.size())
                .filter(i -> response.isString(response.member(pages.get(i), "url")))
                .mapToObj(i -> page(i + 1, response, pages.get(i)))
                .toList();
    }

    private static Question page(int number, Envelope response, Span page) {
        Span said = response.member(page, "message");
        RawJson message =
                response.isString(said) ? response.raw(said) : RawJson.of("\"Open this page, please, to go on\"");
        RawJson params = RawJson.of("{\"mode\":\"url\",\"message\":" + message + ",\"url\":"
                + response.raw(response.member(page, "url")) + "}");
        return new Question("page-" + number, Optional.empty(), McpMethod.ELICITATION_CREATE, Optional.of(params));
    }

    private String json() {
        return "{\"method\":" + Json.quote(method.wire())
                + params.map(json -> ",\"params\":" + json).orElse("") + "}";
    }

    /** The result that puts these questions to the client, under the id of its request. */
    public static byte[] inputRequired(RequestId id, Collection<Question> questions, String requestState) {
        StringJoiner requests = new StringJoiner(",", "{", "}");
        questions.forEach(question -> requests.add(Json.quote(question.key()) + ":" + question.json()));
        return JsonRpc.result(
                id,
                "{\"resultType\":\"input_required\",\"inputRequests\":" + requests + ",\"requestState\":"
                        + Json.quote(requestState) + "}");
    }

    /** The response to the backend. Before 2025-11-25 the content of a sampled message was one block, not several. */
    public byte[] answer(RawJson result, ProtocolVersion version) {
        RequestId own = id.orElseThrow();
        byte[] response = JsonRpc.result(own, result.bytes());
        if (method != McpMethod.SAMPLING_CREATE_MESSAGE || version.isAtLeast(ProtocolVersion.V2025_11_25)) {
            return response;
        }
        Envelope envelope = MessageReader.read(response).orElseThrow();
        Span content = envelope.member(envelope.result(), "content");
        List<Span> blocks = envelope.elements(content);
        return blocks.size() == 1
                ? new Patch(envelope)
                        .replace(content, envelope.raw(blocks.get(0)))
                        .toBytes()
                : response;
    }

    /** The response to the backend when the client gives none. */
    public byte[] unanswered() {
        RequestId own = id.orElseThrow();
        return method == McpMethod.ELICITATION_CREATE
                ? JsonRpc.result(own, "{\"action\":\"cancel\"}")
                : JsonRpc.error(own, USER_DECLINED, "The client gave no answer", null);
    }
}
