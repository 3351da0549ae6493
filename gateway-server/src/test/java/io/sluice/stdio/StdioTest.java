package io.sluice.stdio;

import static io.sluice.stdio.Programs.call;
import static io.sluice.stdio.Programs.isAlive;
import static io.sluice.stdio.Programs.small;
import static io.sluice.stdio.Programs.with;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.adapter.Adapters;
import io.sluice.gateway.TestGateway;
import io.sluice.gateway.WireClient;
import io.sluice.registry.Backend;
import io.sluice.registry.Backend.Source;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import reactor.core.scheduler.Schedulers;

/** Programs on stdin and stdout as backends. */
class StdioTest {
    private static final Duration NEVER = Duration.ZERO;

    private final CommandAllowList allowed = new CommandAllowList(List.of("sh */small-server.sh legacy"));
    private final TestGateway gateway = TestGateway.setUp()
            .upstream(settings -> settings.withProbeTimeout(Duration.ofSeconds(10))
                    .withAdapters(Adapters.of(Map.of(
                            StdioSettings.KIND, new StdioAdapters(() -> allowed, 1 << 20, Schedulers.parallel())))))
            .start();
    private final WireClient client = gateway.client().initialize("2025-11-25", "{}");

    @AfterEach
    void close() {
        gateway.close();
        await().atMost(TestGateway.PATIENCE).until(() -> StdioAdapters.running() == 0);
    }

    private void program(String name, StdioSettings settings) {
        gateway.with(Programs.backend(name, settings, Source.FILE));
    }

    private Optional<String> trouble(String name) {
        return Optional.ofNullable(gateway.discovery().state().upstreams().get(name))
                .flatMap(upstream -> upstream.trouble());
    }

    private String remarks(String name) {
        return Objects.requireNonNull(gateway.discovery().state().upstreams().get(name))
                .remarks()
                .orElse("");
    }

    @ParameterizedTest
    @ValueSource(strings = {"legacy", "picky", "modern"})
    void toolsOfAProgramServeClientsOfBothEras(String like) {
        program("small", small(like));

        String pid = call(client, "pid");
        assertThat(pid).matches("\\d+");
        assertThat(gateway.client()
                        .modern("1", "tools/call", "'name':'pid','arguments':{}")
                        .json()
                        .at("/result/content/0/text")
                        .asString())
                .isEqualTo(pid);
    }

    @Test
    void programThatIsSilentToTheProbeIsSpokenToInItsEra() {
        program("small", small("silent"));

        assertThat(call(client, "pid")).matches("\\d+");
    }

    @Test
    void oneProcessServesAllCallersAndTheirSessions() {
        program("small", small("legacy"));
        List<CompletableFuture<String>> calls = new ArrayList<>();
        for (int i = 0; i < 32; i++) {
            WireClient another = i % 2 == 0 ? gateway.client().initialize("2025-06-18", "{}") : gateway.client();
            calls.add(CompletableFuture.supplyAsync(() -> call(another, "pid")));
        }

        assertThat(calls.stream().map(CompletableFuture::join).distinct()).hasSize(1);
        assertThat(StdioAdapters.running()).isEqualTo(1);
    }

    @Test
    void programThatEndsSaysWhyAndIsStartedAgain() {
        program("small", small("legacy"));
        String before = call(client, "pid");

        assertThat(call(client, "crash"))
                .contains("its program ended with exit code 3")
                .contains("the last it said: out of luck");
        await().atMost(TestGateway.PATIENCE).until(() -> call(client, "pid").matches("\\d+"));
        assertThat(call(client, "pid")).isNotEqualTo(before);
        assertThat(remarks("small")).contains("out of luck").contains("2 were started");
    }

    @Test
    void programThatKeepsEndingIsLeftAlone() {
        gateway.register(Programs.backend("small", with(small("broken"), NEVER, NEVER, 1), Source.FILE));

        await().atMost(TestGateway.PATIENCE)
                .until(() -> trouble("small").orElse("").contains("left alone until"));
        assertThat(trouble("small").orElseThrow())
                .contains("exit code 7")
                .contains("no licence file")
                .contains("2 times in a row");
    }

    @Test
    void commandThatDoesNotExistIsTroubleInASentence() {
        gateway.register(Programs.backend("small", StdioSettings.of("/no/such/program", List.of()), Source.FILE));

        await().atMost(TestGateway.PATIENCE).until(() -> trouble("small").isPresent());
        assertThat(trouble("small").orElseThrow())
                .contains("its command '/no/such/program' cannot be started")
                .contains("No such file");
    }

    @Test
    void idleProgramIsStoppedAndTheNextCallStartsIt() {
        program("small", with(small("legacy"), Duration.ofMillis(300), NEVER, 5));
        String before = call(client, "pid");

        await().atMost(TestGateway.PATIENCE).until(() -> !isAlive(before) && StdioAdapters.running() == 0);

        assertThat(trouble("small")).isEmpty();
        assertThat(call(client, "pid")).matches("\\d+").isNotEqualTo(before);
    }

