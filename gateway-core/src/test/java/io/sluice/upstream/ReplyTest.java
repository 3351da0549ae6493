package io.sluice.upstream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.netty.buffer.ByteBuf;
import io.sluice.registry.Backend;
import io.sluice.registry.Endpoint;
import io.sluice.rejection.Rejection.BackendFailure;
import io.sluice.testing.FakeBackend;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.Disposable;
import reactor.core.publisher.BaseSubscriber;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/** How a backend's answers, and its failures, come back from one modern request. */
class ReplyTest {
    @RegisterExtension
    final Ways ways = new Ways();

    private static Reply post(Upstream upstream, String arguments) {
        return Objects.requireNonNull(
                upstream.postModern(Clients.modernCall("1", "echo", arguments), Clients.head("echo"))
                        .block(Ways.PATIENCE));
    }

    private Upstream to(FakeBackend backend, Duration timeout, Map<String, String> headers) {
        Backend registered = new Backend(
                "weather",
                List.of(Endpoint.of(ways.closing(backend).url())),
                headers,
                Optional.empty(),
                timeout,
                List.of(),
                List.of(),
                List.of(),
                true,
                Backend.Source.FILE);
        return ways.closing(Upstream.open(registered, Ways.settings()));
    }

    @Test
    void bytesPassAsTheyAre() {
        String body = "{ \"result\" : {\"n\":1.10,\"m\":1e400,\"a\":\"\\u00e9\"} ,\"id\":1,\"jsonrpc\":\"2.0\"}\n";
        FakeBackend backend = FakeBackend.modern().on("tools/call", (request, answer) -> answer.drip(body, 3));

        assertThat(Ways.text(post(ways.to(backend), "{}"))).isEqualTo(body);
    }

    @Test
    void largeBodyIsStreamedBehindItsReader() {
        int size = 32 << 20;
        AtomicLong written = new AtomicLong();
        FakeBackend backend = FakeBackend.modern().on("tools/call", (request, answer) -> {
            answer.header("Content-Type", "application/json")
                    .header("Content-Length", Integer.toString(size))
                    .head(200);
            String part = "x".repeat(1 << 16);
            for (int at = 0; at < size; at += part.length()) {
                answer.raw(part);
                written.addAndGet(part.length());
            }
        });
        Flux<ByteBuf> body = ((Reply.Json) post(ways.to(backend), "{}")).body();
        AtomicLong read = new AtomicLong();
        BaseSubscriber<ByteBuf> slow = new BaseSubscriber<>() {
            @Override
            protected void hookOnSubscribe(org.reactivestreams.Subscription subscription) {
                request(1);
            }

            @Override
            protected void hookOnNext(ByteBuf part) {
                read.addAndGet(part.readableBytes());
                part.release();
            }
        };
        body.subscribe(slow);
        await().until(() -> read.get() > 0);

        long stuckAt = await().during(Duration.ofMillis(300)).until(written::get, now -> now < 20L << 20);

        assertThat(stuckAt).isLessThan(20L << 20);
        slow.requestUnbounded();
        await().untilAsserted(() -> assertThat(read).hasValue(size));
    }

    @Test
    void headersMirrorTheBodyAndNothingOfTheClientsTravels() {
        FakeBackend backend = FakeBackend.modern();
        Upstream upstream = to(backend, Duration.ofSeconds(5), Map.of("Authorization", "Bearer own"));
        ModernHead head = new ModernHead(
                "tools/call", "Zürich", List.of(Map.entry("Mcp-Param-Region", "eu-west")), "00-ab-cd-01");

        Objects.requireNonNull(upstream.postModern(Clients.modernCall("1", "Zürich", "{}"), head)
                        .block(Ways.PATIENCE))
                .discard();

        Map<String, String> sent = backend.received("tools/call").get(0).headers();
        assertThat(sent)
                .containsEntry("mcp-name", "=?base64?WsO8cmljaA==?=")
                .containsEntry("mcp-param-region", "eu-west")
                .containsEntry("traceparent", "00-ab-cd-01")
                .containsEntry("authorization", "Bearer own");
        assertThat(sent.keySet())
                .containsOnly(
                        "user-agent",
                        "host",
                        "accept",
                        "content-type",
                        "content-length",
                        "authorization",
                        "mcp-protocol-version",
                        "mcp-method",
                        "mcp-name",
                        "mcp-param-region",
                        "traceparent");
    }

