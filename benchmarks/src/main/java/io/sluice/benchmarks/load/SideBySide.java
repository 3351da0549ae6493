package io.sluice.benchmarks.load;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ExecutionException;

/**
 * Runs the same traffic through the gateway, nginx and HAProxy, in turns, all in front of one {@link FixedBackend}. Proxies have the second core, generator and backend the first, so that what a proxy
 * costs is its own CPU time per call, read from the kernel; the ratio to nginx is taken within each round. Options are given as {@code key=value}, see {@link #main}.
 */
public final class SideBySide {
    private static final int BACKEND = 18_100;
    private static final Map<String, Integer> PORTS =
            Map.of("direct", BACKEND, "sluice", 18_101, "nginx", 18_102, "haproxy", 18_103);

    private final Map<String, String> options;
    private final Path out;
    private final List<Measured> measured = new ArrayList<>();

    private SideBySide(Map<String, String> options) {
        this.options = options;
        this.out = Path.of(options.getOrDefault("out", "benchmarks/target/side-by-side"));
    }

    /**
     * Options: {@code scenarios}, {@code against} (lists with commas), {@code rounds}, {@code seconds} of a stretch, {@code warmup} calls of the gateway, {@code out} directory, {@code java} the
     * gateway's, {@code jvm} its flags, {@code gateway} its jar.
     */
    public static void main(String[] args) throws Exception {
        Map<String, String> options = new HashMap<>();
        for (String arg : args) {
            int equals = arg.indexOf('=');
            options.put(arg.substring(0, equals), arg.substring(equals + 1));
        }
        new SideBySide(options).run();
    }

    private void run() throws Exception {
        Files.createDirectories(out);
        List<String> names = new ArrayList<>(list("against", "sluice,nginx,haproxy"));
        List<Scenario> scenarios = new ArrayList<>();
        for (String name : list("scenarios", "modern,legacy")) {
            scenarios.add(Scenario.ALL.stream()
                    .filter(scenario -> scenario.name().equals(name))
                    .findFirst()
                    .orElseThrow(() -> new IllegalArgumentException("there is no scenario " + name)));
        }
        Map<String, Contestant> running = new LinkedHashMap<>();
        try (Contestant backend = Contestant.start("direct", BACKEND, 0, out.resolve("backend.log"), true, backend())) {
            running.put("direct", backend);
            for (String name : names) {
                running.put(name, start(name));
            }
            for (Scenario scenario : scenarios) {
                measure(scenario, running, names);
            }
        } finally {
            for (Contestant contestant : running.values()) {
                contestant.close();
            }
        }
        Report.write(out, scenarios, names, measured);
        System.out.println(Files.readString(out.resolve("report.md")));
    }

    private void measure(Scenario scenario, Map<String, Contestant> running, List<String> names)
            throws IOException, InterruptedException, ExecutionException {
        List<String> all = new ArrayList<>(names);
        if (scenario.rate() > 0) {
            all.add(0, "direct");
        }
        int rounds = number("rounds", 4);
        for (int round = -1; round < rounds; round++) {
            for (String name : all) {
                boolean warmup = round < 0;
                if (warmup && name.equals("sluice")) {
                    compile(scenario, Objects.requireNonNull(running.get(name)));
                }
                Measured one = stretch(
                        scenario,
                        Objects.requireNonNull(running.get(name)),
                        round,
                        1000L * (warmup ? 1 : number("seconds", 4)));
                if (!warmup) {
                    measured.add(one);
                }
                System.out.println((warmup ? "warm-up " : "") + one.line());
                if (one.faults() > 0) {
                    System.out.println("  " + one.firstFaults());
                }
            }
        }
    }

    /** A JVM on one core that others use too compiles for a while: as many calls as it takes, not as many seconds. */
    private void compile(Scenario scenario, Contestant contestant)
            throws IOException, InterruptedException, ExecutionException {
        long calls = 0;
        long most = scenario.leastBytes() > 50_000 || scenario.argumentBytes() > 0 || scenario.events()
                ? 20_000
                : number("warmup", 200_000);
        if (scenario.rate() > 0) {
            most = 30_000;
        }
        for (int i = 0; calls < most && i < 30; i++) {
            calls += stretch(scenario, contestant, -1, 3000).calls();
        }
    }

    private Measured stretch(Scenario scenario, Contestant contestant, int round, long millis)
            throws IOException, InterruptedException, ExecutionException {
        boolean renames = contestant.name().equals("sluice");
        String path = renames ? "/mcp" : scenario.path();
        String tool = renames ? (scenario.modern() ? "modern__" : "legacy__") + scenario.tool() : scenario.tool();
        try (LoadGenerator generator = new LoadGenerator(
                contestant.port(),
                scenario.connections(),
                scenario.rate() == 0,
                () -> new Conversation.Calls(scenario, path, tool))) {
            generator.run(300, scenario.rate());
            long allocated = contestant.allocatedBytes();
            double cpu = contestant.cpuMicros();
            long start = System.nanoTime();
            LoadGenerator.Stretch stretch = generator.run(millis, scenario.rate());
            double cpuUsed = contestant.cpuMicros() - cpu;
            double seconds = (System.nanoTime() - start) / 1e9;
            generator.stop();
            long bytes = allocated < 0 ? -1 : (contestant.allocatedBytes() - allocated) / Math.max(1, stretch.calls());
            return new Measured(
                    scenario.name(),
                    contestant.name(),
                    round,
                    stretch.calls(),
                    stretch.calls() / seconds,
                    cpuUsed / Math.max(1, stretch.calls()),
                    bytes,
                    stretch.faults(),
                    stretch.firstFaults(),
                    stretch.latencies());
        }
    }

