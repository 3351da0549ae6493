package io.sluice.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.pkitesting.CertificateBuilder;
import io.netty.pkitesting.X509Bundle;
import io.sluice.gateway.WireClient;
import io.sluice.testing.FakeBackend;
import java.io.BufferedReader;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** {@code server.tls} of a configuration file: both versions of HTTP on one port, calls and streams of both eras. */
final class TlsListenerIT {
    private static final Duration PATIENCE = Duration.ofSeconds(15);

    @TempDir
    static Path directory;

    private static FakeBackend backend;
    private static InProcess gateway;
    private static SSLContext trust;

    @BeforeAll
    static void start() throws Exception {
        X509Bundle bundle = new CertificateBuilder()
                .subject("CN=localhost")
                .ecp256()
                .addSanDnsName("localhost")
                .setIsCertificateAuthority(true)
                .buildSelfSigned();
        Path cert = Files.writeString(directory.resolve("cert.pem"), bundle.getCertificatePathPEM());
        Path key = Files.writeString(directory.resolve("key.pem"), bundle.getPrivateKeyPEM());
        trust = trusting(bundle);
        backend = FakeBackend.dual().tool("greet", arguments -> "hello");
        gateway = InProcess.start(directory, """
                        server: { port: 0, drainTimeout: 1s, tls: { cert: %s, key: %s } }
                        mcpServers: { shop: { url: "%s" } }
                        """.formatted(cert, key, backend.url()))
                .whenListed("shop");
    }

    @AfterAll
    static void stop() {
        gateway.close();
        backend.close();
    }

    @ParameterizedTest
    @EnumSource(HttpClient.Version.class)
    void callsOfBothErasAreServed(HttpClient.Version version) throws Exception {
        HttpClient client = client(version);

        HttpResponse<String> legacy =
                client.send(post("{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{'name':'greet'}}"), text());
        HttpResponse<String> modern = client.send(modern("2", "tools/call", "'name':'greet'", "greet"), text());

        assertThat(legacy.version()).isEqualTo(version);
        assertThat(legacy.body()).contains("\"id\":1", "hello");
        assertThat(modern.version()).isEqualTo(version);
        assertThat(modern.body()).contains("\"id\":2", "hello", "\"resultType\":\"complete\"");
    }

    @ParameterizedTest
    @EnumSource(HttpClient.Version.class)
    void streamsCarryWhatHappens(HttpClient.Version version) throws Exception {
        HttpResponse<InputStream> response = client(version)
                .send(
                        modern("3", "subscriptions/listen", "'notifications':{'toolsListChanged':true}", null),
                        HttpResponse.BodyHandlers.ofInputStream());
        String name = "new-" + version.name().toLowerCase(Locale.ROOT);

        try (BufferedReader lines =
                new BufferedReader(new InputStreamReader(response.body(), StandardCharsets.UTF_8))) {
            assertThat(response.version()).isEqualTo(version);
            assertThat(next(lines).path("method").asString()).endsWith("/acknowledged");
            backend.tool(name, arguments -> "");
            backend.push("notifications/tools/list_changed", "{}");
            assertThat(next(lines).path("method").asString()).isEqualTo("notifications/tools/list_changed");
        }
    }

    @Test
    void callsAtTheSameTimeGetTheirOwnAnswers() throws Exception {
        HttpClient client = client(HttpClient.Version.HTTP_2);
        client.send(post("{'jsonrpc':'2.0','id':0,'method':'ping'}"), text());

        List<CompletableFuture<HttpResponse<String>>> calls = IntStream.rangeClosed(1, 40)
                .mapToObj(id ->
                        client.sendAsync(modern(Integer.toString(id), "tools/call", "'name':'greet'", "greet"), text()))
                .toList();

        for (int id = 1; id <= calls.size(); id++) {
            HttpResponse<String> got = calls.get(id - 1).get();
            assertThat(got.statusCode()).isEqualTo(200);
            assertThat(JsonMapper.shared().readTree(got.body()).path("id").asInt())
                    .isEqualTo(id);
        }
    }

    private static HttpClient client(HttpClient.Version version) {
        return HttpClient.newBuilder().version(version).sslContext(trust).build();
    }

    private static HttpResponse.BodyHandler<String> text() {
        return HttpResponse.BodyHandlers.ofString(StandardCharsets.UTF_8);
    }

    private static HttpRequest post(String json, String... headers) {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create("https://localhost:" + gateway.port() + "/mcp"))
                .timeout(PATIENCE)
                .header("Content-Type", "application/json")
                .header("Accept", "application/json, text/event-stream")
                .POST(HttpRequest.BodyPublishers.ofString(json.replace('\'', '"')));
        return (headers.length == 0 ? request : request.headers(headers)).build();
    }

    private static HttpRequest modern(String id, String method, String members, @Nullable String name) {
        String body = WireClient.modernBody(id, method, members);
        return name == null
                ? post(body, "MCP-Protocol-Version", "2026-07-28", "Mcp-Method", method)
                : post(body, "MCP-Protocol-Version", "2026-07-28", "Mcp-Method", method, "Mcp-Name", name);
    }

    private static JsonNode next(BufferedReader lines) throws Exception {
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            if (line.startsWith("data: ") && line.length() > 6) {
                return JsonMapper.shared().readTree(line.substring(6));
            }
        }
        throw new AssertionError("the stream ended");
    }

    private static SSLContext trusting(X509Bundle bundle) throws Exception {
        KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
        trusted.load(null);
        trusted.setCertificateEntry("gateway", bundle.getCertificate());
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(trusted);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        return context;
    }
}
