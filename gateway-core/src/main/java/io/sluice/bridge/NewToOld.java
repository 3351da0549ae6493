package io.sluice.bridge;

import io.sluice.envelope.Envelope;
import io.sluice.envelope.Patch;
import io.sluice.envelope.Span;
import io.sluice.protocol.ClientFeatures;
import io.sluice.protocol.ClientFeatures.Feature;
import io.sluice.protocol.ErrorCodes;
import io.sluice.protocol.McpMethod;
import io.sluice.protocol.RawJson;
import io.sluice.rejection.Rejection;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Collections;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * A modern client before a legacy backend: takes the envelope's metadata off the request, and gives the result what the
 * modern era requires of one.
 */
public final class NewToOld {
    private static final Map<String, String> OF_RESULTS = Map.of("resultType", "\"complete\"");
    private static final Map<String, String> OF_RESOURCES;

    static {
        Map<String, String> members = new LinkedHashMap<>(OF_RESULTS);
        members.put("ttlMs", "0");
        members.put("cacheScope", "\"private\"");
        OF_RESOURCES = Collections.unmodifiableMap(members);
    }

    private NewToOld() {}

    /** Adds the edits to {@code patch} and returns it. */
    public static Patch request(Envelope request, Patch patch) {
        remove(patch, request.metaProtocolVersion());
        remove(patch, request.metaClientInfo());
        remove(patch, request.metaClientCapabilities());
        remove(patch, request.metaLogLevel());
        remove(patch, request.inputResponses());
        remove(patch, request.requestState());
        remove(patch, request.task()); // means nothing in the modern era, and something in the legacy one
        return patch;
    }

    /** What the client of a modern request can be asked for. */
    public static ClientFeatures features(Envelope request) {
        Span declared = request.metaClientCapabilities();
        Set<Feature> found = EnumSet.noneOf(Feature.class);
        if (request.isObject(request.member(declared, "roots"))) {
            found.add(Feature.ROOTS);
        }
        Span sampling = request.member(declared, "sampling");
        if (request.isObject(sampling)) {
            found.add(Feature.SAMPLING);
            add(found, Feature.SAMPLING_TOOLS, request.member(sampling, "tools"));
            add(found, Feature.SAMPLING_CONTEXT, request.member(sampling, "context"));
        }
        Span elicitation = request.member(declared, "elicitation");
        if (request.isObject(elicitation)) {
            Span url = request.member(elicitation, "url");
            add(found, Feature.ELICITATION_URL, url);
            if (!url.isPresent() || request.member(elicitation, "form").isPresent()) {
                found.add(Feature.ELICITATION_FORM);
            }
        }
        return found.isEmpty() ? ClientFeatures.NONE : new ClientFeatures(found);
    }

    private static void add(Set<Feature> found, Feature feature, Span declared) {
        if (declared.isPresent()) {
            found.add(feature);
        }
    }

    /**
     * The response as a modern client must see it.
     *
     * @throws Rejection.BackendFailure if it is one that no modern client can be given
     */
    public static byte[] response(Envelope response, Envelope request, McpMethod method, String backend) {
        Patch patch = new Patch(response);
        if (response.error().isPresent()) {
            error(response, request, backend, patch);
        } else {
            result(response, method, backend, patch);
        }
        return patch.toBytes();
    }

    /** Whether a backend could not do what was asked, in either way that a response can say so. */
    public static boolean failed(Envelope response) {
        Span failed = response.member(response.result(), "isError");
        return response.error().isPresent()
                || (failed.isPresent() && response.raw(failed).toString().equals("true"));
    }

    private static void result(Envelope response, McpMethod method, String backend, Patch patch) {
        Span result = response.result();
        if (!response.isObject(result)) {
            throw Rejection.BackendFailure.unavailable(
                    backend, "Backend '" + backend + "' answered with a result that is no object", Duration.ZERO);
        }
        complete(response, method, patch);
    }

    /**
     * What a modern client must find in a result to a method, with what it means where it is not there (2026-07-28, schema: <em>Result</em>, <em>CacheableResult</em>).
     */
    public static Map<String, String> required(McpMethod method) {
        return method == McpMethod.RESOURCES_READ ? OF_RESOURCES : OF_RESULTS;
    }

    /** Whether the response has no result, or one with all that is {@link #required}. */
    public static boolean isComplete(Envelope response, McpMethod method) {
        Span result = response.result();
        if (!response.isObject(result)) {
            return true;
        }
        Span type = response.resultType();
        if (method != McpMethod.RESOURCES_READ) {
            return type.isPresent();
        }
        boolean asks = response.isString(type) && !response.text(type).equals("complete");
        return asks
                || type.isPresent()
                        && response.member(result, "ttlMs").isPresent()
                        && response.member(result, "cacheScope").isPresent();
    }

    /** Adds what is {@link #required} and not there. The result is an object. */
    public static void complete(Envelope response, McpMethod method, Patch patch) {
        required(method).forEach((member, value) -> put(response, response.result(), patch, member, RawJson.of(value)));
    }

    private static void put(Envelope response, Span result, Patch patch, String member, RawJson value) {
        if (!response.member(result, member).isPresent()) {
            patch.putMember(result, member, value);
        }
    }

    /**
     * Modern servers emit neither -32002 nor -32042, and the codes from -32020 on mean other things to modern clients.
     */
    private static void error(Envelope response, Envelope request, String backend, Patch patch) {
        Span code = response.member(response.error(), "code");
        if (!code.isPresent()) {
            return;
        }
        String number = number(response, code);
        if (number.equals(Integer.toString(ErrorCodes.LEGACY_RESOURCE_NOT_FOUND))) {
            patch.replace(code, ascii(ErrorCodes.INVALID_PARAMS));
            if (request.uri().isPresent()) {
                RawJson data = RawJson.of("{\"uri\":" + request.raw(request.uri()) + "}");
                patch.putMember(response.error(), "data", data);
            }
        } else if (number.equals(Integer.toString(ErrorCodes.LEGACY_URL_ELICITATION_REQUIRED))) {
            throw Rejection.BackendFailure.erasDiffer(
                    backend,
                    "Backend '" + backend
                            + "' wants the user to open a web page first, and says none that could be named");
        } else if (number.matches("-320[2-9][0-9]")) {
            patch.replace(code, ascii(ErrorCodes.INTERNAL_ERROR));
        }
    }

    private static byte[] ascii(int number) {
        return Integer.toString(number).getBytes(StandardCharsets.US_ASCII);
    }

    private static String number(Envelope message, Span span) {
        return new String(message.body(), span.start(), span.end() - span.start(), StandardCharsets.US_ASCII);
    }

    private static void remove(Patch patch, Span value) {
        if (value.isPresent()) {
            patch.removeMember(value);
        }
    }
}
