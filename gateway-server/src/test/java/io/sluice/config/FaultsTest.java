package io.sluice.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a file with mistakes is answered with. */
final class FaultsTest {
    @TempDir
    private Path directory;

    private ConfigFiles files;

    @BeforeEach
    void files() {
        files = new ConfigFiles(directory);
    }

    @Test
    void everyFaultIsReportedWithItsPlace() {
        assertThat(files.faults("""
            sever: { port: 1 }
            server:
              prot: 80
              port: eighty
              idleTimeout: 10
              maxBody: 1 GB
              allow: [10.0.0.0/33]
            names: short
            mcpServers:
              "!": { url: http://a/mcp }
              manifest: { url: http://a/mcp }
              a: { url: "ftp://x", weigth: 2 }
              b: { uri: http://b }
              c: { url: http://c/mcp, endpoints: [http://d/mcp] }
              d: text
              e: { url: "http://u:secret@h/mcp" }
              f: { url: http://f/mcp, headers: { A: "${NOT_SET_ANYWHERE}" } }
            """))
                .containsExactly(
                        "sluice.yaml:1:1: unknown key 'sever'; did you mean 'server'?",
                        "sluice.yaml:3:3: unknown key 'prot' in server; did you mean 'port'?",
                        "sluice.yaml:4:9: server.port: 'eighty' is not a whole number from 0 to 65535",
                        "sluice.yaml:5:16: server.idleTimeout: '10' has no unit; write 10s or 10ms",
                        "sluice.yaml:6:12: server.maxBody: '1 GB' is not a size; write it like 65536, 64KiB or 1MiB",
                        "sluice.yaml:7:11: server.allow[0]: '10.0.0.0/33' is not an address or a range such as"
                                + " 10.0.0.0/8",
                        "sluice.yaml:8:8: names: 'short' is none of bare, qualified",
                        "sluice.yaml:10:3: '!' is not a valid name: use 1 to 64 of a-z, 0-9 and '-'",
                        "sluice.yaml:11:3: 'manifest' is a reserved name; choose another",
                        "sluice.yaml:12:13: mcpServers.a.url: 'ftp://x' is not an http or https URL",
                        "sluice.yaml:12:24: unknown key 'weigth' in mcpServers.a; did you mean"
                                + " 'mcpServers.*.endpoints.weight'?",
                        "sluice.yaml:13:6: mcpServers.b: names no server; give it a url",
                        "sluice.yaml:13:8: unknown key 'uri' in mcpServers.b; did you mean 'url'?",
                        "sluice.yaml:14:38: mcpServers.c: has both url and endpoints; keep one of them",
                        "sluice.yaml:15:6: mcpServers.d: expected a mapping of keys, found the text 'text'",
                        "sluice.yaml:16:13: mcpServers.e.url: the URL of an endpoint must not carry credentials; use"
                                + " headers",
                        "sluice.yaml:17:41: mcpServers.f.headers.A: the variable NOT_SET_ANYWHERE is not set;"
                                + " set it, or give a default: ${NOT_SET_ANYWHERE:-…}");
    }

    @Test
    void duplicateKeysAreNamedInYamlAndJson() {
        assertThat(files.faults("server:\n  port: 1\n  port: 2\n"))
                .containsExactly("sluice.yaml:3:3: the key 'port' was already given on line 2");
        assertThat(files.faultsOf(files.reading("m.json", "{\"mcpServers\": {},\n \"mcpServers\": {}}")))
                .containsExactly("m.json:2:2: the key 'mcpServers' was already given on line 1");
        assertThat(files.faults("mcpServers: {}\nservers: {}\n"))
                .containsExactly("sluice.yaml:2:1: 'servers' and 'mcpServers' mean the same; keep one of them");
    }

