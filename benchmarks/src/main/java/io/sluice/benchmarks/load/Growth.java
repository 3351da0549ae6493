package io.sluice.benchmarks.load;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.function.IntFunction;

/**
 * Whether a call costs the same with 1,000 backends and 20,000 tools, all of them called in turn, as with one backend of ten tools; and with 5,000 connections as with one. The latter at a constant
 * rate, as a connection alone cannot keep anything busy, and what is asked for at once costs less each.
 */
final class Growth implements Trial {
    private static final int MANY_BACKENDS = 1000;
    private static final int TOOLS = 20;
    private static final int FIRST_OF_MANY = 4000;
    private static final String NGINX = "nginx-fleet";
    private static final int MANY_CONNECTIONS = 5000;
    private static final int RATE = 1500;

    /** Before anything is counted: every backend's connection on every event loop is open, and the path is compiled. */
    private static final int WARMING_CALLS = 40 * MANY_BACKENDS;

    private static final Duration LONGEST_WARMING = Duration.ofSeconds(60);

    @Override
    public String name() {
        return "growth";
    }

    @Override
    public Duration limit() {
        return Duration.ofSeconds(300);
    }

    @Override
    public List<Finding> goals() {
        return List.of(
                Finding.goal("growth: 1 → 1,000 backends, 10 → 20,000 tools", "within 15 % for each call", 1.15),
                Finding.goal("growth: 1 → 5,000 connections", "within 15 % for each call", 1.15));
    }

    @Override
    public void run(Bench bench) throws IOException, InterruptedException, ExecutionException {
        Contestant one = Lists.fleet(bench, "sluice-one", Commands.OWN, 1, 10, 0, 3000);
        Contestant many = Lists.fleet(bench, "sluice-many", Commands.OWN + 1, MANY_BACKENDS, TOOLS, 0, FIRST_OF_MANY);
        int rounds = bench.options().number("rounds");
        double seconds = bench.options().number("seconds");
        List<Measured> measured = new ArrayList<>();
        for (Contestant each : List.of(one, many)) {
            Warming.untilSteady(
                    bench,
                    WARMING_CALLS,
                    LONGEST_WARMING,
                    length -> stretch(bench, each, -1, each == one ? 1 : MANY_BACKENDS, length));
        }
        Contestant nginx = nginx(bench);
        List<Measured> few = new ArrayList<>();
        List<Measured> all = new ArrayList<>();
        for (int round = 0; round < Math.min(4, rounds); round++) {
            for (Contestant each : List.of(one, many)) {
                Measured stretch = stretch(bench, each, round, each == one ? 1 : MANY_BACKENDS, seconds);
                measured.add(stretch);
                bench.keep(stretch);
            }
            for (int backends : new int[] {1, MANY_BACKENDS}) {
                Measured stretch = stretch(bench, nginx, round, backends, seconds);
                (backends == 1 ? few : all).add(stretch);
                bench.keep(stretch);
            }
        }
        nginx.close();
        double ratio = Statistics.ratio(measured, many.name(), one.name(), Measured::cpuMicros);
        double before = Statistics.median(measured, one.name(), Measured::cpuMicros);
        double after = Statistics.median(measured, many.name(), Measured::cpuMicros);
        bench.found(
                name(),
                goals().get(0)
                        .with(
                                ratio,
                                "%+.0f %% (%.1f and %.1f µs; nginx %+.0f %%)",
                                100 * (ratio - 1),
                                before,
                                after,
                                100 * (Statistics.median(growths(few, all, nginx.name())) - 1)));
        many.close();
        Map<String, Double> bars = new LinkedHashMap<>();
        bars.put("sluice, 1 backend", before);
        bars.put("sluice, 1,000 backends", after);
        connections(bench, one, bars);
        bench.picture(name(), "what a small call costs as things grow: CPU, µs", bars);
    }

