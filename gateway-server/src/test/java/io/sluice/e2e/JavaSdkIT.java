package io.sluice.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.modelcontextprotocol.client.McpClient;
import io.modelcontextprotocol.client.McpSyncClient;
import io.modelcontextprotocol.client.transport.HttpClientStreamableHttpTransport;
import io.modelcontextprotocol.spec.McpError;
import io.modelcontextprotocol.spec.McpSchema;
import io.modelcontextprotocol.spec.McpSchema.CallToolRequest;
import io.modelcontextprotocol.spec.McpSchema.CallToolResult;
import io.sluice.gateway.WireClient;
import io.sluice.testing.FakeBackend;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/**
 * The MCP Java SDK's client speaks to the MCP Java SDK's server, and neither knows of the gateway in between: on the
 * server's own mount, and on the aggregate, which it shares with a backend of the other era.
 */
final class JavaSdkIT {
    private static final String AGGREGATE = "/mcp";
    private static final String ALONE = "/mcp/java";

    @TempDir
    static Path scratch;

    private static SdkServer sdk;
    private static FakeBackend news;
    private static InProcess gateway;

    /** The SDK hands out what it is told on several threads: none of these is in order. */
    private final Queue<McpSchema.ProgressNotification> progress = new ConcurrentLinkedQueue<>();

    private final List<McpSyncClient> clients = new ArrayList<>();
    private final Queue<McpSchema.LoggingMessageNotification> logged = new ConcurrentLinkedQueue<>();
    private final Queue<List<String>> changedTools = new ConcurrentLinkedQueue<>();
    private final Queue<String> updated = new ConcurrentLinkedQueue<>();

    @BeforeAll
    static void start() throws Exception {
        sdk = SdkServer.start(scratch);
        news = FakeBackend.modern().tool("headlines", arguments -> "quiet");
        gateway = InProcess.start(scratch, """
                        server: { port: 0, drainTimeout: 1s }
                        mcpServers:
                          java: { url: "%s" }
                          news: { url: "%s" }
                        """.formatted(sdk.url(), news.url())).whenListed("java", "news");
    }

    @AfterAll
    static void stop() throws Exception {
        gateway.close();
        news.close();
        sdk.close();
    }

    @AfterEach
    void closeClients() {
        clients.forEach(McpSyncClient::closeGracefully);
    }

    @Test
    void initializeOfAMountSpeaksForItsServer() {
        McpSyncClient client = client(ALONE);

        McpSchema.InitializeResult result = client.initialize();

        assertThat(result.protocolVersion()).isEqualTo("2025-11-25");
        assertThat(result.serverInfo().name()).isEqualTo("java-sdk");
        assertThat(result.instructions()).isEqualTo("Ask for anything.");
        assertThat(result.capabilities().resources().subscribe()).isTrue();
        assertThat(result.capabilities().completions()).isNotNull();
        assertThat(client.ping()).isNotNull();
    }

    @Test
    void initializeOfTheAggregateSpeaksForTheGateway() {
        McpSchema.InitializeResult result = client(AGGREGATE).initialize();

        assertThat(result.serverInfo().name()).isEqualTo("sluice");
        assertThat(result.capabilities().tools().listChanged()).isTrue();
        assertThat(result.capabilities().prompts()).isNotNull();
        assertThat(result.capabilities().logging()).isNotNull();
    }

    @ParameterizedTest
    @ValueSource(strings = {AGGREGATE, ALONE})
    void listsAreThoseOfTheServer(String path) {
        McpSyncClient client = connected(path);

        assertThat(client.listTools().tools())
                .extracting(McpSchema.Tool::name)
                .contains("add", "count", "chat", "think", "confirm", "visit", "where", "fail");
        assertThat(client.listTools().tools())
                .filteredOn(tool -> tool.name().equals("add"))
                .singleElement()
                .satisfies(tool -> assertThat(tool.inputSchema()).containsEntry("required", List.of("a", "b")));
        assertThat(client.listPrompts().prompts())
                .singleElement()
                .satisfies(prompt -> assertThat(prompt.arguments())
                        .singleElement()
                        .satisfies(argument -> assertThat(argument.required()).isTrue()));
        assertThat(client.listResources().resources())
                .extracting(McpSchema.Resource::uri)
                .filteredOn(uri -> path.equals(ALONE) || !uri.equals("config://app") && !uri.equals("health://system"))
                .containsExactly("memo://today");
        assertThat(client.listResourceTemplates().resourceTemplates())
                .extracting(McpSchema.ResourceTemplate::uriTemplate)
                .containsExactly("memo://day/{day}");
    }

