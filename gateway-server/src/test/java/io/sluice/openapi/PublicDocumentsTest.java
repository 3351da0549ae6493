package io.sluice.openapi;

import static org.assertj.core.api.Assertions.assertThat;

import com.networknt.schema.InputFormat;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import io.sluice.adapter.Adapters;
import io.sluice.egress.EgressPolicy;
import io.sluice.gateway.TestGateway;
import io.sluice.gateway.WireClient;
import io.sluice.listener.HttpListener;
import io.sluice.openapi.Operation.Parameter;
import io.sluice.openapi.Operation.Place;
import io.sluice.registry.Backend;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.zip.GZIPInputStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import reactor.core.scheduler.Schedulers;
import reactor.netty.resources.LoopResources;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Documents of others (their sources and licences stand beside them): every operation becomes a tool, and the tools are called. {@link MockService} sees on the other side where each argument arrived.
 * In a build every tenth or second operation of the large documents is called; {@code -Dsluice.openapi.stride=1} calls all, which takes half a minute.
 */
class PublicDocumentsTest {
    private static final LoopResources LOOPS = HttpListener.newLoops("test-documents", 2);
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final SchemaRegistry SCHEMAS = SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12);

    private static byte[] document(String file) {
        try (InputStream in =
                Objects.requireNonNull(PublicDocumentsTest.class.getResourceAsStream("/openapi/" + file), file)) {
            return file.endsWith(".gz") ? new GZIPInputStream(in).readAllBytes() : in.readAllBytes();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "public/github.json.gz,1223,actions_add-custom-labels-to-self-hosted-runner-for-org",
        "public/kubernetes-core-v1.json.gz,248,connectCoreV1DeleteNamespacedPodProxy",
        "springdoc-orders.json,8,create"
    })
    void everyOperationIsAToolOfItsOwn(String file, int operations, String firstByName) {
        OpenApiReader.Read read = OpenApiReader.read(document(file), OpenApiSettings.of("/openapi.json"));

        List<String> names = read.operations().stream().map(Operation::tool).toList();
        assertThat(names)
                .hasSize(operations)
                .doesNotHaveDuplicates()
                .allMatch(name -> name.matches("[A-Za-z0-9_-]{1,64}"));
        assertThat(names.stream().sorted().findFirst()).hasValue(firstByName);
        Schema meta =
                SCHEMAS.getSchema("{\"$ref\":\"https://json-schema.org/draft/2020-12/schema\"}", InputFormat.JSON);
        assertThat(meta.validate("{\"type\":\"text\"}", InputFormat.JSON)).isNotEmpty();
        Set<String> seen = new HashSet<>();
        List<String> faults = new ArrayList<>();
        for (Operation operation : read.operations()) {
            for (String member : List.of("inputSchema", "outputSchema")) {
                JsonNode schema = operation.definition().path(member);
                closed(schema, schema.path("$defs"), operation.tool());
                if (schema.isObject()) {
                    schema.path("$defs").forEachEntry((name, each) -> {
                        if (seen.add(member + each)) {
                            meta.validate(each.toString(), InputFormat.JSON)
                                    .forEach(error -> faults.add(operation.tool() + " " + name + ": " + error));
                        }
                    });
                    meta.validate(
                                    ((ObjectNode) schema.deepCopy())
                                            .without("$defs")
                                            .toString(),
                                    InputFormat.JSON)
                            .forEach(error -> faults.add(operation.tool() + " " + member + ": " + error));
                }
            }
        }
        assertThat(faults).isEmpty();
    }

    private static void closed(JsonNode schema, JsonNode definitions, String tool) {
        JsonNode reference = schema.path("$ref");
        if (schema.isObject() && reference.isString()) {
            assertThat(reference.stringValue()).as(tool).startsWith("#/$defs/");
            assertThat(definitions.has(reference.stringValue().substring(8)))
                    .as(tool)
                    .isTrue();
        }
        schema.forEach(child -> closed(child, definitions, tool));
    }

    @ParameterizedTest
    @CsvSource({"public/github.json.gz,1223,10", "public/kubernetes-core-v1.json.gz,248,2", "springdoc-orders.json,8,1"
    })
    void everyArgumentOfEveryOperationArrivesInItsPlace(String file, int operations, int usualStride) {
        int stride = Integer.getInteger("sluice.openapi.stride", usualStride);
        byte[] bytes = document(file);
        OpenApiReader.Read read = OpenApiReader.read(bytes, OpenApiSettings.of("/openapi.json"));
        List<String> faults = new ArrayList<>();
        int called = 0;
        try (MockService service = new MockService(bytes, JSON.readTree(bytes));
                TestGateway gateway = gateway()) {
            gateway.with(Backend.of("api", service.url(), Backend.Source.FILE)
                    .via(OpenApiSettings.of("/openapi.json").transport()));
            WireClient client = gateway.client();
            for (int i = 0; i < read.operations().size(); i += stride) {
                Operation operation = read.operations().get(i);
                JsonNode schema = operation.definition().path("inputSchema");
                List<String> inHeaders = operation.parameters().stream()
                        .filter(parameter -> parameter.place() == Place.HEADER)
                        .map(Parameter::argument)
                        .toList();
                ObjectNode arguments = SampleArguments.of(schema, inHeaders);
                SCHEMAS
                        .getSchema(schema.toString(), InputFormat.JSON)
                        .validate(arguments.toString(), InputFormat.JSON)
                        .stream()
                        // GitHub writes oneOf where several may fit
                        .filter(error -> !error.getKeyword().equals("oneOf"))
                        .forEach(error -> faults.add(operation.tool() + " sample: " + error));
                String call = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\""
                        + operation.tool() + "\",\"arguments\":" + arguments + "}}";
                JsonNode result =
                        client.raw(call.getBytes(StandardCharsets.UTF_8)).json().path("result");
                MockService.Seen seen = service.taken();
                if (seen == null || result.path("isError").asBoolean(false)) {
                    faults.add(operation.tool() + ": " + result);
                } else {
                    compare(operation, arguments, seen, faults);
                    called++;
                }
            }
        }
        assertThat(faults).isEmpty();
        assertThat(called).isEqualTo((operations + stride - 1) / stride);
        System.out.println(
                file + ": " + called + " of " + operations + " operations called, every argument in its place");
    }

    private static TestGateway gateway() {
        return TestGateway.setUp()
                .upstream(settings -> settings.withProbeTimeout(TestGateway.PATIENCE)
                        .withAdapters(Adapters.of(Map.of(
                                OpenApiSettings.KIND,
                                new OpenApiAdapters(
                                        LOOPS,
                                        EgressPolicy.of(true, List.of()),
                                        "sluice/test",
                                        Schedulers.parallel())))))
                .start();
    }

    private static void compare(Operation operation, ObjectNode arguments, MockService.Seen seen, List<String> faults) {
        String tool = operation.tool();
        expect(faults, tool, "operation", operation.method() + " " + operation.path(), seen.operation());
        int queries = 0;
        for (Parameter parameter : operation.parameters()) {
            JsonNode value = arguments.path(parameter.argument());
            String name = parameter.name();
            switch (parameter.place()) {
                case PATH ->
                    expect(faults, tool, name, joined(value), seen.path().get(name));
                case HEADER ->
                    expect(faults, tool, name, joined(value), seen.headers().get(name));
                case COOKIE ->
                    expect(
                            faults,
                            tool,
                            name,
                            true,
                            String.valueOf(seen.headers().get("Cookie")).contains(name + "="));
                case QUERY -> {
                    List<Map.Entry<String, String>> pairs = pairs(parameter, value);
                    queries += pairs.size();
                    pairs.forEach(pair ->
                            expect(faults, tool, name, true, seen.query().contains(pair)));
                }
            }
        }
        expect(faults, tool, "query", queries, seen.query().size());
        operation.body().ifPresent(body -> {
            JsonNode value = arguments.path(body.argument());
            String type = String.valueOf(seen.headers().get("Content-Type"));
            expect(
                    faults,
                    tool,
                    "Content-Type",
                    true,
                    type.startsWith(body.mediaType().split(";", 2)[0]));
            if (OpenApiReader.isJson(body.mediaType())) {
                expect(faults, tool, "body", JSON.readTree(value.toString()), JSON.readTree(seen.body()));
            } else if (type.startsWith("multipart/")) {
                String text = new String(seen.body(), StandardCharsets.ISO_8859_1);
                value.propertyNames()
                        .forEach(part -> expect(faults, tool, part, true, text.contains("name=\"" + part + "\"")));
            } else {
                expect(faults, tool, "body", true, seen.body().length > 0);
            }
        });
    }

    private static List<Map.Entry<String, String>> pairs(Parameter parameter, JsonNode value) {
        String name = parameter.name();
        if (value.isArray() && parameter.explode()) {
            return value.valueStream().map(each -> Map.entry(name, text(each))).toList();
        }
        if (value.isObject() && parameter.style().equals("deepObject")) {
            return value.propertyStream()
                    .map(each -> Map.entry(name + "[" + each.getKey() + "]", text(each.getValue())))
                    .toList();
        }
        if (value.isObject() && parameter.explode()) {
            return value.propertyStream()
                    .map(each -> Map.entry(each.getKey(), text(each.getValue())))
                    .toList();
        }
        return List.of(Map.entry(name, joined(value)));
    }

    private static String joined(JsonNode value) {
        return value.isArray()
                ? String.join(
                        ",", value.valueStream().map(PublicDocumentsTest::text).toList())
                : text(value);
    }

    private static String text(JsonNode value) {
        return value.isString() ? value.stringValue() : value.toString();
    }

    private static void expect(
            List<String> faults, String tool, String what, Object expected, @Nullable Object actual) {
        if (!expected.equals(actual)) {
            faults.add(tool + " " + what + ": expected " + expected + ", arrived " + actual);
        }
    }
}
