package io.sluice.listener;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import reactor.core.publisher.Mono;
import reactor.netty.resources.LoopResources;

/**
 * Bytes in, answers out: what a listener must make of requests that are wrong, odd, or meant to be read differently by
 * somebody else on the way. Each case is sent on a connection of its own; the answers must be exactly those expected, the
 * connection must end, and the handler must have seen exactly what was answered with 200.
 */
class HttpSemanticsTest {
    private static final LoopResources LOOPS = HttpListener.newLoops("semantics-test", 2);
    private static final Limits LIMITS = Limits.STANDARD.withMaxBodyBytes(65_536);
    private static final Queue<String> SEEN = new ConcurrentLinkedQueue<>();
    private static HttpListener listener;

    private static final String H = "Host: localhost\r\n";
    private static final String END = "Connection: close\r\n\r\n";
    private static final String GET = "GET / HTTP/1.1\r\n" + H;
    private static final String POST = "POST / HTTP/1.1\r\n" + H;
    private static final String CHUNKED = POST + "Transfer-Encoding: chunked\r\n" + END;
    private static final String SMUGGLED = "GET /smuggled HTTP/1.1\r\n" + H + END;

    /** @param answers the statuses, in order; empty where the connection just closes */
    record Case(String name, String bytes, String answers) {
        @Override
        public String toString() {
            return name;
        }
    }

    @BeforeAll
    static void start() {
        Duration soon = Duration.ofMillis(400);
        ListenerSettings settings = ListenerSettings.of("127.0.0.1", 0)
                .withLimits(LIMITS)
                .withTimeouts(new Timeouts(soon, soon, soon, soon, soon));
        listener = Listeners.start(
                settings,
                LOOPS,
                (request, response) -> BodyReader.read(request, LIMITS.maxBodyBytes())
                        .flatMap(body -> {
                            SEEN.add(request.method() + " " + request.uri() + " " + body.length);
                            return response.sendString(Mono.just("ok")).then();
                        }));
    }

    @AfterAll
    static void stop() {
        listener.drain(Duration.ofSeconds(2)).then(listener.close()).block();
    }

    @BeforeEach
    void forget() {
        SEEN.clear();
    }

    @ParameterizedTest
    @MethodSource({
        "requestLines",
        "targets",
        "hosts",
        "origins",
        "headers",
        "lengths",
        "codings",
        "chunks",
        "sequences",
        "others"
    })
    void answerIsTheOneExpected(Case c) throws IOException {
        try (RawClient client = new RawClient(listener.port())) {
            client.send(c.bytes());
            String answers = client.readToEnd();

            assertThat(String.join(" ", statuses(answers))).as(answers).isEqualTo(c.answers());
            long served = statuses(answers).stream().filter("200"::equals).count();
            assertThat(SEEN).hasSize((int) served).noneMatch(seen -> seen.contains("smuggled"));
        }
    }

    @Test
    void corpusIsLargeEnough() {
        int cases = requestLines().size()
                + targets().size()
                + hosts().size()
                + origins().size()
                + headers().size()
                + lengths().size()
                + codings().size()
                + chunks().size()
                + sequences().size()
                + others().size();

        assertThat(cases).isGreaterThanOrEqualTo(150);
    }

    @Test
    void answerToHeadHasNoBody() throws IOException {
        try (RawClient client = new RawClient(listener.port())) {
            client.send("HEAD /a HTTP/1.1\r\n" + H + "\r\nGET /b HTTP/1.1\r\n" + H + END);

            String[] answers = client.readToEnd().split("\r\n\r\n", -1);

            assertThat(answers).hasSize(3);
            assertThat(answers[0]).startsWith("HTTP/1.1 200 ");
            assertThat(answers[1]).startsWith("HTTP/1.1 200 ");
            assertThat(SEEN).containsExactly("HEAD /a 0", "GET /b 0");
        }
    }

    @Test
    void refusedHeadHasNoBodyEither() throws IOException {
        try (RawClient client = new RawClient(listener.port())) {
            client.send("HEAD /../a HTTP/1.1\r\n" + H + "\r\n");

            assertThat(client.readToEnd()).startsWith("HTTP/1.1 400 ").endsWith("\r\n\r\n");
        }
    }

