package io.sluice.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.Main;
import io.sluice.testing.HeldPort;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The part for gRPC, as the process has it. */
class GrpcPartTest {
    @TempDir
    private Path directory;

    /** The classes that the process loads while it asks a backend that nobody answers for. */
    private String loaded(String backend) throws Exception {
        Path file =
                Files.writeString(directory.resolve("mcp.json"), "{\"mcpServers\": {\"a\": %s}}".formatted(backend));
        Path classes = directory.resolve("classes");
        Path output = directory.resolve("output");
        Process process = new ProcessBuilder(List.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:TieredStopAtLevel=1",
                        "-Xlog:class+load=info:file=" + classes,
                        "-cp",
                        System.getProperty("java.class.path"),
                        Main.class.getName(),
                        "validate",
                        "--online",
                        file.toString()))
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(Files.readString(output)).contains("onnection refused");
        return Files.readString(classes);
    }

    @Test
    void isLoadedWhenABackendNeedsItAndNotBefore() throws Exception {
        try (HeldPort nobody = new HeldPort(0)) {
            String address = "\"url\": \"http://127.0.0.1:" + nobody.port() + "/\"";

            assertThat(loaded("{" + address + "}"))
                    .contains(" io.sluice.upstream.Upstream ")
                    .doesNotContain(" io.sluice.grpc.", " io.grpc.", " com.google.protobuf.", " com.google.common.");
            assertThat(loaded("{" + address + ", \"type\": \"grpc\"}"))
                    .contains(" io.sluice.grpc.GrpcService ", " io.grpc.netty.NettyChannelBuilder ");
        }
    }
}
