package io.sluice.envelope;

import io.sluice.protocol.McpMethod;
import io.sluice.protocol.RawJson;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A JSON-RPC message: its bytes, and where in them stands what a gateway looks at. Everything else is never parsed.
 * Immutable, provided that nobody writes to the body. A large request's may be in {@link Segments}: then it can be read
 * until they are released, by one thread at a time.
 *
 * <p>Members are answered as {@link Span}s, {@link Span#NONE} when absent, of the type the sender gave them: ask
 * {@link #isString} or {@link #isObject} before {@link #text} or {@link #member}. The members of {@code params} and of
 * {@code params._meta} are looked for only where these are objects.
 */
public final class Envelope {
    private static final Names<McpMethod> METHODS = methods();

    private final Places places;
    private final Kind kind;
    private final String method;
    private final @Nullable McpMethod knownMethod;
    private final @Nullable RequestId id;

    /** @param places as noted by {@link JsonScanner#message}; a method that is there is a string */
    Envelope(Places places, Kind kind) {
        this.places = places;
        this.kind = kind;
        if (kind == Kind.RESPONSE) {
            knownMethod = null;
            method = "";
        } else {
            McpMethod known = places.method(METHODS);
            method = known == null ? places.text(Member.METHOD) : known.wire();
            knownMethod = known == null ? McpMethod.of(method).orElse(null) : known;
        }
        id = places.has(Member.ID) && isScalarId(places.first(Member.ID)) ? places.id() : null;
    }

    static boolean isScalarId(byte first) {
        return first == '"' || first == '-' || (first >= '0' && first <= '9');
    }

    private static Names<McpMethod> methods() {
        Map<String, McpMethod> methods = new LinkedHashMap<>();
        for (McpMethod method : McpMethod.values()) {
            methods.put(method.wire(), method);
        }
        return new Names<>(methods);
    }

    public Kind kind() {
        return kind;
    }

    /** The message as it came: the array itself, not a copy; of one in segments as by {@link #onHeap}. */
    public byte[] body() {
        return places.bytes();
    }

    /** How many bytes the message has. */
    public int length() {
        return places.length();
    }

    /** The byte at a place of the message. */
    public byte at(int index) {
        return places.at(index);
    }

    /**
     * Has a message that is in {@link Segments} copied to an array, and releases them. For whoever may read it after those
     * have been released, and for what does not know them.
     */
    public Envelope onHeap() {
        places.bytes();
        return this;
    }

    /** Where the bytes are, unless they are in an array. */
    @Nullable
    Segments held() {
        return places.held();
    }

    /** The id; null for a notification and for an error response that could not name one. */
    public @Nullable RequestId id() {
        return id;
    }

    /** The method, "" for a response. For a method the protocol knows this is the very string of {@link McpMethod}. */
    public String method() {
        return method;
    }

    /** The method, if it is one the protocol knows; that it may stand here is not said by this. */
    public Optional<McpMethod> knownMethod() {
        return knownMethod == null ? Optional.empty() : knownMethod.found();
    }

    public Span idSpan() {
        return places.span(Member.ID);
    }

    public Span methodSpan() {
        return places.span(Member.METHOD);
    }

    public Span params() {
        return places.span(Member.PARAMS);
    }

    public Span result() {
        return places.span(Member.RESULT);
    }

    /** {@code result.resultType}: whether the result is complete, or asks, or is a task (2026-07-28). */
    public Span resultType() {
        return places.span(Member.RESULT_TYPE);
    }

    public Span error() {
        return places.span(Member.ERROR);
    }

    /** {@code params.name}: of a tool or prompt. */
    public Span name() {
        return places.span(Member.NAME);
    }

    /** {@code params.uri}: of a resource. */
    public Span uri() {
        return places.span(Member.URI);
    }

    public Span taskId() {
        return places.span(Member.TASK_ID);
    }

    public Span cursor() {
        return places.span(Member.CURSOR);
    }

    public Span arguments() {
        return places.span(Member.ARGUMENTS);
    }

    /** {@code params._meta}. */
    public Span meta() {
        return places.span(Member.META);
    }

    public Span requestState() {
        return places.span(Member.REQUEST_STATE);
    }

    public Span inputResponses() {
        return places.span(Member.INPUT_RESPONSES);
    }

    public Span level() {
        return places.span(Member.LEVEL);
    }

    /** {@code params.requestId}: what {@code notifications/cancelled} cancels. */
    public Span requestId() {
        return places.span(Member.REQUEST_ID);
    }

    /** {@code params.progressToken}: what {@code notifications/progress} reports on. */
    public Span progressToken() {
        return places.span(Member.PROGRESS_TOKEN);
    }

    public Span ref() {
        return places.span(Member.REF);
    }

    public Span argument() {
        return places.span(Member.ARGUMENT);
    }

    /** {@code params.protocolVersion}: of {@code initialize}. */
    public Span protocolVersion() {
        return places.span(Member.PROTOCOL_VERSION);
    }

    public Span capabilities() {
        return places.span(Member.CAPABILITIES);
    }

    public Span clientInfo() {
        return places.span(Member.CLIENT_INFO);
    }

    public Span notifications() {
        return places.span(Member.NOTIFICATIONS);
    }

    public Span task() {
        return places.span(Member.TASK);
    }

    /** Present in {@code params._meta} on every request of the modern era, and on none of the legacy one. */
    public Span metaProtocolVersion() {
        return places.span(Member.META_PROTOCOL_VERSION);
    }

    public Span metaClientInfo() {
        return places.span(Member.META_CLIENT_INFO);
    }

    public Span metaClientCapabilities() {
        return places.span(Member.META_CLIENT_CAPABILITIES);
    }

    public Span metaLogLevel() {
        return places.span(Member.META_LOG_LEVEL);
    }

    public Span metaProgressToken() {
        return places.span(Member.META_PROGRESS_TOKEN);
    }

    public Span metaTraceparent() {
        return places.span(Member.META_TRACEPARENT);
    }

    public boolean isString(Span span) {
        return startsWith(span, '"');
    }

    public boolean isObject(Span span) {
        return startsWith(span, '{');
    }

    public boolean isArray(Span span) {
        return startsWith(span, '[');
    }

    /** Whether the value is there and is {@code null}. */
    public boolean isNull(Span span) {
        return startsWith(span, 'n');
    }

    private boolean startsWith(Span span, char first) {
        return span.isPresent() && places.at(span.start()) == first;
    }

    /**
     * The decoded value of a string.
     *
     * @throws IllegalArgumentException unless {@link #isString}
     */
    public String text(Span span) {
        if (!isString(span)) {
            throw new IllegalArgumentException("not a string: " + span);
        }
        return places.text(span.start(), span.end());
    }

    /**
     * The value as it came, copied.
     *
     * @throws IllegalArgumentException if the span is absent
     */
    public RawJson raw(Span span) {
        if (!span.isPresent()) {
            throw new IllegalArgumentException("no value");
        }
        return RawJson.of(places.copy(span.start(), span.end()));
    }

    /**
     * The value of one member of an object of this message, by a scan over the object. {@link Span#NONE} if it has no
     * such member, or is absent or no object itself, so that look-ups may be chained. Of equal keys, which only a
     * backend's message can have, the last counts.
     */
    public Span member(Span object, String key) {
        return isObject(object) ? places.member(object, key) : Span.NONE;
    }

    /** All members of an object of this message, in order; none if it is absent or no object. */
    public Map<String, Span> members(Span object) {
        return isObject(object) ? JsonScanner.members(body(), object) : Map.of();
    }

    /** The elements of an array of this message; none if it is absent or no array. */
    public List<Span> elements(Span array) {
        return isArray(array) ? JsonScanner.elements(body(), array) : List.of();
    }

    /** The string or integer at this place as an id, which progress tokens are too; empty for anything else. */
    public Optional<RequestId> requestIdAt(Span value) {
        return value.isPresent() ? RequestId.parse(raw(value).toString()) : Optional.empty();
    }

    /** Kind, method and id; never the parameters, which may be secret. */
    @Override
    public String toString() {
        return kind + " " + method + " " + id;
    }
}
