package io.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.netty.util.ResourceLeakDetector;
import io.sluice.catalog.Contribution;
import io.sluice.testing.FakeBackend;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Backends that mean harm: what they send is bounded, their own callers are told in a sentence, and the backend beside
 * them is served as ever. The long form is {@code conformance/bars 32}: {@code -Dsluice.poison.mib} for each endless answer,
 * and latencies beside it.
 */
@Timeout(3600)
class PoisonedPeersTest {
    private static final long MIB = Integer.getInteger("sluice.poison.mib", 24);
    private static final boolean LONG = Integer.getInteger("sluice.poison.mib") != null;
    private static final long MOST_HELD = 16L << 20;
    private static final Duration PATIENCE = Duration.ofSeconds(10);
    private static final String BLOCK = "x".repeat(256 * 1024);
    private static final String CALL_RESULT = "{\"resultType\":\"complete\",\"content\":[]}";
    private static final String LIST_START = "{\"resultType\":\"complete\",\"ttlMs\":0,\"cacheScope\":\"private\",";

    private final TestGateway gateway =
            TestGateway.start().with("well", FakeBackend.modern().forgetful().tool("fine", arguments -> "fine"));
    private final ResourceLeakDetector.Level level = ResourceLeakDetector.getLevel();
    private final AtomicLong sent = new AtomicLong();
    private final CompletableFuture<Void> ended = new CompletableFuture<>();

