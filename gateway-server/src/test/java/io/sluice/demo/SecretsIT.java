package io.sluice.demo;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.Main;
import io.sluice.registry.redis.RedisProcess;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A replica with debug logs that is given secrets in every place there is for one, used, misused and stopped. Whatever
 * it has said or kept is then searched for them: answers, logs, meters, the management API, all of Redis' files and its
 * own on disk.
 */
final class SecretsIT {
    private static final Duration WITHIN = Duration.ofSeconds(10);
    private static final String CALLERS_TOKEN = "canary-caller-4f1c9a7be2";
    private static final String WRONG_TOKEN = "canary-wrong-93c2d1f8aa";
    private static final String CONFIGURED_TOKEN = "canary-configured-77ab01ce";
    private static final String REGISTERED_TOKEN = "canary-registered-5be80d3f";
    private static final String QUERY_SECRET = "canary-query-1d7f4e90";
    private static final String ARGUMENT = "canary-argument-c8a0ff21";
    private static final byte[] KEY = "canary-key-of-32-bytes-exactly!!".getBytes(StandardCharsets.US_ASCII);

    @TempDir
    private Path folder;

    private final DemoHttp http = new DemoHttp();
    private final List<String> answers = new ArrayList<>();
    private URI gateway = URI.create("http://127.0.0.1/");

    @Test
    void noSecretIsSaidOrKept() throws Exception {
        Path written = Files.createDirectory(folder.resolve("redis"));
        Path snapshot = folder.resolve("known");
        DemoProcess replica;
        try (RedisProcess redis = RedisProcess.start(
                        "--appendonly", "yes", "--appendfsync", "always", "--dir", written.toString());
                SampleBackend user = SampleBackend.start(SampleService.USER, "127.0.0.1", 0, CONFIGURED_TOKEN);
                SampleBackend shopping =
                        SampleBackend.start(SampleService.SHOPPING, "127.0.0.1", 0, REGISTERED_TOKEN)) {
            replica = start(redis, user, snapshot);
            try {
                use(user, shopping);
                misuse();
                for (String path : List.of(
                        "/metrics",
                        "/health",
                        "/readyz?verbose",
                        "/openapi.json",
                        "/api/v1/mcp/servers",
                        "/api/v1/mcp/servers/user",
                        "/api/v1/mcp/servers/query",
                        "/api/v1/mcp/servers/away",
                        "/api/v1/mcp/servers/shop",
                        "/api/v1/mcp/peers",
                        "/mcp/clients")) {
                    get(path, CALLERS_TOKEN);
                }
            } finally {
                replica.stop(WITHIN);
            }
        }
        assertThat(answers).hasSizeGreaterThan(15).anyMatch(answer -> answer.startsWith("201 "));
        String log = Files.readString(replica.log());
        assertThat(log).contains("Backend 'shop'");
        assertThat(bytes(written)).contains("appendonly").hasSizeGreaterThan(1000);
        assertThat(snapshot).isNotEmptyFile();
        for (String secret : secrets()) {
            assertThat(answers).as("answers").noneMatch(answer -> answer.contains(secret));
            assertThat(log).doesNotContain(secret);
            assertThat(bytes(written)).doesNotContain(secret);
            assertThat(Files.readString(snapshot, StandardCharsets.ISO_8859_1)).doesNotContain(secret);
        }
    }

    private static List<String> secrets() {
        return List.of(
                CALLERS_TOKEN,
                WRONG_TOKEN,
                CONFIGURED_TOKEN,
                REGISTERED_TOKEN,
                QUERY_SECRET,
                ARGUMENT,
                new String(KEY, StandardCharsets.US_ASCII),
                HexFormat.of().formatHex(KEY));
    }

