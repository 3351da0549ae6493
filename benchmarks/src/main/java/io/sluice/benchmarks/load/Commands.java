package io.sluice.benchmarks.load;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** How the processes of a run are started. Proxies have the second core; the backend shares the first one with the generator. */
final class Commands {
    static final int BACKEND = 18_100;

    /** The same backend once more, so that there are two endpoints to choose from. */
    static final int BACKEND_AGAIN = 18_101;

    static final int SLUICE = 18_110;
    static final int NGINX = 18_111;

    /** nginx with larger buffers for an answer, which it wants for large ones. */
    static final int NGINX_LARGE = 18_112;

    static final int HAPROXY = 18_113;

    /** Another build of the gateway. */
    static final int SLUICE_BEFORE = 18_114;

    private static final String JAR = "gateway-server/target/sluice.jar";

    /** For what trials start themselves: this one and those after it. */
    static final int OWN = 18_120;

    static final int PROXIES = 1;
    static final int REST = 0;

    private Commands() {}

    static Contestant start(Bench bench, String name) throws IOException, InterruptedException {
        Path log = bench.out().resolve(name + ".log");
        return switch (name) {
            case "direct" -> Contestant.start(name, BACKEND, REST, log, true, backend());
            case "sluice" -> {
                Path config = write(bench, "sluice.yaml", configuration(SLUICE));
                yield Contestant.start(name, SLUICE, PROXIES, log, true, gateway(bench.options(), config))
                        .awaitReady();
            }
            case "sluice-before" -> {
                Options options = bench.options();
                Path config = write(bench, "sluice-before.yaml", configuration(SLUICE_BEFORE));
                List<String> command = gateway(options.java(), options.jvm(), options.text("before", JAR), config);
                yield Contestant.start(name, SLUICE_BEFORE, PROXIES, log, true, command)
                        .awaitReady();
            }
            case "nginx" -> Contestant.start(name, NGINX, PROXIES, log, false, nginx(bench));
            case "haproxy" -> Contestant.start(name, HAPROXY, PROXIES, log, false, haproxy(bench));
            default -> throw new IllegalArgumentException("there is no contestant " + name);
        };
    }

    static Path write(Bench bench, String name, String content) throws IOException {
        return Files.writeString(bench.out().resolve(name), content).toAbsolutePath();
    }

    private static List<String> backend() {
        return List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                "-Xmx1g",
                "-Dio.netty.leakDetection.level=disabled",
                "-cp",
                System.getProperty("java.class.path"),
                FixedBackend.class.getName(),
                Integer.toString(BACKEND),
                Integer.toString(BACKEND_AGAIN));
    }

    /** Everything is on: token, qualified names, two limits that never bite, breakers, two endpoints, meters. */
    private static String configuration(int port) {
        return common(port) + """
                limits:
                  rates:
                    - { caller: "*", calls: 1000000, per: 1s }
                    - { backend: "*", calls: 1000000, per: 1s }
                mcpServers:
                  modern: { endpoints: [{ url: "http://127.0.0.1:%1$d/modern" }, { url: "http://127.0.0.1:%2$d/modern" }] }
                  legacy: { endpoints: [{ url: "http://127.0.0.1:%1$d/legacy" }, { url: "http://127.0.0.1:%2$d/legacy" }] }
                """.formatted(BACKEND, BACKEND_AGAIN);
    }

    /** What every gateway of a run has: its port, the token, names that say their backend, room for many connections. */
    static String common(int port) {
        return """
                server: { host: 127.0.0.1, port: %d, maxBody: 64MiB, maxConnections: 50000, idleTimeout: 10m }
                auth: { tokens: [{ name: agents, value: "%s" }] }
                names: qualified
                log: { level: warn }
                overload: { streams: 50000 }
                """.formatted(port, Scenario.TOKEN);
    }

    static List<String> gateway(Options options, Path config) {
        return gateway(options.java(), options.jvm(), config);
    }

    static List<String> gateway(String java, List<String> jvm, Path config) {
        return gateway(java, jvm, JAR, config);
    }

    private static List<String> gateway(String java, List<String> jvm, String jar, Path config) {
        List<String> command = new ArrayList<>();
        command.add(java);
        command.addAll(jvm);
        command.addAll(List.of("-jar", jar, "run", config.toString()));
        return command;
    }

    private static List<String> nginx(Bench bench) throws IOException {
        Path config = write(bench, "nginx.conf", """
                daemon off; master_process off; worker_processes 1; worker_rlimit_nofile 20000;
                pid %1$s/nginx.pid; error_log %1$s/nginx-error.log;
                events { worker_connections 16384; }
                http {
                  access_log off; tcp_nodelay on; sendfile on; client_max_body_size 64m; client_body_buffer_size 256k;
                  client_body_temp_path %1$s/nginx-body; proxy_temp_path %1$s/nginx-proxy; fastcgi_temp_path %1$s/nginx-f;
                  uwsgi_temp_path %1$s/nginx-u; scgi_temp_path %1$s/nginx-s;
                  keepalive_requests 100000000; keepalive_timeout 300s; default_type application/json;
                  upstream backend {
                    server 127.0.0.1:%2$d; server 127.0.0.1:%3$d; keepalive 512; keepalive_requests 100000000;
                  }
                  proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; proxy_request_buffering off;
                  server {
                    listen 127.0.0.1:%4$d backlog=16384;
                    location / { proxy_pass http://backend; }
                    location /files/ { alias %1$s/; }
                  }
                  server {
                    listen 127.0.0.1:%5$d;
                    location / { proxy_pass http://backend; proxy_buffer_size 64k; proxy_buffers 8 64k; proxy_busy_buffers_size 128k; }
                  }
                }
                """.formatted(
                        bench.out().toAbsolutePath(), BACKEND, BACKEND_AGAIN, NGINX, NGINX_LARGE));
        return List.of(found("nginx"), "-c", config.toString());
    }

    private static List<String> haproxy(Bench bench) throws IOException {
        Path config = write(
                bench,
                "haproxy.cfg",
                haproxy(HAPROXY, "server a 127.0.0.1:%d\n  server b 127.0.0.1:%d".formatted(BACKEND, BACKEND_AGAIN)));
        return List.of(found("haproxy"), "-db", "-f", config.toString());
    }

    /** @param servers lines of its {@code backend} */
    static String haproxy(int port, String servers) {
        return """
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
                  balance roundrobin
                  %s
                """.formatted(port, servers);
    }

    /** Debian keeps these out of an ordinary user's path. */
    static String found(String program) {
        return List.of("/usr/sbin/", "/usr/bin/", "/usr/local/sbin/", "/usr/local/bin/").stream()
                .map(directory -> Path.of(directory + program))
                .filter(Files::isExecutable)
                .findFirst()
                .orElseThrow(() -> new IllegalStateException(program + " is not installed"))
                .toString();
    }
}