    @ParameterizedTest
    @ValueSource(strings = {AGGREGATE, ALONE})
    void callsReachTheServer(String path) {
        McpSyncClient client = connected(path);

        CallToolResult sum = client.callTool(call("add", Map.of("a", 40, "b", 2)));
        McpSchema.GetPromptResult prompt = client.getPrompt(McpSchema.GetPromptRequest.builder("greet")
                .arguments(Map.of("name", "Ada"))
                .build());
        McpSchema.ReadResourceResult today = client.readResource(
                McpSchema.ReadResourceRequest.builder("memo://today").build());
        McpSchema.ReadResourceResult monday = client.readResource(
                McpSchema.ReadResourceRequest.builder("memo://day/monday").build());
        McpSchema.CompleteResult completed = client.completeCompletion(McpSchema.CompleteRequest.builder(
                        new McpSchema.PromptReference("greet"),
                        new McpSchema.CompleteRequest.CompleteArgument("name", "Ha"))
                .build());

        assertThat(text(sum)).isEqualTo("42");
        assertThat(sum.structuredContent()).isEqualTo(Map.of("sum", 42));
        assertThat(prompt.messages())
                .extracting(message -> ((McpSchema.TextContent) message.content()).text())
                .containsExactly("Greet Ada");
        assertThat(((McpSchema.TextResourceContents) today.contents().get(0)).text())
                .isEqualTo("nothing planned");
        assertThat(((McpSchema.TextResourceContents) monday.contents().get(0)).text())
                .isEqualTo("planned for memo://day/monday");
        assertThat(completed.completion().values()).containsExactly("Hanna");
    }

    @Test
    void aggregateCallsEachBackendWhateverItsEra() {
        McpSyncClient client = connected(AGGREGATE);

        assertThat(text(client.callTool(call("headlines", Map.of())))).isEqualTo("quiet");
        assertThat(text(client.callTool(call("java__add", Map.of("a", 1, "b", 2)))))
                .isEqualTo("3");
        assertThat(text(client.callTool(call("java__echo", Map.of())))).isEqualTo("java");
        assertThat(text(client.callTool(call("news__echo", Map.of("of", "news")))))
                .isEqualTo("{\"of\":\"news\"}");
    }

    @ParameterizedTest
    @ValueSource(strings = {AGGREGATE, ALONE})
    void progressArrivesUnderTheClientsToken(String path) {
        McpSyncClient client = connected(path);

        CallToolResult result = client.callTool(CallToolRequest.builder("count")
                .arguments(Map.of())
                .progressToken("token-7")
                .build());

        assertThat(text(result)).isEqualTo("counted");
        await().atMost(InProcess.PATIENCE)
                .untilAsserted(() -> assertThat(progress)
                        .extracting(McpSchema.ProgressNotification::progress)
                        .containsExactlyInAnyOrder(1.0, 2.0, 3.0));
        assertThat(progress)
                .extracting(McpSchema.ProgressNotification::progressToken)
                .containsOnly("token-7");
        assertThat(progress).extracting(McpSchema.ProgressNotification::message).contains("step 2");
    }

    @ParameterizedTest
    @ValueSource(strings = {AGGREGATE, ALONE})
    void logLevelOfTheClientHoldsAtTheServer(String path) {
        McpSyncClient client = connected(path);

        client.setLoggingLevel(McpSchema.LoggingLevel.WARNING);
        client.callTool(call("chat", Map.of()));

        await().atMost(InProcess.PATIENCE)
                .untilAsserted(() -> assertThat(logged)
                        .extracting(McpSchema.LoggingMessageNotification::data)
                        .contains("a warning"));
        client.setLoggingLevel(McpSchema.LoggingLevel.DEBUG);
        client.callTool(call("chat", Map.of()));
        await().atMost(InProcess.PATIENCE)
                .untilAsserted(() -> assertThat(logged)
                        .extracting(McpSchema.LoggingMessageNotification::data)
                        .containsExactlyInAnyOrder("a warning", "a detail", "a warning"));
    }

    @ParameterizedTest
    @ValueSource(strings = {AGGREGATE, ALONE})
    void serverAsksTheClientInTheMiddleOfACall(String path) {
        McpSyncClient client = connected(path);

        assertThat(text(client.callTool(call("think", Map.of())))).isEqualTo("tiny says a word? indeed");
        assertThat(text(client.callTool(call("confirm", Map.of())))).isEqualTo("ACCEPT {sure=true}");
        assertThat(text(client.callTool(call("visit", Map.of())))).isEqualTo("DECLINE");
        assertThat(text(client.callTool(call("where", Map.of())))).contains("file:///home/ada", "home");
    }

    @Test
    void serverLearnsWhatItsClientCannotDo() {
        McpSyncClient client = McpClient.sync(transport(ALONE)).build();
        clients.add(client);
        client.initialize();

        CallToolResult refused = client.callTool(call("think", Map.of()));

        assertThat(refused.isError()).isTrue();
        assertThat(text(refused)).isEqualTo("I cannot think for a client without sampling");
    }

