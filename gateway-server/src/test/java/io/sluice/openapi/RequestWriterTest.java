package io.sluice.openapi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.openapi.Operation.Parameter;
import io.sluice.openapi.Operation.Place;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

class RequestWriterTest {
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final String[] NASTY = {
        "..",
        ".",
        "/",
        "\\",
        "%2f",
        "%2F..%2f",
        "?",
        "#",
        "&",
        "=",
        ";",
        "@",
        ":",
        " ",
        "\r\nX-Evil: 1",
        "\n",
        "\0",
        "é",
        "\uD83D\uDE00",
        "a/b",
        "//evil.example",
        "http://evil.example/",
        "x&admin=1",
        "x#y",
        "%00",
        "%",
        "+",
        "{id}",
        "[]",
        "a;b=c",
        "\u2028",
        "\uD800",
        "",
        "plain",
        "0"
    };

    private static Operation operation(String path, Parameter... parameters) {
        return new Operation(
                "t", "GET", path, List.of(parameters), Optional.empty(), Optional.empty(), JSON.createObjectNode());
    }

    private static Parameter parameter(String name, Place place, String style, boolean explode) {
        return new Parameter(name, name, place, style, explode, true, false);
    }

    private static String target(Parameter parameter, String json) {
        String path = parameter.place() == Place.PATH ? "/x/{v}" : "/x";
        return RequestWriter.write(operation(path, parameter), JSON.readTree("{\"v\":" + json.replace('\'', '"') + "}"))
                .target();
    }