    static List<Case> requestLines() {
        List<Case> cases = new ArrayList<>();
        for (String method : List.of("GET", "POST", "PUT", "DELETE", "OPTIONS")) {
            cases.add(new Case(method, method + " / HTTP/1.1\r\n" + H + END, "200"));
        }
        for (String method : List.of("TRACE", "PATCH", "get", "Get", "FOO", "M-SEARCH", "PROPFIND", "QUERY")) {
            cases.add(new Case("method " + method, method + " / HTTP/1.1\r\n" + H + "\r\n" + SMUGGLED, "405"));
        }
        line(cases, "HTTP/1.0", "GET / HTTP/1.0", "200");
        line(cases, "CONNECT with authority", "CONNECT localhost:80 HTTP/1.1", "400");
        line(cases, "CONNECT with path", "CONNECT / HTTP/1.1", "405");
        for (String version : List.of("HTTP/1.2", "HTTP/1.9", "HTTP/2.0", "HTTP/3.0", "HTTP/0.9", "HTTP/9.9")) {
            line(cases, version, "GET / " + version, "505");
        }
        for (String version : List.of(
                "http/1.1",
                "Http/1.1",
                "HTTP/11",
                "HTTP/1.",
                "HTTP/.1",
                "HTTP/1",
                "HTTP/1.10",
                "HTTP/01.1",
                "HTTP/1,1",
                "HTTP/1.1 ",
                "HTTP/1.1\t",
                "HTP/1.1",
                "HTTPS/1.1",
                "HTTP /1.1",
                "HTTP/ 1.1",
                "HTTP/1.1 x",
                "HTTP/a.b",
                "")) {
            line(cases, "version '" + version + "'", "GET / " + version, "400");
        }
        line(cases, "no version", "GET /", "400");
        line(cases, "no target", "GET HTTP/1.1", "400");
        line(cases, "method alone", "GET", "400");
        line(cases, "tab for the first space", "GET\t/ HTTP/1.1", "400");
        line(cases, "tab for the second space", "GET /\tHTTP/1.1", "400");
        line(cases, "two spaces after the method", "GET  / HTTP/1.1", "400");
        line(cases, "two spaces before the version", "GET /  HTTP/1.1", "400");
        line(cases, "leading space", " GET / HTTP/1.1", "400");
        line(cases, "leading tab", "\tGET / HTTP/1.1", "400");
        line(cases, "vertical tab for a space", "GET\u000b/ HTTP/1.1", "400");
        line(cases, "form feed for a space", "GET /\fHTTP/1.1", "400");
        line(cases, "no-break space for a space", "GET\u00a0/ HTTP/1.1", "400");
        line(cases, "empty method", " / HTTP/1.1", "400");
        line(cases, "method with parenthesis", "G(ET / HTTP/1.1", "400");
        line(cases, "method with underscore", "GET_ / HTTP/1.1", "400");
        line(cases, "method with high byte", "G\u00c9T / HTTP/1.1", "400");
        line(cases, "method with NUL", "GE\0T / HTTP/1.1", "400");
        line(cases, "CR inside", "GET /\r HTTP/1.1", "400");
        line(cases, "LF inside", "GET /\n HTTP/1.1", "400");
        line(cases, "NUL first", "\0GET / HTTP/1.1", "400");
        line(cases, "byte order mark", "\u00ef\u00bb\u00bfGET / HTTP/1.1", "400");
        line(cases, "one empty line before", "\r\nGET / HTTP/1.1", "200");
        line(cases, "two empty lines before", "\r\n\r\nGET / HTTP/1.1", "400");
        line(cases, "bare LF before", "\nGET / HTTP/1.1", "400");
        line(cases, "bare CR before", "\rGET / HTTP/1.1", "400");
        line(cases, "line of 5000 bytes", "GET /" + "a".repeat(5000) + " HTTP/1.1", "414");
        line(cases, "line of 4000 bytes", "GET /" + "a".repeat(3980) + " HTTP/1.1", "200");
        line(cases, "method of 20000 bytes", "A".repeat(20_000) + " / HTTP/1.1", "414");
        cases.add(new Case("bare LF ends the line", "GET / HTTP/1.1\nHost: localhost\r\n" + END, "400"));
        cases.add(new Case("bare CR ends the line", "GET / HTTP/1.1\rHost: localhost\r\n" + END, "400"));
        cases.add(new Case("CR CR LF ends the line", "GET / HTTP/1.1\r\r\nHost: localhost\r\n" + END, "400"));
        cases.add(new Case("h2 with prior knowledge", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "400"));
        cases.add(new Case("TLS on a plain port", "\u0016\u0003\u0001\u0000\u00a5\u0001\u0000\u0000\u00a1", "400"));
        cases.add(new Case("response for a request", "HTTP/1.1 200 OK\r\n" + H + END, "400"));
        cases.add(new Case("PROXY protocol", "PROXY TCP4 1.2.3.4 1.2.3.4 1 1\r\n" + GET + END, "400"));
        cases.add(new Case("nothing but an end", "\r\n\r\n", "400"));
        return cases;
    }

