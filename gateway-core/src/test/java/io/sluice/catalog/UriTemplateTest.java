package io.sluice.catalog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatNoException;

import java.time.Duration;
import java.util.Random;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class UriTemplateTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "file:///{name}            | file:///x           | true",
                "file:///{name}            | file:///x/y         | false",
                "file:///{name}            | file:///            | false",
                "file:///{+path}           | file:///x/y.txt     | true",
                "file:///{path*}           | file:///x/y.txt     | true",
                "file:///{name}.txt        | file:///x.txt.txt   | true",
                "file:///{name}.txt        | file:///x.text      | false",
                "{scheme}://{host}         | a://b               | true",
                "{+p}x{b}                  | 1x/2x3              | true",
                "{a}-{b}-{c}               | 1-2-3-4             | true",
                "{a}-{b}-{c}               | 1-2                 | false",
                "search://{?q,limit}       | search://           | true",
                "search://x{?q}            | search://x?q=a/b    | true",
                "search://x{?q}            | search://xy         | false",
                "x://a{/b}                 | x://a               | true",
                "x://a{/b}                 | x://a/b             | true",
                "x://a{/b}                 | x://a/b/c           | false",
                "x://a{/b,c}               | x://a/b/c           | true",
                "x://a{#frag}              | x://a#b/c           | true",
                "x://fixed                 | x://fixed           | true",
                "x://fixed                 | x://fixed2          | false",
                "x://日{本}                | x://日x             | true",
            })
    void matchesWhatCouldBeAnExpansion(String template, String uri, boolean matches) {
        assertThat(UriTemplate.of(template).orElseThrow().matches(uri)).isEqualTo(matches);
    }

    @Test
    void malformedTemplatesAreNone() {
        assertThat(UriTemplate.of("x://{")).isEmpty();
        assertThat(UriTemplate.of("x://}")).isEmpty();
        assertThat(UriTemplate.of("x://{}")).isEmpty();
        assertThat(UriTemplate.of("x://{a{b}}")).isEmpty();
        assertThat(UriTemplate.of("x://{a}}")).isEmpty();
        assertThat(UriTemplate.of("x".repeat(UriTemplate.LONGEST + 1))).isEmpty();
        assertThat(UriTemplate.of("{a}".repeat(33))).isEmpty();
    }

    @Test
    void agreesWithRegularExpressionsOnSimpleAndReservedHoles() {
        long seed = new Random().nextLong();
        System.out.println("UriTemplateTest seed " + seed);
        Random random = new Random(seed);
        for (int i = 0; i < 20_000; i++) {
            StringBuilder template = new StringBuilder();
            StringBuilder regex = new StringBuilder();
            for (int piece = random.nextInt(6); piece >= 0; piece--) {
                switch (random.nextInt(3)) {
                    case 0 -> {
                        template.append("{v}");
                        regex.append("[^/]+");
                    }
                    case 1 -> {
                        template.append("{+v}");
                        regex.append(".+");
                    }
                    default -> {
                        String literal = text(random, 1 + random.nextInt(2));
                        template.append(literal);
                        regex.append(Pattern.quote(literal));
                    }
                }
            }
            String uri = text(random, random.nextInt(8));

            assertThat(UriTemplate.of(template.toString()).orElseThrow().matches(uri))
                    .as("%s against %s, seed %d", template, uri, seed)
                    .isEqualTo(uri.matches(regex.toString()));
        }
    }

    @Test
    void hostilePairsAreDecidedQuickly() {
        UriTemplate template =
                UriTemplate.of(("{+a}" + "a".repeat(50)).repeat(32) + "b").orElseThrow();
        String uri = "a".repeat(UriTemplate.LONGEST);

        Assertions.assertTimeout(
                Duration.ofSeconds(2), () -> assertThat(template.matches(uri)).isFalse());
        assertThatNoException().isThrownBy(() -> template.matches("a".repeat(1_000_000)));
    }

    private static String text(Random random, int length) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < length; i++) {
            text.append("ab/".charAt(random.nextInt(3)));
        }
        return text.toString();
    }
}
