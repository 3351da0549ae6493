package io.sluice.demo;

import java.io.IOException;
import java.io.PrintWriter;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code sluice demo}: sample backends, the gateway in front of them, and a call of each tool. Stops all of it when it ends, however it ends. */
@Command(
        name = "demo",
        mixinStandardHelpOptions = true,
        description = {
            "Starts two sample MCP servers and the gateway in front of them, calls a tool of each and shows what happened.",
            "Runs until Ctrl-C, which stops all of it."
        })
@SuppressWarnings("NullAway.Init") // picocli sets the annotated fields
public final class DemoCommand implements Callable<Integer> {
    /** Known to everyone: the gateway takes it from the demo alone, on loopback. */
    static final String TOKEN = "mcp-token-123";

    private static final int GATEWAY_PORT = 3001;
    private static final String LOOPBACK = "127.0.0.1";
    private static final Duration START = Duration.ofSeconds(30);
    private static final Duration STOP = Duration.ofSeconds(5);
    private static final int MOST_REPLICAS = 9;

    @Spec
    private CommandSpec spec;

    @Option(
            names = "--once",
            description = "Stop after the calls; the exit code is 0 when all of them succeeded, else 1.")
    private boolean once;

    @Option(
            names = "--port",
            paramLabel = "PORT",
            defaultValue = "" + GATEWAY_PORT,
            description = "Port of the gateway; another one if it is taken. Default: ${DEFAULT-VALUE}.")
    private int port;

    @Option(
            names = "--shopping-port",
            paramLabel = "PORT",
            defaultValue = "3002",
            description = "Port of the shopping service. Default: ${DEFAULT-VALUE}.")
    private int shoppingPort;

    @Option(
            names = "--user-port",
            paramLabel = "PORT",
            defaultValue = "3003",
            description = "Port of the user service. Default: ${DEFAULT-VALUE}.")
    private int userPort;

    @Option(
            names = "--replicas",
            paramLabel = "N",
            defaultValue = "1",
            description = "Run N replicas of the gateway on one Redis behind a load balancer, kill one and stop one."
                    + " Redis is that of REDIS_URL, the redis-server on the PATH, or one that comes along. Default:"
                    + " ${DEFAULT-VALUE}.")
    private int replicas;

    private final Class<?> main;

    private final DemoHttp http = new DemoHttp();

    /** In the order of their start. Guarded by its own lock: the shutdown hook reads it too. */
    private final List<DemoProcess> children = new ArrayList<>();

    private boolean stopping;

    private DemoCommand(Class<?> main) {
        this.main = main;
    }

    /**
     * The demo and the hidden commands that its child processes run.
     *
     * @param main the program's entry point, which must know these commands
     */
    public static Object[] verbs(Class<?> main) {
        return new Object[] {new DemoCommand(main), new DemoBackendCommand(), new DemoChildCommand()};
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        checkOptions();
        PrintWriter out = new PrintWriter(new SilentAtTheEnd(spec.commandLine().getOut(), this::stopping));
        StaleFolders.clean(Path.of(System.getProperty("java.io.tmpdir")));
        Path folder = StaleFolders.create();
        Thread hook = new Thread(() -> stop(folder), "demo-stop");
        Runtime.getRuntime().addShutdownHook(hook);
        try {
            return run(out, folder);
        } catch (DemoFailure failure) {
            out.flush();
            if (!stopping()) {
                spec.commandLine().getErr().println("demo: " + failure.getMessage());
            }
            return 1;
        } finally {
            out.flush();
            stop(folder);
        }
    }

    private void checkOptions() {
        checkPort("--port", port);
        checkPort("--shopping-port", shoppingPort);
        checkPort("--user-port", userPort);
        if (replicas < 1 || replicas > MOST_REPLICAS) {
            throw wrong("--replicas is " + replicas + "; give a number from 1 to " + MOST_REPLICAS);
        }
    }

    private void checkPort(String option, int value) {
        if (value < 0 || value > 65535) {
            throw wrong(option + " is " + value + ", but ports go from 1 to 65535; 0 is for any that is free");
        }
    }

    private ParameterException wrong(String sentence) {
        return new ParameterException(spec.commandLine(), sentence);
    }