    @Test
    void eventStreamEndsWithTheResponseAndTheConnectionServesTheNextCall() {
        FakeBackend backend = FakeBackend.modern().asEvents();
        Upstream upstream = ways.to(backend);

        for (int i = 0; i < 12; i++) {
            assertThat(Ways.messages(post(upstream, "{}"))).hasSize(1);
        }

        // each event loop has its own, and the terminator of a stream may come after the next call
        assertThat(backend.connections()).isLessThanOrEqualTo(6);
    }

    @Test
    void responseIsDeliveredThoughTheBackendLeavesItsStreamOpen() {
        FakeBackend backend = FakeBackend.modern()
                .on(
                        "tools/call",
                        (request, answer) -> answer.events()
                                .message("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}")
                                .untilClosed());

        assertThat(Ways.messages(post(ways.to(backend), "{}"))).hasSize(1);
        await().untilAsserted(() -> assertThat(backend.openConnections()).isZero());
    }

    @ParameterizedTest
    @ValueSource(ints = {401, 403, 429, 500, 502, 503})
    void answerAboutTheGatewayIsNeverRelayed(int status) {
        FakeBackend backend = FakeBackend.modern()
                .on(
                        "tools/call",
                        (request, answer) -> answer.header(
                                        "WWW-Authenticate", "Bearer resource_metadata=\"https://elsewhere\"")
                                .error(status, -32000, "not today"));

        assertThatThrownBy(() -> post(ways.to(backend), "{}"))
                .isInstanceOf(BackendFailure.class)
                .hasMessageContaining("Backend 'weather'")
                .hasMessageContaining(Integer.toString(status));
    }

    @Test
    void refusedCredentialsAreExplained() {
        FakeBackend backend =
                FakeBackend.modern().on("tools/call", (request, answer) -> answer.status(401, "text/plain", ""));

        assertThatThrownBy(() -> post(ways.to(backend), "{}"))
                .hasMessageContaining("refused the gateway's own credentials with 401 Unauthorized")
                .hasMessageContaining("check the headers configured for it");
    }

    @Test
    void redirectIsNotFollowed() {
        FakeBackend backend = FakeBackend.modern()
                .on(
                        "tools/call",
                        (request, answer) -> answer.header("Location", "http://169.254.169.254/")
                                .status(307, "text/plain", ""));

        assertThatThrownBy(() -> post(ways.to(backend), "{}")).hasMessageContaining("redirect");
        assertThat(backend.count("tools/call")).isEqualTo(1);
    }

    @Test
    void errorAboutTheRequestIsHandedOver() {
        FakeBackend backend = FakeBackend.modern()
                .on("tools/call", (request, answer) -> answer.error(404, -32601, "Method not found"));

        assertThat(post(ways.to(backend), "{}")).isInstanceOfSatisfying(Reply.Refused.class, refused -> {
            assertThat(refused.status()).isEqualTo(404);
            assertThat(refused.json()).isTrue();
        });
    }

    @Test
    void silenceBeforeTheAnswerIsATimeout() {
        FakeBackend backend = FakeBackend.modern().on("tools/call", (request, answer) -> answer.untilClosed());

        assertThatThrownBy(() -> post(to(backend, Duration.ofMillis(200), Map.of()), "{}"))
                .isInstanceOfSatisfying(
                        BackendFailure.class,
                        failure -> assertThat(failure.kind()).isEqualTo("timeout"))
                .hasMessage("Backend 'weather' did not answer within 200 ms");
        await().untilAsserted(() -> assertThat(backend.openConnections()).isZero());
    }

