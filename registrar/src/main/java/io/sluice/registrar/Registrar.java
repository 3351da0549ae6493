package io.sluice.registrar;

import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Registers one instance of a service with a gateway, renews its lease three times in each time to live, and takes it
 * back on {@link #close()}. A gateway that is not there, or has forgotten the instance, is asked again until it answers;
 * the service is never held up and never told: {@link #registered()} says how things stand.
 *
 * <pre>{@code
 * Registrar registrar = Registrar.of("http://mcp-gateway:8080", "order-service")
 *         .endpoint("http://10.0.3.17:8080/mcp")
 *         .token(System.getenv("GATEWAY_TOKEN"))
 *         .start();
 * Runtime.getRuntime().addShutdownHook(new Thread(registrar::close));
 * }</pre>
 *
 * All of it happens on one daemon thread of its own.
 */
public final class Registrar implements AutoCloseable {
    private static final Logger log = System.getLogger(Registrar.class.getName());
    private static final Duration SHORTEST_PAUSE = Duration.ofMillis(250);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(15);
    private static final Duration FAREWELL = Duration.ofSeconds(2);

    private final Settings settings;
    private final HttpClient http;
    private final ScheduledExecutorService thread = Executors.newSingleThreadScheduledExecutor(work -> {
        Thread daemon = new Thread(work, "sluice-registrar");
        daemon.setDaemon(true);
        return daemon;
    });
    private final AtomicBoolean closed = new AtomicBoolean();
    private volatile boolean registered;

    /** Of the thread alone. */
    private int failures;

    private Registrar(Settings settings) {
        this.settings = settings;
        this.http = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .connectTimeout(settings.timeout())
                .build();
    }

    /**
     * What to register.
     *
     * @param gateway where the gateway's management listens, as {@code http://mcp-gateway:8080}
     * @param service the name under which all instances of the service are one backend: {@code [a-z0-9-]{1,64}}
     */
    public static Settings of(String gateway, String service) {
        return new Settings(
                URI.create(gateway.endsWith("/") ? gateway : gateway + "/"),
                service,
                "",
                "",
                "",
                "",
                Map.of(),
                Duration.ofSeconds(30));
    }

    /** What to register, and how. Immutable. */
    public static final class Settings {
        private final URI gateway;
        private final String service;
        private final String endpoint;
        private final String manifest;
        private final String instance;
        private final String token;
        private final Map<String, String> headers;
        private final Duration ttl;

        private Settings(
                URI gateway,
                String service,
                String endpoint,
                String manifest,
                String instance,
                String token,
                Map<String, String> headers,
                Duration ttl) {
            this.gateway = gateway;
            this.service = service;
            this.endpoint = endpoint;
            this.manifest = manifest;
            this.instance = instance;
            this.token = token;
            this.headers = Map.copyOf(headers);
            this.ttl = ttl;
        }

        /** Where this instance listens, as the gateway reaches it. */
        public Settings endpoint(String url) {
            return new Settings(gateway, service, url, manifest, instance, token, headers, ttl);
        }

        /** For a service that does not speak MCP: where its description is, such as {@code /v3/api-docs}. */
        public Settings manifest(String pathOrUrl) {
            return new Settings(gateway, service, endpoint, pathOrUrl, instance, token, headers, ttl);
        }

        /** Tells this instance from the others of the service; without it the endpoint's host and port do. */
        public Settings instance(String name) {
            return new Settings(gateway, service, endpoint, manifest, name, token, headers, ttl);
        }

        /** The bearer token that the gateway's management asks for. */
        public Settings token(String secret) {
            return new Settings(gateway, service, endpoint, manifest, instance, secret, headers, ttl);
        }

        /** A header that the gateway is to send with every request to this service, such as its credentials. */
        public Settings header(String name, String value) {
            Map<String, String> more = new LinkedHashMap<>(headers);
            more.put(name, value);
            return new Settings(gateway, service, endpoint, manifest, instance, token, more, ttl);
        }

        /** How long the gateway keeps the instance without hearing of it; 30 s if nothing is said. */
        public Settings ttl(Duration time) {
            if (time.compareTo(Duration.ofMillis(100)) < 0) {
                throw new IllegalArgumentException("a time to live of " + time + " is shorter than 100 ms");
            }
            return new Settings(gateway, service, endpoint, manifest, instance, token, headers, time);
        }

        /** Begins to register. Returns at once; what goes wrong is logged and tried again. */
        public Registrar start() {
            if (endpoint.isEmpty()) {
                throw new IllegalStateException("the endpoint of '" + service + "' is missing");
            }
            Registrar registrar = new Registrar(this);
            registrar.thread.execute(registrar::register);
            return registrar;
        }

        private Duration timeout() {
            return ttl.compareTo(Duration.ofSeconds(10)) < 0 ? ttl : Duration.ofSeconds(10);
        }

        private Duration pace() {
            return ttl.dividedBy(3);
        }

        private String instanceName() {
            if (!instance.isEmpty()) {
                return instance;
            }
            URI url = URI.create(endpoint);
            int port = url.getPort() >= 0 ? url.getPort() : "https".equalsIgnoreCase(url.getScheme()) ? 443 : 80;
            return String.valueOf(url.getHost()).replaceAll("[^A-Za-z0-9._:-]", "") + ":" + port;
        }

        private String body() {
            StringBuilder json = new StringBuilder("{\"serviceName\":")
                    .append(quoted(service))
                    .append(",\"endpoint\":")
                    .append(quoted(endpoint));
            if (!manifest.isEmpty()) {
                json.append(",\"manifestUrl\":").append(quoted(manifest));
            }
            json.append(",\"instance\":").append(quoted(instanceName()));
            json.append(",\"ttl\":\"").append(ttl.toMillis()).append("ms\"");
            if (!headers.isEmpty()) {
                json.append(",\"headers\":{");
                String comma = "";
                for (Map.Entry<String, String> header : headers.entrySet()) {
                    json.append(comma)
                            .append(quoted(header.getKey()))
                            .append(':')
                            .append(quoted(header.getValue()));
                    comma = ",";
                }
                json.append('}');
            }
            return json.append('}').toString();
        }
    }

    /** Whether the gateway knew of this instance when it was last asked. */
    public boolean registered() {
        return registered;
    }

    private void register() {
        int status = send("POST", "register", settings.body(), settings.timeout());
        if (status / 100 == 2) {
            failures = 0;
            if (!registered) {
                log.log(Level.INFO, "Registered {0} as {1}", settings.service, settings.instanceName());
            }
            registered = true;
            again(this::heartbeat, settings.pace());
        } else {
            registered = false;
            again(this::register, pause());
        }
    }

    private void heartbeat() {
        int status = send("PUT", path("/heartbeat"), "", settings.timeout());
        if (status / 100 == 2) {
            failures = 0;
            again(this::heartbeat, settings.pace());
        } else if (status == 404) {
            registered = false;
            register(); // the lease has ended, or the gateway has lost its memory
        } else {
            again(this::heartbeat, shorter(pause(), settings.pace()));
        }
    }

    private String path(String act) {
        return "register/" + settings.service + act + "?instance="
                + URLEncoder.encode(settings.instanceName(), StandardCharsets.UTF_8);
    }

    /** The status of the answer, or 0 when there was none. */
    private int send(String method, String path, String body, Duration timeout) {
        HttpRequest.Builder request = HttpRequest.newBuilder(settings.gateway.resolve(path))
                .timeout(timeout)
                .header("Content-Type", "application/json")
                .method(method, body.isEmpty() ? BodyPublishers.noBody() : BodyPublishers.ofString(body));
        if (!settings.token.isEmpty()) {
            request.header("Authorization", "Bearer " + settings.token);
        }
        try {
            HttpResponse<String> answer = http.send(request.build(), BodyHandlers.ofString());
            if (answer.statusCode() / 100 != 2 && !(method.equals("PUT") && answer.statusCode() == 404)) {
                complain(method + " " + path + " was answered with " + answer.statusCode() + ": " + answer.body());
            }
            return answer.statusCode();
        } catch (IOException e) {
            complain("the gateway at " + settings.gateway + " does not answer: " + e);
            return 0;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return 0;
        }
    }

    private void complain(String what) {
        Level level = failures == 0 ? Level.WARNING : Level.DEBUG; // once, not at each attempt
        log.log(level, "{0} is not registered: {1}", settings.service, what);
    }

    private void again(Runnable work, Duration wait) {
        if (!closed.get()) {
            thread.schedule(work, wait.toMillis(), TimeUnit.MILLISECONDS);
        }
    }

    /** Doubles with each failure up to a bound, half of it by chance, so that instances do not come all at once. */
    private Duration pause() {
        long bound = Math.min(LONGEST_PAUSE.toMillis(), SHORTEST_PAUSE.toMillis() << Math.min(failures++, 10));
        return Duration.ofMillis(bound / 2 + ThreadLocalRandom.current().nextLong(bound / 2 + 1));
    }

    private static Duration shorter(Duration a, Duration b) {
        return a.compareTo(b) < 0 ? a : b;
    }

    /** Takes the instance back, waiting for that two seconds at most; without it the lease ends by itself. */
    @Override
    public void close() {
        if (!closed.compareAndSet(false, true)) {
            return;
        }
        thread.shutdownNow();
        registered = false;
        Thread farewell = new Thread(() -> send("DELETE", path(""), "", FAREWELL), "sluice-registrar-farewell");
        farewell.setDaemon(true);
        farewell.start();
        try {
            farewell.join(FAREWELL.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static String quoted(String text) {
        StringBuilder json = new StringBuilder("\"");
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '"' || c == '\\') {
                json.append('\\').append(c);
            } else if (c < ' ') {
                json.append(String.format("\\u%04x", (int) c));
            } else {
                json.append(c);
            }
        }
        return json.append('"').toString();
    }
}