    /** The examples of OpenAPI 3.1, Style Examples, percent-encoded throughout. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            PATH  | simple         | false | 'blue'                 | /x/blue
            PATH  | simple         | false | ['blue','black']       | /x/blue,black
            PATH  | simple         | false | {'R':100,'G':200}      | /x/R,100,G,200
            PATH  | simple         | true  | {'R':100,'G':200}      | /x/R=100,G=200
            PATH  | label          | false | 'blue'                 | /x/.blue
            PATH  | label          | true  | ['blue','black']       | /x/.blue.black
            PATH  | matrix         | false | 'blue'                 | /x/;v=blue
            PATH  | matrix         | true  | ['blue','black']       | /x/;v=blue;v=black
            PATH  | matrix         | true  | {'R':100,'G':200}      | /x/;R=100;G=200
            QUERY | form           | true  | ['blue','black']       | /x?v=blue&v=black
            QUERY | form           | false | ['blue','black']       | /x?v=blue,black
            QUERY | form           | true  | {'R':100,'G':200}      | /x?R=100&G=200
            QUERY | form           | false | {'R':100,'G':200}      | /x?v=R,100,G,200
            QUERY | spaceDelimited | false | ['blue','black']       | /x?v=blue%20black
            QUERY | pipeDelimited  | false | ['blue','black']       | /x?v=blue%7Cblack
            QUERY | deepObject     | true  | {'R':100,'G':200}      | /x?v%5BR%5D=100&v%5BG%5D=200
            QUERY | form           | true  | true                   | /x?v=true
            QUERY | form           | true  | 'a b&c=d#e/f?g'        | /x?v=a%20b%26c%3Dd%23e%2Ff%3Fg
            """)
    void stylesAreWrittenAsDescribed(Place place, String style, boolean explode, String value, String target) {
        assertThat(target(
                        parameter("v", place, style, explode),
                        value.strip().startsWith("{") || value.strip().startsWith("[") || value.equals("true")
                                ? value
                                : "'" + value.replace("'", "") + "'"))
                .isEqualTo(target);
    }

    @Test
    void whatWouldLeadToAnotherPathIsRefused() {
        for (String value : List.of("..", ".", "a/b", "..\\\\x", "a%2Fb", "a%2fb", "%5c", "")) {
            assertThatThrownBy(() -> target(parameter("v", Place.PATH, "simple", false), "'" + value + "'"))
                    .as(value)
                    .isInstanceOf(RequestWriter.Refused.class);
        }
        assertThatThrownBy(() -> target(parameter("v", Place.PATH, "simple", false), "[]"))
                .isInstanceOf(RequestWriter.Refused.class);
    }

    @Test
    void parameterOfSeveralSegmentsLeadsDownAndNowhereElse() {
        Parameter segments = parameter("v", Place.PATH, Parameter.SEGMENTS, false);

        assertThat(target(segments, "'docs/read me.md'")).isEqualTo("/x/docs/read%20me.md");
        assertThat(target(segments, "'a?b#c'")).isEqualTo("/x/a%3Fb%23c");
        for (String value : List.of("../a", "a/..", "a/./b", "a//b", "/a", "a/", "a\\\\b", "a%2fb", "%2e%2e/a", "")) {
            assertThatThrownBy(() -> target(segments, "'" + value + "'"))
                    .as(value)
                    .isInstanceOf(RequestWriter.Refused.class);
        }
    }

    @Test
    void headerCannotHoldALineBreak() {
        assertThatThrownBy(() -> target(parameter("v", Place.HEADER, "simple", false), "'a\\r\\nX: y'"))
                .isInstanceOf(RequestWriter.Refused.class)
                .hasMessageContaining("line break");
    }

    @Test
    void memberOfAnObjectCannotTakeThePlaceOfAParameter() {
        Operation operation = operation(
                "/x", parameter("filter", Place.QUERY, "form", true), parameter("tenant", Place.QUERY, "form", true));

        assertThatThrownBy(() -> RequestWriter.write(
                        operation, JSON.readTree("{\"filter\":{\"tenant\":\"other\"},\"tenant\":\"mine\"}")))
                .isInstanceOf(RequestWriter.Refused.class)
                .hasMessageContaining("a parameter of its own");
    }

    @Test
    void noArgumentEverLeavesItsPlace() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        Operation operation = operation(
                "/api/{one}/fixed/{two}/end",
                parameter("one", Place.PATH, "simple", false),
                parameter("two", Place.PATH, "matrix", true),
                parameter("q", Place.QUERY, "form", true),
                parameter("h", Place.HEADER, "simple", false),
                parameter("c", Place.COOKIE, "form", false));
        int written = 0;
        for (int i = 0; i < 20_000; i++) {
            ObjectNode arguments = JSON.createObjectNode();
            for (String name : List.of("one", "two", "q", "h", "c")) {
                arguments.set(name, value(random));
            }
            RequestWriter.Request request;
            try {
                request = RequestWriter.write(operation, arguments);
            } catch (RequestWriter.Refused refused) {
                continue;
            }
            written++;
            URI url = RequestWriter.below(URI.create("https://service.example:8443/base/"), request.target());
            String as = "seed " + seed + ": " + arguments;
            assertThat(url.getHost()).as(as).isEqualTo("service.example");
            assertThat(url.getPort()).as(as).isEqualTo(8443);
            assertThat(url.getRawUserInfo()).as(as).isNull();
            assertThat(url.getRawFragment()).as(as).isNull();
            assertThat(url.normalize().getRawPath()).as(as).isEqualTo(url.getRawPath());
            String[] segments = url.getRawPath().split("/", -1);
            assertThat(segments).as(as).hasSize(7);
            assertThat(List.of(segments[1], segments[2], segments[4], segments[6]))
                    .as(as)
                    .containsExactly("base", "api", "fixed", "end");
            assertThat(URLDecoder.decode(segments[3].replace("+", "%2B"), StandardCharsets.UTF_8))
                    .as(as)
                    .doesNotContain("/");
            if (!arguments.path("q").isObject()) {
                Set<String> keys = List.of(url.getRawQuery().split("&", -1)).stream()
                        .map(pair -> pair.split("=", 2)[0])
                        .collect(Collectors.toSet());
                assertThat(keys).as(as).containsExactly("q");
            }
            request.headers().forEach((name, text) -> {
                assertThat(name).as(as).isIn("h", "Cookie");
                assertThat(text).as(as).doesNotContain("\r").doesNotContain("\n");
            });
            assertThat(request.headers().get("Cookie")).as(as).doesNotContain(";");
        }
        assertThat(written).as("seed " + seed).isGreaterThan(100);
    }

    private static JsonNode value(Random random) {
        int kind = random.nextInt(10);
        if (kind == 0) {
            return JSON.getNodeFactory().numberNode(random.nextInt());
        }
        if (kind == 1) {
            List<JsonNode> items = new ArrayList<>();
            for (int i = random.nextInt(3); i >= 0; i--) {
                items.add(text(random));
            }
            return JSON.createArrayNode().addAll(items);
        }
        if (kind == 2) {
            return JSON.createObjectNode().set(text(random).stringValue(), text(random));
        }
        return text(random);
    }

    private static JsonNode text(Random random) {
        StringBuilder text = new StringBuilder();
        for (int i = random.nextInt(3); i >= 0; i--) {
            text.append(NASTY[random.nextInt(NASTY.length)]);
            if (random.nextInt(3) == 0) {
                text.append((char) random.nextInt(0x180));
            }
        }
        return JSON.getNodeFactory().stringNode(text.toString());
    }
}
