package io.sluice.comparators;

import io.modelcontextprotocol.client.McpAsyncClient;
import io.modelcontextprotocol.client.McpClient;
import io.modelcontextprotocol.client.transport.HttpClientStreamableHttpTransport;
import io.modelcontextprotocol.server.McpAsyncServer;
import io.modelcontextprotocol.server.McpServer;
import io.modelcontextprotocol.server.McpServerFeatures.AsyncToolSpecification;
import io.modelcontextprotocol.server.transport.HttpServletStreamableServerTransportProvider;
import io.modelcontextprotocol.spec.McpSchema;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.apache.catalina.Context;
import org.apache.catalina.Wrapper;
import org.apache.catalina.startup.Tomcat;

/** Offers the tools of one server again, each call passed on by the SDK's client: arguments are its own port and the server's, which is asked at {@code /legacy}. */
public final class SdkProxy {
    private static final Logger CONTAINER = Logger.getLogger("org.apache");

    private SdkProxy() {}

    public static void main(String[] args) throws Exception {
        CONTAINER.setLevel(Level.SEVERE);
        McpAsyncClient client = McpClient.async(HttpClientStreamableHttpTransport.builder("http://127.0.0.1:" + args[1])
                        .endpoint("/legacy")
                        .build())
                .requestTimeout(Duration.ofSeconds(30))
                .build();
        client.initialize().block();
        List<AsyncToolSpecification> tools = new ArrayList<>();
        for (McpSchema.Tool tool : client.listTools().block().tools()) {
            tools.add(AsyncToolSpecification.builder()
                    .tool(tool)
                    .callHandler((exchange, request) -> client.callTool(request))
                    .build());
        }
        HttpServletStreamableServerTransportProvider transport =
                HttpServletStreamableServerTransportProvider.builder().mcpEndpoint("/mcp").build();
        McpAsyncServer server = McpServer.async(transport)
                .serverInfo("proxy", "1")
                .requestTimeout(Duration.ofSeconds(30))
                .capabilities(McpSchema.ServerCapabilities.builder().tools(true).build())
                .tools(tools)
                .build();
        String scratch = Files.createTempDirectory("sdk-proxy").toString();
        Tomcat tomcat = new Tomcat();
        tomcat.setBaseDir(scratch);
        tomcat.setPort(Integer.parseInt(args[0]));
        tomcat.getConnector().setProperty("address", "127.0.0.1");
        tomcat.getConnector().setProperty("maxKeepAliveRequests", "-1");
        Context context = tomcat.addContext("", scratch);
        Wrapper servlet = Tomcat.addServlet(context, "mcp", transport);
        servlet.setAsyncSupported(true);
        servlet.addMapping("/*");
        tomcat.start();
        System.out.println("ready " + server.getServerInfo().name());
        tomcat.getServer().await();
    }
}
