package io.sluice.auth;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.util.concurrent.FastThreadLocal;
import java.lang.ref.WeakReference;
import java.util.Iterator;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Reads the one {@code Authorization} header and looks its token up. */
final class BearerTokens implements Authenticator {
    private static final String SCHEME = "Bearer";

    private static final FastThreadLocal<Recent> RECENT = new FastThreadLocal<>() {
        @Override
        protected Recent initialValue() {
            return new Recent();
        }
    };

    private final Supplier<TokenTable> tokens;

    BearerTokens(Supplier<TokenTable> tokens) {
        this.tokens = tokens;
    }

    @Override
    public Caller authenticate(HttpHeaders headers) {
        TokenTable table = tokens.get();
        Iterator<String> values = headers.valueStringIterator(HttpHeaderNames.AUTHORIZATION);
        if (!values.hasNext()) {
            throw Challenges.missing();
        }
        String value = values.next();
        if (values.hasNext()) {
            throw Challenges.doubled();
        }
        Recent recent = RECENT.get();
        Caller known = recent.caller(value, table);
        if (known != null) {
            return known;
        }
        Caller caller = table.caller(token(value)).orElseThrow(Challenges::unknown);
        recent.remember(value, table, caller);
        return caller;
    }

    /**
     * Whom the header values stand for that were looked up last on this event loop. A connection hands in the very same
     * string as long as it says the same: it is known by its identity, and no characters are compared.
     */
    private static final class Recent {
        private static final int PLACES = 256;

        private record Known(WeakReference<String> value, TokenTable table, Caller caller) {}

        private final @Nullable Known[] known = new @Nullable Known[PLACES];

        private static int place(String value) {
            return System.identityHashCode(value) & (PLACES - 1);
        }

        @SuppressWarnings(
                "ReferenceEquality") // as said above, and a table is valid only as long as it is the one in use
        @Nullable
        Caller caller(String value, TokenTable table) {
            Known here = known[place(value)];
            return here != null && here.table == table && here.value.refersTo(value) ? here.caller : null;
        }

        void remember(String value, TokenTable table, Caller caller) {
            known[place(value)] = new Known(new WeakReference<>(value), table, caller);
        }
    }

    private static String token(String value) {
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
