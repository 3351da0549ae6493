package io.sluice.listener;

import static io.sluice.listener.HttpCase.END;
import static io.sluice.listener.HttpCase.GET;
import static io.sluice.listener.HttpCase.H;
import static io.sluice.listener.HttpCase.POST;
import static io.sluice.listener.HttpCase.SMUGGLED;
import static io.sluice.listener.HttpCase.printable;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Bodies that could end in two places, requests behind each other, and expectations. */
final class BodyCases {
    private static final String CHUNKED = POST + "Transfer-Encoding: chunked\r\n" + END;

    private BodyCases() {}

    static List<HttpCase> all() {
        return Stream.of(lengths(), codings(), chunks(), sequences(), others())
                .flatMap(List::stream)
                .toList();
    }

    private static List<HttpCase> lengths() {
        List<HttpCase> cases = new ArrayList<>();
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

    private static List<HttpCase> codings() {
        List<HttpCase> cases = new ArrayList<>();
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
        cases.add(new HttpCase("chunked in HTTP/1.0", old, "400"));
        length(cases, "Content-Encoding: gzip\r\nContent-Length: 5", "hello", "415");
        length(cases, "Content-Encoding: identity\r\nContent-Length: 5", "hello", "415");
        length(cases, "Content-Encoding: \r\nContent-Length: 5", "hello", "415");
        return cases;
    }

    private static List<HttpCase> chunks() {
        List<HttpCase> cases = new ArrayList<>();
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

    private static List<HttpCase> sequences() {
        String five = "Content-Length: 5\r\n\r\nhello";
        String chunked = "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
        String next = GET + "\r\n";
        String last = GET + END;
        String wrong = "GET / HTTP/1.1\r\n\r\n";
        return List.of(
                new HttpCase("two", next + last, "200 200"),
                new HttpCase("twenty", next.repeat(19) + last, "200 ".repeat(19) + "200"),
                new HttpCase("length, then another", POST + five + last, "200 200"),
                new HttpCase("chunked, then another", POST + chunked + last, "200 200"),
                new HttpCase("chunked, then length, then another", POST + chunked + POST + five + last, "200 200 200"),
                new HttpCase("good, then wrong", next + wrong + SMUGGLED, "200 400"),
                new HttpCase("two good, then wrong", next + POST + five + wrong + SMUGGLED, "200 200 400"),
                new HttpCase(
                        "good, then unserved version", next + "GET / HTTP/1.2\r\n" + H + "\r\n" + SMUGGLED, "200 505"),
                new HttpCase("good, then folded", next + GET + "A: b\r\n c\r\n\r\n" + SMUGGLED, "200 400"),
                new HttpCase("good, then broken chunk", next + CHUNKED + "x\r\n" + SMUGGLED, "200 400"),
                new HttpCase("wrong, then good", wrong + SMUGGLED, "400"),
                new HttpCase(
                        "foreign name, then good", "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n" + last, "403 200"),
                new HttpCase(
                        "foreign name with body, then good",
                        "POST / HTTP/1.1\r\nHost: evil.example\r\n" + five + last,
                        "403 200"),
                new HttpCase("close, then good", last + SMUGGLED, "200"),
                new HttpCase("HTTP/1.0, then good", "GET / HTTP/1.0\r\n" + H + "\r\n" + SMUGGLED, "200"),
                new HttpCase("too long, then good", POST + "Content-Length: 999999\r\n\r\n" + SMUGGLED, "413"),
                new HttpCase("unknown coding, then good", POST + "Transfer-Encoding: gzip\r\n\r\n" + SMUGGLED, "501"),
                new HttpCase(
                        "request in the body of a GET",
                        GET + "Content-Length: " + SMUGGLED.length() + "\r\n\r\n" + SMUGGLED + last,
                        "200 200"),
                new HttpCase(
                        "request in the body of a POST",
                        POST + "Content-Length: " + SMUGGLED.length() + "\r\n\r\n" + SMUGGLED + last,
                        "200 200"),
                new HttpCase(
                        "request in a chunk",
                        POST + "Transfer-Encoding: chunked\r\n\r\n" + Integer.toHexString(SMUGGLED.length()) + "\r\n"
                                + SMUGGLED + "\r\n0\r\n\r\n" + last,
                        "200 200"),
                new HttpCase(
                        "request in the body of an OPTIONS",
                        "OPTIONS / HTTP/1.1\r\n" + H + "Content-Length: " + SMUGGLED.length() + "\r\n\r\n" + SMUGGLED
                                + last,
                        "200 200"),
                new HttpCase("empty line between", next + "\r\n" + last, "200 200"),
                new HttpCase("four empty lines between", next + "\r\n\r\n\r\n\r\n" + SMUGGLED, "200 400"),
                new HttpCase(
                        "body longer than its length", POST + "Content-Length: 4\r\n\r\nhello" + SMUGGLED, "200 405"),
                new HttpCase("half a head", "GET / HTTP/1.1\r\nHost: loc", ""),
                new HttpCase("half a request line", "GE", ""),
                new HttpCase("nothing", "", ""));
    }

    private static List<HttpCase> others() {
        List<HttpCase> cases = new ArrayList<>();
        String upgrade = "Connection: close, Upgrade\r\nUpgrade: ";
        cases.add(new HttpCase(
                "h2c is not spoken",
                GET
                        + "Connection: close, Upgrade, HTTP2-Settings\r\n"
                        + "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
                "200"));
        cases.add(new HttpCase(
                "websocket is not spoken",
                GET + upgrade + "websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZQ==\r\n\r\n",
                "200"));
        cases.add(new HttpCase(
                "continue is asked for and given",
                POST + "Expect: 100-continue\r\nContent-Length: 5\r\n" + END + "hello",
                "100 200"));
        cases.add(new HttpCase(
                "continue is asked for in vain",
                POST + "Expect: 100-continue\r\nContent-Length: 99999\r\n" + END,
                "413"));
        cases.add(new HttpCase(
                "unknown expectation", POST + "Expect: cake\r\nContent-Length: 5\r\n" + END + "hello", "417"));
        cases.add(new HttpCase(
                "expectation with a list",
                POST + "Expect: 100-continue, cake\r\nContent-Length: 5\r\n" + END + "hello",
                "417"));
        return cases;
    }

    private static void length(List<HttpCase> cases, String headers, String body, String answers) {
        cases.add(new HttpCase(printable(headers), POST + headers + "\r\n" + END + body, answers));
    }

    private static void chunk(List<HttpCase> cases, String name, String body, String answers) {
        cases.add(new HttpCase("chunks: " + name, CHUNKED + body, answers));
    }
}
