package io.sluice.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;

final class DocumentReaderTest {
    private static final JsonMapper JSON = JsonMapper.builder().build();

    @Test
    void randomJsonMeansTheSameAsToJacksonInBothForms() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int round = 0; round < 2000; round++) {
            String json = object(random, 4);
            for (String name : new String[] {"f.json", "f.yaml"}) {
                List<Fault> faults = new ArrayList<>();

                Node.Mapping read = DocumentReader.read(Path.of(name), json.getBytes(StandardCharsets.UTF_8), faults)
                        .orElseThrow(() -> new AssertionError("seed " + seed + ": " + faults + " in " + json));

                assertThat(faults).as("seed %d: %s", seed, json).isEmpty();
                assertThat(JSON.readTree(JsonText.of(read)))
                        .as("seed %d: %s", seed, json)
                        .isEqualTo(JSON.readTree(json));
            }
        }
    }

    @Test
    void mutatedTextIsReadOrRefusedButNeverThrows() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int round = 0; round < 3000; round++) {
            byte[] bytes = object(random, 4).getBytes(StandardCharsets.UTF_8);
            for (int i = 0; i < 3; i++) {
                bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
            }
            List<Fault> faults = new ArrayList<>();
            String name = random.nextBoolean() ? "f.json" : "f.yaml";

            boolean read = DocumentReader.read(Path.of(name), bytes, faults).isPresent();

            assertThat(read || !faults.isEmpty()).as("seed %d", seed).isTrue();
        }
    }

    @Test
    void unquotedPlaceholderInBracesIsExplained() {
        List<Fault> faults = new ArrayList<>();

        DocumentReader.read(Path.of("f.yaml"), bytes("auth: { token: ${TOKEN} }"), faults);

        assertThat(faults).singleElement().asString().endsWith("; inside { } and [ ] put a value with ${…} in quotes");
    }

    @Test
    void brokenJsonIsSaidWithoutTheParsersPlaceholders() {
        List<Fault> faults = new ArrayList<>();

        DocumentReader.read(Path.of("f.json"), bytes("{\"mcpServers\": {"), faults);

        assertThat(faults)
                .singleElement()
                .asString()
                .isEqualTo("f.json:1:17: cannot be read: Unexpected end-of-input: expected close marker for Object");
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String value(Random random, int depth) {
        return switch (random.nextInt(depth == 0 ? 5 : 7)) {
            case 0 -> "null";
            case 1 -> String.valueOf(random.nextBoolean());
            case 2 -> String.valueOf(random.nextInt(2_000_000) - 1_000_000);
            case 3 ->
                random.nextInt(1000) + "." + random.nextInt(1000)
                        + (random.nextBoolean() ? "" : "e" + random.nextInt(9));
            case 4 -> string(random);
            case 5 ->
                IntStream.range(0, random.nextInt(4))
                        .mapToObj(i -> value(random, depth - 1))
                        .collect(Collectors.joining(", ", "[", "]"));
            default -> object(random, depth - 1);
        };
    }

    private static String object(Random random, int depth) {
        return IntStream.range(0, random.nextInt(4))
                .mapToObj(i -> "\"k" + i + "\": " + value(random, depth))
                .collect(Collectors.joining(",\n ", "{", "}"));
    }

    private static String string(Random random) {
        List<String> units = List.of(
                "a", "b", ":", "#", "-", "{", "}", "[", "]", "*", "&", "!", "|", ">", " ", "'", "%", "@", "`", ",", "?",
                "é", "\\n", "\\t", "\\\"", "\\\\", "0", ".", "~", "\\u00e9", "yes", "null", ": ", " #");
        return IntStream.range(0, random.nextInt(8))
                .mapToObj(i -> units.get(random.nextInt(units.size())))
                .collect(Collectors.joining("", "\"", "\""));
    }
}
