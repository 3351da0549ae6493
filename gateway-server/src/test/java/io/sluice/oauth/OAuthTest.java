package io.sluice.oauth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.sluice.egress.EgressPolicy;
import io.sluice.gateway.TestGateway;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import reactor.netty.resources.LoopResources;

/** The gateway as an OAuth client of its backends. */
class OAuthTest {
    private static final LoopResources LOOPS = LoopResources.create("test-oauth", 1, 2, true, true);

    private final Guarded guarded = new Guarded();
    private final OAuthKeepers keepers =
            new OAuthKeepers(LOOPS, EgressPolicy.of(true, List.of()), () -> "http://localhost:8080");
    private final TestGateway gateway = TestGateway.setUp()
            .upstream(
                    settings -> settings.withProbeTimeout(TestGateway.PATIENCE).withCredentials(keepers))
            .start();

    @AfterEach
    void close() {
        gateway.close();
        guarded.close();
    }

    private OAuthSettings byItself() {
        return new OAuthSettings(
                false,
                "gateway id",
                Optional.of("s:ecret"),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                List.of("read", "write"));
    }

    private OAuthSettings byAPerson() {
        return new OAuthSettings(
                true, "gateway", Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty(), List.of());
    }

    private String whoami() {
        return gateway.client()
                .post("{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{'name':'whoami','arguments':{}}}")
                .json()
                .at("/result/content/0/text")
                .asString("");
    }

    private Optional<String> trouble() {
        return Optional.ofNullable(gateway.discovery().state().upstreams().get("guarded"))
                .flatMap(upstream -> upstream.trouble());
    }

    private static Map<String, String> query(String url) {
        return Stream.of(URI.create(url).getQuery().split("&"))
                .map(pair -> pair.split("=", 2))
                .collect(Collectors.toMap(pair -> pair[0], pair -> pair[1]));
    }

    private String authorizationUrl() {
        return Objects.requireNonNull(keepers.authorizationUrl("guarded").block(TestGateway.PATIENCE));
    }

    @Test
    void tokenIsGotFromTheDiscoveredServerOnceForAll() {
        gateway.with(guarded.backend(byItself()));
        List<CompletableFuture<String>> calls = new ArrayList<>();
        for (int i = 0; i < 16; i++) {
            calls.add(CompletableFuture.supplyAsync(this::whoami));
        }

        assertThat(calls.stream().map(CompletableFuture::join).distinct()).containsExactly("Bearer token-1");
        assertThat(guarded.asked).hasSize(1);
        assertThat(guarded.asked.get(0))
                .containsEntry("grant_type", "client_credentials")
                .containsEntry("resource", guarded.url("/mcp"))
                .containsEntry("scope", "read write")
                .containsEntry("client", "gateway+id:s%3Aecret")
                .doesNotContainKey("client_secret");
    }

    @Test
    void configuredAddressSkipsDiscovery() {
        guarded.discoverable = false;
        gateway.with(guarded.backend(new OAuthSettings(
                false,
                "gateway",
                Optional.of("secret"),
                Optional.empty(),
                Optional.of(guarded.url("/as/token")),
                Optional.empty(),
                List.of())));

        assertThat(whoami()).isEqualTo("Bearer token-1");
    }

    @Test
    void refusedTokenIsReplacedAndTheCallRepeatedOnce() {
        gateway.with(guarded.backend(byItself()));
        assertThat(whoami()).isEqualTo("Bearer token-1");

        guarded.valid = "revoked everything";

        assertThat(whoami()).isEqualTo("Bearer token-2");
        assertThat(trouble()).isEmpty();
    }

    @Test
    void whatTheAuthorizationServerSaysIsToldAsTrouble() {
        guarded.denying = true;
        gateway.register(guarded.backend(byItself()));

        await().atMost(TestGateway.PATIENCE).until(() -> trouble().isPresent());
        assertThat(trouble().orElseThrow())
                .contains("400 invalid_client (who are you)")
                .doesNotContain("ecret");
    }

