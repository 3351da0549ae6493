package io.sluice.listener;

import static io.sluice.listener.HttpCase.END;
import static io.sluice.listener.HttpCase.GET;
import static io.sluice.listener.HttpCase.H;
import static io.sluice.listener.HttpCase.SMUGGLED;
import static io.sluice.listener.HttpCase.printable;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** Heads of requests that are wrong or odd: request line, target, host, origin, headers. */
final class HeadCases {
    private HeadCases() {}

    static List<HttpCase> all() {
        return Stream.of(requestLines(), targets(), hosts(), origins(), headers())
                .flatMap(List::stream)
                .toList();
    }

    private static List<HttpCase> requestLines() {
        List<HttpCase> cases = new ArrayList<>();
        for (String method : List.of("GET", "POST", "PUT", "DELETE", "OPTIONS")) {
            cases.add(new HttpCase(method, method + " / HTTP/1.1\r\n" + H + END, "200"));
        }
        for (String method : List.of("TRACE", "PATCH", "get", "Get", "FOO", "M-SEARCH", "PROPFIND", "QUERY")) {
            cases.add(new HttpCase("method " + method, method + " / HTTP/1.1\r\n" + H + "\r\n" + SMUGGLED, "405"));
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
        cases.add(new HttpCase("bare LF ends the line", "GET / HTTP/1.1\nHost: localhost\r\n" + END, "400"));
        cases.add(new HttpCase("bare CR ends the line", "GET / HTTP/1.1\rHost: localhost\r\n" + END, "400"));
        cases.add(new HttpCase("CR CR LF ends the line", "GET / HTTP/1.1\r\r\nHost: localhost\r\n" + END, "400"));
        cases.add(new HttpCase("h2 with prior knowledge", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "400"));
        cases.add(new HttpCase("TLS on a plain port", "\u0016\u0003\u0001\u0000\u00a5\u0001\u0000\u0000\u00a1", "400"));
        cases.add(new HttpCase("response for a request", "HTTP/1.1 200 OK\r\n" + H + END, "400"));
        cases.add(new HttpCase("PROXY protocol", "PROXY TCP4 1.2.3.4 1.2.3.4 1 1\r\n" + GET + END, "400"));
        cases.add(new HttpCase("nothing but an end", "\r\n\r\n", "400"));
        return cases;
    }

    private static List<HttpCase> targets() {
        List<HttpCase> cases = new ArrayList<>();
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

    private static List<HttpCase> hosts() {
        List<HttpCase> cases = new ArrayList<>();
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
        cases.add(new HttpCase("no host", "GET / HTTP/1.1\r\n" + END, "400"));
        cases.add(new HttpCase("no host, HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", "403"));
        cases.add(new HttpCase("two equal hosts", GET + H + END, "400"));
        cases.add(new HttpCase("two hosts", GET + "Host: evil.example\r\n" + END, "400"));
        cases.add(new HttpCase(
                "two hosts, the other first", "GET / HTTP/1.1\r\nhost: evil.example\r\n" + H + END, "400"));
        cases.add(new HttpCase("two hosts, HTTP/1.0", "GET / HTTP/1.0\r\n" + H + H + "\r\n", "400"));
        for (String probed : List.of("/livez", "/readyz", "/health", "/health?verbose")) {
            String request = "GET " + probed + " HTTP/1.1\r\nHost: 10.1.2.3:8080\r\n" + END;
            cases.add(new HttpCase("probe of " + probed + " by address", request, "200"));
        }
        String request = "GET /healthx HTTP/1.1\r\nHost: 10.1.2.3:8080\r\n" + END;
        cases.add(new HttpCase("no probe by address", request, "403"));
        return cases;
    }

    private static List<HttpCase> origins() {
        List<HttpCase> cases = new ArrayList<>();
        for (String origin : List.of(
                "http://localhost",
                "http://localhost:3000",
                "https://localhost",
                "http://127.0.0.1:8080",
                "http://[::1]:8080",
                "HTTP://LOCALHOST:3000")) {
            cases.add(new HttpCase("origin " + origin, GET + "Origin: " + origin + "\r\n" + END, "200"));
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
            cases.add(new HttpCase("origin " + origin, GET + "Origin: " + origin + "\r\n" + END, "403"));
        }
        String two = "Origin: http://localhost\r\nOrigin: http://evil.example\r\n";
        cases.add(new HttpCase("two origins", GET + two + END, "403"));
        return cases;
    }

    private static List<HttpCase> headers() {
        List<HttpCase> cases = new ArrayList<>();
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
        cases.add(new HttpCase("fold before the first header", "GET / HTTP/1.1\r\n A: b\r\n" + H + END, "400"));
        cases.add(new HttpCase("bare LF ends the head", GET + "Connection: close\r\n\n", "400"));
        cases.add(new HttpCase("bare LFs end the head", GET + "Connection: close\n\n", "400"));
        cases.add(new HttpCase("CR and a byte end the head", GET + "Connection: close\r\n\rX", "400"));
        return cases;
    }

    private static void line(List<HttpCase> cases, String name, String line, String answers) {
        cases.add(new HttpCase(name, line + "\r\n" + H + END, answers));
    }

    private static void host(List<HttpCase> cases, String host, String answers) {
        cases.add(new HttpCase(
                "host '" + printable(host) + "'", "GET / HTTP/1.1\r\nHost: " + host + "\r\n" + END, answers));
    }

    private static void header(List<HttpCase> cases, String name, String line, String answers) {
        cases.add(new HttpCase(name, GET + line + "\r\n" + END, answers));
    }
}
