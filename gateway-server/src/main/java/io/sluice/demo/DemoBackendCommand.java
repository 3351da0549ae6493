package io.sluice.demo;

import java.io.IOException;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code sluice demo-backend}: one of the sample backends, until the process is stopped. */
@Command(
        name = "demo-backend",
        hidden = true,
        mixinStandardHelpOptions = true,
        description = "Runs one of the demo's sample MCP servers.")
@SuppressWarnings("NullAway.Init") // picocli sets the annotated fields
final class DemoBackendCommand implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "SERVICE", description = "shopping or user.")
    private String service;

    @Option(names = "--host", defaultValue = "127.0.0.1", description = "Address to listen on; ${DEFAULT-VALUE}.")
    private String host;

    @Option(names = "--port", defaultValue = "-1", description = "Port to listen on; 3002 for shopping, 3003 for user.")
    private int port;

    /** Runs until the thread is interrupted or the process ends. */
    @Override
    public Integer call() throws InterruptedException {
        SampleService which;
        try {
            which = SampleService.of(service);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), e.getMessage(), e);
        }
        String token = System.getenv("MCP_BEARER_TOKEN");
        if (token == null || token.isBlank()) {
            spec.commandLine()
                    .getErr()
                    .println("demo-backend: MCP_BEARER_TOKEN must hold the token that callers present");
            return 2;
        }
        try (SampleBackend backend = SampleBackend.start(which, host, port < 0 ? which.port() : port, token)) {
            spec.commandLine().getOut().println(which.serverName() + " listens on " + host + ":" + backend.port());
            spec.commandLine().getOut().flush();
            new CountDownLatch(1).await();
            return 0;
        } catch (IOException e) {
            spec.commandLine()
                    .getErr()
                    .println("demo-backend: cannot listen on " + host + ":" + port + ": " + e.getMessage());
            return 1;
        }
    }
}
