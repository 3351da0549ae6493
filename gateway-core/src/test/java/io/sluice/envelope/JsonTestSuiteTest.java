package io.sluice.envelope;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The cases of JSONTestSuite, see {@code json-test-suite/README.md} among the test resources. */
class JsonTestSuiteTest {
    /** File name and contents of the cases whose name starts so. */
    private static Map<String, byte[]> cases(String prefix) throws IOException, URISyntaxException {
        Path folder = Path.of(JsonTestSuiteTest.class
                .getResource("/json-test-suite/test_parsing")
                .toURI());
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(file -> file.getFileName().toString().startsWith(prefix))
                    .collect(Collectors.toMap(
                            file -> file.getFileName().toString(),
                            JsonTestSuiteTest::contents,
                            (a, b) -> a,
                            TreeMap::new));
        }
    }

    private static byte[] contents(Path file) {
        try {
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static boolean accepted(byte[] json) {
        try {
            JsonScanner.validate(json);
            return true;
        } catch (Malformed e) {
            return false;
        }
    }

    private static boolean acceptedLeniently(byte[] json) {
        try (JsonScanner scanner = JsonScanner.of(json, false, MessageReader.MAX_DEPTH)) {
            scanner.message(new Places(json));
            return true;
        } catch (Malformed e) {
            return false;
        }
    }

    @Test
    void noneOfThe188BadTextsIsAccepted() throws Exception {
        Map<String, byte[]> cases = cases("n_");

        assertThat(cases).hasSize(188);
        assertThat(cases.entrySet())
                .filteredOn(entry -> accepted(entry.getValue()) || acceptedLeniently(entry.getValue()))
                .extracting(Map.Entry::getKey)
                .isEmpty();
    }

    @Test
    void everyGoodTextIsAcceptedButThoseWithKeyTwiceOrNulInKey() throws Exception {
        Map<String, byte[]> cases = cases("y_");

        assertThat(cases).hasSize(95);
        assertThat(cases.entrySet())
                .filteredOn(entry -> !accepted(entry.getValue()))
                .extracting(Map.Entry::getKey)
                .containsExactly(
                        "y_object_duplicated_key.json",
                        "y_object_duplicated_key_and_value.json",
                        "y_object_escaped_null_in_key.json");
        assertThat(cases.entrySet())
                .allSatisfy(entry -> assertThat(acceptedLeniently(entry.getValue()))
                        .as(entry.getKey())
                        .isTrue());
    }

    /** The choices that the grammar leaves: numbers of any size, lone surrogate escapes in values; never bad UTF-8. */
    @Test
    void undecidedTextsAreTakenWhereBytesCanBePassedOn() throws Exception {
        Map<String, byte[]> cases = cases("i_");

        assertThat(cases).hasSize(35);
        assertThat(cases.entrySet())
                .filteredOn(entry -> accepted(entry.getValue()))
                .extracting(Map.Entry::getKey)
                .containsExactly(
                        "i_number_double_huge_neg_exp.json",
                        "i_number_neg_int_huge_exp.json",
                        "i_number_pos_double_huge_exp.json",
                        "i_number_real_neg_overflow.json",
                        "i_number_real_pos_overflow.json",
                        "i_number_real_underflow.json",
                        "i_number_too_big_neg_int.json",
                        "i_number_too_big_pos_int.json",
                        "i_number_very_big_negative_int.json",
                        "i_string_1st_surrogate_but_2nd_missing.json",
                        "i_string_1st_valid_surrogate_2nd_invalid.json",
                        "i_string_incomplete_surrogate_and_escape_valid.json",
                        "i_string_incomplete_surrogate_pair.json",
                        "i_string_incomplete_surrogates_escape_valid.json",
                        "i_string_invalid_lonely_surrogate.json",
                        "i_string_invalid_surrogate.json",
                        "i_string_inverted_surrogates_U+1D11E.json",
                        "i_string_lone_second_surrogate.json");
    }
}
