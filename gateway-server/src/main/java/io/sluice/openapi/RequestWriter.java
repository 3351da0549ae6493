package io.sluice.openapi;

import io.sluice.openapi.Operation.Body;
import io.sluice.openapi.Operation.Parameter;
import java.io.ByteArrayOutputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Writes a call's arguments as the request that the operation describes (OpenAPI 3.1, <em>Style Values</em>). An argument never leaves its place: in the path it cannot become another segment, in the
 * query no other parameter, in a header no other line. Everything but RFC 3986's unreserved characters is percent-encoded, whatever {@code allowReserved} says; what encoding could not keep in place
 * (a slash or a dot segment in a path, a line break in a header) is refused.
 */
final class RequestWriter {
    private static final String HEX = "0123456789ABCDEF";

    private RequestWriter() {}

    /**
     * @param target path and query, to be put behind the service's base
     * @param body null when there is none
     */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    record Request(String method, String target, Map<String, String> headers, byte @Nullable [] body) {}

    /** An argument that cannot be sent, with a sentence for the model. */
    static final class Refused extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Refused(String message) {
            super(message, null, false, false);
        }
    }

    /** @throws Refused when an argument is missing or cannot be kept in its place */
    static Request write(Operation operation, JsonNode arguments) {
        String path = operation.path();
        List<String> query = new ArrayList<>();
        List<String> cookies = new ArrayList<>();
        Map<String, String> headers = new LinkedHashMap<>();
        Map<String, String> holes = new LinkedHashMap<>();
        Set<String> named = operation.parameters().stream().map(Parameter::name).collect(Collectors.toSet());
        for (Parameter parameter : operation.parameters()) {
            JsonNode value = arguments.path(parameter.argument());
            if (value.isMissingNode() || value.isNull()) {
                if (parameter.required()) {
                    throw new Refused("Argument '" + parameter.argument() + "' is missing");
                }
                continue;
            }
            switch (parameter.place()) {
                case PATH -> holes.put(parameter.name(), inPath(parameter, value));
                case QUERY -> inQuery(parameter, value, query, named);
                case HEADER -> headers.put(parameter.name(), inHeader(parameter, value));
                case COOKIE -> cookies.add(parameter.name() + "=" + joined(parameter, value, ",", true));
            }
        }
        if (!cookies.isEmpty()) {
            headers.put("Cookie", String.join("; ", cookies));
        }
        byte @Nullable [] body =
                operation.body().isEmpty() ? null : body(operation.body().orElseThrow(), operation, arguments, headers);
        String target = filled(path, holes) + (query.isEmpty() ? "" : "?" + String.join("&", query));
        return new Request(operation.method(), target, headers, body);
    }

    // ---- path

    private static String filled(String template, Map<String, String> holes) {
        StringBuilder path = new StringBuilder();
        for (String segment : template.substring(1).split("/", -1)) {
            path.append('/').append(segment(segment, holes));
        }
        return path.toString();
    }

    private static String segment(String template, Map<String, String> holes) {
        StringBuilder segment = new StringBuilder();
        int at = 0;
        boolean filled = false;
        while (at < template.length()) {
            int open = template.indexOf('{', at);
            int close = open < 0 ? -1 : template.indexOf('}', open);
            if (close < 0) {
                break;
            }
            segment.append(literal(template.substring(at, open)));
            segment.append(holes.getOrDefault(template.substring(open + 1, close), ""));
            filled = true;
            at = close + 1;
        }
        segment.append(literal(template.substring(at)));
        String whole = segment.toString();
        if (filled && (whole.isEmpty() || whole.equals(".") || whole.equals(".."))) {
            throw new Refused("The arguments make '" + whole + "' of a part of the path, which would lead elsewhere");
        }
        return whole;
    }

    /** The document's own text: what may stand in a path stays, the rest is encoded. */
    private static String literal(String text) {
        StringBuilder literal = new StringBuilder();
        for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
            char c = (char) (b & 0xFF);
            if (isUnreserved(c) || "!$&'()*+,;=:@%".indexOf(c) >= 0) {
                literal.append(c);
            } else {
                literal.append('%').append(HEX.charAt(c >> 4)).append(HEX.charAt(c & 15));
            }
        }
        return literal.toString();
    }

    private static String inPath(Parameter parameter, JsonNode value) {
        if (parameter.style().equals(Parameter.SEGMENTS) && value.isString()) {
            return segments(parameter, value.stringValue());
        }
        refuseSlashes(parameter, value);
        String joined = switch (parameter.style()) {
            case "label" -> "." + joined(parameter, value, parameter.explode() ? "." : ",", true);
            case "matrix" -> matrix(parameter, value);
            default -> joined(parameter, value, ",", true);
        };
        if (joined.isEmpty()) {
            throw new Refused("Argument '" + parameter.argument() + "' is empty, and a part of the path");
        }
        return joined;
    }

    /** Down from where the template says, and never up or aside. */
    private static String segments(Parameter parameter, String text) {
        List<String> segments = List.of(text.split("/", -1));
        boolean leads = segments.stream()
                .anyMatch(segment -> segment.isEmpty()
                        || segment.equals(".")
                        || segment.equals("..")
                        || segment.indexOf('\\') >= 0
                        || segment.indexOf('\0') >= 0
                        || segment.toUpperCase(Locale.ROOT).matches(".*%(2F|5C|2E).*"));
        if (leads) {
            throw new Refused("Argument '" + parameter.argument()
                    + "' is a path with an empty or dotted segment, or an encoded slash; that is not done");
        }
        return segments.stream().map(RequestWriter::encoded).collect(Collectors.joining("/"));
    }

    /** Many servers decode before they route: an encoded slash is a slash to them. */
    private static void refuseSlashes(Parameter parameter, JsonNode value) {
        String text = parameter.json() || value.isContainer() ? value.toString() : text(value);
        if (text.indexOf('/') >= 0 || text.indexOf('\\') >= 0 && !value.isContainer() || text.indexOf('\0') >= 0) {
            throw new Refused("Argument '" + parameter.argument()
                    + "' holds a slash, which would lead to another path; that is not done");
        }
        if (text.contains("%2f") || text.contains("%2F") || text.contains("%5c") || text.contains("%5C")) {
            throw new Refused("Argument '" + parameter.argument() + "' holds an encoded slash; that is not done");
        }
    }

    private static String matrix(Parameter parameter, JsonNode value) {
        String name = encoded(parameter.name());
        if (!parameter.explode() || !value.isContainer()) {
            return ";" + name + "=" + joined(parameter, value, ",", true);
        }
        List<String> parts = new ArrayList<>();
        if (value.isArray()) {
            value.forEach(item -> parts.add(";" + name + "=" + encoded(text(item))));
        } else {
            value.forEachEntry((key, item) -> parts.add(";" + encoded(key) + "=" + encoded(text(item))));
        }
        return String.join("", parts);
    }

    // ---- query

    /** @param named the parameters that the document names, whose places no member of an object may take */
    private static void inQuery(Parameter parameter, JsonNode value, List<String> query, Set<String> named) {
        String name = encoded(parameter.name());
        if (parameter.json() || !value.isContainer()) {
            query.add(name + "=" + encoded(parameter.json() ? value.toString() : text(value)));
            return;
        }
        if (parameter.style().equals("deepObject") && value.isObject()) {
            value.forEachEntry((key, item) -> {
                if (item.isArray()) {
                    item.forEach(each -> query.add(name + "%5B" + encoded(key) + "%5D=" + encoded(text(each))));
                } else {
                    query.add(name + "%5B" + encoded(key) + "%5D=" + encoded(text(item)));
                }
            });
            return;
        }
        if (parameter.explode()) {
            if (value.isArray()) {
                value.forEach(item -> query.add(name + "=" + encoded(text(item))));
            } else {
                value.forEachEntry((key, item) -> {
                    if (named.contains(key)) {
                        throw new Refused("Argument '" + parameter.argument() + "' has a member '" + key
                                + "', which is a parameter of its own");
                    }
                    query.add(encoded(key) + "=" + encoded(text(item)));
                });
            }
            return;
        }
        String between = switch (parameter.style()) {
            case "spaceDelimited" -> "%20";
            case "pipeDelimited" -> "%7C";
            default -> ",";
        };
        query.add(name + "=" + joined(parameter, value, between, true));
    }

    private static String joined(Parameter parameter, JsonNode value, String between, boolean encode) {
        if (parameter.json()) {
            return encode ? encoded(value.toString()) : value.toString();
        }
        List<String> parts = new ArrayList<>();
        if (value.isArray()) {
            value.forEach(item -> parts.add(encode ? encoded(text(item)) : text(item)));
        } else if (value.isObject()) {
            String equals = parameter.explode() ? "=" : between;
            value.forEachEntry((key, item) ->
                    parts.add(encode ? encoded(key) + equals + encoded(text(item)) : key + equals + text(item)));
        } else {
            return encode ? encoded(text(value)) : text(value);
        }
        return String.join(between, parts);
    }

    // ---- headers

    private static String inHeader(Parameter parameter, JsonNode value) {
        String text = joined(parameter, value, ",", false);
        if (!text.chars().allMatch(c -> (c >= ' ' && c < 127) || c == '\t')) {
            throw new Refused("Argument '" + parameter.argument()
                    + "' goes into a header and holds a line break, or a character that no header can carry");
        }
        return text.strip();
    }

    // ---- bodies

    private static byte @Nullable [] body(
            Body described, Operation operation, JsonNode arguments, Map<String, String> headers) {
        JsonNode value = described.argument().equals(ManifestReader.REST)
                ? rest(operation, arguments)
                : arguments.path(described.argument());
        if (value.isMissingNode()) {
            if (described.required()) {
                throw new Refused("Argument '" + described.argument() + "' is missing");
            }
            return null;
        }
        String type = described.mediaType();
        if (OpenApiReader.isJson(type)) {
            headers.put("Content-Type", type);
            return utf8(value.toString());
        }
        if (type.startsWith("application/x-www-form-urlencoded") && value.isObject()) {
            headers.put("Content-Type", "application/x-www-form-urlencoded");
            return utf8(form(value));
        }
        if (type.startsWith("multipart/") && value.isObject()) {
            String boundary = boundary(value.toString());
            headers.put("Content-Type", type.split(";", 2)[0] + "; boundary=" + boundary);
            return multipart(value, described.schema(), boundary);
        }
        headers.put("Content-Type", type);
        return value.isString()
                ? isText(type) ? utf8(value.stringValue()) : bytes(value.stringValue())
                : utf8(value.toString());
    }

    /** The arguments that no parameter takes. */
    private static JsonNode rest(Operation operation, JsonNode arguments) {
        ObjectNode rest = JsonMapper.shared().createObjectNode();
        Set<String> taken =
                operation.parameters().stream().map(Parameter::argument).collect(Collectors.toSet());
        arguments.forEachEntry((name, value) -> {
            if (!taken.contains(name)) {
                rest.set(name, value);
            }
        });
        return rest;
    }

    private static boolean isText(String type) {
        return type.startsWith("text/") || type.contains("xml");
    }

    private static String form(JsonNode value) {
        List<String> pairs = new ArrayList<>();
        value.forEachEntry((key, item) -> {
            if (item.isArray()) {
                item.forEach(each -> pairs.add(encoded(key) + "=" + encoded(text(each))));
            } else {
                pairs.add(encoded(key) + "=" + encoded(text(item)));
            }
        });
        return String.join("&", pairs);
    }

    /**
     * What stands in no part, however it was meant. Files are given in base64, which has no such character in it, and cannot hold it by intent: nobody who writes a call knows it. Not of {@code
     * SecureRandom}, whose first use waits for the system on an event loop.
     */
    private static String boundary(String content) {
        String boundary;
        do {
            boundary = "sluice-" + Long.toHexString(ThreadLocalRandom.current().nextLong())
                    + Long.toHexString(ThreadLocalRandom.current().nextLong());
        } while (content.contains(boundary));
        return boundary;
    }

    private static byte[] multipart(JsonNode value, JsonNode schema, String boundary) {
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        value.forEachEntry((key, item) -> {
            JsonNode described = schema.path("properties").path(key);
            if (item.isArray()) {
                item.forEach(each -> part(body, boundary, key, each, described.path("items")));
            } else {
                part(body, boundary, key, item, described);
            }
        });
        body.writeBytes(utf8("--" + boundary + "--\r\n"));
        return body.toByteArray();
    }

    private static void part(
            ByteArrayOutputStream body, String boundary, String key, JsonNode item, JsonNode described) {
        String name = key.replace("\"", "%22").replace("\r", "%0D").replace("\n", "%0A");
        boolean file = item.isString()
                && (described.path("format").asString("").equals("binary")
                        || described.path("contentEncoding").asString("").equals("base64")
                        || described.path("contentMediaType").asString("").equals("application/octet-stream"));
        String disposition = "Content-Disposition: form-data; name=\"" + name + "\"";
        String type =
                file ? "application/octet-stream" : item.isObject() ? "application/json" : "text/plain; charset=utf-8";
        body.writeBytes(utf8("--" + boundary + "\r\n" + disposition + (file ? "; filename=\"" + name + "\"" : "")
                + "\r\nContent-Type: " + type + "\r\n\r\n"));
        body.writeBytes(file ? bytes(item.stringValue()) : utf8(text(item)));
        body.writeBytes(utf8("\r\n"));
    }

    /** Files come as base64; what is none is sent as the text it is. */
    private static byte[] bytes(String text) {
        try {
            return Base64.getDecoder().decode(text);
        } catch (IllegalArgumentException e) {
            return utf8(text);
        }
    }

    // ---- values

    private static String text(JsonNode value) {
        return value.isString() ? value.stringValue() : value.isNull() ? "" : value.toString();
    }

    private static boolean isUnreserved(char c) {
        return (c >= 'a' && c <= 'z')
                || (c >= 'A' && c <= 'Z')
                || (c >= '0' && c <= '9')
                || c == '-'
                || c == '.'
                || c == '_'
                || c == '~';
    }

    static String encoded(String text) {
        StringBuilder encoded = new StringBuilder();
        for (byte b : utf8(text)) {
            char c = (char) (b & 0xFF);
            if (isUnreserved(c)) {
                encoded.append(c);
            } else {
                encoded.append('%').append(HEX.charAt(c >> 4)).append(HEX.charAt(c & 15));
            }
        }
        return encoded.toString();
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** The request's address below a base whose path may end in a slash. */
    static URI below(URI base, String target) {
        String path = base.getRawPath() == null ? "" : base.getRawPath();
        String prefix = path.endsWith("/") ? path.substring(0, path.length() - 1) : path;
        String authority = base.getScheme() + "://" + base.getRawAuthority();
        return URI.create(authority + prefix + target);
    }
}
