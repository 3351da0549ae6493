package io.sluice.oauth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.sluice.egress.EgressPolicy;
import io.sluice.gateway.TestGateway;
import io.sluice.registry.InMemoryRegistry;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.netty.resources.LoopResources;

/** The gateway as an OAuth client of its backends. */
class OAuthTest {
    private static final LoopResources LOOPS = LoopResources.create("test-oauth", 1, 2, true, true);

    private final Guarded guarded = new Guarded();
    private final InMemoryRegistry registry = new InMemoryRegistry();
    private final AtomicReference<Instant> clock = new AtomicReference<>(Instant.now());
    private String gatewayUrl = "http://localhost:8080";
    private final OAuthKeepers keepers = new OAuthKeepers(
            LOOPS, EgressPolicy.of(true, List.of()), registry, () -> gatewayUrl, clock::get, Duration.ofMillis(100));
    private final TestGateway gateway = TestGateway.setUp()
            .upstream(
                    settings -> settings.withProbeTimeout(TestGateway.PATIENCE).withCredentials(keepers))
            .start();

    private final Disposable granted =
            keepers.granted().flatMap(name -> gateway.discovery().refresh(name)).subscribe();

    @AfterEach
    void close() {
        granted.dispose();
        gateway.close();
        keepers.dispose();
        guarded.close();
    }

    private OAuthSettings byItself() {
        return new OAuthSettings(
                false,
                Optional.of("gateway id"),
                Optional.of("s:ecret"),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                List.of("read", "write"));
    }

    private OAuthSettings byAPerson() {
        return new OAuthSettings(
                true,
                Optional.of("gateway"),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                List.of());
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
                Optional.of("gateway"),
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

        guarded.valid.clear();

        assertThat(whoami()).isEqualTo("Bearer token-2");
        assertThat(trouble()).isEmpty();
    }

    @Test
    void whatTheAuthorizationServerSaysIsToldAsTrouble() {
        guarded.denying = true;
        gateway.register(guarded.backend(byItself()));

        await().atMost(TestGateway.PATIENCE).until(() -> trouble().isPresent());
        assertThat(trouble().orElseThrow())
                .contains("400 invalid_client (who are you")
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
        guarded.valid.clear();
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
        for (String used : List.of(second, "nobody.x", "A".repeat(43))) {
            assertThat(keepers.cameBack(used, "code", Optional.of(guarded.issuer))
                            .blockOptional(TestGateway.PATIENCE))
                    .isEmpty();
        }
        assertThat(guarded.asked).isEmpty();
    }

    @Test
    void serverWithoutPkceIsNotUsed() {
        guarded.metadata = ",\"code_challenge_methods_supported\":[\"plain\"]";
        gateway.register(guarded.backend(byAPerson()));
        await().atMost(TestGateway.PATIENCE).until(() -> trouble().isPresent());

        assertThatThrownBy(this::authorizationUrl).hasMessageContaining("PKCE");
    }

    private OAuthSettings unknown() {
        return new OAuthSettings(
                true,
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                List.of());
    }

    /** What the person's browser was sent away with; the person agrees, and the gateway has a token. */
    private Map<String, String> agree() {
        Map<String, String> asked = query(authorizationUrl());
        guarded.granted = asked.getOrDefault("scope", "");
        keepers.cameBack(Objects.requireNonNull(asked.get("state")), "the-code", Optional.of(guarded.issuer))
                .block(TestGateway.PATIENCE);
        return asked;
    }

    private void registerAndWait(OAuthSettings settings) {
        gateway.register(guarded.backend(settings));
        await().atMost(TestGateway.PATIENCE).until(() -> trouble().isPresent());
    }

    @Test
    void gatewayRegistersItselfOnceWhereItIsNotKnown() {
        guarded.metadata = ",\"registration_endpoint\":\"" + guarded.url("/as/register")
                + "\",\"token_endpoint_auth_methods_supported\":[\"client_secret_post\",\"none\"]";
        registerAndWait(unknown());

        agree();
        assertThat(agree()).containsEntry("client_id", "registered-as");

        assertThat(guarded.registered).hasSize(1);
        assertThat(guarded.registered.get(0).path("redirect_uris").path(0).asString())
                .isEqualTo("http://localhost:8080/callback");
        assertThat(guarded.registered.get(0).path("application_type").asString())
                .isEqualTo("native");
        assertThat(guarded.registered.get(0).path("grant_types").toString()).contains("refresh_token");
        assertThat(guarded.asked.get(0))
                .containsEntry("client_id", "registered-as")
                .containsEntry("client_secret", "secret of it");
        await().atMost(TestGateway.PATIENCE).until(() -> whoami().equals("Bearer token-2"));
    }

