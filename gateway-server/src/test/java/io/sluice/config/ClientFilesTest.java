package io.sluice.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.entry;
import static org.assertj.core.api.Assertions.tuple;

import io.sluice.adapter.GrpcSettings;
import io.sluice.openapi.OpenApiSettings;
import io.sluice.registry.Backend;
import io.sluice.stdio.StdioSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
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
        Reading reading =
                files.variable("KEY", "k").variable("INPUT_API_KEY", "asked").reading("mcp.json", """
            {
              // asked once
              "inputs": [
                {"type": "promptString", "id": "api-key", "description": "Your key", "password": true},
                {"type": "pickString", "id": "region", "options": ["eu", "us"], "default": "eu"},
              ],
              "servers": {
                "search": {"type": "http", "url": "https://example.com/mcp", "headers": {"X-Key": "${env:KEY}",
                           "Authorization": "Bearer ${input:api-key}", "X-Region": "${input:region}"}},
              },
            }
            """);

        assertThat(ConfigFiles.good(reading).backends().get(0).headers())
                .containsEntry("X-Key", "k")
                .containsEntry("Authorization", "Bearer asked")
                .containsEntry("X-Region", "eu");
        assertThat(reading.notes()).isEmpty();
    }

    @Test
    void inputThatNobodyGaveSaysWhatToSet() {
        assertThat(files.faultsOf(files.reading("mcp.json", """
                {"inputs": [{"type": "promptString", "id": "api-key", "description": "Your key"}],
                 "servers": {"search": {"url": "https://example.com/mcp", "headers": {"X-Key": "${input:api-key}"}}}}
                """)))
                .singleElement()
                .asString()
                .isEqualTo(
                        "mcp.json:2:80: mcpServers.search.headers.X-Key: the input 'api-key' (Your key) is asked for,"
                                + " and nobody can be asked here; set the variable INPUT_API_KEY");
    }

    @Test
    void programGetsTheVariablesOfItsFile() throws IOException {
        Path client = Files.createDirectory(directory.resolve(".vscode"));
        Files.writeString(directory.resolve(".env"), """
                # for the server
                export TOKEN=abc # said once
                QUOTED="two words #1\\n\\"x\\" \\\\ \\$HOME" # comment
                SINGLE='as $it \\n is'
                EMPTY=
                WINS=file

                URL = https://h/?a=b#c
                """);
        Files.writeString(client.resolve("mcp.json"), """
                {"servers": {"files": {"command": "node", "args": ["${workspaceFolder}/x.js", "${userHome}${/}y"],
                 "envFile": "${workspaceFolder}/.env", "env": {"WINS": "env"}}}}
                """);

        Reading reading = ConfigReader.read(files.sources(client.resolve("mcp.json")));

        StdioSettings settings =
                StdioSettings.of(ConfigFiles.good(reading).backends().get(0).transport());
        assertThat(settings.env())
                .containsOnly(
                        entry("TOKEN", "abc"),
                        entry("QUOTED", "two words #1\n\"x\" \\ $HOME"),
                        entry("SINGLE", "as $it \\n is"),
                        entry("EMPTY", ""),
                        entry("WINS", "env"),
                        entry("URL", "https://h/?a=b#c"));
        assertThat(settings.commandLine())
                .containsExactly("node", directory + "/x.js", System.getProperty("user.home") + "/y");
        assertThat(reading.files()).contains(directory.resolve(".env"));
    }

    @Test
    void variableMayBeAsLongAsAChainOfCertificates() throws IOException {
        String line = "M".repeat(64);
        Files.writeString(directory.resolve("long.env"), "CHAIN=\"" + (line + "\\n").repeat(1600) + "\" # PEM\n");
        Files.writeString(
                directory.resolve("mcp.json"),
                "{\"servers\": {\"a\": {\"command\": \"x\", \"envFile\": \"long.env\"}}}");

        Reading reading = ConfigReader.read(files.sources(directory.resolve("mcp.json")));

        StdioSettings settings =
                StdioSettings.of(ConfigFiles.good(reading).backends().get(0).transport());
        assertThat(settings.env()).containsOnly(entry("CHAIN", (line + "\n").repeat(1600)));
    }

    @Test
    void fileOfVariablesThatCannotBeReadIsAFaultThatShowsNoValue() throws IOException {
        Files.writeString(directory.resolve("bad.env"), "OK=1\nTOKEN=\"secret\nsecret\n");

        assertThat(files.faults("mcpServers: {a: {command: x, envFile: bad.env}}"))
                .hasSize(2)
                .allMatch(fault -> fault.contains("is not NAME=value, or has a quote that is not closed"))
                .noneMatch(fault -> fault.contains("secret"))
                .element(0)
                .asString()
                .startsWith("bad.env:2:1");
        assertThat(files.faults("mcpServers: {a: {command: x, envFile: nope.env}}"))
                .singleElement()
                .asString()
                .contains("mcpServers.a.envFile: cannot read", "there is no such file");
    }

    @Test
    void copilotFileIsRead() {
        Reading reading = files.reading("mcp.json", """
                {"mcpServers": {
                  "here": {"type": "local", "command": "date", "tools": ["*"]},
                  "there": {"type": "remote", "url": "https://h/mcp", "tools": ["get_*"], "oauth": {"callbackPort": 1},
                            "envFile": "x"}
                }}
                """);

        assertThat(ConfigFiles.good(reading).backends())
                .extracting(Backend::name, backend -> backend.transport().kind(), Backend::includeTools)
                .containsExactly(tuple("here", "stdio", List.of("*")), tuple("there", "http", List.of("get_*")));
        assertThat(reading.notes().stream().map(Fault::sentence))
                .contains(
                        "the type 'local' is read as 'stdio'",
                        "'tools' is read as 'includeTools'",
                        "'oauth' is read as one where somebody agrees: grant: authorization_code",
                        "'envFile' is for programs, and ignored beside a url");
    }

    @Test
    void filesAsClientsAcceptThemStartWithNotesAndNoFaults() {
        Reading reading = files.reading("mcp.json", """
            {
              "globalShortcut": "Ctrl+Space",
              "mcpServers": {
                "GitHub": {"type": "http", "url": "https://a.example/mcp", "timeout": 60, "alwaysAllow": ["x"]},
                "git hub": {"serverUrl": "https://b.example/mcp", "disabledTools": ["drop_*"]},
                "my_files": {"command": "npx", "args": ["-y", "files"], "cwd": "${workspaceFolder}",
                             "timeout": 120000, "autoApprove": [], "disabled": false},
                "Gemini": {"httpUrl": "https://c.example/mcp", "trust": true},
                "Cline": {"transportType": "sse", "url": "https://d.example/sse"},
                "Off": {"url": "https://e.example/mcp", "disabled": true},
                "Off Too": {"url": "https://e.example/mcp", "enabled": false}
              }
            }
            """);

        assertThat(reading.faults()).isEmpty();
        GatewayConfig config = ConfigFiles.good(reading);
        assertThat(config.backends())
                .extracting(
                        Backend::name,
                        backend -> backend.transport().kind(),
                        Backend::timeout,
                        backend -> backend.endpoints().get(0).url().toString())
                .containsExactly(
                        tuple("github", "http", Duration.ofSeconds(60), "https://a.example/mcp"),
                        tuple("git-hub", "http", Backend.DEFAULT_TIMEOUT, "https://b.example/mcp"),
                        tuple("my-files", "stdio", Duration.ofMinutes(2), "stdio:my-files"),
                        tuple("gemini", "http", Backend.DEFAULT_TIMEOUT, "https://c.example/mcp"),
                        tuple("cline", "sse", Backend.DEFAULT_TIMEOUT, "https://d.example/sse"));
        assertThat(config.backends().get(1).excludeTools()).containsExactly("drop_*");
        assertThat(reading.notes().stream().map(Fault::sentence))
                .contains(
                        "'globalShortcut' is for MCP clients and means nothing here; it is ignored",
                        "'GitHub' is called 'github' here: names are of a-z, 0-9 and '-'",
                        "'timeout' has no unit; 60 is taken as 60s",
                        "'timeout' has no unit; 120000 is taken as 120000ms",
                        "'serverUrl' is read as 'url'",
                        "'Off' is disabled and left out");
    }

    @Test
    void namesThatComeToTheSameAreToldApart() {
        assertThat(files.json("{\"mcpServers\": {\"A B\": {\"url\": \"http://h/1\"},"
                                + " \"a_b\": {\"url\": \"http://h/2\"}, \"a-b\": {\"url\": \"http://h/3\"}}}")
                        .backends())
                .extracting(Backend::name)
                .containsExactly("a-b-2", "a-b-3", "a-b");
        assertThat(files.faults("mcpServers: {Gateway: {url: 'http://h/mcp'}}"))
                .singleElement()
                .asString()
                .contains("not a valid name");
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
    void servicesWithADocumentAreBackends() {
        GatewayConfig config = files.json("""
            {"mcpServers": {
              "petshop": {"openapi": "./petshop.yaml", "baseUrl": "http://localhost:9001",
                          "includeOperations": {"tags": ["pet"]}, "interval": "5m"},
              "orders": {"openapi": "http://localhost:2/v3/api-docs"},
              "alone": {"openapi": "./alone.json"},
              "off": {"url": "http://localhost:3/mcp", "disabled": true}
            }}
            """);

        assertThat(config.backends())
                .extracting(
                        Backend::name,
                        backend -> backend.endpoints().get(0).url().toString())
                .containsExactly(
                        tuple("petshop", "http://localhost:9001/"),
                        tuple("orders", "http://localhost:2/"),
                        tuple("alone", "openapi:alone"));
        OpenApiSettings petshop = OpenApiSettings.of(config.backends().get(0).transport());
        assertThat(petshop.document()).isEqualTo("file:" + directory.resolve("petshop.yaml"));
        assertThat(petshop.include().tags()).containsExactly("pet");
        assertThat(petshop.interval()).isEqualTo(Duration.ofMinutes(5));
        assertThat(files.faults("mcpServers: {a: {openapi: x.yaml, url: 'http://h/mcp'}}"))
                .singleElement()
                .asString()
                .contains("a service of openapi has a baseUrl");
    }

    @Test
    void programsAndOldServersAreBackends() {
        GatewayConfig config = files.json("""
            {"mcpServers": {
              "time": {"command": "uvx", "args": ["mcp-server-time"], "env": {"K": "v"}, "idleTimeout": "1m"},
              "typed": {"type": "stdio", "command": "date"},
              "old": {"type": "sse", "url": "http://localhost:1/sse"}
            }, "stdio": {"allow": ["uvx mcp-*"]}}
            """);

        assertThat(config.backends())
                .extracting(Backend::name, backend -> backend.transport().kind())
                .containsExactly(tuple("time", "stdio"), tuple("typed", "stdio"), tuple("old", "sse"));
        StdioSettings time = StdioSettings.of(config.backends().get(0).transport());
        assertThat(time.commandLine()).containsExactly("uvx", "mcp-server-time");
        assertThat(time.env()).containsEntry("K", "v");
        assertThat(time.idleTimeout()).isEqualTo(Duration.ofMinutes(1));
        assertThat(config.backends().get(0).endpoints().get(0).url()).hasToString("stdio:time");
        assertThat(config.stdioAllow()).containsExactly("uvx mcp-*");
    }

    @Test
    void grpcServicesAreBackends() {
        GatewayConfig config = files.json("""
            {"mcpServers": {
              "shop": {"type": "grpc", "url": "http://localhost:9090", "services": ["shop.v1.*"], "maxMessage": "1MiB",
                       "maxStreamed": 10, "interval": "5m", "headers": {"authorization": "Bearer x"}},
              "many": {"type": "grpc", "endpoints": ["https://a", "https://b:1/"]}
            }}
            """);

        assertThat(config.backends())
                .extracting(Backend::name, backend -> backend.transport().kind())
                .containsExactly(tuple("shop", "grpc"), tuple("many", "grpc"));
        assertThat(config.backends().get(0).endpoints().get(0).url()).hasToString("http://localhost:9090/");
        assertThat(config.backends().get(1).endpoints()).hasSize(2);
        assertThat(GrpcSettings.of(config.backends().get(0).transport()))
                .isEqualTo(new GrpcSettings(List.of("shop.v1.*"), Duration.ofMinutes(5), 1 << 20, 10));
        assertThat(files.faults("mcpServers: {a: {type: grpc, url: 'http://h/shop'}}"))
                .singleElement()
                .asString()
                .contains("the address of a gRPC service has no path; /shop is too much");
        assertThat(files.faults("mcpServers: {a: {url: 'http://h', services: ['x']}}"))
                .singleElement()
                .asString()
                .contains("mcpServers.a.services: is for gRPC services");
        assertThat(files.faults("mcpServers: {a: {type: grpc, url: 'http://h', headers: {grpc-timeout: '1S'}}}"))
                .singleElement()
                .asString()
                .contains("belongs to gRPC itself");
    }

    @Test
    void mixturesOfProgramAndAddressAreFaults() {
        assertThat(files.faults("mcpServers: {a: {command: x, url: 'http://h/mcp'}}"))
                .singleElement()
                .asString()
                .contains("mcpServers.a.url: a program has none; keep either it or the command");
        assertThat(files.faults("mcpServers: {a: {type: sse, command: x}}"))
                .singleElement()
                .asString()
                .contains("has a command, which makes it stdio");
        assertThat(files.faults("mcpServers: {a: {type: stdio}}"))
                .singleElement()
                .asString()
                .contains("names no command");
        assertThat(files.faults("mcpServers: {a: {url: 'http://h/mcp', args: [x]}}"))
                .singleElement()
                .asString()
                .contains("mcpServers.a.args: is for programs");
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