    static List<Case> targets() {
        List<Case> cases = new ArrayList<>();
        for (String target : List.of(
                "/a/b",
                "/a?b=c",
                "/?",
                "/?a=%0A",
                "/%41",
                "/%2e%2ea",
                "/a:b@c",
                "/a;b=c",
                "/~a",
                "/...",
                "/.a",
                "/a.",
                "/a..b",
                "/..a/b",
                "/a?../b",
                "/!$&'()*+,=",
                "/a//b",
                "/%c3%a9",
                "/a%2Fb")) {
            line(cases, "target " + target, "GET " + target + " HTTP/1.1", "200");
        }
        for (String target : List.of(
                "a",
                "*",
                "?a",
                "http://localhost/",
                "HTTP://localhost/",
                "https://localhost/",
                "file:///etc/passwd",
                "localhost:80",
                "//localhost/",
                "//",
                "/a#b",
                "/#",
                "/a\"b",
                "/a<b",
                "/a>b",
                "/a\\b",
                "/a^b",
                "/a`b",
                "/a{b",
                "/a|b",
                "/a}b",
                "/\u0080",
                "/\u00ff",
                "/\u00c3\u00a9",
                "/a\0b",
                "/a\u007fb",
                "/a\u0001b",
                "/.",
                "/..",
                "/./a",
                "/../a",
                "/a/.",
                "/a/..",
                "/a/./b",
                "/a/../b",
                "/a/..?b",
                "/%2e",
                "/%2E%2e/a",
                "/a/.%2e/b",
                "/a/%2e./b",
                "/%",
                "/%4",
                "/%4g",
                "/%g4",
                "/a%",
                "/a?b=%",
                "/a?b=%zz",
                "/%00",
                "/%0d%0aa",
                "/a%7f")) {
            line(cases, "target " + printable(target), "GET " + target + " HTTP/1.1", "400");
        }
        return cases;
    }

    static List<Case> hosts() {
        List<Case> cases = new ArrayList<>();
        for (String host : List.of(
                "localhost",
                "LOCALHOST",
                "localhost:1",
                "localhost:65535",
                "127.0.0.1",
                "127.0.0.1:8080",
                "[::1]",
                "[::1]:8080",
                "  localhost  ",
                "localhost\t")) {
            host(cases, host, "200");
        }
        for (String host : List.of(
                "",
                " ",
                "a@localhost",
                "a:b@localhost",
                "localhost/",
                "localhost/a",
                "local host",
                "localhost, localhost",
                "localhost,evil.example",
                "localhost:",
                "localhost:a",
                "localhost:-1",
                "localhost:123456",
                "[::1",
                "::1",
                "[::1]x",
                "[]",
                "http://localhost",
                "localhost#",
                "localhost?",
                "localhost\\",
                "loc%61lhost",
                "l\u00f6calhost",
                "local\0host",
                "localhost;")) {
            host(cases, host, "400");
        }
        for (String host : List.of(
                "evil.example",
                "evil.example:8080",
                "localhost.evil.example",
                "localhost.",
                "127.0.0.2",
                "0.0.0.0",
                "[::]",
                "2130706433",
                "127.1",
                "localhostx",
                "local_host")) {
            host(cases, host, "403");
        }
        cases.add(new Case("no host", "GET / HTTP/1.1\r\n" + END, "400"));
        cases.add(new Case("no host, HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", "403"));
        cases.add(new Case("two equal hosts", GET + H + END, "400"));
        cases.add(new Case("two hosts", GET + "Host: evil.example\r\n" + END, "400"));
        cases.add(new Case("two hosts, the other first", "GET / HTTP/1.1\r\nhost: evil.example\r\n" + H + END, "400"));
        cases.add(new Case("two hosts, HTTP/1.0", "GET / HTTP/1.0\r\n" + H + H + "\r\n", "400"));
        for (String probed : List.of("/livez", "/readyz", "/health", "/health?verbose")) {
            String request = "GET " + probed + " HTTP/1.1\r\nHost: 10.1.2.3:8080\r\n" + END;
            cases.add(new Case("probe of " + probed + " by address", request, "200"));
        }
        String request = "GET /healthx HTTP/1.1\r\nHost: 10.1.2.3:8080\r\n" + END;
        cases.add(new Case("no probe by address", request, "403"));
        return cases;
    }

