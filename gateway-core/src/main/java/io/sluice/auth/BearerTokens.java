package io.sluice.auth;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import java.util.Iterator;
import java.util.function.Supplier;

/** Reads the one {@code Authorization} header and looks its token up. */
final class BearerTokens implements Authenticator {
    private static final String SCHEME = "Bearer";

    private final Supplier<TokenTable> tokens;

    BearerTokens(Supplier<TokenTable> tokens) {
        this.tokens = tokens;
    }

    @Override
    public Caller authenticate(HttpHeaders headers) {
        return tokens.get().caller(token(headers)).orElseThrow(Challenges::unknown);
    }

    private static String token(HttpHeaders headers) {
        Iterator<String> values = headers.valueStringIterator(HttpHeaderNames.AUTHORIZATION);
        if (!values.hasNext()) {
            throw Challenges.missing();
        }
        String value = values.next();
        if (values.hasNext()) {
            throw Challenges.doubled();
        }
        int start = startOfToken(value);
        if (value.length() - start > Tokens.MAX_BYTES) {
            throw Challenges.tooLong();
        }
        String token = value.substring(start);
        if (!Tokens.isWellFormed(token)) {
            throw Challenges.malformed();
        }
        return token;
    }

    /** {@code credentials = auth-scheme 1*SP token68} (RFC 9110, 11.4), the scheme in any case. */
    private static int startOfToken(String value) {
        int i = SCHEME.length();
        if (!value.regionMatches(true, 0, SCHEME, 0, i) || value.length() == i || value.charAt(i) != ' ') {
            throw Challenges.missing();
        }
        while (i < value.length() && value.charAt(i) == ' ') {
            i++;
        }
        if (i == value.length()) {
            throw Challenges.missing();
        }
        return i;
    }

    @Override
    public String toString() {
        return "BearerTokens";
    }
}
