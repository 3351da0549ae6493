package io.sluice.config;

import io.sluice.registry.Backend;
import io.sluice.registry.Endpoint;
import io.sluice.registry.Transport;
import io.sluice.stdio.StdioSettings;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Backends that are programs: the keys of {@code mcpServers} that say what is started, and for how long. */
final class ProgramKeys {
    static final Key<String> COMMAND = Key.optional(
            "command",
            Shape.text(),
            "none",
            "A program that speaks MCP on stdin and stdout, instead of a url. One process serves all callers.");
    private static final Key<List<String>> ARGS =
            Key.listOf("args", Shape.text(), "none", "Arguments of the program. No shell reads them.");
    private static final Key<Map<String, String>> ENV = Key.optional(
            "env",
            Shape.texts(),
            "none",
            "Variables for the program. Of the gateway's own environment it sees only what programs need to run: PATH,"
                    + " HOME, language, proxies.");
    private static final Key<Map<String, String>> ENV_FILE = Key.optional(
            "envFile",
            new EnvFile(),
            "none",
            "A file of further variables for the program, NAME=value on each line; those of env win.");
    private static final Key<String> CWD =
            Key.optional("cwd", Shape.text(), "the gateway's", "The directory the program starts in.");
    private static final Key<Duration> IDLE_TIMEOUT = Key.of(
            "idleTimeout",
            Shape.durationOrNone(),
            "10m",
            "Stop the program after so long without a call; the next call starts it. 0s never does.");
    private static final Key<Duration> MAX_LIFETIME = Key.of(
            "maxLifetime",
            Shape.durationOrNone(),
            "0s",
            "Replace the program by a new process after so long; 0s never does.");
    private static final Key<Duration> START_TIMEOUT =
            Key.of("startTimeout", Shape.duration(), "60s", "Longest wait for the program's answer to initialize.");
    private static final Key<Integer> MAX_RESTARTS = Key.of(
            "maxRestarts",
            Shape.integer(0, 1000),
            "5",
            "How often in a row the program may end by itself before it is left alone for ten minutes.");
    static final List<Key<?>> ALL =
            List.of(COMMAND, ARGS, ENV, ENV_FILE, CWD, IDLE_TIMEOUT, MAX_LIFETIME, START_TIMEOUT, MAX_RESTARTS);

    private ProgramKeys() {}

    /** In the place of an address. */
    static List<Endpoint> place(Section.Fields f, String name) {
        for (Key<?> key : List.of(EndpointKeys.URL, EndpointKeys.ENDPOINTS, BackendKeys.HEADERS, OAuthKeys.OAUTH)) {
            if (f.node(key).isPresent()) {
                f.in().fault(f.at(key), f.pathOf(key) + ": a program has none; keep either it or the command");
            }
        }
        return Backend.isName(name) ? List.of(Endpoint.inside(StdioSettings.KIND, name)) : List.of();
    }

    /** How the program is run. */
    static Transport program(Section.Fields f, Optional<BackendKeys.Type> type) {
        type.filter(given -> given != BackendKeys.Type.STDIO)
                .ifPresent(given -> f.in().fault(
                                f.at(BackendKeys.TYPE),
                                f.pathOf(BackendKeys.TYPE)
                                        + ": has a command, which makes it stdio; remove one of them"));
        if (f.node(COMMAND).isEmpty()) {
            f.in().fault(f.at(), f.path() + ": is of type stdio and names no command");
            return Transport.HTTP;
        }
        return new StdioSettings(
                        f.find(COMMAND).orElse("-"),
                        f.value(ARGS),
                        environment(f),
                        f.find(CWD),
                        f.value(IDLE_TIMEOUT),
                        f.value(MAX_LIFETIME),
                        f.value(START_TIMEOUT),
                        f.value(MAX_RESTARTS))
                .transport();
    }

    private static Map<String, String> environment(Section.Fields f) {
        Map<String, String> environment = new LinkedHashMap<>(f.find(ENV_FILE).orElse(Map.of()));
        environment.putAll(f.find(ENV).orElse(Map.of()));
        return environment;
    }
}
