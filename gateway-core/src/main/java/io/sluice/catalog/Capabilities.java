package io.sluice.catalog;

import io.sluice.protocol.Era;
import io.sluice.protocol.McpMethod;
import io.sluice.protocol.MetaKeys;
import io.sluice.protocol.RawJson;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.json.JsonFactory;

/**
 * What a mount can do, reduced to what the gateway can carry: {@code experimental} is never passed on, and lists always announce their changes, since the gateway does that itself.
 *
 * @param subscribe whether single resources can be watched
 * @param tasks whether tools of a legacy backend can be called as tasks
 * @param extensions settings by extension, modern era only; in the order of the first backend that has them
 */
record Capabilities(
        boolean tools,
        boolean prompts,
        boolean resources,
        boolean subscribe,
        boolean completions,
        boolean logging,
        boolean tasks,
        Map<String, RawJson> extensions) {
    static final Capabilities NONE = new Capabilities(false, false, false, false, false, false, false, Map.of());
    static final Capabilities TOOLS = new Capabilities(true, false, false, false, false, false, false, Map.of());

    private static final JsonFactory JSON = new JsonFactory();

    Capabilities {
        extensions = Collections.unmodifiableMap(new LinkedHashMap<>(extensions));
    }

    /** Reads the {@code ServerCapabilities} of a backend of some era; what cannot be read counts as absent. */
    static Capabilities of(RawJson json, Era era) {
        boolean tools = false;
        boolean prompts = false;
        boolean resources = false;
        boolean subscribe = false;
        boolean completions = false;
        boolean logging = false;
        boolean tasks = false;
        Map<String, RawJson> extensions = new LinkedHashMap<>();
        try (JsonParser parser = JSON.createParser(ObjectReadContext.empty(), json.bytes())) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                return NONE;
            }
            for (String member = parser.nextName(); member != null; member = parser.nextName()) {
                boolean object = parser.nextToken() == JsonToken.START_OBJECT;
                switch (member) {
                    case "tools" -> tools = object;
                    case "prompts" -> prompts = object;
                    case "completions" -> completions = object;
                    case "logging" -> logging = object;
                    case "resources" -> {
                        resources = object;
                        subscribe = object && subscribe(parser);
                    }
                    case "tasks" -> tasks = object && toolTasks(slice(parser, json.bytes()));
                    case "extensions" -> {
                        if (object) {
                            extensions(parser, json.bytes(), extensions);
                        }
                    }
                    default -> {}
                }
                parser.skipChildren(); // does nothing where an object was read to its end
            }
        } catch (JacksonException e) {
            return NONE;
        }
        if (era == Era.LEGACY) {
            extensions.remove(MetaKeys.TASKS_EXTENSION);
        }
        return new Capabilities(
                tools, prompts, resources, subscribe, completions, logging, tasks && era == Era.LEGACY, extensions);
    }

    private static boolean subscribe(JsonParser parser) {
        boolean subscribe = false;
        for (String member = parser.nextName(); member != null; member = parser.nextName()) {
            boolean set = parser.nextToken() == JsonToken.VALUE_TRUE;
            subscribe = member.equals("subscribe") ? set : subscribe;
            parser.skipChildren();
        }
        return subscribe;
    }

    /** Whether {@code requests.tools.call} is there. */
    private static boolean toolTasks(byte[] tasks) {
        try (JsonParser parser = JSON.createParser(ObjectReadContext.empty(), tasks)) {
            parser.nextToken();
            return within(parser, "requests") && within(parser, "tools") && within(parser, "call");
        }
    }

    /** The object that begins here, which is read to its end. */
    private static byte[] slice(JsonParser parser, byte[] json) {
        int start = (int) parser.currentTokenLocation().getByteOffset();
        parser.skipChildren();
        return Arrays.copyOfRange(json, start, (int) parser.currentLocation().getByteOffset());
    }

    /** Goes into a member that is an object, or to the end of the object that has none. */
    private static boolean within(JsonParser parser, String wanted) {
        for (String member = parser.nextName(); member != null; member = parser.nextName()) {
            boolean object = parser.nextToken() == JsonToken.START_OBJECT;
            if (object && member.equals(wanted)) {
                return true;
            }
            parser.skipChildren();
        }
        return false;
    }

    private static void extensions(JsonParser parser, byte[] json, Map<String, RawJson> extensions) {
        for (String name = parser.nextName(); name != null; name = parser.nextName()) {
            boolean object = parser.nextToken() == JsonToken.START_OBJECT;
            if (object) {
                extensions.put(name, RawJson.of(slice(parser, json)));
            }
            parser.skipChildren();
        }
    }

    Capabilities and(Capabilities other) {
        Map<String, RawJson> both = new LinkedHashMap<>(extensions);
        other.extensions.forEach(both::putIfAbsent);
        return new Capabilities(
                tools || other.tools,
                prompts || other.prompts,
                resources || other.resources,
                subscribe || other.subscribe,
                completions || other.completions,
                logging || other.logging,
                tasks || other.tasks,
                both);
    }

    boolean offers(McpMethod method, Era era) {
        if (!method.sentByClientsOf(era)) {
            return false;
        }
        return switch (method) {
            case TOOLS_LIST, TOOLS_CALL -> tools;
            case PROMPTS_LIST, PROMPTS_GET -> prompts;
            case RESOURCES_LIST, RESOURCE_TEMPLATES_LIST, RESOURCES_READ -> resources;
            case RESOURCES_SUBSCRIBE, RESOURCES_UNSUBSCRIBE -> subscribe;
            case COMPLETION_COMPLETE -> completions;
            case LOGGING_SET_LEVEL -> logging;
            case TASKS_GET, TASKS_UPDATE, TASKS_CANCEL, TASKS_RESULT, TASKS_LIST -> tasks(era);
            default -> true;
        };
    }

    /** A legacy client is offered tasks of legacy backends only. */
    private boolean tasks(Era era) {
        return tasks || (era == Era.MODERN && extensions.containsKey(MetaKeys.TASKS_EXTENSION));
    }

    /** The {@code ServerCapabilities} object for clients of an era. */
    void write(JsonBytes out, Era era) {
        out.ascii("{");
        int start = out.length();
        if (tools) {
            member(out, start).ascii("\"tools\":{\"listChanged\":true}");
        }
        if (prompts) {
            member(out, start).ascii("\"prompts\":{\"listChanged\":true}");
        }
        if (resources) {
            member(out, start).ascii("\"resources\":{").ascii(subscribe ? "\"subscribe\":true," : "");
            out.ascii("\"listChanged\":true}");
        }
        if (completions) {
            member(out, start).ascii("\"completions\":{}");
        }
        if (logging) {
            member(out, start).ascii("\"logging\":{}");
        }
        if (era == Era.LEGACY && tasks) {
            member(out, start).ascii("\"tasks\":{\"list\":{},\"cancel\":{},\"requests\":{\"tools\":{\"call\":{}}}}");
        }
        Map<String, RawJson> shown = new LinkedHashMap<>(extensions);
        if (tasks) {
            shown.putIfAbsent(MetaKeys.TASKS_EXTENSION, RawJson.EMPTY_OBJECT);
        }
        if (era == Era.MODERN && !shown.isEmpty()) {
            member(out, start).ascii("\"extensions\":{");
            int first = out.length();
            shown.forEach((name, settings) ->
                    member(out, first).quoted(name).ascii(":").raw(settings));
            out.ascii("}");
        }
        out.ascii("}");
    }

    private static JsonBytes member(JsonBytes out, int start) {
        return out.length() == start ? out : out.ascii(",");
    }
}
