package io.sluice.gateway;

import io.sluice.call.Call;
import io.sluice.catalog.Mount;
import io.sluice.catalog.Target;
import io.sluice.envelope.Envelope;
import io.sluice.envelope.Json;
import io.sluice.envelope.Patch;
import io.sluice.envelope.Span;
import io.sluice.protocol.Era;
import io.sluice.protocol.McpMethod;
import io.sluice.protocol.RawJson;
import io.sluice.rejection.Rejection;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.StringJoiner;
import org.jspecify.annotations.Nullable;

/** Finds what a call is for in its mount's part of the catalog, and says it in the backend's own words. No I/O. */
final class Targets {
    private static final Duration UNTIL_LISTED = Duration.ofSeconds(1);

    private Targets() {}

    static Target of(Call call) {
        Envelope envelope = call.envelope();
        Mount mount = call.mount();
        return switch (call.method()) {
            case TOOLS_CALL -> {
                String name = required(envelope, envelope.name(), "name");
                yield mount.tool(name).orElseThrow(() -> unknown(mount, "tool", name));
            }
            case PROMPTS_GET -> {
                String name = required(envelope, envelope.name(), "name");
                yield mount.prompt(name).orElseThrow(() -> unknown(mount, "prompt", name));
            }
            case RESOURCES_READ, RESOURCES_SUBSCRIBE, RESOURCES_UNSUBSCRIBE -> {
                String uri = required(envelope, envelope.uri(), "uri");
                yield mount.resource(uri)
                        .orElseThrow(() -> new Rejection.ResourceNotFound(Json.quote(uri), modern(call)));
            }
            case COMPLETION_COMPLETE -> completionTarget(call);
            default -> throw new Rejection.MethodNotFound(call.method().wire(), modern(call));
        };
    }

    /** Nobody offers it; or, where a backend has not said yet what it offers, nobody knows. */
    private static Rejection unknown(Mount mount, String what, String name) {
        return mount.perhapsOf(name)
                .<Rejection>map(backend -> Rejection.BackendFailure.unavailable(
                        backend,
                        "Unknown " + what + ": " + name + "; backend '" + backend
                                + "' may have it, but has not said yet what it offers",
                        UNTIL_LISTED))
                .orElseGet(() -> new Rejection.InvalidParams("Unknown " + what + ": " + name));
    }

    /** The resource that a mount's clients know by this URI. */
    static Optional<Target> resource(Mount mount, String uri) {
        return mount.resource(uri);
    }

    private static boolean modern(Call call) {
        return call.version().era() == Era.MODERN;
    }

    private static Target completionTarget(Call call) {
        Envelope envelope = call.envelope();
        Span ref = envelope.ref();
        if (!ref.isPresent()) {
            throw new Rejection.InvalidParams("params.ref is missing; name a prompt or a resource template");
        }
        String type = text(envelope, envelope.member(ref, "type"));
        Optional<Target> found = switch (type == null ? "" : type) {
            case "ref/prompt" -> {
                String name = text(envelope, envelope.member(ref, "name"));
                yield name == null ? Optional.empty() : call.mount().prompt(name);
            }
            case "ref/resource" -> {
                String uri = text(envelope, envelope.member(ref, "uri"));
                yield uri == null
                        ? Optional.empty()
                        : call.mount()
                                .resourceTemplate(uri)
                                .or(() -> call.mount().resource(uri));
            }
            default -> throw new Rejection.InvalidParams("params.ref.type must be \"ref/prompt\" or \"ref/resource\"");
        };
        return found.orElseThrow(() -> new Rejection.InvalidParams("params.ref names nothing that is offered here"));
    }

    private static @Nullable String text(Envelope envelope, Span span) {
        return span.isPresent() && envelope.isString(span) ? envelope.text(span) : null;
    }

    private static String required(Envelope envelope, Span span, String member) {
        String text = text(envelope, span);
        if (text == null) {
            throw new Rejection.InvalidParams("params." + member + " is missing or not a string");
        }
        return text;
    }

    /** The edits that turn the exposed name or URI into the backend's own; none when they are the same. */
    static Patch rename(Call call, Target target) {
        return rename(call, target, new Patch(call.envelope()));
    }

    /** As the other form, with the edits added to those collected so far. */
    static Patch rename(Call call, Target target, Patch patch) {
        Envelope envelope = call.envelope();
        Span span = nameSpan(call);
        if (span.isPresent()) {
            String own = target.originalName();
            if (!own.equals(envelope.text(span))) {
                patch.replace(span, Json.quote(own).getBytes(StandardCharsets.UTF_8));
            }
        }
        return fix(envelope, target.fixed().values(), patch);
    }

    /** Adds the arguments that the client does not choose, in place of what it sends under their names. */
    private static Patch fix(Envelope envelope, Map<String, RawJson> fixed, Patch patch) {
        if (fixed.isEmpty()) {
            return patch;
        }
        envelope.onHeap(); // what is put among members is looked for in all of them
        Span arguments = envelope.member(envelope.params(), "arguments");
        if (envelope.isObject(arguments)) {
            fixed.forEach((name, value) -> patch.putMember(arguments, name, value));
        } else {
            StringJoiner all = new StringJoiner(",", "{", "}");
            fixed.forEach((name, value) -> all.add(Json.quote(name) + ":" + value));
            patch.putParamsMember("arguments", RawJson.of(all.toString()));
        }
        return patch;
    }

    /** What {@code Mcp-Name} must say towards the backend; null for methods without one. */
    static @Nullable String nameUpstream(Call call, Target target) {
        return call.method().target() == McpMethod.Target.NONE ? null : target.originalName();
    }

    /** The headers that mirror arguments: those the client chose, and those of the arguments that it does not choose. */
    static List<Map.Entry<String, String>> mirrored(List<Map.Entry<String, String>> chosen, Target target) {
        List<Map.Entry<String, String>> fixed = target.fixed().headers();
        if (fixed.isEmpty()) {
            return chosen;
        }
        List<Map.Entry<String, String>> all = new ArrayList<>(fixed);
        for (Map.Entry<String, String> header : chosen) {
            if (fixed.stream().noneMatch(known -> known.getKey().equalsIgnoreCase(header.getKey()))) {
                all.add(header);
            }
        }
        return all;
    }

    private static Span nameSpan(Call call) {
        Envelope envelope = call.envelope();
        return switch (call.method().target()) {
            case NAME -> envelope.name();
            case URI -> envelope.uri();
            case TASK_ID -> envelope.taskId();
            case NONE -> {
                if (call.method() != McpMethod.COMPLETION_COMPLETE) {
                    yield Span.NONE;
                }
                Span name = envelope.member(envelope.ref(), "name");
                yield name.isPresent() ? name : envelope.member(envelope.ref(), "uri");
            }
        };
    }

    /** The merged lists come as one page, so that no cursor was ever handed out. */
    static void refuseCursor(Envelope envelope) {
        if (envelope.cursor().isPresent()) {
            throw new Rejection.InvalidParams("params.cursor was not given out by this gateway; list again without it");
        }
    }
}
