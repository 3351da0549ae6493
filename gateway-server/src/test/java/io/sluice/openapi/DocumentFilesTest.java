package io.sluice.openapi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
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

    /** The root refers to each of these files in a schema of its own. */
    private void refersTo(String... files) throws IOException {
        StringBuilder schemas = new StringBuilder();
        for (int i = 0; i < files.length; i++) {
            schemas.append("    S")
                    .append(i)
                    .append(": { $ref: '")
                    .append(files[i])
                    .append("' }\n");
        }
        Files.writeString(root, "openapi: 3.1.0\npaths: {}\ncomponents:\n  schemas:\n" + schemas);
    }

    /** What the reference to the file that {@link #refersTo} named there became. */
    private JsonNode reference(int index) throws IOException {
        return OpenApiReader.tree(DocumentFiles.read(root, ENOUGH)).at("/components/schemas/S" + index + "/$ref");
    }

    @Test
    void hundredsOfFilesInARowAreRead() throws IOException {
        int files = 900;
        refersTo("f0.json");
        for (int i = 0; i < files; i++) {
            Files.writeString(
                    root.resolveSibling("f" + i + ".json"),
                    "{\"not\":".repeat(150) + "{\"$ref\":\"f" + (i + 1) + ".json\"}" + "}".repeat(150));
        }

        JsonNode read = OpenApiReader.tree(DocumentFiles.read(root, 4 * ENOUGH));

        String last = "/x-sluice-files/f" + (files - 2) + "/not".repeat(150) + "/$ref";
        assertThat(read.at(last).asString()).isEqualTo("#/x-sluice-files/f" + (files - 1));
    }

    @Test
    void fileNestedTooDeeplyIsNamed() throws IOException {
        refersTo("deep.yaml");
        int depth = 20_000;
        String json = "{\"not\":".repeat(depth) + "1" + "}".repeat(depth);
        for (String text : new String[] {json, "not: " + json}) {
            Files.writeString(root.resolveSibling("deep.yaml"), text);

            assertThatThrownBy(this::read)
                    .isInstanceOf(Unreadable.class)
                    .hasMessageContaining("in its file deep.yaml, ");
        }
    }

    @Test
    void whatCannotBeReadDoesNotCountAsSize() throws IOException {
        Files.createDirectory(root.resolveSibling("directory.yaml"));
        refersTo("directory.yaml", "directory.yaml#/a", "directory.yaml#/b");

        assertThat(DocumentFiles.read(root, Files.size(root))).isEqualTo(Files.readAllBytes(root));
    }

    @Test
    @EnabledOnOs({OS.LINUX, OS.MAC})
    @Timeout(value = 10, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void pipesAndDevicesAreNotRead() throws IOException, InterruptedException {
        Path pipe = root.resolveSibling("pipe.yaml");
        assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor())
                .isZero();
        refersTo("pipe.yaml");

        assertThat(reference(0).asString()).isEqualTo("pipe.yaml");
        assertThatThrownBy(() -> DocumentFiles.read(Path.of("/dev/zero"), ENOUGH))
                .isInstanceOf(IOException.class);
    }

    @Test
    void linkOutOfTheDirectoryIsNotFollowed() throws IOException {
        Files.createSymbolicLink(root.resolveSibling("link.yaml"), directory.resolve("secret.yaml"));
        Files.createSymbolicLink(root.resolveSibling("up"), directory);
        refersTo("link.yaml", "up/secret.yaml");

        assertThat(new String(DocumentFiles.read(root, ENOUGH), StandardCharsets.UTF_8))
                .doesNotContain("title: secret")
                .doesNotContain("\"secret\"");
        assertThat(reference(0).asString()).isEqualTo("link.yaml");
        assertThat(reference(1).asString()).isEqualTo("up/secret.yaml");
    }

    @Test
    void mountedConfigMapIsRead() throws IOException {
        Path mounted = Files.createDirectory(directory.resolve("mounted"));
        Path version = Files.createDirectory(mounted.resolve("..2026_01_01"));
        Files.createSymbolicLink(mounted.resolve("..data"), version.getFileName());
        for (String name : new String[] {"root.yaml", "pet.yaml"}) {
            Files.writeString(version.resolve(name), "type: object\n");
            Files.createSymbolicLink(mounted.resolve(name), Path.of("..data", name));
        }
        root = Files.createSymbolicLink(directory.resolve("linked"), mounted).resolve("root.yaml");
        refersTo("pet.yaml");

        assertThat(reference(0).asString()).isEqualTo("#/x-sluice-files/pet");
    }

    @Test
    void fileThatIsNoDocumentIsNotQuoted() throws IOException {
        refersTo("credentials");
        for (String content : new String[] {
            "{ hunter2 }",
            "{\"a\":hunter2",
            "user: hunter2: x\n",
            "- [hunter2\n",
            "\thunter2: %",
            "hunter2",
            "\"hunter2",
            "hunter2: \0"
        }) {
            Files.writeString(root.resolveSibling("credentials"), content);

            assertThatThrownBy(this::read)
                    .as(content)
                    .isInstanceOf(Unreadable.class)
                    .hasMessageContaining("in its file credentials, ")
                    .hasMessageNotContaining("hunter2");
        }
    }

    @Test
    void fileWithoutANameButItsEndingIsNotTheFirstFile() throws IOException {
        Files.writeString(root.resolveSibling(".yaml"), "type: object\n");
        refersTo(".yaml", "./.yaml#/properties/a");

        assertThat(reference(0).asString()).isEqualTo("#/x-sluice-files/file");
        assertThat(reference(1).asString()).isEqualTo("#/x-sluice-files/file/properties/a");
    }
}