    @Test
    void silenceInTheMiddleOfABodyIsATimeout() {
        FakeBackend backend = FakeBackend.modern().on("tools/call", (request, answer) -> {
            answer.header("Content-Type", "application/json")
                    .header("Content-Length", "1000")
                    .head(200);
            answer.raw("{\"jsonrpc\":");
            answer.untilClosed();
        });
        Reply reply = post(to(backend, Duration.ofMillis(200), Map.of()), "{}");

        assertThatThrownBy(() -> Ways.text(reply))
                .isInstanceOf(BackendFailure.class)
                .hasMessageContaining("fell silent for 200 ms in the middle of its answer");
    }

    @Test
    void quietEventStreamHasNoTimeLimit() {
        CountDownLatch go = new CountDownLatch(1);
        FakeBackend backend = FakeBackend.modern().on("tools/call", (request, answer) -> {
            FakeBackend.Stream stream = answer.events().comment();
            go.await();
            stream.message("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}").end();
        });
        Reply.Events reply = (Reply.Events) post(to(backend, Duration.ofMillis(100), Map.of()), "{}");
        AtomicInteger failed = new AtomicInteger();
        AtomicInteger messages = new AtomicInteger();
        reply.events()
                .ofType(Event.Message.class)
                .subscribe(ignored -> messages.incrementAndGet(), error -> failed.incrementAndGet());

        await().during(Duration.ofMillis(400)).until(() -> failed.get() == 0);
        go.countDown();

        await().untilAsserted(() -> assertThat(messages).hasValue(1));
    }

    @Test
    void resetBeforeTheAnswerIsAFailureAndAToolIsNotCalledTwice() {
        FakeBackend backend = FakeBackend.modern().on("tools/call", (request, answer) -> answer.reset());

        assertThatThrownBy(() -> post(ways.to(backend), "{}"))
                .isInstanceOf(BackendFailure.class)
                .hasMessageContaining("before it answered");
        assertThat(backend.count("tools/call")).isEqualTo(1);
    }

    @Test
    void readingIsRepeatedOnceWhenTheConnectionWasGone() {
        FakeBackend backend = FakeBackend.modern();
        backend.on("tools/list", (request, answer) -> {
            if (backend.count("tools/list") == 1) {
                answer.close();
            } else {
                backend.usual(request, answer);
            }
        });

        assertThat(Objects.requireNonNull(ways.to(backend)
                                .ask(io.sluice.protocol.McpMethod.TOOLS_LIST, "")
                                .block(Ways.PATIENCE))
                        .result()
                        .isPresent())
                .isTrue();
        assertThat(backend.count("tools/list")).isEqualTo(2);
    }

    @Test
    void resetInTheMiddleOfABodyIsAFailure() {
        FakeBackend backend = FakeBackend.modern().on("tools/call", (request, answer) -> {
            answer.header("Content-Type", "application/json")
                    .header("Content-Length", "1000")
                    .head(200);
            answer.raw("{\"jsonrpc\":");
            answer.close();
        });
        Reply reply = post(ways.to(backend), "{}");

        assertThatThrownBy(() -> Ways.text(reply)).hasMessageContaining("broke off in the middle of its answer");
    }

    @Test
    void cancellingWhileWaitingClosesTheConnectionAtOnce() throws Exception {
        CountDownLatch arrived = new CountDownLatch(1);
        CountDownLatch closed = new CountDownLatch(1);
        FakeBackend backend = FakeBackend.modern().on("tools/call", (request, answer) -> {
            arrived.countDown();
            try {
                answer.untilClosed();
            } finally {
                closed.countDown();
            }
        });
        Disposable call = ways.to(backend)
                .postModern(Clients.modernCall("1", "echo", "{}"), Clients.head("echo"))
                .subscribe();
        assertThat(arrived.await(5, TimeUnit.SECONDS)).isTrue();

        call.dispose();

        assertThat(closed.await(100, TimeUnit.MILLISECONDS)).isTrue();
    }

