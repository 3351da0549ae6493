package io.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.testing.FakeBackend;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Streams of calls whose backend says nothing for a while. */
@Timeout(30)
class SilentStreamTest {
    @Test
    void silentStreamOfACallCarriesCommentsAndThenItsAnswerUntouched() throws Exception {
        CountDownLatch heard = new CountDownLatch(1);
        FakeBackend backend = waiting(FakeBackend.modern(), "\"resultType\":\"complete\",", heard);
        try (TestGateway gateway = TestGateway.setUp()
                .settings(settings -> settings.withHeartbeat(Duration.ofMillis(100)))
                .start()
                .with("shop", backend)) {
            WireClient.Stream stream = gateway.client().modernStream("1", "tools/call", "'name':'echo'");

            comments(stream);
            heard.countDown();

            assertThat(answer(stream)).contains("{\"resultType\":\"complete\",\"content\":[],\"price\":1.10}");
            for (String line = stream.line(); line != null; line = stream.line()) {
                assertThat(line).isEmpty();
            }
        }
    }

    private static FakeBackend waiting(FakeBackend backend, String start, CountDownLatch heard) {
        return backend.on("tools/call", (request, answer) -> {
            FakeBackend.Stream stream = answer.events();
            assertThat(heard.await(20, TimeUnit.SECONDS)).isTrue();
            stream.message("{\"jsonrpc\":\"2.0\",\"id\":" + request.id() + ",\"result\":{" + start
                    + "\"content\":[],\"price\":1.10}}");
            stream.end();
        });
    }

    private static void comments(WireClient.Stream stream) {
        for (int seen = 0; seen < 3; ) {
            String line = Objects.requireNonNull(stream.line(), "the stream ended");
            assertThat(line).matches(":.*|");
            seen += line.startsWith(":") ? 1 : 0;
        }
    }

    /** The next line with data; comments may come before. */
    private static String answer(WireClient.Stream stream) {
        String line = stream.line();
        while (line != null && !line.startsWith("data:")) {
            line = stream.line();
        }
        return String.valueOf(line);
    }
}
