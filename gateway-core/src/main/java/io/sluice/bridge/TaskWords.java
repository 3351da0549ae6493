package io.sluice.bridge;

import io.sluice.envelope.Envelope;
import io.sluice.envelope.Json;
import io.sluice.envelope.MessageReader;
import io.sluice.envelope.Patch;
import io.sluice.envelope.Span;
import io.sluice.protocol.MetaKeys;
import java.util.Optional;
import java.util.StringJoiner;

/** A task of the legacy era (2025-11-25, <em>Tasks</em>) in the words of the modern extension {@value MetaKeys#TASKS_EXTENSION}. */
public final class TaskWords {
    private static final String NO_TIME = "\"1970-01-01T00:00:00Z\"";

    private TaskWords() {}

    /** The description of a task in the response that created it; {@link Span#NONE} in a response that is no task. */
    public static Span created(Envelope response) {
        Span task = response.member(response.result(), "task");
        return response.isString(response.member(task, "taskId")) ? task : Span.NONE;
    }

    /** What a task's description says of its status; empty when it says nothing. */
    public static String status(Envelope message, Span task) {
        Span status = message.member(task, "status");
        return message.isString(status) ? message.text(status) : "";
    }

    public static boolean isOver(String status) {
        return status.equals("completed") || status.equals("failed") || status.equals("cancelled");
    }

    /**
     * The members that describe a task, without braces.
     *
     * @param name under which the client knows it
     * @param status in the modern era's sense
     */
    public static String members(Envelope message, Span task, String name, String status) {
        StringJoiner members = new StringJoiner(",");
        members.add("\"taskId\":" + Json.quote(name));
        members.add("\"status\":" + Json.quote(status));
        member(message, task, "statusMessage").ifPresent(json -> members.add("\"statusMessage\":" + json));
        String createdAt = member(message, task, "createdAt").orElse(NO_TIME);
        members.add("\"createdAt\":" + createdAt);
        members.add(
                "\"lastUpdatedAt\":" + member(message, task, "lastUpdatedAt").orElse(createdAt));
        members.add("\"ttlMs\":" + member(message, task, "ttl").orElse("null"));
        member(message, task, "pollInterval").ifPresent(json -> members.add("\"pollIntervalMs\":" + json));
        return members.toString();
    }

    private static Optional<String> member(Envelope message, Span object, String key) {
        Span value = message.member(object, key);
        return value.isPresent() ? Optional.of(message.raw(value).toString()) : Optional.empty();
    }

    /** The result in a response to {@code tasks/result}, without the mark that says whose it is: the modern era has none. */
    public static String result(Envelope response) {
        Span meta = response.member(response.result(), "_meta");
        Span mark = response.member(meta, MetaKeys.RELATED_TASK);
        if (!mark.isPresent()) {
            return response.raw(response.result()).toString();
        }
        boolean alone = response.members(meta).size() == 1;
        byte[] without = new Patch(response).removeMember(alone ? meta : mark).toBytes();
        return MessageReader.read(without)
                .map(cleaned -> cleaned.raw(cleaned.result()).toString())
                .orElseThrow();
    }
}