    private List<String> list(String option, String otherwise) {
        return Arrays.asList(options.getOrDefault(option, otherwise).split(","));
    }

    private int number(String option, int otherwise) {
        return Integer.parseInt(options.getOrDefault(option, Integer.toString(otherwise)));
    }

    // The processes

    private List<String> backend() {
        return List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                "-Xmx256m",
                "-Dio.netty.leakDetection.level=disabled",
                "-cp",
                System.getProperty("java.class.path"),
                FixedBackend.class.getName(),
                Integer.toString(BACKEND));
    }

    private Contestant start(String name) throws IOException, InterruptedException {
        int port = Objects.requireNonNull(PORTS.get(name));
        Path log = out.resolve(name + ".log");
        return switch (name) {
            case "sluice" -> {
                Contestant gateway = Contestant.start(name, port, 1, log, true, gateway(port));
                gateway.awaitReady();
                yield gateway;
            }
            case "nginx" -> Contestant.start(name, port, 1, log, false, nginx(port));
            case "haproxy" -> Contestant.start(name, port, 1, log, false, haproxy(port));
            default -> throw new IllegalArgumentException("there is no contestant " + name);
        };
    }

    private List<String> gateway(int port) throws IOException {
        Path config = out.resolve("sluice.yaml");
        Files.writeString(config, """
                server: { host: 127.0.0.1, port: %d }
                auth: { tokens: [{ name: agents, value: "%s" }] }
                names: qualified
                mcpServers:
                  modern: { url: "http://127.0.0.1:%d/modern" }
                  legacy: { url: "http://127.0.0.1:%d/legacy" }
                """.formatted(port, Scenario.TOKEN, BACKEND, BACKEND));
        List<String> command = new ArrayList<>();
        command.add(options.getOrDefault(
                "java", Path.of(System.getProperty("java.home"), "bin", "java").toString()));
        command.addAll(
                List.of(options.getOrDefault("jvm", "-XX:+UseSerialGC -Xmx512m -Dio.netty.leakDetection.level=disabled")
                        .split(" ")));
        command.addAll(List.of(
                "-jar", options.getOrDefault("gateway", "gateway-server/target/sluice.jar"), "run", config.toString()));
        return command;
    }

    private List<String> nginx(int port) throws IOException {
        Path config = out.resolve("nginx.conf").toAbsolutePath();
        Files.writeString(config, """
                daemon off; master_process off; worker_processes 1; pid %1$s/nginx.pid; error_log %1$s/nginx-error.log;
                events { worker_connections 4096; }
                http {
                  access_log off; tcp_nodelay on; client_max_body_size 64m; client_body_buffer_size 256k;
                  client_body_temp_path %1$s/nginx-body; proxy_temp_path %1$s/nginx-proxy; fastcgi_temp_path %1$s/nginx-f;
                  uwsgi_temp_path %1$s/nginx-u; scgi_temp_path %1$s/nginx-s;
                  keepalive_requests 100000000; keepalive_timeout 300s;
                  upstream backend { server 127.0.0.1:%2$d; keepalive 512; keepalive_requests 100000000; }
                  server {
                    listen 127.0.0.1:%3$d;
                    location / {
                      proxy_pass http://backend; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off;
                      proxy_request_buffering off;
                    }
                  }
                }
                """.formatted(out.toAbsolutePath(), BACKEND, port));
        return List.of(found("nginx"), "-c", config.toString());
    }

    private List<String> haproxy(int port) throws IOException {
        Path config = out.resolve("haproxy.cfg").toAbsolutePath();
        Files.writeString(config, """
                global
                  nbthread 1
                  maxconn 4096
                defaults
                  mode http
                  timeout connect 5s
                  timeout client 300s
                  timeout server 300s
                  http-reuse always
                frontend front
                  bind 127.0.0.1:%d
                  default_backend back
                backend back
                  server fixed 127.0.0.1:%d
                """.formatted(port, BACKEND));
        return List.of(found("haproxy"), "-db", "-f", config.toString());
    }

    /** Debian keeps these out of an ordinary user's path. */
    private static String found(String program) {
        return List.of("/usr/sbin/", "/usr/bin/", "/usr/local/sbin/").stream()
                .map(directory -> Path.of(directory + program))
                .filter(Files::isExecutable)
                .findFirst()
                .orElseThrow(() -> new IllegalStateException(program + " is not installed"))
                .toString();
    }
}
