package io.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.util.ResourceLeakDetector;
import io.sluice.testing.FakeBackend;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * Clients that all use the same ids and progress tokens at the same time, cancel at random, and must never see a word
 * of one another's. A few seconds here; {@code -Dsluice.isolation.seconds=600} for more. The seed is printed.
 */
class IsolationTest {
    private static final int CLIENTS = 64;
    private static final int SESSIONLESS_EVERY = 2;
    private static final Duration LASTS = Duration.ofSeconds(Integer.getInteger("sluice.isolation.seconds", 4));

    /** How long an answer may take once no more calls are made; heartbeats would keep a lost one waiting for ever. */
    private static final Duration GRACE = Duration.ofSeconds(60);

    private static final Pattern CANARY = Pattern.compile("canary-\\d+-\\d+");

    private final long seed = Long.getLong("sluice.seed", System.nanoTime());
    private final AtomicLong calls = new AtomicLong();
    private final AtomicLong cancellations = new AtomicLong();
    private final AtomicLong answered = new AtomicLong();
    private final AtomicInteger number = new AtomicInteger();
    private final Queue<String> wrong = new ConcurrentLinkedQueue<>();

    /** Says the canary in a progress message under the caller's token and again in the result; now and then only after a while. */
    private static FakeBackend whispering(FakeBackend backend, String tool) {
        boolean modern = backend.speaksModern();
        AtomicInteger count = new AtomicInteger();
        return backend.withoutTool("echo").tool(tool, arguments -> "").on("tools/call", (request, answer) -> {
            String canary = request.params().at("/arguments/canary").asString();
            String token = request.params().at("/_meta/progressToken").toString();
            String result = "{" + (modern ? "\"resultType\":\"complete\"," : "") + "\"content\":[],\"canary\":\""
                    + canary + "\"}";
            int turn = count.incrementAndGet();
            if (turn % 3 == 0) {
                answer.result(result);
                return;
            }
            FakeBackend.Stream stream = answer.events();
            stream.message("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":"
                    + token + ",\"progress\":1,\"message\":\"" + canary + "\"}}");
            if (turn % 5 == 0) {
                LockSupport.parkNanos(2_000_000);
            }
            stream.message("{\"jsonrpc\":\"2.0\",\"id\":" + request.id() + ",\"result\":" + result + "}");
            stream.end();
        });
    }

    @Test
    void clientsNeverSeeOneAnother() throws Exception {
        System.out.println("IsolationTest seed " + seed);
        if (Integer.getInteger("sluice.isolation.seconds") != null) {
            // Many calls are wanted then, and the record of every use of every buffer costs most of the time.
            ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.SIMPLE);
        }
        try (TestGateway gateway = TestGateway.start()
                .with("stateful", whispering(FakeBackend.legacy().forgetful(), "stateful"))
                .with("stateless", whispering(FakeBackend.legacy().stateless().forgetful(), "stateless"))
                .with("modern", whispering(FakeBackend.modern().forgetful(), "modern"))) {
            long end = System.nanoTime() + LASTS.toNanos();
            List<Thread> clients = new ArrayList<>();
            for (int i = 0; i < CLIENTS; i++) {
                clients.add(new Thread(() -> run(gateway, end), "client-" + i));
            }
            clients.forEach(client -> client.setDaemon(true));
            clients.forEach(Thread::start);
            for (Thread client : clients) {
                client.join(Math.max(1, GRACE.toMillis() + TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime())));
                if (client.isAlive()) {
                    wrong.add(client.getName() + " still waits for an answer");
                }
            }
        }

        System.out.println("IsolationTest: " + calls + " calls, " + cancellations + " cancelled, " + answered
                + " answered, " + calls.get() / LASTS.toSeconds() + "/s");
        assertThat(wrong).isEmpty();
        assertThat(answered.get()).isGreaterThan(calls.get() / 2);
        assertThat(cancellations.get()).isPositive();
    }

    private void run(TestGateway gateway, long end) {
        int me = number.incrementAndGet();
        Random random = new Random(seed + me);
        try (RawHttp calling = new RawHttp(gateway.port());
                RawHttp cancelling = new RawHttp(gateway.port())) {
            List<String> headers = me % SESSIONLESS_EVERY == 0 ? List.of() : session(calling);
            for (int id = 1; System.nanoTime() < end && wrong.isEmpty(); id++) {
                one(calling, cancelling, headers, me, id, random);
            }
        } catch (IOException e) {
            wrong.add("client " + me + ": " + e);
        }
    }

    private static List<String> session(RawHttp http) throws IOException {
        http.send(
                "POST",
                "/mcp",
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"2025-06-18\","
                        + "\"capabilities\":{},\"clientInfo\":{\"name\":\"c\",\"version\":\"1\"}}}",
                List.of());
        return List.of("Mcp-Session-Id", http.receive().headers().get("mcp-session-id"));
    }

    private void one(RawHttp calling, RawHttp cancelling, List<String> headers, int me, int id, Random random)
            throws IOException {
        String canary = "canary-" + me + "-" + id;
        String tool = List.of("stateful", "stateless", "modern").get(random.nextInt(3));
        calling.send(
                "POST",
                "/mcp",
                "{\"jsonrpc\":\"2.0\",\"id\":" + id + ",\"method\":\"tools/call\",\"params\":{\"name\":\"" + tool
                        + "\",\"arguments\":{\"canary\":\"" + canary + "\"},\"_meta\":{\"progressToken\":" + id + "}}}",
                headers);
        boolean cancel = random.nextInt(10) == 0;
        if (cancel) {
            cancelling.send(
                    "POST",
                    "/mcp",
                    "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":" + id
                            + "}}",
                    headers);
            cancelling.receive();
            cancellations.incrementAndGet();
        }
        RawHttp.Got got = calling.receive();
        calls.incrementAndGet();
        judge(got, tool, canary, id, cancel && !headers.isEmpty());
    }

    private void judge(RawHttp.Got got, String tool, String canary, int id, boolean mayBeMissing) {
        Matcher found = CANARY.matcher(got.body());
        while (found.find()) {
            if (!found.group().equals(canary)) {
                wrong.add(canary + " got " + got);
            }
        }
        boolean result = got.body().contains("\"id\":" + id + ",\"result\":{")
                && got.body().contains("\"canary\":\"" + canary + "\"");
        boolean progress =
                !got.body().contains("progressToken") || got.body().contains("\"progressToken\":" + id + ",");
        if (!progress || (!result && !mayBeMissing)) {
            wrong.add(canary + " at " + tool + " got " + got);
        }
        if (result) {
            answered.incrementAndGet();
        }
    }
}
