package io.sluice.gateway;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import io.sluice.protocol.HeaderValue;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class MirrorFuzzTest {
    private static final int MUTATIONS = 60_000;

    private static final String[] FRAGMENTS = {
        "=?base64?",
        "?=",
        "WsO8cmljaA==",
        "2026-07-28",
        "2025-11-25",
        "1999-01-01",
        "tools/call",
        "initialize",
        "echo",
        "Mcp-Param-Region: x\n",
        "mcp-name: echo\n",
        "Mcp-Param-: \n",
        "MCP-Protocol-Version: \n",
        "\n",
        "\n\n",
        "\"",
        "\\",
        "\\u0000",
        "{",
        "}",
        "[",
        "null",
        "1e400",
        "1e-999999999",
        "9999999999999999999",
        "\t",
        " ",
        "\r",
        "\0",
        "\u00ff",
        ":",
        ",",
        "_meta",
        "io.modelcontextprotocol/protocolVersion",
        "\"id\":1,",
        "\"method\":1,"
    };

    static List<Path> keptInputs() throws IOException, URISyntaxException {
        Path folder = Path.of(Objects.requireNonNull(MirrorFuzzTest.class.getResource("/fuzz/mirror"))
                .toURI());
        try (Stream<Path> files = Files.list(folder)) {
            return files.sorted().toList();
        }
    }

    @ParameterizedTest
    @MethodSource("keptInputs")
    void keptInputPassesOrIsRefused(Path input) throws IOException {
        MirrorFuzz.fuzzerTestOneInput(Files.readAllBytes(input));
    }

    @Test
    void mutatedInputPassesOrIsRefused() throws Exception {
        long seed = 20260728;
        Random random = new Random(seed);
        List<String> inputs = new ArrayList<>();
        for (Path kept : keptInputs()) {
            inputs.add(Files.readString(kept, ISO_8859_1));
        }
        for (int i = 0; i < MUTATIONS; i++) {
            StringBuilder text = new StringBuilder(inputs.get(random.nextInt(inputs.size())));
            for (int change = 1 + random.nextInt(3); change > 0; change--) {
                mutate(text, random);
            }
            try {
                MirrorFuzz.fuzzerTestOneInput(text.toString().getBytes(ISO_8859_1));
            } catch (Throwable escaped) {
                fail("seed " + seed + ", mutation " + i + ":\n" + text, escaped);
            }
        }
    }

    private static void mutate(StringBuilder text, Random random) {
        int at = random.nextInt(text.length() + 1);
        int end = Math.min(text.length(), at + random.nextInt(6));
        switch (random.nextInt(4)) {
            case 0 -> text.delete(at, end);
            case 1 -> text.insert(at, FRAGMENTS[random.nextInt(FRAGMENTS.length)]);
            case 2 -> text.replace(at, end, FRAGMENTS[random.nextInt(FRAGMENTS.length)]);
            default -> text.insert(at, text.substring(at, Math.min(text.length(), at + random.nextInt(60))));
        }
    }

    @Test
    void everyTextSurvivesItsHeader() {
        Random random = new Random(7);
        for (int i = 0; i < 50_000; i++) {
            String text = random.ints(random.nextInt(8), 0, 0x10FFFF)
                    .filter(c -> c < 0xD800 || c > 0xDFFF)
                    .map(c -> random.nextBoolean() ? c % 128 : c)
                    .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                    .toString();
            String header = HeaderValue.encode(random.nextInt(10) == 0 ? "=?base64?" + text + "?=" : text);

            assertThat(header.strip()).isEqualTo(header);
            assertThat(header.chars().allMatch(c -> c == '\t' || c >= 0x20 && c <= 0x7E))
                    .isTrue();
            assertThat(HeaderValue.decode(header).orElseThrow()).endsWith(header.equals(text) ? text : "");
            assertThat(HeaderValue.decode(HeaderValue.encode(text))).contains(text);
        }
    }
}
