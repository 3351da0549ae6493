package io.sluice.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;

/** A program that a request registers, as far as the configuration file allows that. */
class RegisteredProgramTest {
    @TempDir
    private Path directory;

    private static HttpResponse<String> register(InProcess gateway, String body) throws Exception {
        return HttpClient.newHttpClient()
                .send(
                        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + gateway.port() + "/register"))
                                .header("Content-Type", "application/json")
                                .POST(BodyPublishers.ofString(body))
                                .build(),
                        BodyHandlers.ofString());
    }

    @Test
    void startsWhenItsCommandLineIsAllowedAndIsRefusedOtherwise() throws Exception {
        String script = Path.of(
                        Objects.requireNonNull(RegisteredProgramTest.class.getResource("/stdio/small-server.sh"))
                                .toURI())
                .toString();
        String line = "{\"name\":\"small\",\"command\":\"sh\",\"args\":[\"" + script + "\",\"%s\"]}";
        try (InProcess gateway = InProcess.start(
                directory,
                "server: { port: 0, drainTimeout: 1s }\nstdio: { allow: [\"sh */small-server.sh legacy\"] }")) {
            HttpResponse<String> refused = register(gateway, line.formatted("modern"));
            HttpResponse<String> kept = register(gateway, line.formatted("legacy"));

            assertThat(refused.statusCode()).as(refused.body()).isEqualTo(422);
            assertThat(refused.body()).contains("is not on the list stdio.allow");
            assertThat(kept.statusCode()).as(kept.body()).isEqualTo(201);
            assertThat(JsonMapper.shared().readTree(kept.body()).path("tools")).isNotEmpty();
        }
    }
}
