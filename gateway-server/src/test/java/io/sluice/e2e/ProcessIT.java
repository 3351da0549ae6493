package io.sluice.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.gateway.WireClient;
import io.sluice.testing.FakeBackend;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** The gateway as people run it: a process, a file, signals. */
final class ProcessIT {
    private static final String SLOW = "{'jsonrpc':'2.0','id':7,'method':'tools/call','params':{'name':'slow'}}";

    @TempDir
    private Path directory;

    @Test
    void terminationFinishesCallsEndsStreamsAndExitsWithZero() throws Exception {
        CountDownLatch release = new CountDownLatch(1);
        try (FakeBackend backend = slow(release);
                Child gateway = Child.run(directory, file("""
                        server: { drainDelay: 2s, drainTimeout: 30s }
                        auth: { token: a-token-of-some-21-letters }
                        mcpServers: { shop: { url: "%s" } }
                        """.formatted(backend.url())))) {
            WireClient client = authorized(gateway.client("/mcp")).initialize("2025-11-25", "{}");
            WireClient.Stream legacy = client.listen();
            WireClient.Stream modern = authorized(gateway.client("/mcp"))
                    .modernStream("'l-1'", "subscriptions/listen", "'notifications':{'toolsListChanged':true}");
            modern.message();
            CompletableFuture<WireClient.Got> call = CompletableFuture.supplyAsync(() -> client.post(SLOW));
            CompletableFuture<WireClient.Got> modernCall = CompletableFuture.supplyAsync(
                    () -> authorized(gateway.client("/mcp/shop")).modern("8", "tools/call", "'name':'slow'"));
            await().atMost(Child.PATIENCE).until(() -> backend.count("tools/call") == 2);
            assertThat(gateway.client("/docs/swagger-ui.css").get().status()).isEqualTo(200);

            gateway.terminate();

            await().atMost(Child.PATIENCE)
                    .untilAsserted(() ->
                            assertThat(gateway.client("/readyz").get().status()).isEqualTo(503));
            assertThat(gateway.client("/health").get().json().path("status").asString())
                    .isEqualTo("draining");
            assertThat(gateway.client("/livez").get().status()).isEqualTo(200);
            assertThat(Long.parseLong(legacy.field("retry:").strip())).isPositive();
            assertThat(rest(legacy)).noneMatch(line -> line.startsWith("data: {"));
            JsonNode last = modern.message();
            assertThat(last.path("id").asString()).isEqualTo("l-1");
            assertThat(last.at("/result/resultType").asString()).isEqualTo("complete");
            assertThat(rest(modern)).isEmpty();
            await().atMost(Child.PATIENCE).until(() -> refusesConnections(gateway));
            assertThat(call).isNotDone();
            release.countDown();
            assertThat(call.get(10, TimeUnit.SECONDS).body()).contains("\"id\":7", "at last");
            assertThat(modernCall.get(10, TimeUnit.SECONDS).body()).contains("\"id\":8", "at last");
            assertThat(gateway.exit()).isZero();
            assertThat(gateway.output()).contains("Stopped").doesNotContain("ERROR", "Exception");
            assertThat(backend.sessions()).isEmpty();
        }
    }

    @Test
    void secondSignalHangsNothingAndTheDrainHasAnEnd() throws Exception {
        CountDownLatch release = new CountDownLatch(1);
        try (FakeBackend backend = slow(release);
                Child gateway = Child.run(directory, file("""
                        server: { drainTimeout: 1s }
                        mcpServers: { shop: { url: "%s" } }
                        """.formatted(backend.url())))) {
            CompletableFuture<WireClient.Got> call = CompletableFuture.supplyAsync(
                    () -> gateway.client("/mcp/shop").post(SLOW));
            await().atMost(Child.PATIENCE).until(() -> backend.count("tools/call") == 1);

            gateway.interrupt();
            gateway.awaitOutput("Stopping");
            gateway.terminate();
            gateway.interrupt();

            assertThat(gateway.exit()).isZero();
            await().atMost(Child.PATIENCE).until(call::isCompletedExceptionally);
            release.countDown();
        }
    }

    @Test
    void changedFileReplacesTheChangedBackendAndNothingElse() throws Exception {
        CountDownLatch release = new CountDownLatch(1);
        try (FakeBackend same = FakeBackend.legacy().tool("same", arguments -> "same");
                FakeBackend changed = slow(release);
                FakeBackend later = FakeBackend.modern().tool("later", arguments -> "later")) {
            String unchanged = "mcpServers:\n  same: { url: \"" + same.url() + "\" }\n";
            String other = "  changed: { url: \"" + changed.url() + "\", headers: { X-Turn: \"%s\" } }\n";
            Path file = file(unchanged + other.formatted("one"));
            try (Child gateway = Child.run(directory, file)) {
                WireClient client = gateway.client("/mcp").initialize("2025-11-25", "{}");
                CompletableFuture<WireClient.Got> call = CompletableFuture.supplyAsync(() -> client.post(SLOW));
                await().atMost(Child.PATIENCE).until(() -> changed.count("tools/call") == 1);
                List<FakeBackend.Received> before = same.received();

                replace(file, unchanged + other.formatted("two"));

                await().atMost(Child.PATIENCE)
                        .until(() -> changed.received("tools/list").stream()
                                .anyMatch(asked -> "two".equals(asked.header("X-Turn"))));
                assertThat(call).isNotDone();
                release.countDown();
                assertThat(call.get(10, TimeUnit.SECONDS).body()).contains("at last");
                assertThat(gateway.client("/mcp").post(SLOW).body()).contains("at last");
                assertThat(turnOfLastCall(changed)).isEqualTo("two");

                replace(file, unchanged + other.formatted("three").replace("url", "urll"));
                gateway.awaitOutput(file + ":3:14: unknown key 'urll' in mcpServers.changed; did you mean 'url'?");
                assertThat(gateway.output()).contains("the last good one stays");
                assertThat(gateway.client("/mcp").post(SLOW).body()).contains("at last");
                assertThat(turnOfLastCall(changed)).isEqualTo("two");

                replace(file, unchanged + "  later: { url: \"" + later.url() + "\" }\n");
                await().atMost(Child.PATIENCE)
                        .untilAsserted(() -> assertThat(toolNames(gateway)).contains("same", "later"));
                assertThat(toolNames(gateway)).doesNotContain("slow");
                assertThat(gateway.client("/mcp/changed").post(SLOW).status()).isEqualTo(404);

                assertThat(same.received()).isEqualTo(before);
                assertThat(gateway.client("/mcp")
                                .post("{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{'name':'same'}}")
                                .body())
                        .contains("same");
            }
        }
    }

