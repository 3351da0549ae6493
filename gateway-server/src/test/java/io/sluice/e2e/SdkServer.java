package io.sluice.e2e;

import com.fasterxml.jackson.annotation.JsonTypeInfo;
import io.modelcontextprotocol.json.McpJsonMapper;
import io.modelcontextprotocol.json.jackson3.JacksonMcpJsonMapper;
import io.modelcontextprotocol.server.McpServer;
import io.modelcontextprotocol.server.McpServerFeatures.SyncCompletionSpecification;
import io.modelcontextprotocol.server.McpServerFeatures.SyncPromptSpecification;
import io.modelcontextprotocol.server.McpServerFeatures.SyncResourceSpecification;
import io.modelcontextprotocol.server.McpServerFeatures.SyncResourceTemplateSpecification;
import io.modelcontextprotocol.server.McpServerFeatures.SyncToolSpecification;
import io.modelcontextprotocol.server.McpSyncServer;
import io.modelcontextprotocol.server.McpSyncServerExchange;
import io.modelcontextprotocol.server.transport.HttpServletStreamableServerTransportProvider;
import io.modelcontextprotocol.spec.McpSchema;
import io.modelcontextprotocol.spec.McpSchema.CallToolRequest;
import io.modelcontextprotocol.spec.McpSchema.CallToolResult;
import jakarta.servlet.ServletException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.BiFunction;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.apache.catalina.Context;
import org.apache.catalina.LifecycleException;
import org.apache.catalina.Wrapper;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.startup.Tomcat;
import org.apache.catalina.valves.ValveBase;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/**
 * A server made of the MCP Java SDK and a servlet container, with something of everything that the protocol up to
 * 2025-11-25 has. Keeps which HTTP methods it was asked with. No tool throws: in this container the SDK then sometimes
 * breaks the connection off instead of answering.
 */
final class SdkServer implements AutoCloseable {
    private static final Map<String, Object> ANYTHING = Map.of("type", "object");

    /** Held, or its level would be forgotten. */
    private static final Logger CONTAINER = Logger.getLogger("org.apache");

    private final Tomcat tomcat = new Tomcat();
    private final McpSyncServer mcp;
    private final Requests requests = new Requests();

    private SdkServer(Path scratch) throws LifecycleException {
        HttpServletStreamableServerTransportProvider transport = HttpServletStreamableServerTransportProvider.builder()
                .mcpEndpoint("/mcp")
                .jsonMapper(json())
                .build();
        mcp = McpServer.sync(transport)
                .serverInfo("java-sdk", "2.1.0")
                .instructions("Ask for anything.")
                .requestTimeout(Duration.ofSeconds(10))
                .capabilities(McpSchema.ServerCapabilities.builder()
                        .tools(true)
                        .prompts(true)
                        .resources(true, true)
                        .logging()
                        .completions()
                        .build())
                .tools(
                        tool("add", numbers("a", "b"), SdkServer::add),
                        tool("count", ANYTHING, SdkServer::count),
                        tool("chat", ANYTHING, SdkServer::chat),
                        tool("think", ANYTHING, SdkServer::think),
                        tool("confirm", ANYTHING, SdkServer::confirm),
                        tool("visit", ANYTHING, SdkServer::visit),
                        tool("where", ANYTHING, SdkServer::where),
                        tool("whoami", ANYTHING, (exchange, request) -> text(exchange.sessionId())),
                        tool("echo", ANYTHING, (exchange, request) -> text("java")),
                        tool(
                                "fail",
                                ANYTHING,
                                (exchange, request) -> CallToolResult.builder()
                                        .addTextContent("out of paper")
                                        .isError(true)
                                        .build()))
                .prompts(new SyncPromptSpecification(
                        McpSchema.Prompt.builder("greet")
                                .description("Greets somebody")
                                .arguments(List.of(McpSchema.PromptArgument.builder("name")
                                        .required(true)
                                        .build()))
                                .build(),
                        (exchange, request) -> McpSchema.GetPromptResult.builder(List.of(
                                        McpSchema.PromptMessage.builder(
                                                        McpSchema.Role.USER,
                                                        content("Greet "
                                                                + request.arguments()
                                                                        .get("name")))
                                                .build()))
                                .build()))
                .resources(new SyncResourceSpecification(
                        McpSchema.Resource.builder("memo://today", "today").build(),
                        (exchange, request) -> memo(request.uri(), "nothing planned")))
                .resourceTemplates(new SyncResourceTemplateSpecification(
                        McpSchema.ResourceTemplate.builder("memo://day/{day}", "day")
                                .build(),
                        (exchange, request) -> memo(request.uri(), "planned for " + request.uri())))
                .completions(new SyncCompletionSpecification(
                        new McpSchema.PromptReference("greet"),
                        (exchange, request) ->
                                new McpSchema.CompleteResult(new McpSchema.CompleteResult.CompleteCompletion(
                                        List.of(request.argument().value() + "nna"), 1, false))))
                .build();
        CONTAINER.setLevel(Level.SEVERE);
        tomcat.setBaseDir(scratch.toString());
        tomcat.setPort(0);
        tomcat.getConnector().setProperty("address", "127.0.0.1");
        Context context = tomcat.addContext("", scratch.toString());
        Wrapper servlet = Tomcat.addServlet(context, "mcp", transport);
        servlet.setAsyncSupported(true);
        servlet.addMapping("/*");
        requests.setAsyncSupported(true);
        context.getPipeline().addValve(requests);
        tomcat.start();
    }