    @Test
    void cancellingAnEventStreamClosesTheConnectionAtOnce() throws Exception {
        CountDownLatch closed = new CountDownLatch(1);
        FakeBackend backend = FakeBackend.modern().on("tools/call", (request, answer) -> {
            FakeBackend.Stream stream = answer.events().comment();
            try {
                stream.untilClosed();
            } finally {
                closed.countDown();
            }
        });
        Reply.Events reply = (Reply.Events) post(ways.to(backend), "{}");
        CountDownLatch heard = new CountDownLatch(1);
        Disposable reading = reply.events().subscribe(ignored -> heard.countDown());
        assertThat(heard.await(5, TimeUnit.SECONDS)).isTrue();

        reading.dispose();

        assertThat(closed.await(100, TimeUnit.MILLISECONDS)).isTrue();
    }

    @Test
    void discardedReplyClosesItsConnection() {
        FakeBackend backend = FakeBackend.modern().on("tools/call", (request, answer) -> {
            answer.header("Content-Type", "application/json")
                    .header("Content-Length", "1000")
                    .head(200);
            answer.raw("{\"jsonrpc\":");
            answer.untilClosed();
        });

        post(ways.to(backend), "{}").discard();

        await().untilAsserted(() -> assertThat(backend.openConnections()).isZero());
    }

    @Test
    void refusedEndpointIsPassedOverForAnother() {
        FakeBackend backend = ways.closing(FakeBackend.modern());
        FakeBackend gone = FakeBackend.modern();
        gone.down();
        Backend registered = new Backend(
                "weather",
                List.of(Endpoint.of(gone.url()), Endpoint.of(backend.url())),
                Map.of(),
                Optional.empty(),
                Duration.ofSeconds(5),
                List.of(),
                List.of(),
                List.of(),
                true,
                Backend.Source.FILE);
        Upstream upstream = ways.closing(Upstream.open(registered, Ways.settings()));

        for (int i = 0; i < 20; i++) {
            assertThat(Ways.text(post(upstream, "{}"))).contains("\"result\"");
        }
        assertThat(upstream.trouble()).isEmpty();
    }

    @Test
    void callInFlightFinishesWhenItsUpstreamIsReplaced() throws Exception {
        CountDownLatch arrived = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        FakeBackend backend = FakeBackend.modern();
        backend.on("tools/call", (request, answer) -> {
            arrived.countDown();
            go.await();
            backend.usual(request, answer);
        });
        Upstream upstream = ways.to(backend);
        var reply = upstream.postModern(Clients.modernCall("1", "echo", "{}"), Clients.head("echo"))
                .publishOn(Schedulers.boundedElastic())
                .map(Ways::text)
                .toFuture();
        assertThat(arrived.await(5, TimeUnit.SECONDS)).isTrue();

        upstream.dispose();
        go.countDown();

        assertThat(reply.get(5, TimeUnit.SECONDS)).contains("\"result\"");
    }

    @Test
    void cancellingAtAnyMomentLeavesNoConnectionBehind() {
        FakeBackend backend = FakeBackend.modern();
        backend.on("tools/call", (request, answer) -> {
            String mode = request.params().path("arguments").path("mode").asString();
            switch (mode) {
                case "events" ->
                    answer.events()
                            .comment()
                            .message("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}")
                            .end();
                case "large" -> answer.result("{\"text\":\"" + "x".repeat(200_000) + "\"}");
                default -> backend.usual(request, answer);
            }
        });
        Upstream upstream = ways.to(backend, Ways.settings().withConnections(8, 64));
        long seed = System.nanoTime();
        Random random = new Random(seed);

        Flux.range(0, 600)
                .flatMap(
                        i -> {
                            String mode = List.of("events", "large", "plain").get(i % 3);
                            Duration patience = Duration.ofNanos(random.nextInt(3_000_000));
                            return upstream.postModern(
                                            Clients.modernCall("1", "echo", "{\"mode\":\"" + mode + "\"}"),
                                            Clients.head("echo"))
                                    .flatMapMany(ReplyTest::consumed)
                                    .take(patience)
                                    .onErrorComplete();
                        },
                        8)
                .blockLast(Duration.ofSeconds(60));

        List<String> after = Flux.range(0, 32)
                .flatMap(
                        i -> upstream.postModern(Clients.modernCall("1", "echo", "{}"), Clients.head("echo"))
                                .flatMapMany(ReplyTest::consumed)
                                .then(Mono.just("answered")),
                        8)
                .collectList()
                .block(Ways.PATIENCE);
        assertThat(after).as("seed %d", seed).hasSize(32);
        upstream.dispose();
        await().untilAsserted(() -> assertThat(backend.openConnections()).isZero());
    }

