package io.sluice.egress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.registry.Backend.Source;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.netty.DisposableServer;
import reactor.netty.http.client.HttpClient;
import reactor.netty.http.server.HttpServer;
import reactor.netty.resources.ConnectionProvider;
import reactor.netty.resources.LoopResources;

/** Requests for this machine and for metadata, in every way to say it, against a listener that must see nobody. */
class EgressTest {
    private static final LoopResources LOOPS = LoopResources.create("egress-test", 1, 2, true, true);
    private static final EgressPolicy STRICT = EgressPolicy.of(false, List.of());

    private static final List<String> LITERALS = List.of(
            "127.0.0.1",
            "127.0.0.2",
            "127.1.1.1",
            "127.255.255.254",
            "0.0.0.0",
            "0.0.0.1",
            "169.254.169.254",
            "169.254.170.2",
            "100.100.100.200",
            "168.63.129.16",
            "192.0.0.192",
            "224.0.0.1",
            "255.255.255.255",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.0.1",
            "100.64.0.1",
            "198.18.0.1",
            "[::1]",
            "[0:0:0:0:0:0:0:1]",
            "[0000:0000:0000:0000:0000:0000:0000:0001]",
            "[::]",
            "[::0]",
            "[::ffff:127.0.0.1]",
            "[::FFFF:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[0:0:0:0:0:ffff:7f00:0001]",
            "[::ffff:0.0.0.0]",
            "[::ffff:169.254.169.254]",
            "[::ffff:a9fe:a9fe]",
            "[::127.0.0.1]",
            "[::7f00:1]",
            "[::169.254.169.254]",
            "[64:ff9b::7f00:1]",
            "[64:ff9b::a9fe:a9fe]",
            "[64:ff9b:1::7f00:1]",
            "[2002:7f00:1::]",
            "[2002:a9fe:a9fe::1]",
            "[2001:0:4136:e378:8000:63bf:80ff:fffe]",
            "[fe80::1]",
            "[fe80::1%25lo]",
            "[::1%25lo]",
            "[fd00:ec2::254]",
            "[fc00::1]",
            "[fec0::1]",
            "[ff02::1]");

    private static final List<String> NAMES = List.of(
            "localhost",
            "LOCALHOST",
            "localhost.",
            "LOCALHOST.",
            "localhost.localdomain",
            "ip6-localhost",
            "127.0.0.1.",
            "2130706433",
            "2130706433.",
            "0x7f000001",
            "0X7F000001",
            "0x7f.0.0.1",
            "0x7f.1",
            "127.1",
            "127.0.1",
            "0",
            "00",
            "0x0",
            "017700000001",
            "0177.0.0.1",
            "0177.0.0.01",
            "127.0.0.01",
            "127.000.000.001",
            "2852039166",
            "0xa9fea9fe",
            "0251.0376.0251.0376",
            "169.254.43518",
            "metadata.google.internal",
            "metadata",
            "instance-data",
            "127.0.0.1.nip.io",
            "localtest.me",
            "１２７.０.０.１",
            "127。0。0。1",
            "①②⑦.⓪.⓪.①",
            "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ",
            "ｌｏｃａｌｈｏｓｔ",
            "loc%61lhost",
            "%31%32%37.0.0.1",
            "127.0.0.1%2f.example.com",
            "user@127.0.0.1",
            "example.com@127.0.0.1",
            "example.com%40127.0.0.1",
            "user:pw@localhost",
            "example.com#@127.0.0.1",
            "127.0.0.1#.example.com",
            "127.0.0.1?.example.com",
            "127.0.0.1\\.example.com",
            "example.com\\@127.0.0.1",
            "[::1",
            "::1",
            "[::ffff:0:127.0.0.1]",
            "[64:ff9b::127.0.0.1]");

    private static Canary canary;
    private static DisposableServer redirector;

    @BeforeAll
    static void start() throws IOException {
        canary = new Canary();
        redirector = HttpServer.create()
                .host("127.0.0.1")
                .port(0)
                .runOn(LOOPS, true)
                .route(routes -> routes.get(
                                "/headers",
                                (request, response) -> response.header("Content-Encoding", "gzip")
                                        .sendString(Mono.just(
                                                request.requestHeaders().toString())))
                        .get(
                                "/{status}/{n}",
                                (request, response) -> response.status(Integer.parseInt(request.param("status")))
                                        .header("Location", locations().get(Integer.parseInt(request.param("n"))))
                                        .send()))
                .bindNow();
    }

    @AfterAll
    static void stop() throws IOException {
        redirector.disposeNow();
        LOOPS.disposeLater(Duration.ZERO, Duration.ofSeconds(2)).block();
        canary.close();
    }

    @Test
    void noSpellingReachesAForbiddenAddress() throws IOException {
        // every name leads to this machine, as if all the world's DNS were hostile
        HttpClient client = client(STRICT, Source.API).resolver(new AnswersWith("127.0.0.1"));
        List<String> urls = locations();
        assertThat(urls).hasSizeGreaterThanOrEqualTo(2 * 60);

        List<String> answered = Flux.fromIterable(urls)
                .flatMap(url ->
                        client.get().uri(url).response().map(response -> url).onErrorResume(refused -> Mono.empty()))
                .collectList()
                .block();

        assertThat(answered).isEmpty();
        assertThat(canary.connections()).isZero();
    }

    @Test
    void literalsAreDeniedWithAReason() {
        HttpClient client = client(STRICT, Source.API);
        for (String literal : LITERALS) {
            if (!literal.contains("%")) {
                assertThatThrownBy(() -> client.get()
                                .uri("http://" + literal + ":" + canary.port() + "/")
                                .response()
                                .block())
                        .as(literal)
                        .hasCauseInstanceOf(EgressDenied.class)
                        .hasMessageContaining("is refused");
            }
        }
    }