    /** Listens once this returns. */
    static SdkServer start(Path scratch) throws LifecycleException {
        return new SdkServer(scratch);
    }

    String url() {
        return "http://127.0.0.1:" + tomcat.getConnector().getLocalPort() + "/mcp";
    }

    McpSyncServer mcp() {
        return mcp;
    }

    /** Every request so far, as {@code POST session-id}. */
    List<String> requests() {
        return List.copyOf(requests.seen);
    }

    @Override
    public void close() throws LifecycleException {
        mcp.close();
        tomcat.stop();
        tomcat.destroy();
    }

    /** The SDK's mapper, but for a type id that Jackson 3.2 no longer writes beside a property of the same name. */
    private static McpJsonMapper json() {
        return new JacksonMcpJsonMapper(JsonMapper.builder()
                .addMixIn(McpSchema.ElicitRequest.class, WithoutTypeId.class)
                .build());
    }

    @JsonTypeInfo(use = JsonTypeInfo.Id.NONE)
    private interface WithoutTypeId {}

    static SyncToolSpecification tool(
            String name,
            Map<String, Object> schema,
            BiFunction<McpSyncServerExchange, CallToolRequest, CallToolResult> answer) {
        return new SyncToolSpecification(McpSchema.Tool.builder(name, schema).build(), answer);
    }

    static CallToolResult text(@Nullable String text) {
        return CallToolResult.builder().addTextContent(String.valueOf(text)).build();
    }

    private static McpSchema.TextContent content(String text) {
        return McpSchema.TextContent.builder(text).build();
    }

    private static Map<String, Object> numbers(String... names) {
        Map<String, Object> number = Map.of("type", "number");
        return Map.of(
                "type", "object", "properties", Map.of(names[0], number, names[1], number), "required", List.of(names));
    }

    private static CallToolResult add(McpSyncServerExchange exchange, CallToolRequest request) {
        long sum = number(request, "a") + number(request, "b");
        return CallToolResult.builder()
                .addTextContent(Long.toString(sum))
                .structuredContent(Map.of("sum", sum))
                .build();
    }

    private static long number(CallToolRequest request, String argument) {
        return request.arguments().get(argument) instanceof Number number ? number.longValue() : 0;
    }

    /** Says how far it is, three times. */
    private static CallToolResult count(McpSyncServerExchange exchange, CallToolRequest request) {
        for (int step = 1; step <= 3; step++) {
            exchange.progressNotification(McpSchema.ProgressNotification.builder(request.progressToken(), step)
                    .total(3.0)
                    .message("step " + step)
                    .build());
        }
        return text("counted");
    }

    private static CallToolResult chat(McpSyncServerExchange exchange, CallToolRequest request) {
        exchange.loggingNotification(
                McpSchema.LoggingMessageNotification.builder(McpSchema.LoggingLevel.DEBUG, "a detail")
                        .logger("chat")
                        .build());
        exchange.loggingNotification(
                McpSchema.LoggingMessageNotification.builder(McpSchema.LoggingLevel.WARNING, "a warning")
                        .logger("chat")
                        .build());
        return text("chatted");
    }

    private static CallToolResult think(McpSyncServerExchange exchange, CallToolRequest request) {
        if (exchange.getClientCapabilities().sampling() == null) {
            return CallToolResult.builder()
                    .addTextContent("I cannot think for a client without sampling")
                    .isError(true)
                    .build();
        }
        McpSchema.CreateMessageResult thought = exchange.createMessage(McpSchema.CreateMessageRequest.builder(
                        List.of(McpSchema.SamplingMessage.builder(McpSchema.Role.USER, content("a word?"))
                                .build()),
                        20)
                .build());
        return text(thought.model() + " says " + ((McpSchema.TextContent) thought.content()).text());
    }

    private static CallToolResult confirm(McpSyncServerExchange exchange, CallToolRequest request) {
        McpSchema.ElicitResult answer = exchange.createElicitation(McpSchema.ElicitFormRequest.builder(
                        "sure?", Map.of("type", "object", "properties", Map.of("sure", Map.of("type", "boolean"))))
                .build());
        return text(answer.action() + " " + answer.content());
    }

    private static CallToolResult visit(McpSyncServerExchange exchange, CallToolRequest request) {
        McpSchema.ElicitResult answer = exchange.createElicitation(
                McpSchema.ElicitUrlRequest.builder("please sign in", "https://example.com/sign-in", "e-1")
                        .build());
        return text(answer.action().toString());
    }

    private static CallToolResult where(McpSyncServerExchange exchange, CallToolRequest request) {
        return text(exchange.listRoots().roots().toString());
    }

    private static McpSchema.ReadResourceResult memo(String uri, String text) {
        return McpSchema.ReadResourceResult.builder(List.of(
                        McpSchema.TextResourceContents.builder(uri, text).build()))
                .build();
    }

    private static final class Requests extends ValveBase {
        private final Queue<String> seen = new ConcurrentLinkedQueue<>();

        @Override
        public void invoke(Request request, Response response) throws IOException, ServletException {
            seen.add(request.getMethod() + " " + request.getHeader("Mcp-Session-Id"));
            getNext().invoke(request, response);
        }
    }
}
