package io.sluice.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.gateway.WireClient;
import io.sluice.testing.FakeBackend;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a changed configuration changes in a gateway that runs. */
final class ReloadIT {
    private static final String LIST = "{'jsonrpc':'2.0','id':1,'method':'tools/list'}";
    private static final String TOKEN = "gW7-first-of-the-tokens-3x";
    private static final String OTHER = "gW7-second-of-the-tokens-4y";

    @TempDir
    private Path directory;

    @Test
    void namesAreListedAnew() throws Exception {
        try (FakeBackend backend = FakeBackend.legacy().tool("echo", arguments -> "hello");
                InProcess gateway =
                        InProcess.start(directory, file(backend, "")).whenListed("shop")) {
            WireClient client = gateway.client("/mcp").initialize("2025-11-25", "{}");
            assertThat(tools(client)).contains("echo").doesNotContain("shop__echo");

            gateway.change(file(backend, "names: qualified"));
            gateway.whenCatalog(
                    catalog -> catalog.aggregate().tool("shop__echo").isPresent()
                            && catalog.aggregate().tool("echo").isEmpty());

            assertThat(tools(client)).contains("shop__echo").doesNotContain("echo");
            gateway.change(file(backend, "names: bare"));
            gateway.whenCatalog(catalog -> catalog.aggregate().tool("echo").isPresent());
            assertThat(tools(client)).contains("echo").doesNotContain("shop__echo");
        }
    }

    @Test
    void sessionlessRequestsAreServedOrNot() throws Exception {
        try (FakeBackend backend = FakeBackend.legacy().tool("echo", arguments -> "hello");
                InProcess gateway =
                        InProcess.start(directory, file(backend, "")).whenListed("shop")) {
            assertThat(gateway.client("/mcp").post(LIST).status()).isEqualTo(200);

            gateway.change(file(backend, "legacy: { sessionless: false }"));
            assertThat(gateway.client("/mcp").post(LIST).status()).isEqualTo(400);

            gateway.change(file(backend, ""));
            assertThat(gateway.client("/mcp").post(LIST).status()).isEqualTo(200);
        }
    }

    @Test
    void tokensCountAtOnceAlsoTheFirstAndTheLast() throws Exception {
        try (FakeBackend backend = FakeBackend.legacy().tool("echo", arguments -> "hello");
                InProcess gateway =
                        InProcess.start(directory, file(backend, "")).whenListed("shop")) {
            assertThat(status(gateway, null)).isEqualTo(200);

            gateway.change(file(backend, "auth: { token: " + TOKEN + " }"));
            assertThat(status(gateway, null)).isEqualTo(401);
            assertThat(status(gateway, TOKEN)).isEqualTo(200);

            gateway.change(file(backend, "auth: { token: " + OTHER + " }"));
            assertThat(status(gateway, TOKEN)).isEqualTo(401);
            assertThat(status(gateway, OTHER)).isEqualTo(200);

            gateway.change(file(backend, ""));
            assertThat(status(gateway, null)).isEqualTo(200);
        }
    }

    /** The new file may be safe only for another listener than the one that runs. */
    @Test
    void gatewayDoesNotOpenWhenItsListenerIsToBecomeAnotherToo() throws Exception {
        String open = "server: { port: 0, drainTimeout: 1s, allowedHosts: [\"*\"] }\nauth: { token: " + TOKEN + " }\n";
        try (InProcess gateway = InProcess.start(directory, open)) {
            gateway.change("server: { port: 0, drainTimeout: 1s }\n");

            assertThat(status(gateway, null)).isEqualTo(401);
            assertThat(status(gateway, TOKEN)).isEqualTo(200);
        }
    }

    private static String file(FakeBackend backend, String more) {
        return """
                server: { port: 0, drainTimeout: 1s }
                mcpServers: { shop: { url: "%s" } }
                %s
                """.formatted(backend.url(), more);
    }

    private static int status(InProcess gateway, @org.jspecify.annotations.Nullable String token) {
        WireClient client = gateway.client("/mcp");
        return (token == null ? client : client.with("Authorization", "Bearer " + token))
                .post(LIST)
                .status();
    }

    private static List<String> tools(WireClient client) {
        return client.post(LIST).json().at("/result/tools").findValuesAsString("name");
    }
}