    static List<Case> origins() {
        List<Case> cases = new ArrayList<>();
        for (String origin : List.of(
                "http://localhost",
                "http://localhost:3000",
                "https://localhost",
                "http://127.0.0.1:8080",
                "http://[::1]:8080",
                "HTTP://LOCALHOST:3000")) {
            cases.add(new Case("origin " + origin, GET + "Origin: " + origin + "\r\n" + END, "200"));
        }
        for (String origin : List.of(
                "null",
                "",
                "*",
                "http://evil.example",
                "https://evil.example",
                "http://localhost.evil.example",
                "http://evil.example/localhost",
                "http://localhost@evil.example",
                "http://evil.example#localhost",
                "http://localhost/",
                "http://localhost/a",
                "http://localhost?a",
                "file://localhost",
                "localhost",
                "http://127.0.0.2",
                "http://localhost.",
                "http://localhost http://evil.example",
                "http://",
                "chrome-extension://localhost",
                "http://localhost,http://evil.example",
                "ws://localhost")) {
            cases.add(new Case("origin " + origin, GET + "Origin: " + origin + "\r\n" + END, "403"));
        }
        String two = "Origin: http://localhost\r\nOrigin: http://evil.example\r\n";
        cases.add(new Case("two origins", GET + two + END, "403"));
        return cases;
    }

    static List<Case> headers() {
        List<Case> cases = new ArrayList<>();
        header(cases, "empty value", "A:", "200");
        header(cases, "no space before the value", "A:b", "200");
        header(cases, "spaces around the value", "A: \t b \t ", "200");
        header(cases, "high bytes in the value", "A: \u00e9\u00ff", "200");
        header(cases, "every mark a name may have", "!#$%&'*+-.^`|~0aZ: b", "200");
        header(cases, "value of 4000 bytes", "A: " + "b".repeat(4000), "200");
        header(cases, "value of 4097 bytes", "A: " + "b".repeat(4097), "431");
        header(cases, "name of 4000 bytes", "a".repeat(4000) + ": b", "200");
        header(
                cases,
                "head of 20000 bytes",
                "A: b\r\n".repeat(90) + ("A: " + "b".repeat(4000) + "\r\n").repeat(5),
                "431");
        header(cases, "name of 20000 bytes", "a".repeat(20_000) + ": b", "431");
        header(cases, "100 headers", "A: b\r\n".repeat(97) + "A: b", "200");
        header(cases, "101 headers", "A: b\r\n".repeat(98) + "A: b", "431");
        header(cases, "2000 headers", "A: b\r\n".repeat(1999) + "A: b", "431");
        header(cases, "folded with a space", "A: b\r\n c", "400");
        header(cases, "folded with a tab", "A: b\r\n\tc", "400");
        header(cases, "folded and empty", "A: b\r\n ", "400");
        header(cases, "coding folded away", "Transfer-Encoding:\r\n chunked", "400");
        header(cases, "space before the colon", "A : b", "400");
        header(cases, "tab before the colon", "A\t: b", "400");
        header(cases, "space before the name", " A: b", "400");
        header(cases, "space within the name", "A b: c", "400");
        header(cases, "no colon", "A", "400");
        header(cases, "no name", ": b", "400");
        header(cases, "nothing but a colon", ":", "400");
        header(cases, "underscore in the name", "Content_Length: 5", "400");
        header(cases, "parenthesis in the name", "A(b): c", "400");
        header(cases, "quotes in the name", "\"A\": c", "400");
        header(cases, "slash in the name", "A/b: c", "400");
        header(cases, "high byte in the name", "\u00c0: b", "400");
        header(cases, "NUL in the name", "A\0b: c", "400");
        header(cases, "NUL in the value", "A: b\0c", "400");
        header(cases, "control character in the value", "A: b\u0001c", "400");
        header(cases, "vertical tab in the value", "A: b\u000bc", "400");
        header(cases, "escape in the value", "A: b\u001b[0m", "400");
        header(cases, "DEL in the value", "A: b\u007fc", "400");
        header(cases, "bare CR in the value", "A: b\rc", "400");
        header(cases, "bare CR before a smuggled header", "A: b\rTransfer-Encoding: chunked", "400");
        header(cases, "bare LF in the value", "A: b\nTransfer-Encoding: chunked", "400");
        header(cases, "CR CR LF ends the line", "A: b\r\r\nB: c", "400");
        header(cases, "bare CR in the name", "A\rB: c", "400");
        header(cases, "control characters before the name", "\u0001A: b", "400");
        cases.add(new Case("fold before the first header", "GET / HTTP/1.1\r\n A: b\r\n" + H + END, "400"));
        cases.add(new Case("bare LF ends the head", GET + "Connection: close\r\n\n", "400"));
        cases.add(new Case("bare LFs end the head", GET + "Connection: close\n\n", "400"));
        cases.add(new Case("CR and a byte end the head", GET + "Connection: close\r\n\rX", "400"));
        return cases;
    }

