package io.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.netty.util.ResourceLeakDetector;
import io.sluice.testing.FakeBackend;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Clients that open the event stream of a call and read nothing of it, while the backend sends as fast as it can. The long
 * form is {@code conformance/bars 14}: more of them ({@code -Dsluice.readers}).
 */
@Timeout(300)
class SlowReadersTest {
    private static final int READERS = Integer.getInteger("sluice.readers", 20);
    private static final long MOST_BYTES = 3 << 19; // 1.5 MiB each
    private static final String CHUNK = chunk(Words.word(7).replace("7}", "\"" + "x".repeat(1000) + "\"}"));

    private final AtomicLong sent = new AtomicLong();
    private final AtomicInteger flooding = new AtomicInteger();
    private final AtomicBoolean over = new AtomicBoolean();
    private final List<Socket> readers = new ArrayList<>();
    private final TestGateway gateway = TestGateway.start();
    private final ResourceLeakDetector.Level level = ResourceLeakDetector.getLevel();

    private static String chunk(String json) {
        String event = "event: message\ndata: " + json + "\n\n";
        return Integer.toHexString(event.length()) + "\r\n" + event + "\r\n";
    }

    private FakeBackend flooding(FakeBackend backend) {
        return backend.forgetful().on("tools/call", (request, answer) -> {
            answer.header("Content-Type", "text/event-stream")
                    .header("Transfer-Encoding", "chunked")
                    .head(200);
            flooding.incrementAndGet();
            while (!over.get()) {
                answer.raw(CHUNK);
                sent.addAndGet(CHUNK.length());
            }
            answer.reset();
        });
    }

    /** The record of every use of every buffer, as tests otherwise keep it, is several times what is measured here. */
    @BeforeEach
    void keepNoRecords() {
        ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.SIMPLE);
    }

    @AfterEach
    void close() throws IOException {
        ResourceLeakDetector.setLevel(level);
        over.set(true);
        for (Socket reader : readers) {
            reader.close();
        }
        gateway.close();
    }

    /** Takes as little as a socket can take, and nothing of that is read. */
    private void open(String request) throws IOException {
        Socket socket = new Socket();
        socket.setReceiveBufferSize(4096);
        socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), gateway.port()));
        socket.getOutputStream().write(request.getBytes(StandardCharsets.UTF_8));
        readers.add(socket);
    }

    private String request(boolean modern, String session) {
        String body = modern
                ? WireClient.modernBody("1", "tools/call", "'name':'echo','arguments':{}")
                        .replace('\'', '"')
                : "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"echo\",\"arguments\":{}}}";
        String more = modern
                ? "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: echo\r\n"
                : "MCP-Protocol-Version: 2025-11-25\r\nMcp-Session-Id: " + session + "\r\n";
        return "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                + "Accept: application/json, text/event-stream\r\n" + more + "Content-Length: " + body.length()
                + "\r\n\r\n" + body;
    }

    private String newSession() {
        return gateway.client()
                .post("{'jsonrpc':'2.0','id':'i','method':'initialize','params':{'protocolVersion':'2025-11-25',"
                        + "'capabilities':{},'clientInfo':{'name':'slow','version':'1'}}}")
                .header("Mcp-Session-Id");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void clientThatReadsNothingHoldsLittle(boolean modern) throws Exception {
        gateway.with("flood", flooding(modern ? FakeBackend.modern() : FakeBackend.legacy()));
        gateway.with("well", FakeBackend.modern().tool("fine", arguments -> "fine"));
        List<String> requests = new ArrayList<>();
        for (int i = 0; i < READERS; i++) {
            requests.add(request(modern, modern ? "" : newSession()));
        }
        ModernRequest.call("fine", "{}").send(gateway);
        long before = Memory.held();

        for (String request : requests) {
            open(request);
        }
        await().atMost(Duration.ofSeconds(60)).until(() -> flooding.get() == READERS);
        AtomicLong last = new AtomicLong(-1);
        await("nothing more goes in")
                .atMost(Duration.ofSeconds(60))
                .pollInterval(Duration.ofMillis(300))
                .until(() -> last.getAndSet(sent.get()) == sent.get());
        long each = (Memory.held() - before) / READERS;

        System.out.println("SlowReadersTest: " + READERS + (modern ? " modern" : " legacy")
                + " clients that read nothing, " + Memory.mebibytes(each) + " MiB each, of "
                + Memory.mebibytes(sent.get() / READERS) + " MiB sent");
        assertThat(each).isLessThanOrEqualTo(MOST_BYTES);
        assertThat(ModernRequest.call("fine", "{}").send(gateway).text()).contains("fine");
    }
}
