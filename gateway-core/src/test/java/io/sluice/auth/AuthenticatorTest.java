package io.sluice.auth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.DefaultHttpHeadersFactory;
import io.netty.handler.codec.http.EmptyHttpHeaders;
import io.netty.handler.codec.http.HttpHeaders;
import io.sluice.rejection.Rejection;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

final class AuthenticatorTest {
    private static final String TOKEN = "k7Qz2mN9vX4bR8tL1pW6yD3sH5gJ0cFa";
    private static final String ALIKE = "k7Qz2mN9vX4bR8tL1pW6yD3sH5gJ0cFaU2eI8oP4";
    private static final String BARE = "Bearer";
    private static final String INVALID = "Bearer error=\"invalid_token\"";

    private final TokenTable table = TokenTable.of(List.of(
            new NamedToken("alice", TOKEN, true),
            new NamedToken("bob", ALIKE + "-bob", false),
            new NamedToken("carol", ALIKE + "-carol", false)));
    private final Authenticator authenticator = Authenticator.bearer(() -> table);

    @Test
    void eachTokenNamesItsCaller() {
        assertThat(authenticator.authenticate(bearer(TOKEN))).isEqualTo(new Caller("alice", "", true));
        assertThat(authenticator.authenticate(bearer(ALIKE + "-bob"))).isEqualTo(new Caller("bob", "", false));
    }

    @Test
    void tokensAlikeInTheirFirstFortyCharactersAreToldApart() {
        assertThat(ALIKE).hasSize(40);
        for (int i = 0; i < 100; i++) {
            assertThat(authenticator.authenticate(bearer(ALIKE + "-bob")).subject())
                    .isEqualTo("bob");
            assertThat(authenticator.authenticate(bearer(ALIKE + "-carol")).subject())
                    .isEqualTo("carol");
            assertThat(refusal(authenticator, bearer(ALIKE + "-dave")).status()).isEqualTo(401);
            assertThat(refusal(authenticator, bearer(ALIKE)).status()).isEqualTo(401);
        }
    }

    @Test
    void schemeIsReadInAnyCaseAndAfterAnyNumberOfSpaces() {
        for (String value : new String[] {"bearer " + TOKEN, "BEARER " + TOKEN, "bEaReR    " + TOKEN}) {
            assertThat(authenticator.authenticate(headers(value)).subject()).isEqualTo("alice");
        }
    }

    @Test
    void headerNameIsReadInAnyCase() {
        assertThat(authenticator.authenticate(new DefaultHttpHeaders().add("AUTHORIZATION", "Bearer " + TOKEN)))
                .isEqualTo(new Caller("alice", "", true));
    }

    @Test
    void twoTokensOfOneNameAreOneCaller() {
        TokenTable rotating =
                TokenTable.of(List.of(new NamedToken("alice", TOKEN, true), new NamedToken("alice", ALIKE, true)));
        Authenticator during = Authenticator.bearer(() -> rotating);

        assertThat(during.authenticate(bearer(TOKEN))).isEqualTo(during.authenticate(bearer(ALIKE)));
    }

    @Test
    void replacedTableCountsFromTheNextRequest() {
        AtomicReference<TokenTable> current = new AtomicReference<>(table);
        Authenticator reloading = Authenticator.bearer(current::get);
        assertThat(reloading.authenticate(bearer(TOKEN)).subject()).isEqualTo("alice");

        current.set(TokenTable.of(List.of(NamedToken.of(ALIKE))));

        assertThat(refusal(reloading, bearer(TOKEN)).status()).isEqualTo(401);
        assertThat(reloading.authenticate(bearer(ALIKE)).subject()).isEqualTo(NamedToken.UNNAMED);
    }

    @Test
    void emptyTableRefusesEveryone() {
        Authenticator nobody = Authenticator.bearer(() -> TokenTable.of(List.of()));

        assertThat(refusal(nobody, bearer(TOKEN)).status()).isEqualTo(401);
        assertThat(refusal(nobody, EmptyHttpHeaders.INSTANCE).status()).isEqualTo(401);
    }

