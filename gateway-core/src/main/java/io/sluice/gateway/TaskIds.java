package io.sluice.gateway;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.sluice.call.Call;
import io.sluice.catalog.Target;
import io.sluice.envelope.Envelope;
import io.sluice.envelope.Kind;
import io.sluice.envelope.MessageReader;
import io.sluice.envelope.Patch;
import io.sluice.envelope.Span;
import io.sluice.protocol.Era;
import io.sluice.protocol.McpMethod;
import io.sluice.protocol.MetaKeys;
import io.sluice.rejection.Rejection;
import io.sluice.seal.Stamp;
import io.sluice.session.SessionTicket;
import io.sluice.upstream.Event;
import io.sluice.upstream.Reply;
import java.nio.ByteBuffer;
import java.util.Base64;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;

/**
 * The names under which clients know the tasks of backends. Such a name says by itself which backend's task it is, so
 * that any replica can route it and nobody has to remember it; it is stamped for one caller and mount, so that nobody
 * else's task can be named. The same task always has the same name there.
 */
final class TaskIds {
    private static final String HEAD = "task-";
    private static final int LONGEST = 8 * 1024;
    private static final Base64.Encoder ENCODER = Base64.getUrlEncoder().withoutPadding();

    private final Stamp stamp;

    TaskIds(Stamp stamp) {
        this.stamp = stamp;
    }

    /** Whose names, and where they are used. */
    record Holder(String caller, String mount) {
        static Holder of(Call call) {
            return new Holder(call.caller().fingerprint(), call.mount().name());
        }

        static Holder of(SessionTicket ticket) {
            return new Holder(ticket.callerFingerprint(), ticket.mount());
        }

        private String text(String backend, String taskId) {
            return caller + "\n" + mount + "\n" + backend + "\n" + taskId;
        }
    }

    /** A backend's task. */
    record Named(String backend, String taskId) {}

    /** The name of a task. */
    String name(Holder holder, String backend, String taskId) {
        byte[] owner = backend.getBytes(UTF_8);
        byte[] id = taskId.getBytes(UTF_8);
        byte[] name = ByteBuffer.allocate(Stamp.BYTES + 1 + owner.length + id.length)
                .put(stamp.of(holder.text(backend, taskId)))
                .put((byte) owner.length)
                .put(owner)
                .put(id)
                .array();
        return HEAD + ENCODER.encodeToString(name);
    }