    static List<Case> lengths() {
        List<Case> cases = new ArrayList<>();
        length(cases, "Content-Length: 5", "hello", "200");
        length(cases, "content-length:5", "hello", "200");
        length(cases, "Content-Length:   5  ", "hello", "200");
        length(cases, "Content-Length: 0", "", "200");
        length(cases, "Content-Length: 005", "hello", "200");
        for (String value : List.of(
                "",
                "+5",
                "-5",
                "-0",
                "0x5",
                "5 5",
                "5,5",
                "5, 5",
                "5;",
                "5a",
                "a",
                "1e1",
                "5.0",
                "\"5\"",
                "\u00b2",
                "5\0",
                "5 Transfer-Encoding: chunked",
                "_5",
                "5\u000b",
                "\u00a05")) {
            length(cases, "Content-Length: " + value, "hello" + SMUGGLED, "400");
        }
        length(cases, "Content-Length: 5\r\nContent-Length: 5", "hello", "400");
        length(cases, "Content-Length: 5\r\nContent-Length: 6", "hello", "400");
        length(cases, "Content-Length: 0\r\ncontent-length: " + SMUGGLED.length(), SMUGGLED, "400");
        length(cases, "Content-Length: 65537", "hello", "413");
        length(cases, "Content-Length: 9223372036854775807", "hello", "413");
        length(cases, "Content-Length: 9223372036854775808", "hello", "413");
        length(cases, "Content-Length: 18446744073709551621", "hello", "413");
        length(cases, "Content-Length: 99999999999999999999999", "hello", "413");
        length(cases, "Content-Length: 4294967301", "hello", "413");
        length(cases, "Content-Length: 65536", "x".repeat(65_536), "200");
        length(cases, "Content-Length: 6", "hello", "408");
        return cases;
    }