    /**
     * An nginx with as many backends and a connection to each, which it tells apart by the header that names the tool: what
     * connections that are seldom used cost anybody.
     */
    private static Contestant nginx(Bench bench) throws IOException, InterruptedException {
        StringBuilder upstreams = new StringBuilder();
        for (int i = 0; i < MANY_BACKENDS; i++) {
            upstreams.append("  upstream b%d { server 127.0.0.1:%d; keepalive 64; keepalive_requests 100000000; }\n"
                    .formatted(i, Commands.BACKEND));
        }
        int port = Commands.OWN + 2;
        Path config = Commands.write(
                bench, NGINX + ".conf", """
                daemon off; master_process off; worker_processes 1; worker_rlimit_nofile 20000;
                pid %1$s/%2$s.pid; error_log %1$s/%2$s-error.log;
                events { worker_connections 16384; }
                http {
                  access_log off; tcp_nodelay on; client_body_temp_path %1$s/nginx-body; proxy_temp_path %1$s/nginx-proxy;
                  fastcgi_temp_path %1$s/nginx-f; uwsgi_temp_path %1$s/nginx-u; scgi_temp_path %1$s/nginx-s;
                  keepalive_requests 100000000; keepalive_timeout 300s;
                  map $http_mcp_name $backend { "~^(?<name>b[0-9]+)__" $name; }
                %3$s
                  proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; proxy_request_buffering off;
                  server { listen 127.0.0.1:%4$d backlog=16384; location / { proxy_pass http://$backend; } }
                }
                """.formatted(bench.out().toAbsolutePath(), NGINX, upstreams, port));
        return bench.start(
                NGINX, port, Commands.PROXIES, false, List.of(Commands.found("nginx"), "-c", config.toString()));
    }

    private static Measured stretch(Bench bench, Contestant each, int round, int backends, double seconds)
            throws IOException, InterruptedException, ExecutionException {
        int[] next = {0};
        String path = each.name().equals(NGINX) ? "/fleet/" + TOOLS + "/0/" + FIRST_OF_MANY : "/mcp";
        IntFunction<String> tool = i -> "b" + i % backends + "__tool-" + i / backends % 10;
        return bench.stretch(
                "growth-backends",
                each,
                each.port(),
                round,
                32,
                0,
                seconds,
                () -> new Conversation.Calls(Scenario.MODERN, path, () -> tool.apply(next[0]++)));
    }

    private void connections(Bench bench, Contestant gateway, Map<String, Double> bars)
            throws IOException, InterruptedException, ExecutionException {
        Contestant nginx = bench.shared("nginx");
        List<Measured> few = new ArrayList<>();
        List<Measured> many = new ArrayList<>();
        for (int round = 0; round < Math.min(3, bench.options().number("rounds")); round++) {
            for (Contestant each : List.of(gateway, nginx)) {
                String path = each == gateway ? "/mcp" : "/modern";
                String tool = each == gateway ? "b0__tool-1" : "tool-1";
                for (int connections : new int[] {1, MANY_CONNECTIONS}) {
                    Measured stretch = bench.stretch(
                            "growth-" + connections + "-connections",
                            each,
                            each.port(),
                            round,
                            connections,
                            RATE,
                            1.0 + bench.options().number("seconds"),
                            () -> new Conversation.Calls(Scenario.MODERN, path, tool));
                    (connections == 1 ? few : many).add(stretch);
                    bench.keep(stretch);
                }
            }
        }
        double ours = Statistics.median(growths(few, many, gateway.name()));
        double theirs = Statistics.median(growths(few, many, "nginx"));
        double before = Statistics.median(few, gateway.name(), Measured::cpuMicros);
        double after = Statistics.median(many, gateway.name(), Measured::cpuMicros);
        bench.found(
                name(),
                goals().get(1)
                        .with(
                                ours,
                                "%+.0f %% (%.1f and %.1f µs; nginx %+.0f %%)",
                                100 * (ours - 1),
                                before,
                                after,
                                100 * (theirs - 1)));
        bars.put("sluice, 1 connection", before);
        bars.put("sluice, 5,000 connections", after);
    }

    private static List<Double> growths(List<Measured> few, List<Measured> many, String name) {
        List<Double> growths = new ArrayList<>();
        for (Measured one : Statistics.of(few, name)) {
            for (Measured other : Statistics.of(many, name)) {
                if (one.round() == other.round()) {
                    growths.add(other.cpuMicros() / one.cpuMicros());
                }
            }
        }
        return growths;
    }
}