    /** What {@link #name} named for this holder; empty for anything else. */
    Optional<Named> find(Holder holder, String name) {
        if (!name.startsWith(HEAD) || name.length() > LONGEST) {
            return Optional.empty();
        }
        byte[] bytes;
        try {
            bytes = Base64.getUrlDecoder().decode(name.substring(HEAD.length()));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
        int idAt = bytes.length <= Stamp.BYTES ? 0 : Stamp.BYTES + 1 + bytes[Stamp.BYTES];
        if (idAt <= Stamp.BYTES || idAt > bytes.length) {
            return Optional.empty();
        }
        ByteBuffer in = ByteBuffer.wrap(bytes);
        byte[] stamped = new byte[Stamp.BYTES];
        in.get(stamped);
        String backend = new String(bytes, Stamp.BYTES + 1, idAt - Stamp.BYTES - 1, UTF_8);
        String taskId = new String(bytes, idAt, bytes.length - idAt, UTF_8);
        return stamp.fits(stamped, holder.text(backend, taskId))
                ? Optional.of(new Named(backend, taskId))
                : Optional.empty();
    }

    /** Where a request for a task leads. One answer for every task that is not the caller's, so that nothing can be learnt from it. */
    Target target(Call call) {
        Envelope envelope = call.envelope();
        String name = envelope.isString(envelope.taskId()) ? envelope.text(envelope.taskId()) : "";
        return find(Holder.of(call), name)
                .filter(task -> call.mount().contribution(task.backend()).isPresent())
                .map(task -> Target.ofTask(task.backend(), task.taskId(), name, call.method() == McpMethod.TASKS_GET))
                .orElseThrow(() -> new Rejection.InvalidParams("params.taskId names no task of this client's"));
    }

    /** Whether a modern request says that its answer may be a task. */
    static boolean declared(Envelope request) {
        Span extensions = request.member(request.metaClientCapabilities(), "extensions");
        return request.isObject(request.member(extensions, MetaKeys.TASKS_EXTENSION));
    }

    /** Refuses a modern request that needs the extension and does not declare it. */
    static void requireDeclared(Envelope request) {
        if (!declared(request)) {
            throw new Rejection.MissingClientCapability(
                    "Tasks are an extension that this request does not declare",
                    "{\"extensions\":{\"" + MetaKeys.TASKS_EXTENSION + "\":{}}}");
        }
    }

    /** Whether what comes back for a call may name a task. */
    static boolean concern(Call call) {
        return switch (call.method()) {
            case TASKS_GET, TASKS_UPDATE, TASKS_CANCEL, TASKS_RESULT -> true;
            case TOOLS_CALL ->
                call.version().era() == Era.MODERN
                        ? declared(call.envelope())
                        : call.envelope().task().isPresent();
            default -> false;
        };
    }

    /** The reply with tasks named as the client knows them; the reply itself where it can name none. */
    Reply in(Reply reply, Call call, Target target) {
        return in(reply, call, target, named -> {});
    }

    /** @param named told the name of each task that a response describes */
    Reply in(Reply reply, Call call, Target target, Consumer<String> named) {
        if (!concern(call)) {
            return reply;
        }
        if (reply instanceof Reply.Json json) {
            return new Reply.Json(
                    json.status(),
                    Replies.changed(json, target.backend(), message -> in(message, call, target, named))
                            .flux(),
                    true);
        }
        if (reply instanceof Reply.Events events) {
            return new Reply.Events(events.events().map(event -> in(event, call, target, named)));
        }
        return reply;
    }

    private Event in(Event event, Call call, Target target, Consumer<String> named) {
        return event instanceof Event.Message message
                ? MessageReader.read(message.json())
                        .<Event>map(envelope -> new Event.Message(in(envelope, call, target, named)))
                        .orElse(event)
                : event;
    }

    private byte[] in(Envelope message, Call call, Target target, Consumer<String> named) {
        Span created = message.member(message.member(message.result(), "task"), "taskId");
        if (message.isString(created)) {
            named.accept(name(Holder.of(call), target.backend(), message.text(created)));
        }
        return in(message, call, target);
    }

    /** The same of one message; its own bytes when it names no task. */
    byte[] in(Envelope message, Call call, Target target) {
        Holder holder = Holder.of(call);
        boolean ofTask = call.method() != McpMethod.TOOLS_CALL;
        return renamed(
                message,
                id -> ofTask && id.equals(target.originalName())
                        ? target.exposedName()
                        : name(holder, target.backend(), id),
                call.method() != McpMethod.TASKS_RESULT);
    }

    /** A message of a backend beside its answers, with tasks named as the holder knows them. */
    byte[] beside(Envelope message, Holder holder, String backend) {
        return renamed(message, id -> name(holder, backend, id), false);
    }

    /** A message of a client, with tasks named as the backend knows them; what names none of its tasks stays. */
    byte[] towards(Envelope message, Holder holder, String backend) {
        return renamed(
                message,
                name -> find(holder, name)
                        .filter(task -> task.backend().equals(backend))
                        .map(Named::taskId)
                        .orElse(name),
                false);
    }

    /** @param described whether the result of a response describes a task itself */
    private static byte[] renamed(Envelope message, UnaryOperator<String> rename, boolean described) {
        Patch patch = new Patch(message);
        if (message.kind() == Kind.RESPONSE) {
            Span result = message.result();
            if (described) {
                rename(message, message.member(result, "taskId"), rename, patch);
                rename(message, message.member(message.member(result, "task"), "taskId"), rename, patch);
            }
            rename(message, related(message, message.member(result, "_meta")), rename, patch);
        } else {
            if (isStatus(message)) {
                rename(message, message.taskId(), rename, patch);
            }
            rename(message, related(message, message.meta()), rename, patch);
        }
        return patch.toBytes();
    }

    /** Whether a notification tells what has become of a task. */
    static boolean isStatus(Envelope message) {
        McpMethod method = message.knownMethod().orElse(null);
        return method == McpMethod.NOTIFICATION_TASKS_STATUS || method == McpMethod.NOTIFICATION_TASKS;
    }

    private static Span related(Envelope message, Span meta) {
        return message.member(message.member(meta, MetaKeys.RELATED_TASK), "taskId");
    }

    private static void rename(Envelope message, Span id, UnaryOperator<String> rename, Patch patch) {
        if (message.isString(id)) {
            String before = message.text(id);
            String after = rename.apply(before);
            if (!before.equals(after)) {
                patch.replaceText(id, after);
            }
        }
    }
}