    /** Names and contents of all files. */
    private static String bytes(Path folder) throws Exception {
        StringBuilder all = new StringBuilder();
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                all.append(file).append('\n').append(Files.readString(file, StandardCharsets.ISO_8859_1));
            }
        }
        return all.toString();
    }

    private DemoProcess start(RedisProcess redis, SampleBackend user, Path snapshot) throws Exception {
        int port = new DemoPorts().take(0);
        gateway = URI.create("http://127.0.0.1:" + port + "/");
        Path config = Files.writeString(folder.resolve("sluice.json"), """
                {"mcpServers": {
                  "user": {"url": "http://127.0.0.1:%d/mcp", "headers": {"Authorization": "Bearer ${USER_TOKEN}"}},
                  "query": {"url": "http://127.0.0.1:%d/mcp?key=${QUERY_SECRET}"},
                  "away": {"url": "http://127.0.0.1:1/mcp", "headers": {"X-Api-Key": "${USER_TOKEN}"}}
                }}
                """.formatted(user.port(), user.port()));
        DemoProcess replica = DemoProcess.start(
                Main.class,
                "gateway",
                folder,
                List.of("run", config.toString(), "--port", Integer.toString(port), "--debug", "--log-format", "json"),
                Map.of(
                        "MCP_BEARER_TOKEN",
                        CALLERS_TOKEN,
                        "USER_TOKEN",
                        CONFIGURED_TOKEN,
                        "QUERY_SECRET",
                        QUERY_SECRET,
                        "REDIS_URL",
                        redis.url(),
                        "SLUICE_LOG_LEVEL",
                        "debug",
                        "SLUICE_REDIS_SNAPSHOT",
                        snapshot.toString(),
                        "SLUICE_SECRET_KEY",
                        HexFormat.of().formatHex(KEY)));
        replica.awaitHealthy(http, gateway.resolve("/readyz"), Duration.ofSeconds(60));
        return replica;
    }

    private void use(SampleBackend user, SampleBackend shopping) throws Exception {
        post(
                "/register",
                "{\"name\":\"shop\",\"url\":\"http://127.0.0.1:" + shopping.port()
                        + "/mcp\",\"headers\":{\"Authorization\":\"Bearer " + REGISTERED_TOKEN + "\"}}",
                CALLERS_TOKEN);
        post(
                "/mcp/connect",
                "{\"server_url\":\"http://127.0.0.1:" + user.port()
                        + "/mcp\",\"name\":\"mine\",\"auth_type\":\"bearer\"," + "\"auth_token\":\"" + CONFIGURED_TOKEN
                        + "\"}",
                CALLERS_TOKEN);
        DemoClient modern = new DemoClient.Modern(http, gateway.resolve("/mcp"), CALLERS_TOKEN);
        DemoClient legacy = new DemoClient.Legacy(http, gateway.resolve("/mcp"), CALLERS_TOKEN);
        legacy.greet();
        for (DemoClient client : List.of(modern, legacy)) {
            answers.add(client.toolNames().toString());
            answers.add(client.call("user__" + SampleService.USER.tool().name(), "456"));
            answers.add(client.call("shop__" + SampleService.SHOPPING.tool().name(), "123"));
            try {
                client.call("away__tool", ARGUMENT);
            } catch (DemoFailure expected) {
                answers.add(String.valueOf(expected.getMessage()));
            }
        }
    }

    private void misuse() throws Exception {
        get("/api/v1/mcp/servers", WRONG_TOKEN);
        post("/mcp", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"" + ARGUMENT + "\"}", WRONG_TOKEN);
        post("/register", "{\"name\":\"bad name\",\"headers\":{\"Authorization\":\"" + REGISTERED_TOKEN, CALLERS_TOKEN);
        post(
                "/api/v1/mcp/peers",
                "{\"name\":\"gone\",\"url\":\"http://127.0.0.1:1/mcp\",\"token\":\"" + REGISTERED_TOKEN + "\"}",
                CALLERS_TOKEN);
    }

    private void get(String path, String token) throws Exception {
        send(request(path, token).build());
    }

    private void post(String path, String body, String token) throws Exception {
        send(request(path, token)
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofString(body))
                .build());
    }

    private HttpRequest.Builder request(String path, String token) {
        return HttpRequest.newBuilder(gateway.resolve(path)).header("Authorization", "Bearer " + token);
    }

    private void send(HttpRequest request) throws Exception {
        HttpResponse<String> answer = http.send(request, WITHIN);
        answers.add(answer.statusCode() + " " + answer.headers().map() + " " + answer.body());
    }
}
