package io.sluice.openapi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.openapi.OpenApiSettings.Selection;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class OpenApiReaderTest {
    private static final OpenApiSettings ALL = OpenApiSettings.of("/v3/api-docs");

    static byte[] orders() {
        try (InputStream in =
                Objects.requireNonNull(OpenApiReaderTest.class.getResourceAsStream("/openapi/orders-api-docs.json"))) {
            return in.readAllBytes();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private static OpenApiReader.Read read(String document) {
        return OpenApiReader.read(document.replace('\'', '"').getBytes(StandardCharsets.UTF_8), ALL);
    }

    private static Operation only(String pathItem) {
        List<Operation> operations =
                read("{'openapi':'3.1.0','paths':{" + pathItem + "}}").operations();
        assertThat(operations).hasSize(1);
        return operations.get(0);
    }

    private static JsonNode input(Operation operation) {
        return operation.definition().path("inputSchema");
    }

    @Test
    void documentOfASpringServiceBecomesTools() {
        OpenApiReader.Read read = OpenApiReader.read(orders(), ALL);

        assertThat(read.operations())
                .extracting(Operation::tool)
                .containsExactly("getOrder", "replaceOrder", "deleteOrder", "listOrders", "createOrder", "clear");
        Operation get = read.operations().get(0);
        assertThat(get.definition().path("description").asString()).isEqualTo("Finds an order\n\nGET /orders/{id}");
        assertThat(input(get).path("required").toString()).isEqualTo("[\"id\"]");
        assertThat(get.definition().path("annotations").toString())
                .isEqualTo("{\"readOnlyHint\":true,\"idempotentHint\":true,\"openWorldHint\":true}");
        assertThat(get.output()).isPresent();
        JsonNode put = input(read.operations().get(1));
        assertThat(put.at("/properties/body/$ref").asString()).isEqualTo("#/$defs/Order");
        assertThat(put.at("/$defs/Order/properties/parent/$ref").asString()).isEqualTo("#/$defs/Order");
        assertThat(put.at("/$defs/Line/type").asString()).isEqualTo("object");
        assertThat(put.at("/$defs/Order/properties/customer/type").toString()).isEqualTo("[\"string\",\"null\"]");
        assertThat(put.at("/$defs/Order/properties/total").toString())
                .isEqualTo("{\"type\":\"number\",\"exclusiveMinimum\":0}");
        assertThat(read.operations()
                        .get(2)
                        .definition()
                        .path("annotations")
                        .path("destructiveHint")
                        .asBoolean())
                .isTrue();
    }

    @Test
    void operationsAreSelectedByTagIdAndMethod() {
        OpenApiSettings some = new OpenApiSettings(
                "/v3/api-docs",
                Duration.ofMinutes(1),
                new Selection(List.of("order-controller"), List.of(), List.of()),
                new Selection(List.of(), List.of("listOrders"), List.of("DELETE")));

        assertThat(OpenApiReader.read(orders(), some).operations())
                .extracting(Operation::tool)
                .containsExactly("getOrder", "replaceOrder", "createOrder");
    }

    @Test
    void parametersOfThePathHoldForItsOperationsUnlessTheySayOtherwise() {
        Operation operation = only(
                "'/a/{id}':{'parameters':[{'name':'id','in':'path','required':true,'schema':{'type':'integer'}},"
                        + "{'name':'q','in':'query','schema':{'type':'integer'}}],"
                        + "'get':{'parameters':[{'name':'q','in':'query','required':true,'schema':{'type':'string'}}]}}");

        assertThat(input(operation).path("properties").toString())
                .isEqualTo("{\"id\":{\"type\":\"integer\"},\"q\":{\"type\":\"string\"}}");
        assertThat(input(operation).path("required").toString()).isEqualTo("[\"id\",\"q\"]");
    }

    @Test
    void argumentsOfOneNameInTwoPlacesAreToldApart() {
        Operation operation =
                only("'/a/{id}':{'get':{'parameters':[{'name':'id','in':'path','required':true,'schema':{}},"
                        + "{'name':'id','in':'query','schema':{}},{'name':'id','in':'header','schema':{}}]}}");

        assertThat(operation.parameters())
                .extracting(Operation.Parameter::argument)
                .containsExactly("id", "id_query", "id_header");
    }

    @Test
    void namesAreReadableUniqueAndShortEnough() {
        List<Operation> operations = read("{'openapi':'3.1.0','paths':{'/pets/{petId}/toys':{'get':{'parameters':["
                        + "{'name':'petId','in':'path','required':true,'schema':{}}]}},"
                        + "'/b':{'get':{'operationId':'x y/z'},'post':{'operationId':'x_y_z'}},"
                        + "'/c':{'get':{'operationId':'" + "long".repeat(40) + "'}}}}")
                .operations();

        assertThat(operations.get(0).tool()).isEqualTo("get_pets_petId_toys");
        assertThat(operations.get(1).tool()).isEqualTo("x_y_z");
        assertThat(operations.get(2).tool()).isEqualTo("x_y_z_2");
        assertThat(operations.get(3).tool()).hasSize(64);
        assertThat(operations).allMatch(operation -> operation.tool().matches("[A-Za-z0-9_-]{1,64}"));
    }

    @Test
    void bodyThatMayBeAPatchIsSentAsTheKindThatAnObjectIs() {
        String types = "'application/json-patch+json':{'schema':{'type':'object'}},"
                + "'application/merge-patch+json':{'schema':{'type':'object'}}";
        String patch =
                "{'openapi':'3.1.0','info':{},'paths':{'/a':{'patch':{'requestBody':{'content':{" + types + "}}}}}}";

        Operation operation = read(patch.replace('\'', '"')).operations().get(0);

        assertThat(operation.body().orElseThrow().mediaType()).isEqualTo("application/merge-patch+json");
    }

    @Test
    void referencesToTheNetworkAreLeftOpen() {
        Operation operation = only(
                "'/a':{'post':{'requestBody':{'required':true,'content':{'application/json':{'schema':"
                        + "{'$ref':'http://127.0.0.1:1/evil.json#/X'}}}}},'parameters':[{'$ref':'https://evil.example/p.json'}]}");

        assertThat(input(operation).path("properties").toString()).isEqualTo("{\"body\":{}}");
        assertThat(operation.definition().toString()).doesNotContain("evil");
    }

    @Test
    void whatIsLeftOpenOrOutIsRemarkedOn() {
        OpenApiReader.Read read = read(
                "{'openapi':'3.0.1','paths':{'/a/{id}':{'get':{}},'/b':{'get':{'parameters':["
                        + "{'$ref':'https://shared.test/v1#/components/parameters/Limit'},{'$ref':'#/components/parameters/Gone'}]}}}}");

        assertThat(read.operations()).extracting(Operation::tool).containsExactly("get_b");
        assertThat(read.remarks())
                .containsExactly(
                        "GET /a/{id} is left out: its path has a parameter that nothing describes",
                        "the reference to #/components/parameters/Gone is left open: it leads out of the document, or to"
                                + " nothing in it",
                        "the reference to https://shared.test/v1#/components/parameters/Limit is left open: it leads out"
                                + " of the document, or to nothing in it");
    }

    @Test
    void referencesOfReferencesComeAlongHoweverDeepTheyGo() {
        String person = "'PersonList':{'type':'object','properties':{'people':{'type':'array','items':"
                + "{'$ref':'#/components/schemas/Person'}}}},"
                + "'Person':{'type':'object','properties':{'name':{'$ref':'#/components/schemas/Name'}}},"
                + "'Name':{'type':'object','properties':{'form':{'$ref':'#/components/schemas/Form'}}},"
                + "'Form':{'type':'string','enum':['short','long']}";
        String content = "'content':{'application/json':{'schema':";
        Operation operation = read("{'openapi':'3.0.3','paths':{'/people':{'post':{'requestBody':{" + content
                        + "{'type':'object','additionalProperties':false,'properties':{'title':{'type':'string'},"
                        + "'nested':{'$ref':'#/components/schemas/PersonList'}}}}}},'responses':{'200':{" + content
                        + "{'$ref':'#/components/schemas/PersonList'}}}}}}}},'components':{'schemas':{" + person
                        + "}}}")
                .operations()
                .get(0);

        JsonNode input = input(operation);
        assertThat(input.at("/properties/body/additionalProperties").toString()).isEqualTo("false");
        assertThat(input.at("/properties/body/properties/nested/$ref").asString())
                .isEqualTo("#/$defs/PersonList");
        assertThat(input.path("$defs").propertyNames())
                .containsExactlyInAnyOrder("PersonList", "Person", "Name", "Form");
        assertThat(input.at("/$defs/Form").toString()).isEqualTo("{\"type\":\"string\",\"enum\":[\"short\",\"long\"]}");
        assertClosed(input, input.path("$defs"), operation.tool());
        JsonNode output = operation.output().orElseThrow();
        assertThat(output.path("$defs").propertyNames()).containsExactlyInAnyOrder("Person", "Name", "Form");
        assertClosed(output, output.path("$defs"), operation.tool());
    }

    @Test
    void unionsKeepTheirBranchesAndStandOpenInWhatIsAnswered() {
        String schemas = "'Results':{'type':'object','properties':{'results':{'type':'array','items':"
                + "{'$ref':'#/components/schemas/Item'}},'other':{'anyOf':[{},{'type':'null'}]}}},"
                + "'Item':{'type':'object','properties':{'metric':{'oneOf':[{'$ref':'#/components/schemas/Numeric'},"
                + "{'$ref':'#/components/schemas/Words'}],'discriminator':{'propertyName':'type','mapping':"
                + "{'numeric':'#/components/schemas/Numeric'}}}}},"
                + "'Numeric':{'type':'object','properties':{'type':{'const':'numeric'},'min':{'type':'number'}}},"
                + "'Words':{'type':'object','properties':{'type':{'const':'string'},'min':{'type':'integer'}}}";
        String content = "'content':{'application/json':{'schema':{'$ref':'#/components/schemas/Results'}}}";
        Operation operation = read("{'openapi':'3.1.0','paths':{'/p':{'post':{'requestBody':{" + content
                        + "},'responses':{'200':{" + content + "}}}}},'components':{'schemas':{" + schemas + "}}}")
                .operations()
                .get(0);

        JsonNode input = input(operation);
        assertThat(input.at("/$defs/Item/properties/metric").toString())
                .isEqualTo("{\"oneOf\":[{\"$ref\":\"#/$defs/Numeric\"},{\"$ref\":\"#/$defs/Words\"}]}");
        assertThat(input.at("/$defs/Results/properties/other").toString())
                .isEqualTo("{\"anyOf\":[{},{\"type\":\"null\"}]}");
        assertClosed(input, input.path("$defs"), operation.tool());
        JsonNode output = operation.output().orElseThrow();
        JsonNode answer = JsonMapper.shared()
                .readTree("{\"results\":[{\"metric\":{\"type\":\"numeric\",\"min\":2.0}}],\"other\":\"Other\"}");
        assertThat(Schemas.matches(answer, output, output.path("$defs"))).isTrue();
    }

    @Test
    void pathItemThatTwoPathsShareIsTwoTools() {
        List<Operation> operations =
                read("{'openapi':'3.1.0','paths':{'/pets/{petId}':{'$ref':'#/components/pathItems/Pet'},"
                                + "'/archived-pets/{petId}':{'$ref':'#/components/pathItems/Pet'}},'components':{'pathItems':{'Pet':{"
                                + "'parameters':[{'name':'petId','in':'path','required':true,'schema':{'type':'integer'}}],"
                                + "'get':{}}}}}")
                        .operations();

        assertThat(operations).extracting(Operation::tool).containsExactly("get_pets_petId", "get_archived-pets_petId");
    }

    @Test
    void memberCalledAsAReferenceIsAMember() {
        Operation operation = only("'/a':{'post':{'requestBody':{'content':{'application/json':{'schema':"
                + "{'type':'object','properties':{'$ref':{'type':'string'},'type':{'type':'string'}}}}}}}}");

        assertThat(input(operation).at("/properties/body/properties").toString())
                .isEqualTo("{\"$ref\":{\"type\":\"string\"},\"type\":{\"type\":\"string\"}}");
    }

    @Test
    void bodyThatIsNoObjectOfKnownMembersIsSentWithoutAWrapper() {
        String content = "'requestBody':{'required':true,'content':{'application/json':{'schema':";
        Operation dictionary = only(
                "'/labels':{'post':{" + content + "{'type':'object','additionalProperties':{'type':'string'}}}}}}}");
        Operation list = only("'/labels':{'post':{" + content + "{'type':'array','items':{'type':'string'}}}}}}}");

        assertThat(sent(dictionary, "{\"body\":{\"team\":\"infra\"}}")).isEqualTo("{\"team\":\"infra\"}");
        assertThat(sent(list, "{\"body\":[\"a\",\"b\"]}")).isEqualTo("[\"a\",\"b\"]");
    }

    private static String sent(Operation operation, String arguments) {
        byte[] body = RequestWriter.write(operation, JsonMapper.shared().readTree(arguments))
                .body();
        return new String(Objects.requireNonNull(body), StandardCharsets.UTF_8);
    }

    @Test
    void listsAreJoinedAsTheirStyleSaysWhenNothingElseIsSaid() {
        String ids = "{'in':'query','required':true,'schema':{'type':'array','items':{'type':'string'}},'name':";
        Operation operation = only("'/a':{'get':{'parameters':[" + ids + "'form'}," + ids
                + "'pipe','style':'pipeDelimited'}," + ids + "'space','style':'spaceDelimited'}," + ids
                + "'comma','explode':false}]}}");

        RequestWriter.Request request = RequestWriter.write(
                operation,
                JsonMapper.shared()
                        .readTree("{\"form\":[\"a\",\"b\"],\"pipe\":[\"a\",\"b\"],\"space\":[\"a\",\"b\"],"
                                + "\"comma\":[\"a\",\"b\"]}"));

        assertThat(request.target()).isEqualTo("/a?form=a&form=b&pipe=a%7Cb&space=a%20b&comma=a,b");
    }

    @Test
    void referencesInACircleAreFollowedOnce() {
        OpenApiReader.Read read = read(
                "{'openapi':'3.1.0','paths':{'/a':{'$ref':'#/paths/~1a'},'/b':{'post':{'requestBody':{'content':"
                        + "{'application/json':{'schema':{'$ref':'#/components/schemas/A'}}}}}}},"
                        + "'components':{'schemas':{'A':{'$ref':'#/components/schemas/B'},'B':{'$ref':'#/components/schemas/A'}}}}");

        assertThat(read.operations()).hasSize(1);
        assertThat(input(read.operations().get(0)).path("$defs").size()).isEqualTo(2);
    }

    @Test
    void headersThatAreTheGatewaysOwnAreNoArguments() {
        Operation operation = only("'/a':{'get':{'parameters':[{'name':'Authorization','in':'header','schema':{}},"
                + "{'name':'Host','in':'header','schema':{}},{'name':'X Y','in':'header','schema':{}},"
                + "{'name':'X-Ok','in':'header','schema':{}}]}}");

        assertThat(operation.parameters()).extracting(Operation.Parameter::name).containsExactly("X-Ok");
    }

    @Test
    void whatIsNoDocumentIsRefusedInASentence() {
        assertThatThrownBy(() -> read("{'openapi':'3.2.0','paths':{}}"))
                .hasMessage("the document is of OpenAPI 3.2.0; 3.0 and 3.1 are read");
        assertThatThrownBy(() -> read("{'swagger':'2.0'}")).hasMessageContaining("Swagger 2.0");
        assertThatThrownBy(() -> read("[]")).hasMessageContaining("not an object");
        assertThatThrownBy(() -> read("<html>")).isInstanceOf(Unreadable.class);
        assertThatThrownBy(() -> read("{'title':1}")).hasMessageContaining("no member 'openapi'");
        assertThatThrownBy(() -> read("{'openapi':'3.1.0','x':" + "[".repeat(20_000) + "]".repeat(20_000) + "}"))
                .hasMessageContaining("cannot be read");
        assertThatThrownBy(() -> read("openapi: 3.1.0\nx: " + "[".repeat(20_000)))
                .isInstanceOf(Unreadable.class);
    }

    @Test
    void thousandsOfOperationsAreReadQuickly() {
        StringBuilder document = new StringBuilder("{'openapi':'3.1.0','paths':{");
        for (int i = 0; i < 5000; i++) {
            document.append(i == 0 ? "" : ",")
                    .append("'/r" + i + "/{id}':{'get':{'operationId':'get" + i
                            + "','parameters':[{'name':'id','in':'path','required':true,'schema':{'$ref':'#/components/schemas/Id'}}],"
                            + "'responses':{'200':{'content':{'application/json':{'schema':{'$ref':'#/components/schemas/T"
                            + (i % 100) + "'}}}}}}}");
        }
        document.append("},'components':{'schemas':{'Id':{'type':'string'}");
        for (int i = 0; i < 100; i++) {
            document.append(",'T" + i + "':{'type':'object','properties':{'next':{'$ref':'#/components/schemas/T"
                    + ((i + 1) % 5) + "'}}}");
        }
        document.append("}}}");

        long start = System.nanoTime();
        assertThat(read(document.toString()).operations()).hasSize(5000);
        // Half a second alone; only something quadratic would take this long.
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(30));
    }

    /** Documents of others, for whoever has some: {@code -Dsluice.openapi.documents=DIRECTORY}. Without it there is nothing to read. */
    @Test
    void documentsOfOthersAreRead() throws IOException {
        String directory = System.getProperty("sluice.openapi.documents", "");
        List<Path> files = List.of();
        if (!directory.isEmpty()) {
            try (Stream<Path> all = Files.list(Path.of(directory))) {
                files = all.sorted().toList();
            }
        }
        for (Path file : files) {
            long start = System.nanoTime();
            OpenApiReader.Read read = OpenApiReader.read(Files.readAllBytes(file), ALL);
            int size = read.operations().stream()
                    .mapToInt(operation -> operation.definition().toString().length())
                    .sum();
            System.out.println(file.getFileName() + ": " + read.operations().size() + " tools, " + size / 1024
                    + " KiB, " + Duration.ofNanos(System.nanoTime() - start).toMillis() + " ms");
            for (Operation operation : read.operations()) {
                assertClosed(input(operation), input(operation).path("$defs"), operation.tool());
            }
        }
    }

    private static void assertClosed(JsonNode schema, JsonNode definitions, String tool) {
        if (schema.isObject() && schema.path("$ref").isString()) {
            String pointer = schema.path("$ref").stringValue();
            assertThat(pointer).as(tool).startsWith("#/$defs/");
            assertThat(definitions.has(pointer.substring(8)))
                    .as(tool + " " + pointer)
                    .isTrue();
        }
        schema.forEach(child -> assertClosed(child, definitions, tool));
    }

    @Test
    void manifestBecomesTools() {
        OpenApiReader.Read read =
                read("{'mcpManifest':1,'name':'orders','tools':[{'name':'get_order','description':'Finds',"
                        + "'inputSchema':{'type':'object','properties':{'id':{'type':'string'},'tenant':{'type':'string'},'expand':{}},"
                        + "'required':['id']},'http':{'method':'GET','path':'/orders/{id}','headers':{'X-Tenant':'tenant'}}},"
                        + "{'name':'add','http':{'method':'POST','path':'/orders'}}]}");

        assertThat(read.operations()).extracting(Operation::tool).containsExactly("get_order", "add");
        assertThat(read.operations().get(0).parameters())
                .extracting(Operation.Parameter::argument)
                .containsExactly("id", "tenant", "expand");
        RequestWriter.Request request = RequestWriter.write(
                read.operations().get(1), JsonMapper.shared().readTree("{\"sku\":\"a\",\"count\":2}"));
        assertThat(new String(request.body(), StandardCharsets.UTF_8)).isEqualTo("{\"sku\":\"a\",\"count\":2}");
        assertThatThrownBy(() -> read("{'mcpManifest':1,'tools':[{'name':'a','http':{'method':'GET','path':'x'}}]}"))
                .hasMessageContaining("needs http");
        assertThatThrownBy(
                        () -> read(
                                "{'mcpManifest':1,'tools':[{'name':'a','http':{'method':'GET','path':'/','headers':{'Host':'h'}}}]}"))
                .hasMessageContaining("'Host'");
        assertThatThrownBy(() -> read("{'mcpManifest':2,'tools':[]}")).hasMessageContaining("version 2");
    }
}
