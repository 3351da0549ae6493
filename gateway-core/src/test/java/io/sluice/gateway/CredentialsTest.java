package io.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.listener.HttpListener;
import io.sluice.listener.Lane;
import io.sluice.listener.ListenerSettings;
import io.sluice.testing.FakeBackend;
import io.sluice.upstream.Credentials;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;
import reactor.netty.resources.LoopResources;

/** What a client shows the gateway is not shown to backends, whatever its name; what the registration says is. */
class CredentialsTest {
    private static final String TOKEN = "canary-client-token-4Hq8Zt";

    /** All that a backend may ever see of a legacy or a modern request. */
    private static final Set<String> KNOWN = Set.of(
            "host",
            "content-type",
            "content-length",
            "accept",
            "user-agent",
            "mcp-protocol-version",
            "mcp-session-id",
            "mcp-method",
            "mcp-name",
            "authorization",
            "x-backend-key");

    private final FakeBackend legacy = FakeBackend.legacy();
    private final FakeBackend modern = FakeBackend.modern().withoutTool("echo").tool("new", arguments -> "");
    private final TestGateway gateway =
            TestGateway.setUp().token("someone", TOKEN).start();

    @AfterEach
    void close() throws Exception {
        gateway.close();
    }

    /** Headers that proxies, browsers and clouds use, those of this protocol, and many that nobody has heard of. */
    private static List<String> names() {
        Set<String> names = new TreeSet<>(List.of(
                "Cookie",
                "Cookie2",
                "Proxy-Authorization",
                "X-Api-Key",
                "X-Auth-Token",
                "X-Amz-Security-Token",
                "X-Goog-Iap-Jwt-Assertion",
                "X-Forwarded-For",
                "X-Forwarded-Host",
                "X-Forwarded-Proto",
                "Forwarded",
                "Via",
                "X-Real-Ip",
                "True-Client-Ip",
                "Cf-Connecting-Ip",
                "X-Original-Url",
                "X-Rewrite-Url",
                "X-Http-Method-Override",
                "X-Csrf-Token",
                "X-Remote-User",
                "Remote-User",
                "X-Webauth-User",
                "X-Ms-Client-Principal",
                "X-Client-Cert",
                "Ssl-Client-Cert",
                "Referer",
                "From",
                "Accept-Language",
                "Baggage",
                "Tracestate",
                "X-Request-Id",
                "X-B3-Traceid",
                "If-None-Match",
                "Range",
                "Last-Event-Id",
                "Mcp-Param-Region",
                "Mcp-Param-Authorization",
                "Mcp-Tenant",
                "Mcp-Client-Info",
                "Mcp-Trace",
                "X-Mcp-Header",
                "X-Mcp-Authorization",
                "X-Backend-Key2",
                "Authorization2",
                "X-Authorization",
                "WWW-Authenticate",
                "Set-Cookie",
                "Dpop",
                "Signature",
                "Signature-Input",
                "X-Sluice-Caller",
                "X-Sluice-Internal",
                "X-User",
                "X-User-Id",
                "X-Tenant",
                "X-Role",
                "X-Admin",
                "X-Debug"));
        for (String stem : List.of("X-", "Mcp-", "Mcp-Param-", "X-Mcp-", "Proxy-", "Sec-")) {
            for (int i = 0; i < 45; i++) {
                names.add(stem + "Unheard-" + i);
            }
        }
        return List.copyOf(names);
    }

    @Test
    void headersOfTheClientNeverReachABackend() throws Exception {
        gateway.closing(legacy);
        gateway.closing(modern);
        gateway.with(legacy.backend("legacy")
                .withHeaders(Map.of("Authorization", "Bearer of-the-backend", "X-Backend-Key", "k")));
        gateway.with(modern.backend("modern")
                .withHeaders(Map.of("Authorization", "Bearer of-the-backend", "X-Backend-Key", "k")));
        List<String> names = names();
        assertThat(names).hasSizeGreaterThan(300);
        String session = gateway.client()
                .with("Authorization", "Bearer " + TOKEN)
                .post("{'jsonrpc':'2.0','id':1,'method':'initialize','params':{'protocolVersion':'2025-11-25',"
                        + "'capabilities':{},'clientInfo':{'name':'canary-name','version':'canary-version'}}}")
                .header("Mcp-Session-Id");
        int sent = 0;
        try (RawHttp raw = new RawHttp(gateway.port())) {
            for (int at = 0; at < names.size(); at += 30) {
                List<String> headers = new ArrayList<>(List.of("Authorization", "Bearer " + TOKEN));
                for (String name : names.subList(at, Math.min(at + 30, names.size()))) {
                    headers.addAll(List.of(name, "canary-" + name));
                }
                for (String tool : List.of("echo", "new")) {
                    for (boolean inSession : List.of(true, false)) {
                        List<String> all = new ArrayList<>(headers);
                        if (inSession) {
                            all.addAll(List.of("Mcp-Session-Id", session));
                        }
                        raw.send("POST", "/mcp", call(tool), all);
                        RawHttp.Got got = raw.receive();
                        assertThat(got.status()).as(got.body()).isEqualTo(200);
                        assertThat(got.body()).contains("\"content\"");
                        sent++;
                    }
                }
            }
        }

        assertThat(legacy.count("tools/call") + modern.count("tools/call")).isEqualTo(sent);
        for (FakeBackend backend : List.of(legacy, modern)) {
            for (FakeBackend.Received request : backend.received()) {
                assertThat(request.headers().toString().toLowerCase(Locale.ROOT) + request.text())
                        .doesNotContain("canary", session);
                assertThat(KNOWN).containsAll(request.headers().keySet());
                assertThat(request.header("Authorization")).isEqualTo("Bearer of-the-backend");
                assertThat(request.header("X-Backend-Key")).isEqualTo("k");
            }
        }
    }