    @Test
    void longestTokenIsAccepted() {
        String longest = "t".repeat(Tokens.MAX_BYTES - 1) + "u";
        TokenTable only = TokenTable.of(List.of(NamedToken.of(longest)));

        assertThat(Authenticator.bearer(() -> only)
                        .authenticate(bearer(longest))
                        .subject())
                .isEqualTo(NamedToken.UNNAMED);
    }

    @Test
    void everyoneIsTheNamedLocalCallerWhereNoTokenIsConfigured() {
        assertThat(Authenticator.local().authenticate(EmptyHttpHeaders.INSTANCE))
                .isEqualTo(Caller.LOCAL);
        assertThat(Authenticator.local().authenticate(bearer("anything"))).isEqualTo(Caller.LOCAL);
        assertThat(Caller.LOCAL).isEqualTo(new Caller("local", "", true));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("badCredentials")
    void badCredentialsAreRefused(String what, HttpHeaders headers, String challenge) {
        Rejection.Unauthenticated refusal = refusal(authenticator, headers);

        assertThat(refusal.status()).isEqualTo(401);
        assertThat(refusal.headers()).isEqualTo(Map.of("WWW-Authenticate", challenge));
        assertThat(refusal.reason()).doesNotContain(TOKEN.substring(0, 6));
    }

    static Stream<Arguments> badCredentials() {
        List<Arguments> cases = new ArrayList<>();
        // Nothing that could be a token.
        add(cases, "no header", new DefaultHttpHeaders(), BARE);
        add(cases, "empty value", headers(""), BARE);
        add(cases, "blank value", headers("   "), BARE);
        add(cases, "scheme alone", headers("Bearer"), BARE);
        add(cases, "scheme and a space", headers("Bearer "), BARE);
        add(cases, "scheme and spaces", headers("Bearer     "), BARE);
        add(cases, "token without scheme", headers(TOKEN), BARE);
        add(cases, "scheme glued to the token", headers("Bearer" + TOKEN), BARE);
        add(cases, "colon after the scheme", headers("Bearer: " + TOKEN), BARE);
        add(cases, "equals after the scheme", headers("Bearer=" + TOKEN), BARE);
        add(cases, "tab after the scheme", headers("Bearer\t" + TOKEN), BARE);
        add(cases, "no-break space after the scheme", headers("Bearer\u00A0" + TOKEN), BARE);
        add(cases, "space before the scheme", headers(" Bearer " + TOKEN), BARE);
        add(cases, "scheme misspelt", headers("Bearers " + TOKEN), BARE);
        add(cases, "scheme cut", headers("Beare " + TOKEN), BARE);
        add(cases, "scheme with a Greek letter", headers("\u0392earer " + TOKEN), BARE);
        add(cases, "Basic with the token", headers("Basic " + TOKEN), BARE);
        add(
                cases,
                "Basic with user and token",
                headers("Basic YWxpY2U6azdRejJtTjl2WDRiUjh0TDFwVzZ5RDNzSDVnSjBjRmE="),
                BARE);
        add(cases, "Digest", headers("Digest username=\"alice\""), BARE);
        add(cases, "DPoP", headers("DPoP " + TOKEN), BARE);
        add(cases, "Token scheme", headers("Token " + TOKEN), BARE);
        add(cases, "Negotiate", headers("Negotiate " + TOKEN), BARE);
        add(cases, "x-api-key", new DefaultHttpHeaders().add("X-API-Key", TOKEN), BARE);
        add(cases, "proxy authorization", new DefaultHttpHeaders().add("Proxy-Authorization", "Bearer " + TOKEN), BARE);
        add(
                cases,
                "upstream authorization",
                new DefaultHttpHeaders().add("X-Upstream-Authorization", "Bearer " + TOKEN),
                BARE);
        add(cases, "cookie", new DefaultHttpHeaders().add("Cookie", "Authorization=Bearer " + TOKEN), BARE);
        add(cases, "session id in the place of a token", new DefaultHttpHeaders().add("Mcp-Session-Id", TOKEN), BARE);
        // A token that is not one of ours.
        add(cases, "unknown token", bearer("mcp-token-123"), INVALID);
        add(cases, "name of a token", bearer("alice"), INVALID);
        add(cases, "one letter missing", bearer(TOKEN.substring(1)), INVALID);
        add(cases, "last letter missing", bearer(TOKEN.substring(0, TOKEN.length() - 1)), INVALID);
        add(cases, "one letter more", bearer(TOKEN + "A"), INVALID);
        add(cases, "padded like base64", bearer(TOKEN + "="), INVALID);
        add(cases, "case changed", bearer(TOKEN.toLowerCase(Locale.ROOT)), INVALID);
        add(cases, "one bit changed", bearer("j" + TOKEN.substring(1)), INVALID);
        add(cases, "reversed", bearer(new StringBuilder(TOKEN).reverse().toString()), INVALID);
        add(cases, "doubled", bearer(TOKEN + TOKEN), INVALID);
        add(cases, "quoted", bearer("\"" + TOKEN + "\""), INVALID);
        add(cases, "percent-encoded", bearer("%6B" + TOKEN.substring(1)), INVALID);
        add(cases, "two tokens with a comma", bearer(TOKEN + "," + ALIKE), INVALID);
        add(cases, "forty characters shared", bearer(ALIKE + "-mallory"), INVALID);
        add(cases, "unsigned JWT", bearer("eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9."), INVALID);
        add(cases, "SQL", bearer("'or'1'='1"), INVALID);
        add(cases, "wildcard", bearer("*"), INVALID);
        add(cases, "the word null", bearer("null"), INVALID);
        // A token that no token can be.
        add(cases, "space inside", bearer(TOKEN.substring(0, 9) + " " + TOKEN.substring(9)), INVALID);
        add(cases, "space behind", bearer(TOKEN + " "), INVALID);
        add(cases, "second word", bearer(TOKEN + " realm"), INVALID);
        add(cases, "two credentials in one header", headers("Bearer " + TOKEN + ", Bearer " + TOKEN), INVALID);
        add(cases, "scheme twice", headers("Bearer Bearer " + TOKEN), INVALID);
        add(cases, "tab inside", bearer(TOKEN.substring(0, 9) + "\t" + TOKEN.substring(9)), INVALID);
        add(cases, "NUL behind", bearer(TOKEN + "\0"), INVALID);
        add(cases, "line break behind", bearer(TOKEN + "\r\n"), INVALID);
        add(cases, "DEL inside", bearer(TOKEN + "\u007F"), INVALID);
        add(cases, "letter outside ASCII", bearer(TOKEN + "é"), INVALID);
        add(cases, "full-width twin of a letter", bearer("\uFF4B" + TOKEN.substring(1)), INVALID);
        add(cases, "same low byte as the right letter", bearer((char) ('k' + 0x100) + TOKEN.substring(1)), INVALID);
        add(cases, "half a surrogate pair", bearer(TOKEN + "\uD800"), INVALID);
        // Too much of it.
        add(cases, "one byte too long", bearer("t".repeat(Tokens.MAX_BYTES + 1)), INVALID);
        add(cases, "a megabyte", bearer("t".repeat(1 << 20)), INVALID);
        add(cases, "the header twice", headers("Bearer " + TOKEN, "Bearer " + TOKEN), INVALID);
        add(cases, "wrong then right", headers("Bearer wrong", "Bearer " + TOKEN), INVALID);
        add(cases, "right then wrong", headers("Bearer " + TOKEN, "Bearer wrong"), INVALID);
        add(cases, "Basic and Bearer", headers("Basic YTpi", "Bearer " + TOKEN), INVALID);
        add(cases, "right then empty", headers("Bearer " + TOKEN, ""), INVALID);
        return cases.stream();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("faults")
    void faultInAnyStageIsARefusal(String where, Authenticator faulty, HttpHeaders headers) {
        Rejection.Unauthenticated refusal = refusal(faulty, headers);

        assertThat(refusal.status()).isEqualTo(401);
        assertThat(refusal.headers()).isEqualTo(Map.of("WWW-Authenticate", INVALID));
        assertThat(refusal.reason()).doesNotContain("injected");
    }

    static Stream<Arguments> faults() {
        TokenTable table = TokenTable.of(List.of(NamedToken.of(TOKEN)));
        List<Throwable> faults = List.of(
                new IllegalStateException("injected"),
                new NullPointerException("injected"),
                new StackOverflowError("injected"),
                new NoClassDefFoundError("injected"),
                new AssertionError("injected"),
                new Rejection.InvalidParams("injected: a refusal that would be a 200"),
                new Rejection.NotFound("injected: not for this stage"),
                new InterruptedException("injected, and checked"));
        List<Arguments> cases = new ArrayList<>();
        for (Throwable fault : faults) {
            String name = fault.getClass().getSimpleName();
            Supplier<TokenTable> broken = () -> AuthenticatorTest.<TokenTable, RuntimeException>fail(fault);
            cases.add(Arguments.of("table: " + name, Authenticator.bearer(broken), bearer(TOKEN)));
            cases.add(Arguments.of("header: " + name, Authenticator.bearer(() -> table), new BrokenHeaders(fault)));
            Authenticator own = headers -> AuthenticatorTest.<Caller, RuntimeException>fail(fault);
            cases.add(Arguments.of("own: " + name, Authenticator.failingClosed(own), bearer(TOKEN)));
        }
        cases.add(Arguments.of("no table", Authenticator.bearer(() -> nothing()), bearer(TOKEN)));
        cases.add(Arguments.of("no answer", Authenticator.failingClosed(h -> nothing()), bearer(TOKEN)));
        return cases.stream();
    }

    @Test
    void refusalsOfAnotherAuthenticatorKeepTheirWords() {
        Authenticator own = Authenticator.failingClosed(headers -> {
            throw new Rejection.Forbidden("not from this address");
        });

        assertThat(catchThrowable(() -> own.authenticate(bearer(TOKEN))))
                .isInstanceOf(Rejection.Forbidden.class)
                .hasMessage("not from this address");
    }

    @Test
    void textFormsHoldNoToken() {
        assertThat(table + " " + authenticator + " " + NamedToken.of(TOKEN))
                .contains("alice", "bob", "carol")
                .doesNotContain(TOKEN.substring(0, 6));
    }

    @Test
    void eventLoopsMayAuthenticate() {
        Caller caller = Mono.fromCallable(() -> authenticator.authenticate(bearer(TOKEN)))
                .subscribeOn(Schedulers.parallel())
                .block();

        assertThat(caller).isEqualTo(new Caller("alice", "", true));
    }

    private static void add(List<Arguments> cases, String what, HttpHeaders headers, String challenge) {
        cases.add(Arguments.of(what, headers, challenge));
    }

    private static Rejection.Unauthenticated refusal(Authenticator authenticator, HttpHeaders headers) {
        return catchThrowableOfType(Rejection.Unauthenticated.class, () -> authenticator.authenticate(headers));
    }

    private static HttpHeaders bearer(String token) {
        return headers("Bearer " + token);
    }

    /** Unvalidated, so that what a lenient decoder might let through arrives here as well. */
    private static HttpHeaders headers(String... values) {
        HttpHeaders headers =
                DefaultHttpHeadersFactory.headersFactory().withValidation(false).newHeaders();
        for (String value : values) {
            headers.add("Authorization", value);
        }
        return headers;
    }

    @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"})
    private static <T, E extends Throwable> T fail(Throwable fault) throws E {
        throw (E) fault;
    }

    @SuppressWarnings({"NullAway", "TypeParameterUnusedInFormals"})
    private static <T> T nothing() {
        return null;
    }

    private static final class BrokenHeaders extends DefaultHttpHeaders {
        private final Throwable fault;

        BrokenHeaders(Throwable fault) {
            this.fault = fault;
        }

        @Override
        public Iterator<String> valueStringIterator(CharSequence name) {
            return AuthenticatorTest.<Iterator<String>, RuntimeException>fail(fault);
        }
    }
}