    @ParameterizedTest
    @ValueSource(strings = {AGGREGATE, ALONE})
    void changedListIsToldAndListedAnew(String path) {
        McpSyncClient client = connected(path);
        client.listTools();
        String name = path.equals(ALONE) ? "late-alone" : "late";

        sdk.mcp()
                .addTool(SdkServer.tool(name, Map.of("type", "object"), (exchange, request) -> SdkServer.text("here")));

        await().atMost(InProcess.PATIENCE)
                .untilAsserted(() -> assertThat(changedTools).anyMatch(tools -> tools.contains(name)));
        assertThat(text(client.callTool(call(name, Map.of())))).isEqualTo("here");
        sdk.mcp().removeTool(name);
        await().atMost(InProcess.PATIENCE)
                .until(() -> client.listTools().tools().stream()
                        .noneMatch(tool -> tool.name().equals(name)));
    }

    @ParameterizedTest
    @ValueSource(strings = {AGGREGATE, ALONE})
    void updateOfAResourceReachesWhoSubscribed(String path) {
        McpSyncClient client = connected(path);

        client.subscribeResource(
                McpSchema.SubscribeRequest.builder("memo://today").build());
        await().atMost(InProcess.PATIENCE).untilAsserted(() -> {
            sdk.mcp().notifyResourcesUpdated(new McpSchema.ResourcesUpdatedNotification("memo://today"));
            assertThat(updated).contains("nothing planned");
        });

        client.unsubscribeResource(
                McpSchema.UnsubscribeRequest.builder("memo://today").build());
    }

    @ParameterizedTest
    @ValueSource(strings = {AGGREGATE, ALONE})
    void errorsAreThoseOfTheProtocol(String path) {
        McpSyncClient client = connected(path);

        CallToolResult failed = client.callTool(call("fail", Map.of()));
        CallToolResult unfit = client.callTool(call("add", Map.of("a", "forty")));

        assertThat(failed.isError()).isTrue();
        assertThat(text(failed)).isEqualTo("out of paper");
        assertThat(unfit.isError()).isTrue();
        assertThat(error(() -> client.callTool(call("nothing", Map.of())))).isEqualTo(-32602);
        assertThat(error(() -> client.getPrompt(
                        McpSchema.GetPromptRequest.builder("nothing").build())))
                .isEqualTo(-32602);
        assertThat(error(() -> client.readResource(
                        McpSchema.ReadResourceRequest.builder("memo://never").build())))
                .isEqualTo(-32002);
    }

    @ParameterizedTest
    @ValueSource(strings = {AGGREGATE, ALONE})
    void closedClientEndsItsSessionAtTheServer(String path) {
        McpSyncClient client = connected(path);
        String session = text(client.callTool(call("whoami", Map.of())));

        client.closeGracefully();

        await().atMost(InProcess.PATIENCE)
                .untilAsserted(() -> assertThat(sdk.requests()).contains("DELETE " + session));
    }

    @Test
    void clientsHaveSessionsOfTheirOwnAtTheServer() {
        McpSyncClient one = connected(ALONE);
        McpSyncClient other = connected(AGGREGATE);

        String first = text(one.callTool(call("whoami", Map.of())));
        String second = text(other.callTool(call("java__whoami", Map.of())));

        assertThat(first).hasSizeGreaterThan(20).isNotEqualTo(second);
        assertThat(text(one.callTool(call("whoami", Map.of())))).isEqualTo(first);
    }

    @ParameterizedTest
    @ValueSource(strings = {AGGREGATE, ALONE})
    void modernClientIsServedByTheLegacyServer(String path) {
        WireClient client = gateway.client(path);

        JsonNode discovered = answer(client.modern("1", "server/discover", ""));
        JsonNode tools = answer(client.modern("2", "tools/list", ""));
        JsonNode sum = answer(client.modern("3", "tools/call", "'name':'add','arguments':{'a':40,'b':2}"));
        JsonNode prompt = answer(client.modern("4", "prompts/get", "'name':'greet','arguments':{'name':'Ada'}"));
        JsonNode memo = answer(client.modern("5", "resources/read", "'uri':'memo://today'"));
        JsonNode completed = answer(client.modern(
                "6",
                "completion/complete",
                "'ref':{'type':'ref/prompt','name':'greet'},'argument':{'name':'name','value':'Ha'}"));

        assertThat(discovered.at("/result/supportedVersions").toString()).contains("2026-07-28");
        assertThat(tools.at("/result/tools").findValuesAsString("name")).contains("add", "think");
        assertThat(tools.at("/result/ttlMs").isNumber()).isTrue();
        assertThat(sum.path("id").asInt()).isEqualTo(3);
        assertThat(sum.at("/result/resultType").asString()).isEqualTo("complete");
        assertThat(sum.at("/result/structuredContent/sum").asInt()).isEqualTo(42);
        assertThat(prompt.at("/result/messages/0/content/text").asString()).isEqualTo("Greet Ada");
        assertThat(memo.at("/result/contents/0/text").asString()).isEqualTo("nothing planned");
        assertThat(memo.at("/result/cacheScope").asString()).isEqualTo("private");
        assertThat(completed.at("/result/completion/values/0").asString()).isEqualTo("Hanna");
    }

