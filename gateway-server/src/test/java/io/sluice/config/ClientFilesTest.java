package io.sluice.config;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.registry.Backend;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The files people already have for their MCP clients. */
final class ClientFilesTest {
    @TempDir
    private Path directory;

    private ConfigFiles files;

    @BeforeEach
    void files() {
        files = new ConfigFiles(directory);
    }

    @Test
    void claudeFileIsReadAsItIs() {
        GatewayConfig config = files.variable("GITHUB_TOKEN", "ghp-1").json("""
            {
            \t"mcpServers": {
            \t\t"github": {
            \t\t\t"type": "http",
            \t\t\t"url": "https://example.com/mcp",
            \t\t\t"headers": {"Authorization": "Bearer ${GITHUB_TOKEN}"}
            \t\t},
            \t\t"plain": {"url": "http://localhost:3002"}
            \t}
            }
            """);

        assertThat(config.backends()).extracting(Backend::name).containsExactly("github", "plain");
        Backend github = config.backends().get(0);
        assertThat(github.headers()).containsEntry("Authorization", "Bearer ghp-1");
        assertThat(github.source()).isEqualTo(Backend.Source.FILE);
        assertThat(config.backends().get(1).endpoints().get(0).url()).hasToString("http://localhost:3002/mcp");
    }

    @Test
    void visualStudioCodeFileIsReadWithItsCommentsAndInputs() {
        Reading reading = files.variable("KEY", "k").reading("mcp.json", """
            {
              // asked once
              "inputs": [{"type": "promptString", "id": "key"}],
              "servers": {
                "search": {"type": "http", "url": "https://example.com/mcp", "headers": {"X-Key": "${env:KEY}"}},
              },
            }
            """);

        assertThat(ConfigFiles.good(reading).backends().get(0).headers()).containsEntry("X-Key", "k");
        assertThat(reading.notes()).singleElement().asString().contains(":3:3: 'inputs'");
    }

    @Test
    void everySpellingOfStreamableHttpIsHttp() {
        for (String type : new String[] {"http", "streamable-http", "streamable_http", "streamableHttp"}) {
            assertThat(files.json("{\"mcpServers\": {\"a\": {\"type\": \"%s\", \"url\": \"http://h/mcp\"}}}"
                                    .formatted(type))
                            .backends())
                    .hasSize(1);
        }
    }

    @Test
    void entriesThisVersionCannotRunAreNamedAndTheOthersRun() {
        GatewayConfig config = files.json("""
            {"mcpServers": {
              "My Time": {"command": "uvx", "args": ["mcp-server-time"], "env": {"K": "${NOT_SET}"}},
              "old": {"type": "sse", "url": "http://localhost:1/sse"},
              "petshop": {"openapi": "./petshop.yaml"},
              "good": {"url": "http://localhost:2/mcp"},
              "off": {"url": "http://localhost:3/mcp", "disabled": true}
            }}
            """);

        assertThat(config.backends()).extracting(Backend::name).containsExactly("good");
        assertThat(config.unsupported())
                .extracting(GatewayConfig.Unsupported::reason)
                .containsExactly(
                        "'My Time' is left out: stdio servers are not supported yet by this version",
                        "'old' is left out: servers of the HTTP+SSE transport are not supported yet by this version",
                        "'petshop' is left out: OpenAPI services are not supported yet by this version");
    }

    @Test
    void keysForClientsAreNotedAndIgnored() {
        Reading reading = files.reading(
                "mcp.json", "{\"mcpServers\": {\"a\": {\"url\": \"http://h/mcp\", \"autoApprove\": [\"x\"]}}}");

        assertThat(ConfigFiles.good(reading).backends()).hasSize(1);
        assertThat(reading.notes()).singleElement().asString().contains("'autoApprove' is for MCP clients");
    }

    @Test
    void emptyFileIsAGatewayWithoutBackends() {
        assertThat(files.yaml("").backends()).isEmpty();
        assertThat(files.yaml("# nothing yet\nmcpServers:\n").backends()).isEmpty();
    }
}
