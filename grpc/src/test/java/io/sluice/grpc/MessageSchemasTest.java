package io.sluice.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Descriptors.Descriptor;
import com.networknt.schema.InputFormat;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** Schemas of messages, and what fits them. */
class MessageSchemasTest {
    private static final SchemaRegistry SCHEMAS = SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12);

    private static Descriptor message(String name) {
        return Objects.requireNonNull(Protos.SHOP.findMessageTypeByName(name));
    }

    private static List<String> faults(JsonNode schema, String json) {
        Schema compiled = SCHEMAS.getSchema(schema.toString(), InputFormat.JSON);
        return compiled.validate(json.replace('\'', '"'), InputFormat.JSON).stream()
                .map(Object::toString)
                .toList();
    }

    @Test
    void messageInItselfIsADefinition() {
        JsonNode schema = MessageSchemas.read(message("Everything"), new Comments());

        assertThat(schema.at("/properties/child/$ref").asString()).isEqualTo("#/$defs/shop.v1.Everything");
        assertThat(faults(schema, "{'child':{'child':{'aString':'x'}},'children':[{'tags':['a']}]}"))
                .isEmpty();
        assertThat(faults(schema, "{'child':{'child':{'aString':1}}}")).isNotEmpty();
    }

    @Test
    void schemaSaysWhatTheMappingTakes() {
        JsonNode schema = MessageSchemas.read(message("Everything"), new Comments());

        assertThat(faults(
                        schema,
                        "{'aInt64':'1','aUint64':2,'color':'RED','counts':{'1':'2'},'wkDuration':'1.5s',"
                                + "'wkStruct':{'any':1},'wkListvalue':[1],'wkInt64value':'3','wkAny':{'@type':'x'}}"))
                .isEmpty();
        assertThat(List.of(
                        "{'aInt32':2147483648}",
                        "{'aUint32':-1}",
                        "{'aInt64':'x'}",
                        "{'color':'GREEN'}",
                        "{'counts':{'one':'2'}}",
                        "{'wkDuration':'1.5'}",
                        "{'wkListvalue':{}}",
                        "{'unknown':1}"))
                .allSatisfy(wrong -> assertThat(faults(schema, wrong)).as(wrong).isNotEmpty());
    }

    @Test
    void ofAOneofAtMostOneFits() {
        JsonNode schema = MessageSchemas.read(message("Everything"), new Comments());

        assertThat(List.of("{}", "{'email':'a'}", "{'phone':'1'}", "{'post':{}}"))
                .allSatisfy(fits -> assertThat(faults(schema, fits)).isEmpty());
        assertThat(List.of("{'email':'a','phone':'1'}", "{'phone':'1','post':{}}", "{'email':'a','post':{}}"))
                .allSatisfy(wrong -> assertThat(faults(schema, wrong)).isNotEmpty());
        assertThat(schema.at("/properties/phone/description").asString())
                .isEqualTo("At most one of email, phone, post.");
    }

    @Test
    void topOfASchemaHasNoAlternatives() {
        for (Descriptor message : Protos.SHOP.getMessageTypes()) {
            JsonNode schema = MessageSchemas.read(message, new Comments());

            assertThat(schema.path("type").asString()).isEqualTo("object");
            assertThat(schema.has("oneOf") || schema.has("anyOf") || schema.has("allOf"))
                    .isFalse();
        }
    }

    @Test
    void requiredFieldIsRequiredOfWhoCalls() {
        JsonNode read = MessageSchemas.read(message("GetItemRequest"), new Comments());
        JsonNode printed = MessageSchemas.printed(message("GetItemRequest"), new Comments());

        assertThat(read.path("required").toString()).isEqualTo("[\"itemId\"]");
        assertThat(printed.has("required")).isFalse();
    }
}