    static List<Case> codings() {
        List<Case> cases = new ArrayList<>();
        String body = "5\r\nhello\r\n0\r\n\r\n";
        for (String coding : List.of("chunked", "CHUNKED", "Chunked", "  chunked", "chunked \t")) {
            length(cases, "Transfer-Encoding: " + coding, body, "200");
        }
        for (String coding : List.of(
                "gzip, chunked",
                "chunked, gzip",
                "chunked, chunked",
                "chunked,",
                ", chunked",
                "gzip",
                "identity",
                "identity, chunked",
                "xchunked",
                "chunkedx",
                "chunked, xchunked",
                "chunked;q=1",
                "\"chunked\"",
                "chunk",
                "",
                "cow",
                "chun ked",
                "\u00e7hunked")) {
            length(cases, "Transfer-Encoding: " + coding, body + SMUGGLED, "501");
        }
        length(cases, "Transfer-Encoding: \u000bchunked", body + SMUGGLED, "400");
        length(cases, "Transfer-Encoding: chunked\0", body + SMUGGLED, "400");
        length(cases, "Transfer-Encoding : chunked", body + SMUGGLED, "400");
        length(cases, " Transfer-Encoding: chunked", body + SMUGGLED, "400");
        length(cases, "Transfer_Encoding: chunked", body + SMUGGLED, "400");
        length(cases, "Transfer-Encoding\0: chunked", body + SMUGGLED, "400");
        length(cases, "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", body + SMUGGLED, "400");
        length(cases, "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", body + SMUGGLED, "400");
        length(cases, "Transfer-Encoding: identity\r\ntransfer-encoding: chunked", body + SMUGGLED, "400");
        length(cases, "Transfer-Encoding: chunked\r\nContent-Length: 5", body + SMUGGLED, "400");
        length(cases, "Content-Length: 5\r\nTransfer-Encoding: chunked", body + SMUGGLED, "400");
        length(cases, "Content-Length: 0\r\nTransfer-Encoding: chunked", body + SMUGGLED, "400");
        length(cases, "Content-Length: 5\r\nTransfer-Encoding: identity", body + SMUGGLED, "400");
        length(cases, "Content-Length: 5\r\nTransfer-Encoding: xchunked", body + SMUGGLED, "400");
        String old = "POST / HTTP/1.0\r\n" + H + "Transfer-Encoding: chunked\r\n" + END + body + SMUGGLED;
        cases.add(new Case("chunked in HTTP/1.0", old, "400"));
        length(cases, "Content-Encoding: gzip\r\nContent-Length: 5", "hello", "415");
        length(cases, "Content-Encoding: identity\r\nContent-Length: 5", "hello", "415");
        length(cases, "Content-Encoding: \r\nContent-Length: 5", "hello", "415");
        return cases;
    }

    static List<Case> chunks() {
        List<Case> cases = new ArrayList<>();
        chunk(cases, "one", "5\r\nhello\r\n0\r\n\r\n", "200");
        chunk(cases, "two", "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", "200");
        chunk(cases, "none", "0\r\n\r\n", "200");
        chunk(cases, "upper-case size", "A\r\nhellohello\r\n0\r\n\r\n", "200");
        chunk(cases, "lower-case size", "a\r\nhellohello\r\n0\r\n\r\n", "200");
        chunk(cases, "size with zeros", "0005\r\nhello\r\n000\r\n\r\n", "200");
        chunk(cases, "trailer", "5\r\nhello\r\n0\r\nA: b\r\n\r\n", "200");
        chunk(cases, "extension", "5;a=b\r\nhello\r\n0\r\n\r\n", "200");
        for (String size : List.of(
                "g",
                "0x5",
                "-5",
                "+5",
                "5x",
                "5 5",
                "",
                ";a=b",
                "\u00b2",
                "5\0",
                "_5",
                "5.",
                "5,5",
                "\"5\"",
                "ffffffffffffffff5",
                "100000000",
                "80000000",
                "-0",
                "5\u000b")) {
            chunk(cases, "size '" + printable(size) + "'", size + "\r\nhello\r\n0\r\n\r\n" + SMUGGLED, "400");
        }
        chunk(cases, "data without an end", "5\r\nhello0\r\n\r\n" + SMUGGLED, "400");
        chunk(cases, "data longer than its size", "4\r\nhello\r\n0\r\n\r\n" + SMUGGLED, "400");
        chunk(cases, "data shorter than its size", "7\r\nhello\r\n0\r\n\r\n" + SMUGGLED, "400");
        chunk(cases, "bare LF after the size", "5\nhello\r\n0\r\n\r\n" + SMUGGLED, "400");
        chunk(cases, "bare CR after the size", "5\rhello\r\n0\r\n\r\n" + SMUGGLED, "400");
        chunk(cases, "bare LF after the data", "5\r\nhello\n0\r\n\r\n" + SMUGGLED, "400");
        chunk(cases, "two bytes for the end of the data", "5\r\nhelloXX0\r\n\r\n" + SMUGGLED, "400");
        chunk(cases, "bare LF in an extension", "5;a\nhello\r\n0\r\n\r\n" + SMUGGLED, "400");
        chunk(cases, "bare LF in an extension, data behind", "2;\nxx\r\n0\r\n\r\n" + SMUGGLED, "400");
        chunk(cases, "bare CR in an extension", "5;a=\rb\r\nhello\r\n0\r\n\r\n" + SMUGGLED, "400");
        chunk(cases, "NUL in an extension", "5;a=\0\r\nhello\r\n0\r\n\r\n" + SMUGGLED, "400");
        chunk(cases, "endless extension", "5;" + "a".repeat(20_000) + "\r\nhello\r\n0\r\n\r\n", "431");
        chunk(cases, "bare LF after the last size", "5\r\nhello\r\n0\n\r\n" + SMUGGLED, "400");
        chunk(cases, "bare LF ends the trailers", "5\r\nhello\r\n0\r\nA: b\n\n" + SMUGGLED, "400");
        chunk(cases, "malformed trailer", "5\r\nhello\r\n0\r\nA b\0: c\r\n\r\n" + SMUGGLED, "400");
        // trailers are dropped, and where the last one ends is not in doubt
        chunk(cases, "folded trailer", "5\r\nhello\r\n0\r\nA: b\r\n c\r\n\r\n" + SMUGGLED, "200");
        chunk(cases, "trailers of 20000 bytes", "5\r\nhello\r\n0\r\n" + "A: bcdefgh\r\n".repeat(2000) + "\r\n", "431");
        chunk(cases, "body beyond the limit", "10000\r\n" + "x".repeat(65_536) + "\r\n1\r\nx\r\n0\r\n\r\n", "413");
        chunk(cases, "no last chunk", "5\r\nhello\r\n", "408");
        return cases;
    }

