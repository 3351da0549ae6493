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
import io.sluice.protocol.MetaKeys;
import io.sluice.protocol.ProtocolVersion;
import io.sluice.protocol.RawJson;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.StringJoiner;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;

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
    private static final Pattern KEY = Pattern.compile("[A-Za-z0-9_.-]{1,64}");

    /**
     * Reads a request of a backend.
     *
     * @param number tells it apart from the others of its call
     * @param features what the client of the call can be asked for
     * @return empty when it is nothing that this client could answer
     */
    public static Optional<Question> of(Envelope request, int number, ClientFeatures features) {
        Optional<Feature> needed = needed(request);
        if (needed.filter(features::has).isEmpty()) {
            return Optional.empty();
        }
        McpMethod method = request.knownMethod().orElseThrow();
        String kind = method.wire().substring(0, method.wire().indexOf('/'));
        String key = wish(request).orElse(kind + "-" + number);
        return Optional.of(new Question(key, Optional.ofNullable(request.id()), method, params(request)));
    }

    /** The same question under another key. */
    public Question named(String other) {
        return new Question(other, id, method, params);
    }

    /** What a client must have declared to be put this question; empty when it is none that clients are asked. */
    private static Optional<Feature> needed(Envelope request) {
        return request.knownMethod().flatMap(method -> switch (method) {
            case ELICITATION_CREATE -> {
                Span mode = request.member(request.params(), "mode");
                boolean url = request.isString(mode) && request.text(mode).equals("url");
                yield Optional.of(url ? Feature.ELICITATION_URL : Feature.ELICITATION_FORM);
            }
            case SAMPLING_CREATE_MESSAGE ->
                Optional.of(
                        request.member(request.params(), "tools").isPresent()
                                ? Feature.SAMPLING_TOOLS
                                : Feature.SAMPLING);
            case ROOTS_LIST -> Optional.of(Feature.ROOTS);
            default -> Optional.empty();
        });
    }

    /**
     * The {@code ClientCapabilities} that a client lacks to be put this question; empty when it lacks none, or when it
     * is none that clients are asked.
     */
    public static Optional<String> lacking(Envelope request, ClientFeatures features) {
        return needed(request).filter(needed -> !features.has(needed)).map(needed -> switch (needed) {
            case ELICITATION_URL -> "{\"elicitation\":{\"url\":{}}}";
            case ELICITATION_FORM -> "{\"elicitation\":{\"form\":{}}}";
            case SAMPLING_TOOLS -> "{\"sampling\":{\"tools\":{}}}";
            case ROOTS -> "{\"roots\":{}}";
            default -> "{\"sampling\":{}}";
        });
    }

    private static Optional<String> wish(Envelope request) {
        Span wish = request.member(request.meta(), MetaKeys.INPUT_KEY);
        return request.isString(wish)
                ? Optional.of(request.text(wish)).filter(KEY.asMatchPredicate())
                : Optional.empty();
    }

    /**
     * Without what is between the backend and this hop, and what only the legacy era knows: the id under which a page's
     * end is announced, and tasks of the client's.
     */
    private static Optional<RawJson> params(Envelope request) {
        if (!request.isObject(request.params())) {
            return Optional.empty();
        }
        List<Span> ours = Stream.of(request.metaProgressToken(), request.member(request.meta(), MetaKeys.INPUT_KEY))
                .filter(Span::isPresent)
                .toList();
        Patch patch = new Patch(request)
                .removeMember(request.member(request.params(), "elicitationId"))
                .removeMember(request.task());
        if (!ours.isEmpty() && request.members(request.meta()).size() == ours.size()) {
            patch.removeMember(request.meta());
        } else {
            ours.forEach(patch::removeMember);
        }
        return MessageReader.read(patch.toBytes())
                .map(changed -> changed.raw(changed.params()))
                .filter(params -> request.knownMethod().orElseThrow() != McpMethod.ROOTS_LIST
                        || !params.equals(RawJson.EMPTY_OBJECT));
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