    private static String call(String tool) {
        return "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"" + tool
                + "\",\"arguments\":{}}}";
    }

    @Test
    void backendsSessionsAreNotShownToTheClient() {
        gateway.with("legacy", legacy);
        WireClient client =
                gateway.client().with("Authorization", "Bearer " + TOKEN).initialize("2025-11-25", "{}");
        legacy.on(
                "tools/call",
                (request, answer) -> answer.header("Mcp-Session-Id", "inner")
                        .header("Set-Cookie", "inner=1")
                        .header("X-Inner", "inner")
                        .header("WWW-Authenticate", "Bearer realm=\"inner\"")
                        .result("{\"content\":[]}"));

        WireClient.Got got = client.post(call("echo"));

        assertThat(got.status()).isEqualTo(200);
        assertThat(got.headers().map().toString()).doesNotContain("inner").doesNotContain("session-");
    }

    @Test
    void refusedCredentialsOfTheGatewayAreNotTheClientsToRenew() {
        gateway.with("legacy", legacy);
        WireClient client =
                gateway.client().with("Authorization", "Bearer " + TOKEN).initialize("2025-11-25", "{}");
        legacy.on(
                "tools/call",
                (request, answer) -> answer.header("WWW-Authenticate", "Bearer realm=\"inner\"")
                        .status(401, "text/plain", "who are you"));

        WireClient.Got got = client.post(call("echo"));

        assertThat(got.status()).isEqualTo(200);
        assertThat(got.header("WWW-Authenticate")).isEmpty();
        assertThat(got.json().at("/result/isError").asBoolean()).isTrue();
        assertThat(got.json().at("/result/content/0/text").asString()).contains("Backend 'legacy'", "401");
    }

    /** Credentials that are another after each refusal. */
    private static final class Renewing implements Credentials.Keeper {
        private final AtomicInteger renewals = new AtomicInteger();

        @Override
        public Mono<String> authorization() {
            return Mono.fromSupplier(() -> "Bearer kept-" + renewals.get());
        }

        @Override
        public Mono<Boolean> refused(String header, int status, String challenge) {
            return Mono.fromSupplier(() -> renewals.incrementAndGet() > 0);
        }
    }

    @Test
    void callOnTheLaneCarriesTheCredentialsThatAreKeptForItsBackend() {
        FakeBackend backend = FakeBackend.modern();
        Credentials.Keeper keeper = new Renewing();
        AtomicInteger taken = new AtomicInteger();
        LoopResources loops = HttpListener.newLoops("kept", 1);
        try (TestGateway keeping = TestGateway.setUp()
                .upstream(settings -> settings.withCredentials(any -> Optional.of(keeper)))
                .start()
                .with("kept", backend)) {
            Lane lane = keeping.gateway().lane();
            HttpListener listener = Objects.requireNonNull(HttpListener.start(
                            ListenerSettings.of("127.0.0.1", 0),
                            loops,
                            keeping.gateway().handler(),
                            (request, body, turn) -> {
                                Lane.Ride ride = lane.take(request, body, turn);
                                taken.addAndGet(ride == null ? 0 : 1);
                                return ride;
                            })
                    .block(TestGateway.PATIENCE));
            RawExchange.Got first = ModernRequest.call("echo", "{}").send(listener.port(), "/mcp");
            backend.on("tools/call", (request, answer) -> {
                if ("Bearer kept-0".equals(request.header("Authorization"))) {
                    answer.error(401, -32000, "it has run out");
                } else {
                    backend.usual(request, answer);
                }
            });
            RawExchange.Got second = ModernRequest.call("echo", "{}").send(listener.port(), "/mcp");
            listener.drain(Duration.ZERO).block(TestGateway.PATIENCE);

            assertThat(first.text()).contains("\"result\"").doesNotContain("isError\":true");
            assertThat(second.text()).contains("\"result\"").doesNotContain("isError\":true");
            assertThat(taken).hasValue(2);
            assertThat(backend.received("tools/call"))
                    .extracting(request -> request.header("Authorization"))
                    .containsExactly("Bearer kept-0", "Bearer kept-0", "Bearer kept-1");
            assertThat(Objects.requireNonNull(
                                    keeping.discovery().state().upstreams().get("kept"))
                            .gate()
                            .inFlight())
                    .isZero();
        } finally {
            loops.disposeLater(Duration.ZERO, TestGateway.PATIENCE).block(TestGateway.PATIENCE);
        }
    }
}