    static List<Case> sequences() {
        String five = "Content-Length: 5\r\n\r\nhello";
        String chunked = "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
        String next = GET + "\r\n";
        String last = GET + END;
        String wrong = "GET / HTTP/1.1\r\n\r\n";
        return List.of(
                new Case("two", next + last, "200 200"),
                new Case("twenty", next.repeat(19) + last, "200 ".repeat(19) + "200"),
                new Case("length, then another", POST + five + last, "200 200"),
                new Case("chunked, then another", POST + chunked + last, "200 200"),
                new Case("chunked, then length, then another", POST + chunked + POST + five + last, "200 200 200"),
                new Case("good, then wrong", next + wrong + SMUGGLED, "200 400"),
                new Case("two good, then wrong", next + POST + five + wrong + SMUGGLED, "200 200 400"),
                new Case("good, then unserved version", next + "GET / HTTP/1.2\r\n" + H + "\r\n" + SMUGGLED, "200 505"),
                new Case("good, then folded", next + GET + "A: b\r\n c\r\n\r\n" + SMUGGLED, "200 400"),
                new Case("good, then broken chunk", next + CHUNKED + "x\r\n" + SMUGGLED, "200 400"),
                new Case("wrong, then good", wrong + SMUGGLED, "400"),
                new Case("foreign name, then good", "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n" + last, "403 200"),
                new Case(
                        "foreign name with body, then good",
                        "POST / HTTP/1.1\r\nHost: evil.example\r\n" + five + last,
                        "403 200"),
                new Case("close, then good", last + SMUGGLED, "200"),
                new Case("HTTP/1.0, then good", "GET / HTTP/1.0\r\n" + H + "\r\n" + SMUGGLED, "200"),
                new Case("too long, then good", POST + "Content-Length: 999999\r\n\r\n" + SMUGGLED, "413"),
                new Case("unknown coding, then good", POST + "Transfer-Encoding: gzip\r\n\r\n" + SMUGGLED, "501"),
                new Case(
                        "request in the body of a GET",
                        GET + "Content-Length: " + SMUGGLED.length() + "\r\n\r\n" + SMUGGLED + last,
                        "200 200"),
                new Case(
                        "request in the body of a POST",
                        POST + "Content-Length: " + SMUGGLED.length() + "\r\n\r\n" + SMUGGLED + last,
                        "200 200"),
                new Case(
                        "request in a chunk",
                        POST + "Transfer-Encoding: chunked\r\n\r\n" + Integer.toHexString(SMUGGLED.length()) + "\r\n"
                                + SMUGGLED + "\r\n0\r\n\r\n" + last,
                        "200 200"),
                new Case(
                        "request in the body of an OPTIONS",
                        "OPTIONS / HTTP/1.1\r\n" + H + "Content-Length: " + SMUGGLED.length() + "\r\n\r\n" + SMUGGLED
                                + last,
                        "200 200"),
                new Case("empty line between", next + "\r\n" + last, "200 200"),
                new Case("four empty lines between", next + "\r\n\r\n\r\n\r\n" + SMUGGLED, "200 400"),
                new Case("body longer than its length", POST + "Content-Length: 4\r\n\r\nhello" + SMUGGLED, "200 405"),
                new Case("half a head", "GET / HTTP/1.1\r\nHost: loc", ""),
                new Case("half a request line", "GE", ""),
                new Case("nothing", "", ""));
    }