    @Test
    void addressOfTheGatewaysMetadataIsItsIdWhereThatIsTaken() {
        gatewayUrl = "https://gateway.example";
        guarded.metadata = ",\"client_id_metadata_document_supported\":true,\"registration_endpoint\":\""
                + guarded.url("/as/register") + "\"";
        registerAndWait(unknown());

        Map<String, String> asked = agree();

        assertThat(asked).containsEntry("client_id", "https://gateway.example/client-metadata.json");
        assertThat(guarded.registered).isEmpty();
        assertThat(guarded.asked.get(0))
                .containsEntry("client_id", asked.get("client_id"))
                .doesNotContainKey("client_secret");
        assertThat(keepers.document().orElseThrow())
                .containsEntry("client_id", asked.get("client_id"))
                .containsEntry("redirect_uris", List.of(Objects.requireNonNull(asked.get("redirect_uri"))));
    }

    @Test
    void scopesAreThoseOfTheChallengeAndGrowWhenACallNeedsMore() {
        guarded.challenge = ", scope=\"basic\"";
        guarded.callScope = "write";
        guarded.resourceMore = ",\"scopes_supported\":[\"everything\"]";
        guarded.metadata = ",\"scopes_supported\":[\"basic\",\"write\",\"offline_access\"]";
        registerAndWait(byAPerson());

        assertThat(agree()).containsEntry("scope", "basic offline_access");
        await().atMost(TestGateway.PATIENCE).until(() -> trouble().isEmpty());
        await().atMost(TestGateway.PATIENCE).until(() -> whoami().contains("it wants a token that may do more: write"));
        assertThat(keepers.needsConsent("guarded")).isTrue();

        assertThat(agree()).containsEntry("scope", "basic offline_access write");
        assertThat(whoami()).isEqualTo("Bearer token-2");
        assertThat(keepers.needsConsent("guarded")).isFalse();
    }

    @Test
    void moreThanOnceIsNotAskedForTheSameScopes() {
        guarded.challenge = ", scope=\"write\"";
        guarded.callScope = "write";
        registerAndWait(byAPerson());
        agree();
        guarded.granted = "less";
        await().atMost(TestGateway.PATIENCE).until(() -> trouble().isEmpty());

        await().atMost(TestGateway.PATIENCE).until(() -> whoami().contains("although all it names was asked for"));
        assertThat(keepers.needsConsent("guarded")).isFalse();
    }

    @Test
    void scopesItsMetadataNamesAreAskedForWhenTheChallengeNamesNone() {
        guarded.resourceMore = ",\"scopes_supported\":[\"a\",\"b\"]";
        registerAndWait(byAPerson());

        assertThat(agree()).containsEntry("scope", "a b");
    }

    @Test
    void metadataIsLookedForInTheOrderOfTheProtocol() {
        guarded.announcing = false;
        guarded.resourceAt = "/.well-known/oauth-protected-resource";
        guarded.resource = guarded.url("");
        guarded.serverAt = "/as/.well-known/openid-configuration";
        registerAndWait(byAPerson());

        assertThat(query(authorizationUrl())).containsEntry("resource", guarded.url(""));
        assertThat(guarded.looked)
                .containsExactly(
                        "/.well-known/oauth-protected-resource/mcp",
                        "/.well-known/oauth-protected-resource",
                        "/.well-known/oauth-authorization-server/as",
                        "/.well-known/openid-configuration/as",
                        "/as/.well-known/openid-configuration");
    }

    @Test
    void metadataIsReadWhereTheChallengeSaysAndNowhereElse() {
        guarded.resourceAt = "/elsewhere/metadata.json";
        registerAndWait(byAPerson());

        assertThat(query(authorizationUrl())).containsEntry("resource", guarded.url("/mcp"));
        assertThat(guarded.looked)
                .containsExactly("/elsewhere/metadata.json", "/.well-known/oauth-authorization-server/as");
    }

    @Test
    void serverWithoutAnyMetadataIsItsOwnAuthorizationServer() {
        guarded.discoverable = false;
        guarded.announcing = false;
        registerAndWait(byAPerson());

        assertThat(authorizationUrl()).startsWith(guarded.url("/authorize?response_type=code"));
    }

    @Test
    void metadataOfAnotherResourceIsNotBelieved() {
        registerAndWait(byAPerson());
        for (String other : List.of("https://evil.example/mcp", guarded.url("/mc"), guarded.url("/mcp/more"), "")) {
            guarded.resource = other;

            assertThatThrownBy(this::authorizationUrl).hasMessageContaining("metadata is of another resource");
        }
    }