    private static Flux<Object> consumed(Reply reply) {
        if (reply instanceof Reply.Json json) {
            return json.body().map(part -> {
                part.release();
                return "part";
            });
        }
        return reply instanceof Reply.Events events ? events.events().cast(Object.class) : Flux.just(reply);
    }

    @Test
    void crashDuringOneCallDoesNotMakeTheBackendUnreachable() {
        FakeBackend backend = FakeBackend.modern().on("tools/call", (request, answer) -> answer.reset());
        Upstream upstream = ways.to(backend);

        assertThatThrownBy(() -> post(upstream, "{}")).isInstanceOf(BackendFailure.class);
        assertThat(upstream.trouble()).isEmpty();

        backend.down();
        assertThatThrownBy(() -> post(upstream, "{}")).hasMessageContaining("connection refused");
        assertThat(upstream.trouble())
                .hasValueSatisfying(
                        text -> assertThat(text).startsWith("Backend 'weather' has been unavailable since"));
    }

    @Test
    void compressionNobodyAskedForIsNotRelayed() {
        FakeBackend backend = FakeBackend.modern()
                .on(
                        "tools/call",
                        (request, answer) ->
                                answer.header("Content-Encoding", "gzip").json("???"));

        assertThatThrownBy(() -> post(ways.to(backend), "{}")).hasMessageContaining("compressed its answer (gzip)");
    }

    @Test
    void callsBeyondEveryConnectionAndPlaceInLineAreLimited() {
        FakeBackend backend = FakeBackend.modern().on("tools/call", (request, answer) -> answer.untilClosed());
        Upstream upstream = ways.to(backend, Ways.settings().withConnections(1, 1));
        List<Throwable> refused = new CopyOnWriteArrayList<>();

        Disposable calls = Flux.range(0, 3)
                .flatMap(i -> upstream.postModern(Clients.modernCall("1", "echo", "{}"), Clients.head("echo"))
                        .doOnError(refused::add)
                        .onErrorComplete())
                .subscribe();

        await().untilAsserted(() -> assertThat(refused)
                .singleElement()
                .isInstanceOfSatisfying(
                        BackendFailure.class,
                        failure -> assertThat(failure.kind()).isEqualTo("limited")));
        calls.dispose();
    }

    @Test
    void cancelledCallGivesUpItsPlaceInLine() {
        FakeBackend backend = FakeBackend.modern().on("tools/call", (request, answer) -> answer.untilClosed());
        Upstream upstream = ways.to(backend, Ways.settings().withConnections(1, 1));
        Mono<Reply> call = upstream.postModern(Clients.modernCall("1", "echo", "{}"), Clients.head("echo"));
        List<Throwable> refused = new CopyOnWriteArrayList<>();
        Disposable first = call.subscribe();
        await().until(() -> backend.count("tools/call") == 1);
        call.subscribe().dispose();
        call.subscribe().dispose();
        Disposable waits = call.subscribe(ignored -> {}, refused::add);

        first.dispose();

        await().untilAsserted(() -> assertThat(backend.count("tools/call")).isEqualTo(2));
        assertThat(refused).isEmpty();
        waits.dispose();
        await().untilAsserted(() -> assertThat(backend.openConnections()).isZero());
    }
}