    static List<Case> others() {
        List<Case> cases = new ArrayList<>();
        String upgrade = "Connection: close, Upgrade\r\nUpgrade: ";
        cases.add(new Case(
                "h2c is not spoken",
                GET
                        + "Connection: close, Upgrade, HTTP2-Settings\r\n"
                        + "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
                "200"));
        cases.add(new Case(
                "websocket is not spoken",
                GET + upgrade + "websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZQ==\r\n\r\n",
                "200"));
        cases.add(new Case(
                "continue is asked for and given",
                POST + "Expect: 100-continue\r\nContent-Length: 5\r\n" + END + "hello",
                "100 200"));
        cases.add(new Case(
                "continue is asked for in vain",
                POST + "Expect: 100-continue\r\nContent-Length: 99999\r\n" + END,
                "413"));
        cases.add(
                new Case("unknown expectation", POST + "Expect: cake\r\nContent-Length: 5\r\n" + END + "hello", "417"));
        cases.add(new Case(
                "expectation with a list",
                POST + "Expect: 100-continue, cake\r\nContent-Length: 5\r\n" + END + "hello",
                "417"));
        return cases;
    }

    private static void line(List<Case> cases, String name, String line, String answers) {
        cases.add(new Case(name, line + "\r\n" + H + END, answers));
    }

    private static void host(List<Case> cases, String host, String answers) {
        cases.add(
                new Case("host '" + printable(host) + "'", "GET / HTTP/1.1\r\nHost: " + host + "\r\n" + END, answers));
    }

    private static void header(List<Case> cases, String name, String line, String answers) {
        cases.add(new Case(name, GET + line + "\r\n" + END, answers));
    }

    private static void length(List<Case> cases, String headers, String body, String answers) {
        cases.add(new Case(printable(headers), POST + headers + "\r\n" + END + body, answers));
    }

    private static void chunk(List<Case> cases, String name, String body, String answers) {
        cases.add(new Case("chunks: " + name, CHUNKED + body, answers));
    }

    private static String printable(String text) {
        StringBuilder shown = new StringBuilder();
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            shown.append(c >= ' ' && c < 0x7f ? String.valueOf(c) : String.format("\\x%02x", (int) c));
        }
        return shown.toString();
    }

    /** The statuses of a connection's answers, read strictly one after the other: nothing may stand between them. */
    private static List<String> statuses(String answers) {
        List<String> statuses = new ArrayList<>();
        String rest = answers;
        while (!rest.isEmpty()) {
            assertThat(rest).matches("(?s)HTTP/1\\.[01] .*");
            String status = rest.substring(9, 12);
            statuses.add(status);
            int headEnd = rest.indexOf("\r\n\r\n");
            assertThat(headEnd).as(rest).isPositive();
            String head = rest.substring(0, headEnd + 2).toLowerCase(Locale.ROOT);
            rest = rest.substring(headEnd + 4);
            int length = head.indexOf("content-length: ");
            if (length >= 0) {
                int bytes = Integer.parseInt(head.substring(length + 16, head.indexOf("\r\n", length)));
                rest = rest.substring(bytes);
            } else if (head.contains("transfer-encoding: chunked")) {
                rest = rest.substring(rest.indexOf("0\r\n\r\n") + 5);
            } else {
                assertThat(status).isEqualTo("100");
            }
        }
        return statuses;
    }
}
