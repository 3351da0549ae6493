package io.sluice.openapi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** Documents that are kept in several files. */
class DocumentFilesTest {
    private static final int ENOUGH = 1 << 20;

    @TempDir
    private Path directory;

    private Path root;

    @BeforeEach
    void write() throws IOException {
        Path api = Files.createDirectory(directory.resolve("api"));
        Files.createDirectories(api.resolve("schemas"));
        Files.writeString(directory.resolve("secret.yaml"), "type: object\ntitle: secret\n");
        root = api.resolve("root.yaml");
        Files.writeString(root, """
                openapi: 3.0.3
                info: { title: Pets, version: "1" }
                paths:
                  /pets/{petId}: { $ref: ./pet.yaml }
                  /archived-pets/{petId}: { $ref: ./pet.yaml }
                  /pets:
                    post:
                      operationId: addPet
                      parameters:
                        - $ref: "common.json#/parameters/Tenant"
                      requestBody:
                        content: { application/json: { schema: { $ref: "schemas/Pet.yaml" } } }
                components:
                  schemas:
                    Tag: { type: string }
                """);
        Files.writeString(api.resolve("pet.yaml"), """
                parameters:
                  - { name: petId, in: path, required: true, schema: { $ref: "common.json#/schemas/Id" } }
                get:
                  responses:
                    "200": { content: { application/json: { schema: { $ref: ./schemas/Pet.yaml } } } }
                """);
        Files.writeString(api.resolve("common.json"), """
                { "parameters": { "Tenant": { "name": "tenant", "in": "query", "schema": { "$ref": "#/schemas/Id" } } },
                  "schemas": { "Id": { "type": "integer" } } }
                """);
        Files.writeString(api.resolve("schemas/Pet.yaml"), """
                type: object
                properties:
                  id: { $ref: "../common.json#/schemas/Id" }
                  tag: { $ref: "../root.yaml#/components/schemas/Tag" }
                  parent: { $ref: "#" }
                  mother: { $ref: Pet.yaml }
                """);
    }

    private OpenApiReader.Read read() throws IOException {
        return OpenApiReader.read(DocumentFiles.read(root, ENOUGH), OpenApiSettings.of("file:" + root));
    }

    @Test
    void filesOfADocumentAreReadAsOne() throws IOException {
        OpenApiReader.Read read = read();

        assertThat(read.operations())
                .extracting(Operation::tool)
                .containsExactly("get_pets_petId", "get_archived-pets_petId", "addPet");
        JsonNode input = read.operations().get(2).definition().path("inputSchema");
        assertThat(input.at("/properties/tenant/$ref").asString()).isEqualTo("#/$defs/Id");
        assertThat(input.at("/properties/body/$ref").asString()).isEqualTo("#/$defs/Pet");
        assertThat(input.at("/$defs/Pet/properties").toString())
                .isEqualTo("{\"id\":{\"$ref\":\"#/$defs/Id\"},\"tag\":{\"$ref\":\"#/$defs/Tag\"},"
                        + "\"parent\":{\"$ref\":\"#/$defs/Pet\"},\"mother\":{\"$ref\":\"#/$defs/Pet\"}}");
        assertThat(read.operations().get(0).output()).isPresent();
        assertThat(read.remarks()).isEmpty();
    }

    @Test
    void changeInAnyFileIsAChange() throws IOException {
        byte[] before = DocumentFiles.read(root, ENOUGH);
        assertThat(DocumentFiles.read(root, ENOUGH)).isEqualTo(before);

        Files.writeString(root.resolveSibling("common.json"), "{\"schemas\":{\"Id\":{\"type\":\"string\"}}}");

        assertThat(DocumentFiles.read(root, ENOUGH)).isNotEqualTo(before);
    }

    @Test
    void documentOfOneFileIsItsBytes() throws IOException {
        byte[] bytes = OpenApiReaderTest.orders();
        Files.write(root, bytes);

        assertThat(DocumentFiles.read(root, ENOUGH)).isEqualTo(bytes);
    }

    @Test
    void fileAboveTheDocumentIsNotRead() throws IOException {
        for (String place :
                new String[] {"../secret.yaml", "schemas/../../secret.yaml", "file:../secret.yaml", "/etc/hosts"}) {
            Files.writeString(
                    root,
                    "openapi: 3.1.0\npaths: { /a: { post: { requestBody: { content: { application/json: "
                            + "{ schema: { $ref: '" + place + "' } } } } } } }\n");

            OpenApiReader.Read read = read();

            assertThat(read.operations().get(0).definition().toString())
                    .as(place)
                    .doesNotContain("secret")
                    .doesNotContain("$ref");
            assertThat(read.remarks()).as(place).singleElement().asString().contains(place);
        }
    }

    @Test
    void fileThatCannotBeReadIsNamed() throws IOException {
        Files.writeString(root.resolveSibling("common.json"), "{");
        assertThatThrownBy(this::read).isInstanceOf(Unreadable.class).hasMessageContaining("in its file common.json, ");

        Files.delete(root.resolveSibling("common.json"));
        assertThat(read().remarks())
                .contains(
                        "the reference to common.json#/parameters/Tenant is left open: it leads out of the document, or"
                                + " to nothing in it");
    }

    @Test
    void filesThatAreTooLargeTogetherAreRefused() {
        assertThatThrownBy(() -> DocumentFiles.read(root, 800)).hasMessageContaining("larger than");
    }
}
