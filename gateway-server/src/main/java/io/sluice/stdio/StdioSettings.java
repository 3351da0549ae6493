package io.sluice.stdio;

import io.sluice.protocol.RawJson;
import io.sluice.registry.Transport;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * The program behind a backend, and how long it may run.
 *
 * @param command the program; found on the {@code PATH} unless it is a path
 * @param args passed as they are: no shell reads them
 * @param env added to the few variables of the gateway's own environment that a program needs to work. Secret
 * @param cwd the directory it starts in, or empty for the gateway's own
 * @param idleTimeout stops it after so long without a call; zero never does
 * @param maxLifetime replaces it by a new one after so long; zero never does
 * @param startTimeout longest wait for its answer to {@code initialize}
 * @param maxRestarts how often in a row it may end unasked before it is left alone for a while
 */
public record StdioSettings(
        String command,
        List<String> args,
        Map<String, String> env,
        Optional<String> cwd,
        Duration idleTimeout,
        Duration maxLifetime,
        Duration startTimeout,
        int maxRestarts) {
    public static final String KIND = "stdio";
    public static final Duration IDLE_TIMEOUT = Duration.ofMinutes(10);
    public static final Duration START_TIMEOUT = Duration.ofSeconds(60);
    public static final int MAX_RESTARTS = 5;

    private static final JsonMapper JSON = JsonMapper.shared();

    public StdioSettings {
        if (command.isBlank()) {
            throw new IllegalArgumentException("the command is empty");
        }
        if (command.indexOf('\0') >= 0 || args.stream().anyMatch(arg -> arg.indexOf('\0') >= 0)) {
            throw new IllegalArgumentException("the command holds a NUL character");
        }
        env.forEach((name, value) -> {
            if (name.isEmpty() || name.indexOf('=') >= 0 || (name + value).indexOf('\0') >= 0) {
                throw new IllegalArgumentException("'" + name + "' cannot be an environment variable");
            }
        });
        args = List.copyOf(args);
        env = Map.copyOf(env);
    }

    public static StdioSettings of(String command, List<String> args) {
        return new StdioSettings(
                command, args, Map.of(), Optional.empty(), IDLE_TIMEOUT, Duration.ZERO, START_TIMEOUT, MAX_RESTARTS);
    }

    /** The program and its arguments. */
    public List<String> commandLine() {
        List<String> words = new ArrayList<>();
        words.add(command);
        words.addAll(args);
        return words;
    }

    /** As a backend's transport. */
    public Transport transport() {
        ObjectNode json = JSON.createObjectNode();
        json.put("command", command);
        args.forEach(json.putArray("args")::add);
        ObjectNode variables = json.putObject("env");
        env.entrySet().stream()
                .sorted(Map.Entry.comparingByKey())
                .forEach(variable -> variables.put(variable.getKey(), variable.getValue()));
        cwd.ifPresent(directory -> json.put("cwd", directory));
        json.put("idleTimeoutMs", idleTimeout.toMillis());
        json.put("maxLifetimeMs", maxLifetime.toMillis());
        json.put("startTimeoutMs", startTimeout.toMillis());
        json.put("maxRestarts", maxRestarts);
        return new Transport(KIND, RawJson.of(JSON.writeValueAsBytes(json)));
    }

    /** @throws IllegalArgumentException with a sentence when the transport is none of a program */
    public static StdioSettings of(Transport transport) {
        try {
            JsonNode json = JSON.readTree(transport.settings().bytes());
            List<String> args = new ArrayList<>();
            json.path("args").forEach(arg -> args.add(arg.asString("")));
            Map<String, String> env = new LinkedHashMap<>();
            json.path("env").forEachEntry((name, value) -> env.put(name, value.asString("")));
            return new StdioSettings(
                    json.path("command").asString(""),
                    args,
                    env,
                    json.path("cwd").isString() ? Optional.of(json.path("cwd").asString("")) : Optional.empty(),
                    Duration.ofMillis(json.path("idleTimeoutMs").asLong(IDLE_TIMEOUT.toMillis())),
                    Duration.ofMillis(json.path("maxLifetimeMs").asLong(0)),
                    Duration.ofMillis(json.path("startTimeoutMs").asLong(START_TIMEOUT.toMillis())),
                    json.path("maxRestarts").asInt(MAX_RESTARTS));
        } catch (JacksonException e) {
            throw new IllegalArgumentException("its stdio settings cannot be read: " + e.getOriginalMessage(), e);
        }
    }

    /** Without the environment, which may be secret. */
    @Override
    public String toString() {
        return "StdioSettings[" + commandLine() + " env=" + env.keySet() + "]";
    }
}
