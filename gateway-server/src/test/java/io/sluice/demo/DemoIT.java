package io.sluice.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.awaitility.Awaitility.await;

import io.sluice.Main;
import io.sluice.e2e.Interrupt;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The demo as a newcomer runs it: a process with its children, on ports that are free. */
final class DemoIT {
    private static final Duration START = Duration.ofSeconds(90);
    private static final Duration STOP = Duration.ofSeconds(20);
    private static final String RUNNING = "Ctrl-C stops everything.";

    private final HttpClient http =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    @TempDir
    Path folder;

    private @Nullable Process demo;

    @AfterEach
    void stop() {
        if (demo != null) {
            demo.descendants().forEach(ProcessHandle::destroyForcibly);
            demo.destroyForcibly();
        }
    }

    @Test
    void onceCallsEveryToolInBothErasAndExitsWithZero() throws Exception {
        Process once = start("--once", "--port", "0", "--shopping-port", "0", "--user-port", "0");

        assertThat(once.waitFor(START.toSeconds(), TimeUnit.SECONDS)).isTrue();
        String output = output();
        assertThat(once.exitValue()).as(output).isZero();
        assertThat(output).doesNotContain("FAILED").contains("All 9 calls did what they should.");
        for (String call : List.of("initialize", "server/discover", "tools/list", "getProductById", "getUserById")) {
            assertThat(output).contains(call);
        }
        assertThat(output).contains("Mechanical keyboard").contains("Ada Lovelace");
        assertThat(once.descendants()).isEmpty();
    }

    @Test
    void agentNoticesNeitherTheKillOfAReplicaNorTheStopOfAnother() throws Exception {
        Process once = start("--once", "--replicas", "2", "--port", "0", "--shopping-port", "0", "--user-port", "0");

        assertThat(once.waitFor(2 * START.toSeconds(), TimeUnit.SECONDS)).isTrue();
        String output = output();
        assertThat(once.exitValue()).as(output).isZero();
        assertThat(output)
                .doesNotContain("FAILED")
                .contains("kill -9 of replica", "SIGTERM to replica", "has ended with exit code 0")
                .contains("What the agent noticed: nothing.");
        assertThat(once.descendants()).isEmpty();
    }