    @Test
    void modernClientSeesTheProgressOfALegacyServer() {
        WireClient client = gateway.client(ALONE);
        String body = WireClient.modernBody("9", "tools/call", "'name':'count','arguments':{}")
                .replace("'_meta':{", "'_meta':{'progressToken':'p-1',");

        WireClient.Got got = client.post(
                body, "MCP-Protocol-Version", "2026-07-28", "Mcp-Method", "tools/call", "Mcp-Name", "count");

        assertThat(got.events())
                .filteredOn(event -> event.path("method").asString("").equals("notifications/progress"))
                .allMatch(event -> event.at("/params/progressToken").asString().equals("p-1"))
                .extracting(event -> event.at("/params/progress").asInt())
                .containsExactly(1, 2, 3);
        assertThat(answer(got).at("/result/content/0/text").asString()).isEqualTo("counted");
    }

    @Test
    void serverLearnsThatAModernClientCannotBeAsked() {
        WireClient.Got got = gateway.client(ALONE).modern("7", "tools/call", "'name':'think','arguments':{}");

        assertThat(answer(got).path("id").asInt()).isEqualTo(7);
        assertThat(answer(got).at("/result/isError").asBoolean()).isTrue();
        assertThat(answer(got).toString()).contains("a client without sampling");
    }

    @Test
    void modernClientIsToldOfAnUnknownTool() {
        WireClient.Got got = gateway.client(ALONE).modern("8", "tools/call", "'name':'nothing','arguments':{}");

        assertThat(answer(got).at("/error/code").asInt()).isEqualTo(-32602);
        assertThat(answer(got).at("/error/message").asString()).contains("nothing");
    }

    private static HttpClientStreamableHttpTransport transport(String path) {
        return HttpClientStreamableHttpTransport.builder("http://127.0.0.1:" + gateway.port())
                .endpoint(path)
                .build();
    }

    /** A client that can do everything and keeps what it is told. */
    private McpSyncClient client(String path) {
        McpSyncClient client = McpClient.sync(transport(path))
                .requestTimeout(Duration.ofSeconds(15))
                .capabilities(McpSchema.ClientCapabilities.builder()
                        .roots(true)
                        .sampling()
                        .elicitation(true, true)
                        .build())
                .roots(new McpSchema.Root("file:///home/ada", "home"))
                .sampling(request -> McpSchema.CreateMessageResult.builder(
                                McpSchema.Role.ASSISTANT,
                                ((McpSchema.TextContent) request.messages()
                                                        .get(0)
                                                        .content())
                                                .text() + " indeed",
                                "tiny")
                        .build())
                .elicitation(request -> McpSchema.ElicitResult.builder(McpSchema.ElicitResult.Action.ACCEPT)
                        .content(Map.of("sure", true))
                        .build())
                .urlElicitation(request -> McpSchema.ElicitResult.builder(McpSchema.ElicitResult.Action.DECLINE)
                        .build())
                .progressConsumer(progress::add)
                .loggingConsumer(logged::add)
                .toolsChangeConsumer(tools -> changedTools.add(
                        tools.stream().map(McpSchema.Tool::name).toList()))
                .resourcesUpdateConsumer(contents ->
                        contents.forEach(content -> updated.add(((McpSchema.TextResourceContents) content).text())))
                .build();
        clients.add(client);
        return client;
    }

    private McpSyncClient connected(String path) {
        McpSyncClient client = client(path);
        client.initialize();
        return client;
    }

    private static CallToolRequest call(String name, Map<String, Object> arguments) {
        return CallToolRequest.builder(name).arguments(arguments).build();
    }

    private static String text(CallToolResult result) {
        return ((McpSchema.TextContent) result.content().get(0)).text();
    }

    /** The response, whether it came as JSON or as the last event of a stream. */
    private static JsonNode answer(WireClient.Got got) {
        return got.header("Content-Type").startsWith("text/event-stream")
                ? got.events().get(got.events().size() - 1)
                : got.json();
    }

    private static int error(Runnable call) {
        List<Throwable> thrown = new ArrayList<>();
        assertThatThrownBy(call::run).satisfies(thrown::add);
        assertThat(thrown.get(0)).isInstanceOf(McpError.class);
        return ((McpError) thrown.get(0)).getJsonRpcError().code();
    }
}