    @Test
    void keyInTheWrongPlaceIsShownTheRightOne() {
        assertThat(files.faults("port: 80\n"))
                .containsExactly("sluice.yaml:1:1: unknown key 'port'; did you mean 'server.port'?");
        assertThat(files.faults("server: { sessionless: true }\n"))
                .containsExactly(
                        "sluice.yaml:1:11: unknown key 'sessionless' in server; did you mean 'legacy.sessionless'?");
        assertThat(files.faults("server: { allowed_hosts: [a] }\n"))
                .containsExactly(
                        "sluice.yaml:1:11: unknown key 'allowed_hosts' in server; did you mean 'allowedHosts'?");
        assertThat(files.faults("legacy: { zzz: true }\n"))
                .containsExactly("sluice.yaml:1:11: unknown key 'zzz' in legacy; known here: sessionless");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '^',
            value = {
                "server: 7 | server: expected a mapping of keys, found 7",
                "server: [a] | server: expected a mapping of keys, found a list",
                "server: { host: [a] } | server.host: expected a text, found a list",
                "server: { host: '' } | server.host: '' is blank",
                "legacy: { sessionless: yes } | legacy.sessionless: 'yes' is neither true nor false",
                "server: { idleTimeout: 2 weeks } | server.idleTimeout: '2 weeks' is not a duration; write it like"
                        + " 500ms, 10s, 5m or 1h30m",
                "server: { idleTimeout: 48h } | server.idleTimeout: '48h' is out of range: durations go from 1ms to"
                        + " 24h",
                "server: { maxBody: 1 } | server.maxBody: '1' is out of range: it goes from 1024 to 67108864 bytes",
                "server: { tls: { cert: nope.pem } } | server.tls: 'key' is missing",
                "server: { tls: { cert: nope.pem, key: nope.pem } } | there is no such file",
                "secretKey: abc | secretKey: a secret key must not stand in the file itself; write ${file:path} or"
                        + " ${VAR}",
                "secretKey: ${SHORT} | secretKey: found 2 bytes; a secret key is 32 random bytes",
                "auth: { token: 'two words' } | the token named 'default' is empty or has a character other than"
                        + " visible ASCII",
                "auth: { tokens: [{ name: a }] } | auth.tokens[0]: 'value' is missing",
                "auth: { tokensFile: nope } | auth.tokensFile: cannot read",
                "environment: ${ | environment: a '${' is not closed by '}'",
                "environment: ${input:api-key} | the input 'api-key' is asked for, and nobody can be asked here; set the"
                        + " variable INPUT_API_KEY",
                "environment: ${a b} | '${a b}' is not understood",
                "environment: ${file:nope.txt} | nope.txt: there is no such file",
                "environment: ${SHORTT} | the variable SHORTT is not set; did you mean 'SHORT'?",
                "mcpServers: [a] | mcpServers: expected a mapping from names to servers, found a list",
                "mcpServers: { a: { url: 'http://a b/' } } | 'http://a b/' is not a URL",
                "mcpServers: { a: { url: 'http:///x' } } | names no host",
                "mcpServers: { a: { url: 'http://h:70000/x' } } | has a port that is not from 1 to 65535",
                "mcpServers: { a: { url: 'http://h/x#f' } } | has a fragment",
                "mcpServers: { a: { url: '${SHORT}' } } | mcpServers.a.url: the value of '${SHORT}' is not an http or"
                        + " https URL",
                "mcpServers: { a: { endpoints: [] } } | mcpServers.a.endpoints: is empty",
                "mcpServers: { a: { endpoints: [{ url: http://h/, weight: 0 }] } } | '0' is not a whole number from 1"
                        + " to 1000",
                "mcpServers: { a: { url: http://h/, type: htpp } } | 'htpp' is none of http, streamable-http",
                "mcpServers: { a: { url: http://h/, headers: { 'A B': c } } } | 'A B' is not a header name",
                "mcpServers: { a: { url: http://h/, headers: { host: c } } } | 'host' is written by the gateway itself",
                "mcpServers: { a: { url: http://h/, headers: { A: \"b\\n"
                        + "c\" } } } | the value of 'A' holds a control character",
                "mcpServers: { a: { url: http://h/, fallbackTools: [{ description: x }] } } | a tool needs a 'name'",
                "mcpServers: { a: { url: http://h/, fallbackTools: [{ name: x, inputSchema: 1 }] } } | inputSchema:"
                        + " expected a mapping",
                "mcpServers: { a: { url: http://h/, timeout: 30x } } | '30x' is not a duration",
            })
    void wrongValueIsSaidInASentence(String yaml, String sentence) {
        files.variable("SHORT", "abc");

        List<String> faults = files.faults(yaml + "\n");

        assertThat(faults).isNotEmpty();
        assertThat(String.join("\n", faults)).contains(sentence).doesNotContain("Exception");
        assertThat(faults).allMatch(fault -> fault.matches("sluice\\.yaml:1:\\d+: .*"));
    }

    @Test
    void brokenSyntaxNamesTheLine() {
        assertThat(files.faults("server:\n  port: [1\nnames: bare\n"))
                .singleElement()
                .asString()
                .startsWith("sluice.yaml:3:");
        assertThat(files.faults("a: b: c\n"))
                .containsExactly("sluice.yaml:1:5: cannot be read: mapping values are not allowed here");
        assertThat(files.faults("server: { allowedHosts: [*] }\n"))
                .singleElement()
                .asString()
                .contains("put '*' in quotes");
        assertThat(files.faults("names: &n bare\nenvironment: *n\n"))
                .containsExactly("sluice.yaml:2:14: YAML aliases such as '*n' are not read; write the value itself");
        assertThat(files.faults("names: bare\n---\nnames: bare\n"))
                .containsExactly("sluice.yaml:3:1: a second document starts here; a configuration file holds one");
        assertThat(files.faults("- a\n")).containsExactly("sluice.yaml:1:1: expected a mapping of keys, found a list");
        assertThat(files.faultsOf(files.reading("m.json", "{\"a\": 1,,}")))
                .singleElement()
                .asString()
                .startsWith("m.json:1:9: ");
        assertThat(files.faultsOf(files.reading("m.json", "{\"auth\": {\"token\": s3cret}}")))
                .singleElement()
                .asString()
                .startsWith("m.json:1:")
                .doesNotContain("s3cret");
    }

    @Test
    void unreadableFilesAreFaults() throws Exception {
        Path latin = Files.write(directory.resolve("latin.yaml"), new byte[] {'a', ':', ' ', (byte) 0xE4});

        assertThat(files.faultsOf(ConfigReader.read(files.sources(directory.resolve("none.yaml"), directory, latin))))
                .containsExactly(
                        "none.yaml: cannot be read: there is no such file",
                        directory + ": cannot be read: it is a directory",
                        "latin.yaml:1:1: this file is not UTF-8 text");
    }

    @Test
    void deepNestingIsRefusedAndNotAStackOverflow() {
        assertThat(files.faults("a: " + "[".repeat(5000) + "\n"))
                .singleElement()
                .asString()
                .contains("sluice.yaml:1:");
    }

    @Test
    void faultsOfATokensFileNeverShowTheToken() {
        files.write("tokens", "ok: a-fine-token-0123456789\nbad s3cr€t\nmore words than fit\n");

        assertThat(files.faults("auth: { tokensFile: tokens }\n"))
                .containsExactly(
                        "tokens:2:1: the token named 'bad' is empty or has a character other than visible ASCII",
                        "tokens:3:1: a line holds a token, or a name and a token, or these and the word 'call'");
        files.write("empty", "# none\n");
        assertThat(files.faults("auth: { tokensFile: empty }\n"))
                .singleElement()
                .asString()
                .contains("holds no token");
    }
}
