package io.sluice.management;

import io.netty.handler.codec.http.HttpResponseStatus;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A refusal of the management API, in the form of RFC 9457. It has no stack trace: it is an answer and not an accident.
 * Immutable.
 */
final class Problem extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int status;
    private final String code;
    private final String hint;
    private final transient List<Fault> faults;
    private final transient Map<String, String> headers;
    private final boolean closesConnection;

    /**
     * One thing that is wrong with a body.
     *
     * @param pointer a JSON pointer to it (RFC 6901)
     */
    record Fault(String pointer, String detail) {}

    private Problem(
            int status,
            String code,
            String detail,
            String hint,
            List<Fault> faults,
            Map<String, String> headers,
            boolean closesConnection) {
        super(detail, null, false, false);
        this.status = status;
        this.code = code;
        this.hint = hint;
        this.faults = List.copyOf(faults);
        this.headers = Map.copyOf(headers);
        this.closesConnection = closesConnection;
    }

    /**
     * @param code stable, for programs
     * @param detail a sentence, for people
     */
    static Problem of(int status, String code, String detail) {
        return new Problem(status, code, detail, "", List.of(), Map.of(), false);
    }

    /** A body of the right form whose content does not do. */
    static Problem unprocessable(String code, List<Fault> faults) {
        return new Problem(422, code, faults.get(0).detail(), "", faults, Map.of(), false);
    }

    static Problem unprocessable(String code, String pointer, String detail) {
        return unprocessable(code, List.of(new Fault(pointer, detail)));
    }

    /** The way out, in a sentence. */
    Problem withHint(String sentence) {
        return new Problem(status, code, detail(), sentence, faults, headers, closesConnection);
    }

    Problem withHeaders(Map<String, String> replacement) {
        return new Problem(status, code, detail(), hint, faults, replacement, closesConnection);
    }

    /** The rest of the request is not read. */
    Problem closingConnection() {
        return new Problem(status, code, detail(), hint, faults, headers, true);
    }

    int status() {
        return status;
    }

    String detail() {
        return String.valueOf(getMessage());
    }

    Map<String, String> headers() {
        return headers;
    }

    boolean closesConnection() {
        return closesConnection;
    }

    /** @param instance the path asked for */
    Map<String, Object> body(String instance) {
        Map<String, Object> body = new LinkedHashMap<>();
        body.put("type", "about:blank");
        body.put("title", HttpResponseStatus.valueOf(status).reasonPhrase());
        body.put("status", status);
        body.put("detail", detail());
        body.put("instance", instance);
        body.put("code", code);
        if (instance.startsWith("/api/")) {
            body.put("success", false);
            body.put("message", detail());
        }
        if (!hint.isEmpty()) {
            body.put("hint", hint);
        }
        if (!faults.isEmpty()) {
            List<Map<String, String>> errors = new ArrayList<>();
            for (Fault fault : faults) {
                Map<String, String> error = new LinkedHashMap<>();
                error.put("pointer", fault.pointer());
                error.put("detail", fault.detail());
                errors.add(error);
            }
            body.put("errors", errors);
        }
        return body;
    }
}