    @Test
    void redirectIsAnAnswerLikeAnyOther() throws IOException {
        HttpClient client = client(STRICT, Source.FILE).resolver(new AnswersWith("127.0.0.1"));

        List<Integer> statuses = List.of(301, 302, 303, 307, 308);
        for (int n = 0; n < locations().size(); n++) {
            int status = statuses.get(n % statuses.size());
            Integer seen = client.get()
                    .uri("http://127.0.0.1:" + redirector.port() + "/" + status + "/" + n)
                    .response()
                    .map(response -> response.status().code())
                    .block();
            assertThat(seen).isEqualTo(status);
        }

        assertThat(canary.connections()).isZero();
    }

    @Test
    void nameThatTurnsElsewhereIsCheckedAgain() throws IOException {
        AnswersWith resolver = new AnswersWith("127.0.0.1", "127.0.0.2", "169.254.169.254", "0.0.0.0");
        EgressPolicy policy = EgressPolicy.of(false, List.of("127.0.0.1"));
        HttpClient client = client(policy, Source.API).resolver(resolver);
        Mono<Integer> first = client.get()
                .uri("http://rebind.example:" + redirector.port() + "/302/0")
                .response()
                .map(response -> response.status().code());
        Mono<Integer> later = client.get()
                .uri("http://rebind.example:" + canary.port() + "/")
                .response()
                .map(response -> response.status().code());

        assertThat(first.block()).isEqualTo(302);
        for (int i = 0; i < 3; i++) {
            assertThatThrownBy(later::block).hasCauseInstanceOf(EgressDenied.class);
        }

        assertThat(resolver.asked()).isEqualTo(4);
        assertThat(canary.connections()).isZero();
    }

    @Test
    void permissionBelongsToTheSource() {
        String url = "http://127.0.0.1:" + redirector.port() + "/302/0";

        for (Source source : Source.values()) {
            Mono<Integer> status = client(STRICT, source)
                    .get()
                    .uri(url)
                    .response()
                    .map(response -> response.status().code());
            if (source.requested()) {
                assertThatThrownBy(status::block).hasCauseInstanceOf(EgressDenied.class);
            } else {
                assertThat(status.block()).isEqualTo(302);
            }
        }
    }

    @Test
    void sharedPoolDoesNotLendAConnectionToAnotherSource() {
        ConnectionProvider pool = ConnectionProvider.create("egress-test", 4);
        String url = "http://127.0.0.1:" + redirector.port() + "/302/0";
        HttpClient file = EgressClient.create(pool, LOOPS, STRICT, Source.FILE);
        HttpClient api = EgressClient.create(pool, LOOPS, STRICT, Source.API);

        assertThat(file.get().uri(url).response().block()).isNotNull();
        assertThatThrownBy(() -> api.get().uri(url).response().block()).hasCauseInstanceOf(EgressDenied.class);
        pool.disposeLater().block();
    }

    @Test
    void proxyOfTheEnvironmentIsNotAsked() throws IOException {
        System.setProperty("http.proxyHost", "127.0.0.1");
        System.setProperty("http.proxyPort", Integer.toString(canary.port()));
        System.setProperty("http.nonProxyHosts", "");
        try {
            assertThat(status("/302/0")).isEqualTo(302);
        } finally {
            System.clearProperty("http.proxyHost");
            System.clearProperty("http.proxyPort");
            System.clearProperty("http.nonProxyHosts");
        }

        assertThat(canary.connections()).isZero();
    }

    @Test
    void nothingCompressedIsAskedForOrInflated() {
        String headers = client(STRICT, Source.FILE)
                .get()
                .uri("http://127.0.0.1:" + redirector.port() + "/headers")
                .responseSingle((response, body) -> body.asString(StandardCharsets.ISO_8859_1)
                        .map(text -> response.responseHeaders().get("content-encoding") + " " + text))
                .block();

        assertThat(headers).startsWith("gzip ").doesNotContainIgnoringCase("accept-encoding");
    }

    @Test
    void requestIsNotRepeatedWhenItsConnectionBreaks() throws IOException {
        ConnectionProvider pool = ConnectionProvider.create("egress-test", 4);
        try (Canary breaking = new Canary()) {
            HttpClient client = EgressClient.create(pool, LOOPS, STRICT, Source.FILE);

            assertThatThrownBy(() -> client.post()
                            .uri("http://127.0.0.1:" + breaking.port() + "/")
                            .response()
                            .block())
                    .isNotNull();

            assertThat(breaking.connections()).isEqualTo(1);
        }
        pool.disposeLater().block();
    }

    private static int status(String path) {
        return Objects.requireNonNull(client(STRICT, Source.FILE)
                .get()
                .uri("http://127.0.0.1:" + redirector.port() + path)
                .response()
                .map(response -> response.status().code())
                .block());
    }

    private static HttpClient client(EgressPolicy policy, Source source) {
        return EgressClient.create(
                ConnectionProvider.newConnection(), LOOPS, policy, source, EgressTls.PLATFORM, Duration.ofSeconds(2));
    }

    private static List<String> locations() {
        List<String> urls = new ArrayList<>();
        Stream.concat(LITERALS.stream(), NAMES.stream()).forEach(host -> {
            urls.add("http://" + host + ":" + canary.port() + "/");
            urls.add("https://" + host + ":" + canary.port() + "/latest/meta-data/");
        });
        return urls;
    }
}
