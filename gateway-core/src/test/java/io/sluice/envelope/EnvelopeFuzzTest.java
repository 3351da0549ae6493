package io.sluice.envelope;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class EnvelopeFuzzTest {
    static List<Path> keptInputs() throws IOException, URISyntaxException {
        Path folder = Path.of(Objects.requireNonNull(EnvelopeFuzzTest.class.getResource("/fuzz/envelope"))
                .toURI());
        try (Stream<Path> files = Files.list(folder)) {
            return files.sorted().toList();
        }
    }

    @ParameterizedTest
    @MethodSource("keptInputs")
    void keptInputIsReadOrRefused(Path input) throws IOException {
        EnvelopeFuzz.fuzzerTestOneInput(Files.readAllBytes(input));
    }
}