    private int run(PrintWriter out, Path folder) throws IOException, InterruptedException, DemoFailure {
        DemoPorts ports = new DemoPorts();
        int gatewayAt = port(ports, port, "gateway", out);
        int shoppingAt = port(ports, shoppingPort, "shopping service", out);
        int userAt = port(ports, userPort, "user service", out);

        String shoppingToken = secret();
        String userToken = secret();
        String batchToken = secret();
        out.println("Starting the shopping service on " + shoppingAt + " and the user service on " + userAt + " …");
        out.flush();
        Map<String, String> tokens = Map.of(
                "MCP_BEARER_TOKEN", TOKEN,
                "SLUICE_DEMO", "true",
                "ENVIRONMENT", "demo",
                "BATCH_TOKEN", batchToken,
                "SHOPPING_TOKEN", shoppingToken,
                "USER_TOKEN", userToken);
        DemoProcess shopping = backend(SampleService.SHOPPING, shoppingAt, shoppingToken, folder);
        DemoProcess user = backend(SampleService.USER, userAt, userToken, folder);
        shopping.awaitHealthy(http, at(shoppingAt, "/health"), START);
        user.awaitHealthy(http, at(userAt, "/health"), START);

        try (TroubleScene scene = TroubleScene.start(TOKEN, batchToken)) {
            String config = config(shoppingAt, userAt, scene.entry());
            Services services = new Services(shoppingAt, userAt, shopping.pid());
            return replicas > 1
                    ? runReplicas(out, folder, ports, gatewayAt, config, tokens, scene, services)
                    : runOne(out, folder, gatewayAt, config, tokens, scene, services);
        }
    }

    /** What stands behind the gateway. */
    private record Services(int shoppingAt, int userAt, long shoppingPid) {}

    private int runOne(
            PrintWriter out,
            Path folder,
            int gatewayAt,
            String json,
            Map<String, String> tokens,
            TroubleScene scene,
            Services services)
            throws IOException, InterruptedException, DemoFailure {
        out.println("Starting the gateway on " + gatewayAt + " …");
        out.flush();
        Path config = Files.writeString(folder.resolve("mcp.json"), json);
        Map<String, String> environment = new HashMap<>(tokens);
        DemoProcess gateway = start(
                "gateway",
                folder,
                List.of(
                        "run",
                        config.toString(),
                        "--host",
                        LOOPBACK,
                        "--port",
                        Integer.toString(gatewayAt),
                        "--log-format",
                        "text"),
                environment);
        gateway.awaitHealthy(http, at(gatewayAt, "/readyz"), START);

        List<GatewayTour.Stop> stops = new GatewayTour(http, at(gatewayAt, "/mcp"), TOKEN).take();
        DemoReport report =
                new DemoReport(out, spec.commandLine().getColorScheme().ansi().enabled());
        report.table(stops);
        boolean passed = stops.stream().allMatch(GatewayTour.Stop::passed);
        if (!passed) {
            out.println("  What the gateway said: " + gateway.log());
        }
        if (once) {
            return passed ? 0 : 1;
        }
        try (TroubleDoor door = TroubleDoor.open((verb, seconds, to) ->
                scene.play(verb, at(gatewayAt, "/mcp"), seconds, () -> List.of(gateway.log()), to))) {
            report.invitation(
                    gatewayAt, services.shoppingAt(), services.userAt(), TOKEN, services.shoppingPid(), door.port());
            out.println();
            out.println("The gateway's configuration is " + config + ", its log " + gateway.log() + ".");
            out.println("Ctrl-C stops everything.");
            out.flush();
            door.keys(out);
            watch(out, gateway);
        }
        return 1;
    }

    private int runReplicas(
            PrintWriter out,
            Path folder,
            DemoPorts ports,
            int port,
            String config,
            Map<String, String> tokens,
            TroubleScene scene,
            Services services)
            throws IOException, InterruptedException, DemoFailure {
        DemoRedis redis = DemoRedis.start(System.getenv("REDIS_URL"), ports, folder);
        Thread hook = new Thread(redis::stop, "demo-stop-redis");
        Runtime.getRuntime().addShutdownHook(hook);
        try (CountingBackend counting = CountingBackend.start()) {
            Map<String, String> environment = new HashMap<>(tokens);
            environment.put("REDIS_URL", redis.url());
            environment.put(
                    "SLUICE_REDIS_CLUSTER", "demo-" + ProcessHandle.current().pid());
            environment.put("SLUICE_SECRET_KEY", secret() + secret().substring(32));
            environment.put("SLUICE_SERVER_DRAIN_DELAY", "1s");
            Path file = Replica.config(
                    folder,
                    config.replaceFirst(
                            "\\{\\s*\"shopping\"",
                            "{ \"counting\": {\"url\": \"" + counting.url() + "\"}, \"shopping\""));
            List<Replica> all = new ArrayList<>();
            for (int i = 1; i <= replicas; i++) {
                Replica replica = new Replica(
                        i,
                        ports.take(0),
                        file,
                        environment,
                        (name, arguments, more) -> start(name, folder, arguments, more));
                all.add(replica);
                out.println("Starting " + replica + " on " + replica.port() + ", with " + redis.origin() + " …");
                out.flush();
                replica.start();
            }
            for (Replica replica : all) {
                replica.awaitReady(http);
            }
            try (DemoBalancer balancer =
                    DemoBalancer.start(port, all.stream().map(Replica::port).toList())) {
                out.println("A load balancer on " + balancer.port() + " sends each request to the next one.");
                URI endpoint = at(balancer.port(), "/mcp");
                List<GatewayTour.Stop> stops = new GatewayTour(http, endpoint, TOKEN).take();
                DemoReport report = new DemoReport(
                        out, spec.commandLine().getColorScheme().ansi().enabled());
                report.table(stops);
                boolean passed = new ReplicasScene(out, http, endpoint, TOKEN, all).play()
                        && stops.stream().allMatch(GatewayTour.Stop::passed);
                if (!passed) {
                    all.forEach(replica -> out.println(
                            "  What " + replica + " said: " + replica.now().log()));
                }
                if (once) {
                    return passed ? 0 : 1;
                }
                try (TroubleDoor door = TroubleDoor.open((verb, seconds, to) -> scene.play(
                        verb,
                        endpoint,
                        seconds,
                        () -> all.stream().map(replica -> replica.now().log()).toList(),
                        to))) {
                    report.invitation(
                            balancer.port(),
                            services.shoppingAt(),
                            services.userAt(),
                            TOKEN,
                            services.shoppingPid(),
                            door.port());
                    out.println();
                    out.println("The gateway answers on http://localhost:" + balancer.port()
                            + "/mcp, with the bearer token " + TOKEN + ".");
                    out.println("Ctrl-C stops everything.");
                    out.flush();
                    door.keys(out);
                    return untilAllHaveEnded(all);
                }
            }
        } finally {
            redis.stop();
        }
    }

