package io.sluice.cli;

import io.sluice.config.ConfigReader;
import io.sluice.config.ConfigSources;
import io.sluice.config.ConfigWatcher;
import io.sluice.config.GatewayConfig;
import io.sluice.config.Reading;
import io.sluice.config.StartCheck;
import io.sluice.server.GatewayLauncher;
import io.sluice.server.RunningGateway;
import java.net.BindException;
import java.nio.channels.UnresolvedAddressException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import reactor.core.publisher.Mono;
import reactor.netty.ChannelBindException;

/** {@code sluice run}: the gateway, until it is told to stop. */
@Command(
        name = "run",
        mixinStandardHelpOptions = true,
        description = {
            "Runs the gateway until it is told to stop.",
            "Takes the mcpServers file of an MCP client, or the same with more settings in YAML; several files are"
                    + " merged, later ones win. A changed file is applied without a restart."
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:stopped as asked, after the calls under way had finished",
            "1:could not start, as when the port is taken",
            "2:usage, or a faulty or unsafe configuration"
        },
        footerHeading = "%nA flag wins over a variable, a variable over a file. Variables:%n"
                + "  HOST, PORT, MCP_BEARER_TOKEN, SLUICE_SECRET_KEY_FILE,%n"
                + "  MCP_PEER_<NAME>_URL for a backend, and SLUICE_SERVER_PORT for%n"
                + "  server.port, SLUICE_LOG_LEVEL for log.level and so on.%n%nExamples:%n",
        footer = {
            "  sluice run mcp.json",
            "  sluice run --port 9000 base.yaml production.yaml",
            "  MCP_BEARER_TOKEN=$(openssl rand -hex 24) sluice run --host 0.0.0.0 mcp.json",
            "  MCP_PEER_SEARCH_URL=http://localhost:3002/mcp sluice run"
        })
@SuppressWarnings("NullAway.Init") // picocli sets the annotated fields
final class RunCommand implements Callable<Integer> {
    private static final Logger LOG = LoggerFactory.getLogger("io.sluice");
    private static final int REFUSED = 2;

    /** What stopping may take beyond the drain itself. */
    private static final Duration GRACE = Duration.ofSeconds(10);