    @Test
    void exitCodesTellAGoodFileFromABadOneAndAnUnsafeStart() throws Exception {
        Path good = file("mcpServers: { a: { url: http://localhost:1/mcp } }\n");
        Path bad = Files.writeString(directory.resolve("bad.yaml"), "mcpServers: { a: { urll: http://h/mcp } }\n");
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
                Child validated = Child.start(directory, "validate", good.toString());
                Child faulty = Child.start(directory, "validate", bad.toString());
                Child refused = Child.start(directory, "run", bad.toString(), "--port", "0");
                Child unsafe = Child.start(directory, "run", good.toString(), "--host", "0.0.0.0", "--port", "0");
                Child late = Child.start(
                        directory, "run", good.toString(), "--port", Integer.toString(taken.getLocalPort()))) {
            assertThat(validated.exit()).isZero();
            assertThat(faulty.exit()).isEqualTo(1);
            assertThat(faulty.output()).contains(bad + ":1:20: unknown key 'urll'", "2 faults");
            assertThat(refused.exit()).isEqualTo(2);
            assertThat(refused.output()).contains(bad + ":1:20: unknown key 'urll'", "not started");
            assertThat(unsafe.exit()).isEqualTo(2);
            assertThat(unsafe.output()).contains("token", "not started").doesNotContain("listens");
            assertThat(late.exit()).isEqualTo(1);
            assertThat(late.output()).contains("the port is taken");
        }
    }

    @Test
    void onlineCheckSaysWhatEachBackendOffers() throws Exception {
        try (FakeBackend modern = FakeBackend.modern();
                FakeBackend legacy = FakeBackend.legacy().tool("more", arguments -> "more")) {
            String good = "mcpServers:\n  new: { url: \"%s\" }\n  old: { url: \"%s\" }\n"
                    .formatted(modern.url(), legacy.url());
            Path all = file(good);
            Path some = Files.writeString(
                    directory.resolve("some.yaml"), good + "  gone: { url: \"http://127.0.0.1:1\" }\n");
            try (Child well = Child.start(directory, "validate", "--online", all.toString());
                    Child unwell = Child.start(directory, "validate", "--online", some.toString())) {
                assertThat(well.exit()).isZero();
                assertThat(well.output())
                        .contains("new  ok, speaks 2026-07-28: 1 tool, ", "old  ok, speaks 2025-11-25: 2 tools, ");
                assertThat(unwell.exit()).isEqualTo(1);
                assertThat(unwell.output())
                        .contains("new   ok", "old   ok", "'gone' has been unavailable", "connection refused")
                        .contains("1 of 3 cannot be used");
            }
        }
    }

    private Path file(String yaml) throws Exception {
        return Files.writeString(directory.resolve("sluice.yaml"), yaml);
    }

    /** At once: a file that is still being written may look like a shorter one. */
    private static void replace(Path file, String yaml) throws Exception {
        Path whole = Files.writeString(file.resolveSibling("sluice.yaml.new"), yaml);
        Files.move(whole, file, StandardCopyOption.ATOMIC_MOVE);
    }

    /** A backend whose tool waits. */
    private static FakeBackend slow(CountDownLatch release) {
        return FakeBackend.legacy().tool("slow", arguments -> {
            try {
                return release.await(60, TimeUnit.SECONDS) ? "at last" : "too late";
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        });
    }

    private static WireClient authorized(WireClient client) {
        return client.with("Authorization", "Bearer a-token-of-some-21-letters");
    }

    /** What else comes until the stream ends, as it must. */
    private static List<String> rest(WireClient.Stream stream) {
        List<String> lines = new ArrayList<>();
        for (String line = stream.line(); line != null; line = stream.line()) {
            lines.add(line);
        }
        return lines;
    }

    private static boolean refusesConnections(Child gateway) {
        try {
            gateway.client("/livez").get();
            return false;
        } catch (UncheckedIOException e) {
            return e.getCause() instanceof ConnectException;
        }
    }

    private static String turnOfLastCall(FakeBackend backend) {
        List<FakeBackend.Received> calls = backend.received("tools/call");
        return String.valueOf(calls.get(calls.size() - 1).header("X-Turn"));
    }

    private static List<String> toolNames(Child gateway) {
        return gateway.client("/mcp")
                .post("{'jsonrpc':'2.0','id':1,'method':'tools/list'}")
                .json()
                .at("/result/tools")
                .findValuesAsString("name");
    }
}