    @Test
    void programIsNotStoppedWhileACallIsUnderWay() {
        program("small", with(small("legacy"), Duration.ofMillis(100), NEVER, 5));
        CompletableFuture<String> waiting = CompletableFuture.supplyAsync(() -> call(client, "never"));
        String pid = call(gateway.client(), "pid");

        await().during(Duration.ofMillis(700)).atMost(TestGateway.PATIENCE).until(() -> isAlive(pid));

        assertThat(waiting).isNotDone();
        client.post("{'jsonrpc':'2.0','method':'notifications/cancelled','params':{'requestId':1}}");
        assertThat(waiting.join()).isEmpty();
        await().atMost(TestGateway.PATIENCE).until(() -> !isAlive(pid));
    }

    @Test
    void oldProgramIsReplaced() {
        program("small", with(small("legacy"), NEVER, Duration.ofMillis(300), 5));
        String before = call(client, "pid");

        await().atMost(TestGateway.PATIENCE).until(() -> !isAlive(before));

        assertThat(call(client, "pid")).matches("\\d+").isNotEqualTo(before);
    }

    @Test
    void everythingThatAProgramLeftBehindIsKilled() {
        program("small", small("legacy"));
        String pid = call(client, "pid");
        String orphan = call(client, "orphan");
        assertThat(isAlive(orphan)).isTrue();

        gateway.without("small");

        await().atMost(TestGateway.PATIENCE).until(() -> !isAlive(pid) && !isAlive(orphan));
    }

    @Test
    void orphansOfAProgramThatEndedByItselfAreKilled() {
        program("small", small("legacy"));
        String orphan = call(client, "orphan");

        call(client, "crash");

        await().atMost(TestGateway.PATIENCE).until(() -> !isAlive(orphan));
    }

    @Test
    void programSeesNoSecretsOfTheGatewaysEnvironment() {
        StdioSettings plain = small("legacy");
        program(
                "small",
                new StdioSettings(
                        plain.command(),
                        plain.args(),
                        Map.of("GREETING", "hello"),
                        Optional.of("/"),
                        plain.idleTimeout(),
                        plain.maxLifetime(),
                        plain.startTimeout(),
                        plain.maxRestarts()));

        List<String> variables = List.of(call(client, "environment").strip().split(" "));

        assertThat(variables).contains("GREETING", "PATH");
        assertThat(variables)
                .isSubsetOf(
                        "GREETING",
                        "PATH",
                        "HOME",
                        "USER",
                        "LOGNAME",
                        "SHELL",
                        "TERM",
                        "LANG",
                        "LC_ALL",
                        "LC_CTYPE",
                        "TZ",
                        "TMPDIR",
                        "TEMP",
                        "TMP",
                        "HTTP_PROXY",
                        "HTTPS_PROXY",
                        "NO_PROXY",
                        "http_proxy",
                        "https_proxy",
                        "no_proxy",
                        "SLUICE_STDIO_RUN",
                        "PWD",
                        "OLDPWD",
                        "SHLVL",
                        "_");
    }

    @Test
    void whatTheFileDoesNotNameIsStartedOnlyFromTheList() {
        gateway.with(Programs.backend("listed", small("legacy"), Source.API));
        gateway.register(Programs.backend("unlisted", small("picky"), Source.API));

        await().atMost(TestGateway.PATIENCE).until(() -> trouble("unlisted").isPresent());
        assertThat(trouble("unlisted").orElseThrow()).contains("stdio.allow");
        assertThat(StdioAdapters.running()).isEqualTo(1);
    }

    @Test
    void listOfCommandsIsReadWordByWord() {
        CommandAllowList list = new CommandAllowList(List.of("npx -y @acme/* *", "date"));

        assertThat(list.permits(List.of("npx", "-y", "@acme/server"))).isTrue();
        assertThat(list.permits(List.of("npx", "-y", "@acme/server", "stdio", "--all")))
                .isTrue();
        assertThat(list.permits(List.of("date"))).isTrue();
        assertThat(list.permits(List.of("date", "-s", "1"))).isFalse();
        assertThat(list.permits(List.of("npx", "-y", "@evil/server"))).isFalse();
        assertThat(list.permits(List.of("npx", "-y"))).isFalse();
        assertThat(list.permits(List.of("npx -y @acme/server"))).isFalse();
        assertThat(CommandAllowList.NOTHING.permits(List.of("date"))).isFalse();
    }

    @Test
    void settingsSurviveTheirTransport() {
        StdioSettings settings = new StdioSettings(
                "node",
                List.of("server.js", "a b"),
                Map.of("KEY", "value \"quoted\""),
                Optional.of("/srv"),
                Duration.ofSeconds(5),
                Duration.ofHours(1),
                Duration.ofSeconds(7),
                3);

        assertThat(StdioSettings.of(settings.transport())).isEqualTo(settings);
        assertThat(settings.toString()).contains("KEY").doesNotContain("quoted");
        assertThat(Programs.backend("x", settings, Backend.Source.FILE).toString())
                .doesNotContain("quoted");
    }
}