    private final GatewayLauncher launcher;
    private final Map<String, String> environment;

    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "FILE", arity = "0..*", description = "JSON or YAML. None: a gateway without backends.")
    private @Nullable List<Path> files;

    @Option(names = "--host", paramLabel = "HOST", description = "Address to listen on; default: 127.0.0.1.")
    private @Nullable String host;

    @Option(names = "--port", paramLabel = "PORT", description = "Port to listen on; 0 for any; default: 8080.")
    private @Nullable String port;

    @Option(
            names = "--token-file",
            paramLabel = "FILE",
            description = "File of bearer tokens, one a line; every call must carry one of them.")
    private @Nullable String tokenFile;

    @Option(names = "--debug", description = "Log more: what is decided, and why.")
    private boolean debug;

    @Option(names = "--log-file", paramLabel = "FILE", description = "Write the log to this file as well.")
    private @Nullable String logFile;

    @Option(
            names = "--log-format",
            paramLabel = "FORMAT",
            description = "text, json, or auto: text on a terminal and JSON elsewhere; default: auto.")
    private @Nullable String logFormat;

    @SuppressWarnings("UnusedVariable") // there to be accepted
    @Option(names = "--reload", description = "Accepted for familiarity: changed files are always applied.")
    private boolean reload;

    @Option(
            names = "--reload-interval",
            paramLabel = "SECONDS",
            defaultValue = "30",
            description = "How often files are compared where the system does not tell of changes; default:"
                    + " ${DEFAULT-VALUE}.")
    private int reloadInterval;

    RunCommand(GatewayLauncher launcher, Map<String, String> environment) {
        this.launcher = launcher;
        this.environment = Map.copyOf(environment);
    }

    /** Whether the demonstration started this process; it may use the token that everybody knows. */
    static boolean isDemo(Map<String, String> environment) {
        return Boolean.parseBoolean(environment.get("SLUICE_DEMO"));
    }

    @Override
    public Integer call() throws InterruptedException {
        long begun = System.nanoTime();
        ConfigSources sources = new ConfigSources(files == null ? List.of() : files, environment, flags());
        Reading reading = ConfigReader.read(sources);
        List<String> faults = new ArrayList<>();
        reading.faults().forEach(fault -> faults.add(fault.toString()));
        reading.config().ifPresent(config -> faults.addAll(StartCheck.faults(config, isDemo(environment))));
        if (!faults.isEmpty() || reading.config().isEmpty() || reloadInterval < 1) {
            return refuse(faults);
        }
        GatewayConfig config = reading.config().get();
        Logging.start(config.log(), debug, environment);
        reading.notes().forEach(note -> LOG.warn("{}", note));
        return run(sources, reading, config, begun);
    }

    private int refuse(List<String> faults) {
        if (reloadInterval < 1) {
            faults.add("--reload-interval is not at least 1");
        }
        faults.forEach(spec.commandLine().getErr()::println);
        spec.commandLine().getErr().println("sluice: not started");
        return REFUSED;
    }

    private int run(ConfigSources sources, Reading reading, GatewayConfig config, long begun)
            throws InterruptedException {
        try (ConfigWatcher watcher = new ConfigWatcher(
                sources,
                reading,
                changed -> StartCheck.faults(changed, isDemo(environment)),
                Duration.ofSeconds(reloadInterval),
                Clock.systemUTC())) {
            if (!reading.files().isEmpty()) {
                watcher.start();
            }
            watcher.changes().subscribe(changed -> Logging.level(changed.log(), debug));
            RunningGateway gateway;
            try {
                gateway = launch(config, watcher);
            } catch (RuntimeException e) {
                LOG.debug("the start failed", e);
                LOG.error("Not started: {}", reason(e, config.server())); // in the form of the lines before it
                Logging.stop();
                return 1;
            }
            StartLines.of(config, gateway.address(), sources, Duration.ofNanos(System.nanoTime() - begun))
                    .forEach(line -> LOG.atLevel(line.level()).log(line.text()));
            GatewayConfig.Server server = config.server();
            return untilStopped(gateway, server.drainDelay().plus(server.drainTimeout()));
        }
    }

    private RunningGateway launch(GatewayConfig config, ConfigWatcher watcher) {
        RunningGateway gateway =
                Mono.defer(() -> launcher.launch(config, watcher.changes())).block();
        if (gateway == null) {
            throw new IllegalStateException("nothing was launched");
        }
        return gateway;
    }

    /**
     * Waits for SIGTERM or SIGINT, which the virtual machine answers by running shutdown hooks. It would then exit with
     * the signal's number; having stopped as asked is a success, so the hook ends the process itself.
     */
    private static int untilStopped(RunningGateway gateway, Duration drain) throws InterruptedException {
        CountDownLatch never = new CountDownLatch(1);
        AtomicBoolean interrupted = new AtomicBoolean();
        Thread hook = new Thread(
                () -> {
                    int code = interrupted.get() ? 1 : stop(gateway, drain);
                    Logging.stop();
                    Runtime.getRuntime().halt(code);
                },
                "sluice-stop");
        Runtime.getRuntime().addShutdownHook(hook);
        try {
            never.await();
            return 0;
        } catch (InterruptedException e) {
            interrupted.set(true);
            stop(gateway, drain);
            Runtime.getRuntime().removeShutdownHook(hook);
            throw e;
        }
    }

    private static int stop(RunningGateway gateway, Duration drain) {
        try {
            gateway.stop().block(drain.plus(GRACE));
            return 0;
        } catch (RuntimeException e) {
            LOG.error("Stopping failed", e);
            return 1;
        }
    }

    private List<ConfigSources.Flag> flags() {
        List<ConfigSources.Flag> flags = new ArrayList<>();
        flag("--host", "server.host", host).ifPresent(flags::add);
        flag("--port", "server.port", port).ifPresent(flags::add);
        flag("--token-file", "auth.tokensFile", tokenFile).ifPresent(flags::add);
        flag("--log-file", "log.file", logFile).ifPresent(flags::add);
        flag("--log-format", "log.format", logFormat).ifPresent(flags::add);
        return flags;
    }

    private static Optional<ConfigSources.Flag> flag(String name, String key, @Nullable String value) {
        return Optional.ofNullable(value).map(v -> new ConfigSources.Flag(name, key, v));
    }

    private static String reason(RuntimeException failure, GatewayConfig.Server server) {
        Throwable root = failure;
        boolean binding = false;
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            binding |= cause instanceof ChannelBindException || cause instanceof BindException;
            root = cause;
        }
        String detail = root.getMessage() == null ? root.toString() : root.getMessage();
        if (!binding) {
            return "could not start: " + detail;
        }
        String place = "cannot listen on " + server.host() + ":" + server.port() + ": ";
        if (root instanceof UnresolvedAddressException) {
            return place + "the name is unknown; choose another with --host";
        }
        return detail.contains("in use")
                ? place + "the port is taken; choose another with --port, or 0 for any free one"
                : place + detail + "; choose another with --host or --port";
    }
}
