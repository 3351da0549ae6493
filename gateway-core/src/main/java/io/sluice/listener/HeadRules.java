package io.sluice.listener;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpVersion;
import io.sluice.rejection.Rejection;
import io.sluice.rejection.Rejection.BadHttp;
import io.sluice.wire.HeaderLines;
import java.util.Iterator;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** What a decoded head must say before anybody acts on it, whichever version of HTTP brought it. */
final class HeadRules {
    /** What a 405 of the listener itself offers. */
    static final String METHODS = "GET, HEAD, POST, PUT, DELETE, OPTIONS";

    private static final Set<HttpMethod> SERVED = Set.of(
            HttpMethod.GET, HttpMethod.HEAD, HttpMethod.POST, HttpMethod.PUT, HttpMethod.DELETE, HttpMethod.OPTIONS);

    // RFC 3986 §3.2.2 as far as a gateway can be called by it: a name, an IPv4 address or an IPv6 literal, and a port
    private static final Pattern HOST =
            Pattern.compile("(?:[A-Za-z0-9._~-]{1,255}|\\[[0-9A-Fa-f:.]{2,45}])(?::[0-9]{1,5})?");

    private final Limits limits;

    /** One that was found well-formed: clients of a connection name the gateway always in the same way. */
    private volatile @Nullable String lastHost;

    HeadRules(Limits limits) {
        this.limits = limits;
    }

    /** Why the request is refused, or null when nothing speaks against it. */
    @Nullable
    Rejection check(HttpMethod method, String target, HttpVersion version, HttpHeaders headers) {
        if (!SERVED.contains(method)) {
            return BadHttp.methodNotAllowed(method.name(), METHODS);
        }
        Rejection refused = checkTarget(target);
        if (refused == null) {
            refused = checkHost(version, headers);
        }
        if (refused == null && version.majorVersion() == 1) {
            refused = checkFraming(version, headers);
        }
        return refused != null ? refused : checkBody(headers);
    }

    /** Of h2 what {@link HeadSyntax} has seen to in HTTP/1 and {@link Http2Guard} has not: counts, lengths and names. */
    @Nullable
    Rejection checkDecoded(String target, HttpHeaders headers) {
        if (target.length() > limits.maxLineBytes()) {
            return BadHttp.malformed(414, "The path exceeds " + limits.maxLineBytes() + " bytes");
        }
        if (headers.size() > limits.maxHeaders()) {
            return BadHttp.malformed(431, "More than " + limits.maxHeaders() + " headers");
        }
        Iterator<Map.Entry<CharSequence, CharSequence>> all = headers.iteratorCharSequence();
        while (all.hasNext()) {
            Map.Entry<CharSequence, CharSequence> header = all.next();
            if (header.getValue().length() > limits.maxHeaderBytes()) {
                return BadHttp.malformed(431, "A header value exceeds " + limits.maxHeaderBytes() + " bytes");
            }
            if (header.getKey().toString().indexOf('_') >= 0) {
                return BadHttp.badRequest("A header name has an underscore");
            }
        }
        return null;
    }

    private static @Nullable Rejection checkTarget(String target) {
        if (target.isEmpty() || target.charAt(0) != '/') {
            return BadHttp.badRequest("The request target must be a path");
        }
        if (target.startsWith("//")) {
            return BadHttp.badRequest("The path begins with two slashes");
        }
        boolean path = true;
        int dots = 0; // of the segment so far, plain or encoded; negative once it has anything else
        for (int i = 1; i < target.length(); i++) {
            char c = target.charAt(i);
            if (c == '%') {
                int octet = octet(target, i + 1);
                if (octet < 0) {
                    return BadHttp.badRequest("The path has a broken percent-encoding");
                }
                if (path && (octet < 0x20 || octet == 0x7f)) {
                    return BadHttp.badRequest("The path has an encoded control character");
                }
                dots = octet == '.' && dots >= 0 ? dots + 1 : -1;
                i += 2;
            } else if (path && (c == '/' || c == '?')) {
                if (dots == 1 || dots == 2) {
                    return BadHttp.badRequest("The path has a dot segment");
                }
                dots = 0;
                path = c == '/';
            } else {
                dots = c == '.' && dots >= 0 ? dots + 1 : -1;
            }
        }
        return path && (dots == 1 || dots == 2) ? BadHttp.badRequest("The path has a dot segment") : null;
    }

    private static int octet(String text, int at) {
        if (at + 2 > text.length()) {
            return -1;
        }
        int high = Character.digit(text.charAt(at), 16);
        int low = Character.digit(text.charAt(at + 1), 16);
        return high < 0 || low < 0 ? -1 : high << 4 | low;
    }

    private @Nullable Rejection checkHost(HttpVersion version, HttpHeaders headers) {
        String host = headers.get(HttpHeaderNames.HOST);
        if (host == null) {
            return version.equals(HttpVersion.HTTP_1_0) ? null : BadHttp.badRequest("The Host header is missing");
        }
        if (count(headers, HttpHeaderNames.HOST) > 1) {
            return BadHttp.badRequest("More than one Host header");
        }
        if (host.equals(lastHost)) {
            return null;
        }
        if (!HOST.matcher(host).matches()) {
            return BadHttp.badRequest("The Host header is malformed");
        }
        lastHost = host;
        return null;
    }

    /** RFC 9112 §6: one unambiguous length, or chunked and nothing besides. */
    private @Nullable Rejection checkFraming(HttpVersion version, HttpHeaders headers) {
        String coding = headers.get(HttpHeaderNames.TRANSFER_ENCODING);
        int lengths = count(headers, HttpHeaderNames.CONTENT_LENGTH);
        if (coding != null) {
            if (lengths > 0
                    || count(headers, HttpHeaderNames.TRANSFER_ENCODING) > 1
                    || version.equals(HttpVersion.HTTP_1_0)) {
                return BadHttp.badRequest("The length of the body is ambiguous");
            }
            return coding.equalsIgnoreCase("chunked")
                    ? null
                    : BadHttp.malformed(501, "Transfer-Encoding other than chunked is not implemented");
        }
        return lengths > 1 ? BadHttp.badRequest("More than one Content-Length header") : null;
    }

    private @Nullable Rejection checkBody(HttpHeaders headers) {
        String length = headers.get(HttpHeaderNames.CONTENT_LENGTH);
        if (length != null) {
            if (count(headers, HttpHeaderNames.CONTENT_LENGTH) > 1 || !decimal(length)) {
                return BadHttp.badRequest("The Content-Length header is malformed");
            }
            if (length.length() > 18 || Long.parseLong(length) > limits.maxBodyBytes()) {
                return BadHttp.tooLarge(limits.maxBodyBytes());
            }
        }
        String coding = headers.get(HttpHeaderNames.CONTENT_ENCODING);
        if (coding != null) {
            return BadHttp.unsupportedMediaType("Request bodies with a Content-Encoding are not accepted");
        }
        String expectation = headers.get(HttpHeaderNames.EXPECT);
        if (expectation != null && !expectation.equalsIgnoreCase("100-continue")) {
            return BadHttp.malformed(417, "The only expectation that can be met is 100-continue");
        }
        return null;
    }

    private static int count(HttpHeaders headers, CharSequence name) {
        return headers instanceof HeaderLines lines
                ? lines.count(name)
                : headers.getAll(name).size();
    }

    private static boolean decimal(String text) {
        if (text.isEmpty()) {
            return false;
        }
        for (int i = 0; i < text.length(); i++) {
            if (text.charAt(i) < '0' || text.charAt(i) > '9') {
                return false;
            }
        }
        return true;
    }
}