    private int untilAllHaveEnded(List<Replica> all) throws InterruptedException {
        for (Replica replica : all) {
            while (!replica.now().awaitEnd(STOP)) {
                if (stopping()) {
                    return 1;
                }
            }
        }
        return 1;
    }

    /** Until the gateway is gone. A backend that goes is the demo's subject, and no reason to stop. */
    private void watch(PrintWriter out, DemoProcess gateway) throws DemoFailure {
        List<DemoProcess> running = new ArrayList<>(children());
        while (running.contains(gateway)) {
            DemoProcess ended = DemoProcess.firstToEnd(running);
            running.remove(ended);
            if (stopping()) {
                return;
            }
            if (ended != gateway) {
                out.println("The " + ended.name() + " service has ended (exit code " + ended.exitCode()
                        + "). The gateway still lists its tool; call it and see what it says.");
                out.flush();
            }
        }
        throw new DemoFailure("The gateway has ended (exit code " + gateway.exitCode() + ").");
    }

    private static int port(DemoPorts ports, int wanted, String whose, PrintWriter out) throws IOException {
        int port = ports.take(wanted);
        if (port != wanted && wanted != 0) {
            out.println("Port " + wanted + " is taken; the " + whose + " uses " + port + " instead.");
        }
        return port;
    }

    private DemoProcess backend(SampleService service, int port, String token, Path folder)
            throws IOException, DemoFailure {
        return start(
                service.id(),
                folder,
                List.of("demo-backend", service.id(), "--host", LOOPBACK, "--port", Integer.toString(port)),
                Map.of("MCP_BEARER_TOKEN", token));
    }

    private DemoProcess start(String name, Path folder, List<String> arguments, Map<String, String> environment)
            throws IOException, DemoFailure {
        synchronized (children) {
            if (stopping) {
                throw new DemoFailure("stopped while starting");
            }
            DemoProcess child = DemoProcess.start(main, name, folder, arguments, environment);
            children.add(child);
            return child;
        }
    }

    private List<DemoProcess> children() {
        synchronized (children) {
            return List.copyOf(children);
        }
    }

    private boolean stopping() {
        synchronized (children) {
            return stopping;
        }
    }

    /** The gateway first, so that it is not seen failing for want of backends. */
    private void stop(Path folder) {
        synchronized (children) {
            if (stopping) {
                return;
            }
            stopping = true;
            for (int i = children.size() - 1; i >= 0; i--) {
                children.get(i).stop(STOP);
            }
        }
        StaleFolders.delete(folder);
    }

    private static URI at(int port, String path) {
        return URI.create("http://" + LOOPBACK + ":" + port + path);
    }

    /** In the form that people's own files have; the tokens come from the environment. */
    private static String config(int shopping, int user, String stock) {
        return """
                {
                  "mcpServers": {
                    "shopping": {
                      "type": "http",
                      "url": "http://127.0.0.1:%d/mcp",
                      "headers": {"Authorization": "Bearer ${SHOPPING_TOKEN}"}
                    },
                    "user": {
                      "type": "http",
                      "url": "http://127.0.0.1:%d/mcp",
                      "headers": {"Authorization": "Bearer ${USER_TOKEN}"}
                    },
                    %s
                  },
                  "resilience": [{"backend": "stock", "maxConcurrent": 12, "queue": 40, "queueWait": "2s"}],
                  "auth": {"tokens": [{"name": "batch", "value": "${BATCH_TOKEN}", "manage": false}]},
                  "limits": {"background": ["batch"]}
                }
                """.formatted(shopping, user, stock);
    }

    private static String secret() {
        byte[] bytes = new byte[24];
        new SecureRandom().nextBytes(bytes);
        return HexFormat.of().formatHex(bytes);
    }
}
