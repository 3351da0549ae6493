package io.sluice.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** {@code docs/configuration.md} says what the reader does. */
final class DocumentationTest {
    private static final Path DOCUMENT = Path.of("..", "docs", "configuration.md");

    @Test
    void everyKeyHasItsRow() throws Exception {
        List<String> lines = Files.readAllLines(DOCUMENT);

        assertThat(lines)
                .as("rows to copy into %s:%n%s", DOCUMENT, String.join("\n", rows()))
                .containsAll(rows());
    }

    @Test
    void noRowIsLeftOfAKeyThatIsGone() throws Exception {
        List<String> documented = Files.readAllLines(DOCUMENT).stream()
                .filter(line -> line.startsWith("| `")
                        && line.chars().filter(c -> c == '|').count() == 5)
                .toList();

        assertThat(rows()).containsAll(documented);
    }

    /** One row for each key that holds a value: key, default, variables, meaning. */
    private static List<String> rows() {
        Map<String, ConfigKeys.Scalar> scalars =
                ConfigKeys.scalars().stream().collect(Collectors.toMap(ConfigKeys.Scalar::dotted, Function.identity()));
        List<String> rows = new ArrayList<>();
        rows("", ConfigKeys.TOP, scalars, rows);
        rows("auth.tokens.", ConfigKeys.TOKEN_SECTION, scalars, rows);
        rows("mcpServers.*.", BackendKeys.BACKEND, scalars, rows);
        rows("mcpServers.*.endpoints.", EndpointKeys.ENDPOINT, scalars, rows);
        rows("limits.rates.", GuardKeys.RATE, scalars, rows);
        rows("limits.deadlines.", GuardKeys.DEADLINE, scalars, rows);
        rows("resilience.", GuardKeys.POLICY, scalars, rows);
        rows("cache.tools.", CacheKeys.RULE, scalars, rows);
        return rows;
    }

    private static void rows(
            String prefix, Section<?> section, Map<String, ConfigKeys.Scalar> scalars, List<String> rows) {
        for (Key<?> key : section.keys()) {
            String path = prefix + key.name();
            if (key.shape() instanceof Section<?> inner && key.fallbackWords().isEmpty()) {
                rows(path + ".", inner, scalars, rows);
            } else {
                List<String> variables = new ArrayList<>();
                if (scalars.containsKey(path)) {
                    variables.add(scalars.get(path).variable());
                }
                variables.addAll(key.variables());
                rows.add("| `" + path + "` | " + key.fallbackWords() + " | "
                        + variables.stream().map(v -> "`" + v + "`").collect(Collectors.joining(", ")) + " | "
                        + key.description().replace("<", "&lt;") + " |");
                if (key.shape() instanceof Section<?> inner) {
                    rows(path + ".", inner, scalars, rows);
                }
            }
        }
    }
}