    @Test
    void serverThatCallsItselfOtherwiseIsNotBelieved() {
        guarded.issuer = "https://other.example";
        gateway.register(guarded.backend(byItself()));

        await().atMost(TestGateway.PATIENCE).until(() -> trouble().isPresent());
        assertThat(trouble().orElseThrow()).contains("calls itself 'https://other.example'");
        assertThat(guarded.asked).isEmpty();
    }

    @Test
    void personAgreesOnceAndTheTokenIsRenewed() throws Exception {
        gateway.register(guarded.backend(byAPerson()));
        await().atMost(TestGateway.PATIENCE).until(() -> trouble().isPresent());
        assertThat(trouble().orElseThrow()).contains("open http://localhost:8080/oauth/guarded/authorize");
        assertThat(keepers.needsConsent("guarded")).isTrue();

        Map<String, String> asked = query(authorizationUrl());
        assertThat(asked)
                .containsEntry("response_type", "code")
                .containsEntry("client_id", "gateway")
                .containsEntry("redirect_uri", "http://localhost:8080/callback")
                .containsEntry("code_challenge_method", "S256")
                .containsEntry("resource", guarded.url("/mcp"));
        assertThat(keepers.cameBack(Objects.requireNonNull(asked.get("state")), "the-code", Optional.of(guarded.issuer))
                        .block(TestGateway.PATIENCE))
                .isEqualTo("guarded");

        Map<String, String> exchanged = guarded.asked.get(0);
        assertThat(exchanged)
                .containsEntry("grant_type", "authorization_code")
                .containsEntry("code", "the-code")
                .containsEntry("client", "gateway");
        byte[] hash = MessageDigest.getInstance("SHA-256")
                .digest(Objects.requireNonNull(exchanged.get("code_verifier")).getBytes(StandardCharsets.US_ASCII));
        assertThat(Base64.getUrlEncoder().withoutPadding().encodeToString(hash)).isEqualTo(asked.get("code_challenge"));
        await().atMost(TestGateway.PATIENCE).until(() -> whoami().equals("Bearer token-1"));
        guarded.valid = "ended";
        assertThat(whoami()).isEqualTo("Bearer token-2");
        assertThat(guarded.asked.get(1))
                .containsEntry("grant_type", "refresh_token")
                .containsEntry("refresh_token", "again");
    }

    @Test
    void answerThatIsNotTheAskedServersIsRefused() {
        guarded.metadata = ",\"authorization_response_iss_parameter_supported\":true";
        gateway.register(guarded.backend(byAPerson()));
        await().atMost(TestGateway.PATIENCE).until(() -> trouble().isPresent());

        String first = Objects.requireNonNull(query(authorizationUrl()).get("state"));
        assertThatThrownBy(
                        () -> keepers.cameBack(first, "code", Optional.empty()).block(TestGateway.PATIENCE))
                .hasMessageContaining("does not say whose it is");
        String second = Objects.requireNonNull(query(authorizationUrl()).get("state"));
        assertThatThrownBy(() -> keepers.cameBack(second, "code", Optional.of("https://evil.example"))
                        .block(TestGateway.PATIENCE))
                .hasMessageContaining("another authorization server");
        assertThatThrownBy(() -> keepers.cameBack(second, "code", Optional.of(guarded.issuer))
                        .block(TestGateway.PATIENCE))
                .hasMessageContaining("begin again");
        assertThat(keepers.cameBack("nobody.x", "code", Optional.empty()).blockOptional(TestGateway.PATIENCE))
                .isEmpty();
        assertThat(guarded.asked).isEmpty();
    }

    @Test
    void serverWithoutPkceIsNotUsed() {
        guarded.metadata = ",\"code_challenge_methods_supported\":[\"plain\"]";
        gateway.register(guarded.backend(byAPerson()));
        await().atMost(TestGateway.PATIENCE).until(() -> trouble().isPresent());

        assertThatThrownBy(this::authorizationUrl).hasMessageContaining("PKCE");
    }

    @Test
    void settingsSurviveTheirTransportAndHideTheirSecret() {
        OAuthSettings settings = byItself();

        assertThat(OAuthSettings.of(settings.on(io.sluice.registry.Transport.SSE)))
                .hasValue(settings);
        assertThat(settings.toString()).doesNotContain("s:ecret");
        assertThat(guarded.backend(settings).toString()).doesNotContain("s:ecret");
    }
}
