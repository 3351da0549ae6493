package io.sluice.catalog;

import static io.sluice.catalog.Fleet.backend;
import static io.sluice.catalog.Fleet.catalog;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.protocol.RawJson;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ParamHeaderTest {
    @Test
    void annotationsAreFoundAtEveryDepthOfProperties() {
        Definition tool = tool("""
                {"type":"object","properties":{
                  "region":{"x-mcp-header":"Region","type":"string"},
                  "plain":{"type":"string","default":{"x-mcp-header":"No"}},
                  "x-mcp-header":{"type":"string"},
                  "deep":{"type":"object","properties":{
                    "properties":{"type":"object","properties":{"n":{"type":["integer","null"],"x-mcp-header":"N"}}},
                    "b":{"type":"boolean","x-mcp-header":"B-1"}}}}}""");

        assertThat(ParamHeader.of(tool))
                .containsExactly(
                        new ParamHeader("Region", List.of("region"), ParamHeader.Type.STRING),
                        new ParamHeader("N", List.of("deep", "properties", "n"), ParamHeader.Type.INTEGER),
                        new ParamHeader("B-1", List.of("deep", "b"), ParamHeader.Type.BOOLEAN));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{\"x-mcp-header\":\"A\",\"type\":\"object\"} | whole schema",
                "{\"properties\":{\"a\":{\"type\":\"string\",\"x-mcp-header\":\"\"}}} | name of a header",
                "{\"properties\":{\"a\":{\"type\":\"string\",\"x-mcp-header\":\"a b\"}}} | name of a header",
                "{\"properties\":{\"a\":{\"type\":\"string\",\"x-mcp-header\":7}}} | name of a header",
                "{\"properties\":{\"a\":{\"type\":\"string\",\"x-mcp-header\":{\"a\":1}}}} | name of a header",
                "{\"properties\":{\"a\":{\"type\":\"object\",\"x-mcp-header\":\"A\"}}} | no string",
                "{\"properties\":{\"a\":{\"x-mcp-header\":\"A\"}}} | no string",
                "{\"properties\":{\"a\":{\"type\":\"number\",\"x-mcp-header\":\"A\"}}} | no string",
                "{\"properties\":{\"a\":{\"type\":[\"string\",\"integer\"],\"x-mcp-header\":\"A\"}}} | no string",
                "{\"properties\":{\"a\":{\"type\":\"string\",\"x-mcp-header\":\"A\"},"
                        + "\"b\":{\"x-mcp-header\":\"a\",\"type\":\"string\"}}} | 'a' occurs twice",
                "{\"properties\":"
                        + "{\"a\":{\"items\":{\"type\":\"string\",\"x-mcp-header\":\"A\"}}}} | no argument's path",
                "{\"properties\":"
                        + "{\"a\":{\"items\":{\"properties\":{\"b\":{\"x-mcp-header\":\"A\"}}}}}} | no argument's path",
                "{\"anyOf\":[true,{\"properties\":{\"a\":{\"x-mcp-header\":\"A\"}}}]} | no argument's path",
                "{\"$defs\":{\"a\":{\"type\":\"string\",\"x-mcp-header\":\"A\"}}} | no argument's path",
                "{\"if\":{\"not\":{\"x-mcp-header\":\"A\"}}} | no argument's path",
            })
    void brokenAnnotationIsRefusedWithItsReason(String schema, String reason) {
        assertThatThrownBy(() -> ParamHeader.of(tool(schema)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(reason);
    }

    @Test
    void targetBearsWhatItsDefinitionSays() {
        Catalog catalog = catalog(backend("a", 1)
                .tool(
                        "x",
                        "{\"inputSchema\":{\"properties\":{\"r\":{\"type\":\"string\",\"x-mcp-header\":\"R\"}}},"
                                + "\"annotations\":{\"readOnlyHint\":true,\"idempotentHint\":false,\"t\":[1]},"
                                + "\"name\":\"x\"}")
                .tool("y", "{\"name\":\"y\",\"annotations\":{\"idempotentHint\":true}}")
                .tool("z", "{\"name\":\"z\",\"annotations\":[]}")
                .prompts("p"));

        Target x = catalog.aggregate().tool("x").orElseThrow();
        assertThat(x.paramHeaders()).containsExactly(new ParamHeader("R", List.of("r"), ParamHeader.Type.STRING));
        assertThat(x.readOnly()).isTrue();
        assertThat(x.idempotent()).isFalse();
        assertThat(catalog.aggregate().tool("y").orElseThrow().idempotent()).isTrue();
        assertThat(catalog.aggregate().tool("z").orElseThrow().readOnly()).isFalse();
        assertThat(catalog.aggregate().prompt("p").orElseThrow().readOnly()).isTrue();
    }

    private static Definition tool(String schema) {
        return new Definition("t", RawJson.of("{\"name\":\"t\",\"inputSchema\":" + schema + "}"));
    }
}