    @Test
    void credentialsOfOneAuthorizationServerAreNotShownToAnother() {
        guarded.metadata = ",\"registration_endpoint\":\"" + guarded.url("/as/register") + "\"";
        registerAndWait(unknown());
        agree();
        await().atMost(TestGateway.PATIENCE).until(() -> whoami().equals("Bearer token-1"));

        guarded.as = "/other";
        guarded.issuer = guarded.url("/other");
        guarded.serverAt = "/.well-known/oauth-authorization-server/other";
        guarded.metadata = ",\"registration_endpoint\":\"" + guarded.url("/other/register") + "\"";
        guarded.valid.clear();

        await().atMost(TestGateway.PATIENCE)
                .until(() -> whoami().contains("its authorization server is another one now"));
        assertThat(guarded.asked).noneMatch(form -> form.containsValue("/other/token"));
        assertThat(agree()).containsEntry("client_id", "registered-other");
        assertThat(whoami()).isEqualTo("Bearer token-2");
    }

    @Test
    void configuredClientIsOfOneAuthorizationServerOnly() {
        gateway.with(guarded.backend(byItself()));
        assertThat(whoami()).isEqualTo("Bearer token-1");

        guarded.as = "/other";
        guarded.issuer = guarded.url("/other");
        guarded.serverAt = "/.well-known/oauth-authorization-server/other";
        guarded.valid.clear();

        assertThat(whoami()).contains("the configured clientId belongs to " + guarded.url("/as"));
        assertThat(guarded.asked).noneMatch(form -> form.containsValue("/other/token"));
    }

    @Test
    void refusedRefreshAsksThePersonAgainAndTellsNoSecret() {
        registerAndWait(byAPerson());
        agree();
        await().atMost(TestGateway.PATIENCE).until(() -> whoami().equals("Bearer token-1"));
        guarded.denying = true;
        guarded.error = "invalid_grant";
        guarded.valid.clear();

        await().atMost(TestGateway.PATIENCE).until(() -> whoami().contains("it needs somebody's consent"));
        assertThat(whoami()).contains("invalid_grant (who are you …)").doesNotContain("again");
        assertThat(keepers.needsConsent("guarded")).isTrue();
        assertThat(guarded.asked).hasSize(2);
    }

    @Test
    void tokenIsRenewedBeforeItEndsWithoutACallThatWaits() {
        guarded.life = 100;
        gateway.with(guarded.backend(byItself()));
        assertThat(whoami()).isEqualTo("Bearer token-1");

        clock.updateAndGet(now -> now.plusSeconds(1));
        assertThat(whoami()).isEqualTo("Bearer token-1");

        clock.updateAndGet(now -> now.plusSeconds(80));
        await().atMost(TestGateway.PATIENCE).until(() -> guarded.asked.size() == 2);
        assertThat(whoami()).isEqualTo("Bearer token-2");
    }

    @Test
    void tokenThatEndedIsReplacedByACall() {
        guarded.life = 10;
        gateway.with(guarded.backend(byItself()));
        assertThat(whoami()).isEqualTo("Bearer token-1");

        clock.updateAndGet(now -> now.plusSeconds(11));

        assertThat(whoami()).isEqualTo("Bearer token-2");
    }

    @Test
    void tokenIsThereForAnotherReplicaAndForNoOtherClient() {
        gateway.with(guarded.backend(byItself()));
        assertThat(whoami()).isEqualTo("Bearer token-1");
        OAuthKeepers other =
                new OAuthKeepers(LOOPS, EgressPolicy.of(true, List.of()), registry, () -> gatewayUrl, clock::get);
        OAuthSettings otherClient = new OAuthSettings(
                false,
                Optional.of("somebody else"),
                Optional.of("secret"),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                List.of());

        try {
            assertThat(other.of(guarded.backend(byItself()))
                            .orElseThrow()
                            .authorization()
                            .block(TestGateway.PATIENCE))
                    .isEqualTo("Bearer token-1");
            assertThat(guarded.asked).hasSize(1);
            assertThat(other.of(guarded.backend(otherClient))
                            .orElseThrow()
                            .authorization()
                            .block(TestGateway.PATIENCE))
                    .isEqualTo("Bearer token-2");
        } finally {
            other.dispose();
        }
    }

    @Test
    void challengesAreReadAsTheyMayBeWritten() {
        Challenge challenge =
                Challenge.of("Basic realm=\"x, scope=no\", bearer  scope = \"a  b a\" ,error=insufficient_scope,"
                        + " resource_metadata=\"https://h/x\\\"\", resource_metadata=\"https://h/second\"");

        assertThat(challenge.scopes()).containsExactly("a", "b");
        assertThat(challenge.insufficient()).isTrue();
        assertThat(challenge.metadata()).isEmpty();
        assertThat(Challenge.of("Bearer resource_metadata=https://h/m").metadata())
                .contains(URI.create("https://h/m"));
        assertThat(Challenge.of("Bearer resource_metadata=\"file:///etc/passwd\"")
                        .metadata())
                .isEmpty();
        assertThat(Challenge.of("").scopes()).isEmpty();
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