    @Test
    void everyLineToTryWorksAndATermSignalStopsAllOfIt() throws Exception {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            Process running = start("--port", "" + taken.getLocalPort(), "--shopping-port", "0", "--user-port", "0");
            awaitOutput(running, RUNNING);
            List<ProcessHandle> children = running.children().toList();
            assertThat(children).hasSize(3);
            assertThat(output()).contains("Port " + taken.getLocalPort() + " is taken; the gateway uses ");

            List<String> trouble = output().lines()
                    .filter(line -> line.strip().startsWith("curl ") && line.contains("/demo/"))
                    .toList();
            assertThat(trouble).hasSize(3);
            String killed = curl(trouble.get(0).replace("-N ", "").replace("/demo/kill", "/demo/kill?seconds=1"))
                    .body();
            assertThat(killed).contains("kill one", "as usual", "and after it", "p99");
            List<String> lines = output().lines()
                    .filter(line -> line.strip().startsWith("curl ") && !line.contains("/demo/"))
                    .toList();
            assertThat(lines).hasSizeGreaterThanOrEqualTo(9);
            for (String line : lines) {
                HttpResponse<String> answer = curl(line);
                if (line.contains("/mcp") && !line.contains("Authorization")) {
                    assertThat(answer.statusCode()).as(line).isEqualTo(401);
                } else {
                    assertThat(answer.statusCode()).as(line).isEqualTo(line.contains("/register") ? 201 : 200);
                    assertThat(answer.body()).as(line).doesNotContain("\"error\"", "\"isError\":true");
                }
            }

            running.destroy();

            assertThat(running.waitFor(STOP.toSeconds(), TimeUnit.SECONDS)).isTrue();
            assertThat(children).noneMatch(ProcessHandle::isAlive);
        }
    }

    /** In a terminal it reaches the children as well. */
    @Test
    void interruptInTheMidstOfItEndsItQuietly() throws Exception {
        Process running = start("--port", "0", "--shopping-port", "0", "--user-port", "0");
        awaitOutput(running, "Starting the gateway on");
        List<ProcessHandle> all = running.descendants().toList();
        List<String> interrupt = new ArrayList<>(List.of("kill", "-INT"));
        all.forEach(each -> interrupt.add(Long.toString(each.pid())));

        new ProcessBuilder(interrupt).start().waitFor();
        Interrupt.send(running);

        assertThat(running.waitFor(STOP.toSeconds(), TimeUnit.SECONDS)).isTrue();
        assertThat(running.exitValue()).isIn(130, 143);
        assertThat(output()).doesNotContain("FAILED", "failed", "ended", "exit code", "Exception", "demo: ");
        assertThat(all).noneMatch(ProcessHandle::isAlive);
    }

    @Test
    void childrenEndWhenTheDemoIsKilled() throws Exception {
        Process running = start("--port", "0", "--shopping-port", "0", "--user-port", "0");
        awaitOutput(running, RUNNING);
        List<ProcessHandle> children = running.children().toList();
        assertThat(children).hasSize(3);

        running.destroyForcibly();

        await().atMost(STOP).untilAsserted(() -> assertThat(children).noneMatch(ProcessHandle::isAlive));
    }

    @Test
    void processThatDoesNotStartIsReportedWithItsLastWords() throws Exception {
        DemoProcess broken = DemoProcess.start(
                Main.class,
                "gateway",
                folder,
                List.of("run", folder.resolve("nowhere.json").toString()),
                Map.of());

        Throwable failure = catchThrowable(
                () -> broken.awaitHealthy(new DemoHttp(), URI.create("http://127.0.0.1:1/readyz"), START));

        assertThat(failure)
                .isInstanceOf(DemoFailure.class)
                .hasMessageContaining("gateway")
                .hasMessageContaining("exit code 2")
                .hasMessageContaining("nowhere.json");
    }

    private Process start(String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName(),
                "demo"));
        command.addAll(List.of(arguments));
        Process started = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("demo.out").toFile())
                .start();
        demo = started;
        return started;
    }

    private void awaitOutput(Process running, String text) throws IOException {
        await().atMost(START).until(() -> output().contains(text) || !running.isAlive());
        assertThat(output()).contains(text);
    }

    private String output() throws IOException {
        return Files.readString(folder.resolve("demo.out"));
    }

    /** Does what curl would do with the line. */
    private HttpResponse<String> curl(String line) throws IOException, InterruptedException {
        Matcher words = Pattern.compile("'([^']*)'|\"([^\"]*)\"|(\\S+)").matcher(line.strip());
        String method = "GET";
        String body = "";
        URI url = URI.create("");
        List<String> headers = new ArrayList<>();
        String option = "";
        while (words.find()) {
            String word =
                    words.group(1) != null ? words.group(1) : words.group(2) != null ? words.group(2) : words.group(3);
            switch (option) {
                case "-X" -> method = word;
                case "-d" -> body = word;
                case "-H" -> headers.addAll(List.of(word.split(": ", 2)));
                default -> {
                    if (word.startsWith("http")) {
                        url = URI.create(word.replace("//localhost:", "//127.0.0.1:"));
                    }
                }
            }
            option = option.isEmpty() && word.startsWith("-") ? word : "";
        }
        HttpRequest.Builder request = HttpRequest.newBuilder(url)
                .timeout(Duration.ofSeconds(20))
                .method(method, BodyPublishers.ofString(body));
        if (!headers.isEmpty()) {
            request.headers(headers.toArray(new String[0]));
        }
        return http.send(request.build(), BodyHandlers.ofString());
    }
}
