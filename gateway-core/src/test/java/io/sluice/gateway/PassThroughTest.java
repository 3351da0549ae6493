package io.sluice.gateway;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.testing.FakeBackend;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/**
 * Any JSON that a client may send as arguments, and any that a backend may answer, passes unchanged: the far end is the
 * reference.
 */
class PassThroughTest {
    /** In each direction and before each kind of backend. */
    private static final int DOCUMENTS = 1000;

    private static final int IN_ONE_CALL = 8;

    @Test
    void randomArgumentsAndResultsPassUnchangedBetweenModernPeers() throws Exception {
        passes(FakeBackend.modern(), 20260728);
    }

    @Test
    void randomArgumentsAndResultsPassALegacyBackendWithNothingButTheEnvelopeChanged() throws Exception {
        passes(FakeBackend.legacy(), 20251125);
    }

    private static void passes(FakeBackend backend, long seed) throws Exception {
        Random random = new Random(seed);
        AtomicReference<byte[]> received = new AtomicReference<>(new byte[0]);
        AtomicReference<String> result = new AtomicReference<>("");
        AtomicReference<Boolean> asEvents = new AtomicReference<>(false);
        backend.on("tools/call", (request, answer) -> {
            received.set(request.body());
            String json = "{\"id\":" + request.id() + ",\"result\":" + result.get() + ",\"jsonrpc\":\"2.0\"}";
            if (asEvents.get()) {
                FakeBackend.Stream stream = answer.events();
                stream.message(json.replace('\n', ' ').replace('\r', ' '));
                stream.end();
            } else {
                answer.json(json);
            }
        });
        try (TestGateway gateway = TestGateway.start().with("up", backend)) {
            HttpClient http = HttpClient.newHttpClient();
            for (int i = 0; i < DOCUMENTS / IN_ONE_CALL; i++) {
                String arguments = documents(random);
                String answered = "{\"resultType\":\"complete\",\"content\":" + documents(random) + "}";
                result.set(answered);
                asEvents.set(random.nextInt(4) == 0);
                String because = "seed " + seed + ", call " + i;

                byte[] body = http.send(request(gateway, arguments), HttpResponse.BodyHandlers.ofByteArray())
                        .body();

                assertThat(indexOf(received.get(), ("\"arguments\":" + arguments).getBytes(UTF_8)))
                        .as(because + ": " + arguments)
                        .isNotNegative();
                String expected = answered.replace('\n', ' ').replace('\r', ' ');
                byte[] seen = asEvents.get() ? expected.getBytes(UTF_8) : answered.getBytes(UTF_8);
                assertThat(indexOf(body, seen))
                        .as(because + ": " + answered + " became " + new String(body, UTF_8))
                        .isNotNegative();
            }
        }
    }

    private static HttpRequest request(TestGateway gateway, String arguments) {
        String body =
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"echo\",\"arguments\":"
                        + arguments + ",\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
                        + "\"io.modelcontextprotocol/clientCapabilities\":{}}}}";
        return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + gateway.port() + "/mcp"))
                .header("Content-Type", "application/json")
                .header("Accept", "application/json, text/event-stream")
                .header("MCP-Protocol-Version", "2026-07-28")
                .header("Mcp-Method", "tools/call")
                .header("Mcp-Name", "echo")
                .POST(HttpRequest.BodyPublishers.ofString(body))
                .build();
    }

    private static int indexOf(byte[] in, byte[] wanted) {
        for (int at = 0; at + wanted.length <= in.length; at++) {
            if (Arrays.equals(in, at, at + wanted.length, wanted, 0, wanted.length)) {
                return at;
            }
        }
        return -1;
    }

    // ---- documents

    private static final String[] NUMBERS = {
        "0",
        "-0",
        "1.10",
        "1e400",
        "-1.5E+10",
        "2e-3",
        "9007199254740993",
        "1234567890".repeat(4),
        "0." + "12".repeat(20)
    };

    private static final String[] TEXTS = {
        "",
        "a",
        "é",
        "日本語",
        "😀",
        "\\ud83d\\ude00",
        "\\u00e9",
        "\\/",
        "\\\"",
        "\\\\",
        "\\n",
        "\\u0000",
        "{\\\"id\\\":1}",
        "data: x",
        "\\r\\n\\r\\n",
        "result",
        "_meta",
        "\u2028",
        "x".repeat(300)
    };

    private static String documents(Random random) {
        StringBuilder all = new StringBuilder("{");
        for (int i = 0; i < IN_ONE_CALL; i++) {
            all.append(i == 0 ? "\"" : ",\"").append(i).append("\":").append(document(random, 4));
        }
        return all.append('}').toString();
    }

    /** A value as text: members in any order, with or without space, nothing normalised. */
    private static String document(Random random, int depth) {
        return switch (depth == 0 ? random.nextInt(4) : random.nextInt(6)) {
            case 0 -> NUMBERS[random.nextInt(NUMBERS.length)];
            case 1 -> new String[] {"true", "false", "null"}[random.nextInt(3)];
            case 2, 3 -> text(random);
            case 4 -> array(random, depth);
            default -> object(random, depth);
        };
    }

    private static String text(Random random) {
        StringBuilder text = new StringBuilder("\"");
        for (int i = random.nextInt(4); i > 0; i--) {
            text.append(TEXTS[random.nextInt(TEXTS.length)]);
        }
        return text.append('"').toString();
    }

    private static String space(Random random) {
        return new String[] {"", "", "", " ", "\n", "\t", "\r\n", "  "}[random.nextInt(8)];
    }

    private static String array(Random random, int depth) {
        StringBuilder array = new StringBuilder("[" + space(random));
        int size = random.nextInt(4);
        for (int i = 0; i < size; i++) {
            array.append(i == 0 ? "" : ",").append(document(random, depth - 1)).append(space(random));
        }
        return array.append(']').toString();
    }

    private static String object(Random random, int depth) {
        StringBuilder object = new StringBuilder("{" + space(random));
        int size = depth == 0 ? 0 : random.nextInt(5);
        for (int i = 0; i < size; i++) {
            // no key twice, and none with a NUL: the gateway refuses both in what clients send
            String key = text(random).replace("\\u0000", "");
            object.append(i == 0 ? "" : ",")
                    .append(key, 0, key.length() - 1)
                    .append(i)
                    .append('"')
                    .append(space(random))
                    .append(':')
                    .append(space(random))
                    .append(document(random, depth - 1))
                    .append(space(random));
        }
        return object.append('}').toString();
    }
}