    /** The record of every use of every buffer, as tests otherwise keep it, costs more than what is measured here. */
    @BeforeEach
    void keepNoRecords() {
        ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.SIMPLE);
    }

    @AfterEach
    void close() {
        ResourceLeakDetector.setLevel(level);
        gateway.close();
    }

    /** The head of an answer whose end only the end of the connection could be. */
    private static void unending(FakeBackend.Answer answer, String type) throws IOException {
        answer.header("Content-Type", type).header("Connection", "close").head(200);
    }

    /** What a tool of a backend answers with. */
    enum Poison {
        /** One event without an end. */
        EVENT {
            @Override
            void send(PoisonedPeersTest test, FakeBackend.Received request, FakeBackend.Answer answer)
                    throws IOException {
                unending(answer, "text/event-stream");
                answer.raw("data: ");
                test.flood(answer);
            }
        },
        /** Lines of an event that never get to their end. */
        LINES {
            @Override
            void send(PoisonedPeersTest test, FakeBackend.Received request, FakeBackend.Answer answer)
                    throws IOException {
                unending(answer, "text/event-stream");
                String lines = "data: a\n".repeat(8 * 1024);
                test.flood(answer, lines);
            }
        },
        HEADERS {
            @Override
            void send(PoisonedPeersTest test, FakeBackend.Received request, FakeBackend.Answer answer)
                    throws IOException {
                answer.raw("HTTP/1.1 200 OK\r\n");
                test.flood(answer, "X-A: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\r\n".repeat(2048));
            }
        },
        HEADER_LINE {
            @Override
            void send(PoisonedPeersTest test, FakeBackend.Received request, FakeBackend.Answer answer)
                    throws IOException {
                answer.raw("HTTP/1.1 200 OK\r\nX-A: ");
                test.flood(answer);
            }
        },
        /** Not JSON, and of a length that nobody can keep. */
        JSON_BODY {
            @Override
            void send(PoisonedPeersTest test, FakeBackend.Received request, FakeBackend.Answer answer)
                    throws IOException {
                unending(answer, "application/json");
                answer.raw("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"");
                test.flood(answer);
            }
        },
        /** Inflated it would be a thousand times as much; nobody asked for it. */
        GZIP {
            @Override
            void send(PoisonedPeersTest test, FakeBackend.Received request, FakeBackend.Answer answer)
                    throws IOException {
                answer.header("Content-Type", "application/json")
                        .header("Content-Encoding", "gzip")
                        .header("Connection", "close")
                        .head(200);
                test.flood(answer);
            }
        },
        WRONG_ID {
            @Override
            void send(PoisonedPeersTest test, FakeBackend.Received request, FakeBackend.Answer answer)
                    throws IOException {
                answer.json("{\"jsonrpc\":\"2.0\",\"id\":4711,\"result\":" + CALL_RESULT + "}");
                test.ended.complete(null);
            }
        },
        DEEP {
            @Override
            void send(PoisonedPeersTest test, FakeBackend.Received request, FakeBackend.Answer answer)
                    throws IOException {
                answer.json("{\"jsonrpc\":\"2.0\",\"id\":" + request.id() + ",\"result\":" + "[".repeat(20_000)
                        + "]".repeat(20_000) + "}");
                test.ended.complete(null);
            }
        };

        abstract void send(PoisonedPeersTest test, FakeBackend.Received request, FakeBackend.Answer answer)
                throws IOException;
    }

    private void flood(FakeBackend.Answer answer) throws IOException {
        flood(answer, BLOCK);
    }

    /** Until it is cut off, or all is sent. */
    private void flood(FakeBackend.Answer answer, String block) throws IOException {
        try {
            for (long left = MIB << 20; left > 0; left -= block.length()) {
                answer.raw(block);
                sent.addAndGet(block.length());
            }
            answer.close();
        } finally {
            ended.complete(null);
        }
    }

    @ParameterizedTest
    @EnumSource(Poison.class)
    void answerThatMeansHarmIsBounded(Poison poison) throws Exception {
        OpenLoop honest = new OpenLoop(gateway.port(), "fine");
        OpenLoop.Figures before = LONG ? honest(honest) : null;
        gateway.with(
                "evil",
                FakeBackend.modern()
                        .forgetful()
                        .tool("harm", arguments -> "")
                        .on("tools/call", (request, answer) -> poison.send(this, request, answer)));
        long held = Memory.held();

        CompletableFuture<RawExchange.Got> harmed = CompletableFuture.supplyAsync(
                () -> ModernRequest.call("harm", "{}").send(gateway));
        assertThat(ModernRequest.call("fine", "{}").send(gateway).text()).contains("fine");
        OpenLoop.Figures beside = LONG ? honest(honest) : null;
        String got = harmed.handle((answer, cut) -> cut == null ? start(answer) : "cut off")
                .get();
        ended.join();

        await("its place is given back").atMost(PATIENCE).until(() -> inFlight() == 0);
        AtomicLong after = new AtomicLong(Memory.held());
        await("its memory is given back")
                .atMost(PATIENCE)
                .until(() ->
                        after.get() - held < MOST_HELD || after.updateAndGet(last -> Memory.held()) - held < MOST_HELD);
        long more = Math.max(0, after.get() - held);
        System.out.println("PoisonedPeersTest: " + poison + ", " + Memory.mebibytes(sent.get())
                + " MiB taken, " + Memory.mebibytes(more) + " MiB held after it"
                + (LONG ? "; honest before: " + before + "; beside it: " + beside : "") + "; answered: " + got);
        assertThat(ModernRequest.call("fine", "{}").send(gateway).text()).contains("fine");
        if (beside != null && before != null) {
            assertThat(beside.good()).isEqualTo(beside.calls());
        }
    }

    private static OpenLoop.Figures honest(OpenLoop honest) {
        return honest.run(100, Duration.ofSeconds(4));
    }

    private int inFlight() {
        return java.util.Objects.requireNonNull(
                        gateway.discovery().state().upstreams().get("evil"))
                .gate()
                .inFlight();
    }

    private static String start(RawExchange.Got answer) {
        String text = answer.text();
        return answer.status() + " " + (text.length() > 200 ? text.substring(0, 200) + "…" : text);
    }

    // ---- lists

    private int toolsOf(String backend) {
        return gateway.gateway()
                .catalog()
                .mount(backend)
                .flatMap(mount -> mount.contribution(backend))
                .flatMap(Contribution::listing)
                .map(listing -> listing.tools().size())
                .orElse(0);
    }

    private void listing(String tools) {
        FakeBackend evil = gateway.closing(FakeBackend.modern()
                .forgetful()
                .on("tools/list", (request, answer) -> answer.result(LIST_START + "\"tools\":[" + tools + "]}")));
        gateway.register(evil.backend("evil"));
    }

    private static String tool(String name, String schema) {
        return "{\"name\":\"" + name + "\",\"inputSchema\":" + schema + "}";
    }

    private static final String OBJECT = "{\"type\":\"object\"}";

    @Test
    void hundredThousandToolsAreCut() {
        listing(IntStream.range(0, 100_000).mapToObj(i -> tool("t" + i, OBJECT)).collect(Collectors.joining(",")));

        await().atMost(Duration.ofSeconds(60)).until(() -> toolsOf("evil") > 0);
        assertThat(toolsOf("evil")).isEqualTo(10_000);
        assertThat(ModernRequest.call("fine", "{}").send(gateway).text()).contains("fine");
    }

    @Test
    void pagesWithoutAnEndAreCut() {
        AtomicInteger pages = new AtomicInteger();
        String large = tool("large", "{\"type\":\"object\",\"description\":\"" + "x".repeat(2 << 20) + "\"}");
        FakeBackend evil = gateway.closing(FakeBackend.modern()
                .forgetful()
                .on(
                        "tools/list",
                        (request, answer) -> answer.result(
                                LIST_START + "\"tools\":[" + large.replace("large", "large" + pages.incrementAndGet())
                                        + "],\"nextCursor\":\"" + pages.get() + "\"}")));
        gateway.register(evil.backend("evil"));

        await().atMost(Duration.ofSeconds(60)).until(() -> toolsOf("evil") > 0);
        assertThat(toolsOf("evil")).as("16 MiB and a page").isLessThan(12);
        assertThat(ModernRequest.call("fine", "{}").send(gateway).text()).contains("fine");
    }

    @Test
    void schemaOfTwentyThousandLevelsHarmsNobody() {
        listing(tool("good", OBJECT) + "," + tool("deep", "{\"a\":".repeat(20_000) + "1" + "}".repeat(20_000)));

        await().atMost(Duration.ofSeconds(20))
                .until(() -> toolsOf("evil") > 0
                        || java.util.Objects.requireNonNull(
                                        gateway.discovery().state().upstreams().get("evil"))
                                .trouble()
                                .isPresent());
        assertThat(ModernRequest.of("tools/list", "").send(gateway).status()).isEqualTo(200);
        assertThat(ModernRequest.call("fine", "{}").send(gateway).text()).contains("fine");
    }

    @Test
    void schemaThatRefersToTheNetworkIsNotFollowed() throws Exception {
        AtomicInteger followed = new AtomicInteger();
        try (ServerSocket canary = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
            Thread listening = new Thread(() -> {
                try {
                    while (true) {
                        canary.accept().close();
                        followed.incrementAndGet();
                    }
                } catch (IOException over) {
                    // the test is
                }
            });
            listening.setDaemon(true);
            listening.start();
            String address = "http://127.0.0.1:" + canary.getLocalPort() + "/schema.json";
            listing(tool("ref", "{\"type\":\"object\",\"$schema\":\"" + address + "\",\"$ref\":\"" + address + "\"}"));

            await().atMost(Duration.ofSeconds(20)).until(() -> toolsOf("evil") == 1);
            ModernRequest.call("ref", "{}").send(gateway);
            assertThat(new String(
                            ModernRequest.of("tools/list", "").send(gateway).body(), StandardCharsets.UTF_8))
                    .contains(address);
            assertThat(followed.get()).isZero();
        }
    }
}
