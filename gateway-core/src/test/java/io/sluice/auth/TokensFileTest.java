package io.sluice.auth;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import reactor.core.Disposable;
import reactor.core.scheduler.Schedulers;
import reactor.test.scheduler.VirtualTimeScheduler;

final class TokensFileTest {
    private static final String A = "k7Qz2mN9vX4bR8tL1pW6yD3sH5gJ0cFa";
    private static final String B = "Zx81mQ0vT6nLr4Hw9YbEcJ2sKd7fGu5i";

    private Path path = Path.of("unset");

    @BeforeEach
    void chooseAPath(@TempDir Path folder) {
        path = folder.resolve("tokens");
    }

    @Test
    void eachFormOfALineIsRead() throws IOException {
        Files.writeString(
                path,
                "\uFEFF# who may come in\r\n\r\n" + A + "  # the old one\r\n\t alice \t" + B + "\r\nbot " + A
                        + "#2 call\n   # nothing\n  carol " + B + "x");

        TokenTable table = TokensFile.open(path).table();

        assertThat(table.caller(A)).hasValue(new Caller("default", "", true));
        assertThat(table.caller(B)).hasValue(new Caller("alice", "", true));
        assertThat(table.caller(A + "#2")).hasValue(new Caller("bot", "", false));
        assertThat(table.caller(B + "x")).hasValue(new Caller("carol", "", true));
        assertThat(table.caller("#")).isEmpty();
        assertThat(table.caller("alice")).isEmpty();
    }

    @Test
    void wrongLineIsNamedByItsNumberAndNotQuoted() throws IOException {
        for (String line : new String[] {
            "alice " + A + " admin", "alice " + A + " call now", "a:b " + A, A + "é", "alice " + "t".repeat(8193)
        }) {
            Files.writeString(path, "# one\n" + B + "\n" + line + "\n");

            assertThatIllegalArgumentException()
                    .isThrownBy(() -> TokensFile.open(path))
                    .withMessageStartingWith("line 3: ")
                    .withMessageNotContaining(A)
                    .withMessageNotContaining("ttttt");
        }
    }

    @Test
    void fileThatIsNotTextIsRefused() throws IOException {
        Files.write(path, "alice é".getBytes(ISO_8859_1));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> TokensFile.open(path))
                .withMessageContaining("UTF-8");

        Files.writeString(path, "x".repeat(1024 * 1024 + 1));
        assertThatIOException().isThrownBy(() -> TokensFile.open(path)).withMessageContaining("1048576");
    }

    @Test
    void missingFileIsRefused() {
        assertThatIOException().isThrownBy(() -> TokensFile.open(path)).isInstanceOf(NoSuchFileException.class);
    }

    @Test
    void changedFileReplacesTheTable() throws IOException {
        Files.writeString(path, A);
        TokensFile file = TokensFile.open(path);
        TokenTable before = file.table();

        assertThat(file.reload()).isFalse();
        assertThat(file.table()).isSameAs(before);

        Files.writeString(path, B);

        assertThat(file.reload()).isTrue();
        assertThat(file.table().caller(A)).isEmpty();
        assertThat(file.table().caller(B)).isPresent();
        assertThat(file.reload()).isFalse();
    }

    @Test
    void fileGoneBadLeavesTheTableAsItWas() throws IOException {
        Files.writeString(path, A);
        TokensFile file = TokensFile.open(path);

        Files.writeString(path, "one two three four");
        assertThatIllegalArgumentException().isThrownBy(file::reload);
        assertThatIllegalArgumentException().isThrownBy(file::reload);
        assertThat(file.table().caller(A)).isPresent();

        Files.delete(path);
        assertThatIOException().isThrownBy(file::reload);
        assertThat(file.table().caller(A)).isPresent();

        Files.writeString(path, B);
        assertThat(file.reload()).isTrue();
        assertThat(file.table().caller(A)).isEmpty();
    }

    @Test
    void fileEmptiedOfTokensRefusesEveryone() throws IOException {
        Files.writeString(path, A);
        TokensFile file = TokensFile.open(path);

        Files.writeString(path, "# nobody\n");

        assertThat(file.reload()).isTrue();
        assertThat(file.table().isEmpty()).isTrue();
        assertThat(file.table().caller(A)).isEmpty();
    }

    @Test
    void followedFileIsReadEveryPeriodThroughTroubleAndBack() throws IOException {
        Files.writeString(path, A);
        TokensFile file = TokensFile.open(path);
        VirtualTimeScheduler time = VirtualTimeScheduler.create();
        Disposable following = file.follow(Duration.ofSeconds(5), time);

        Files.writeString(path, B);
        time.advanceTimeBy(Duration.ofSeconds(4));
        assertThat(file.table().caller(B)).isEmpty();
        time.advanceTimeBy(Duration.ofSeconds(1));
        assertThat(file.table().caller(B)).isPresent();

        Files.delete(path);
        time.advanceTimeBy(Duration.ofSeconds(10));
        assertThat(file.table().caller(B)).isPresent();

        Files.writeString(path, A);
        time.advanceTimeBy(Duration.ofSeconds(5));
        assertThat(file.table().caller(A)).isPresent();

        following.dispose();
        Files.writeString(path, B);
        time.advanceTimeBy(Duration.ofSeconds(60));
        assertThat(file.table().caller(B)).isEmpty();
    }

    @Test
    void followedFileReachesRequestsOnItsOwnThreads() throws IOException {
        Files.writeString(path, A);
        TokensFile file = TokensFile.open(path);
        Disposable following = file.follow(Duration.ofMillis(20), Schedulers.boundedElastic());
        try {
            Files.writeString(path, B);

            await().untilAsserted(() -> assertThat(file.table().caller(B)).isPresent());
        } finally {
            following.dispose();
        }
    }

    @Test
    void textFormHoldsNoToken() throws IOException {
        Files.writeString(path, "alice " + A);

        assertThat(TokensFile.open(path).toString()).contains("alice").doesNotContain(A.substring(0, 6));
    }
}
