package io.sluice.stdio;

import io.sluice.gateway.WireClient;
import io.sluice.protocol.RawJson;
import io.sluice.registry.Backend;
import io.sluice.registry.Endpoint;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/** The small server of the tests as a backend, and what is said to it. */
final class Programs {
    private Programs() {}

    static StdioSettings small(String like) {
        return StdioSettings.of("sh", List.of(script(), like));
    }

    private static String script() {
        try {
            return Path.of(Objects.requireNonNull(Programs.class.getResource("/stdio/small-server.sh"))
                            .toURI())
                    .toString();
        } catch (URISyntaxException e) {
            throw new IllegalStateException(e);
        }
    }

    static StdioSettings with(StdioSettings plain, Duration idle, Duration life, int maxRestarts) {
        return new StdioSettings(
                plain.command(), plain.args(), plain.env(), plain.cwd(), idle, life, plain.startTimeout(), maxRestarts);
    }

    static Backend backend(String name, StdioSettings settings, Backend.Source source) {
        return new Backend(
                name,
                List.of(Endpoint.inside(StdioSettings.KIND, name)),
                Map.of(),
                Optional.empty(),
                Backend.DEFAULT_TIMEOUT,
                List.of(),
                List.of(),
                List.<RawJson>of(),
                true,
                source,
                settings.transport());
    }

    /** The text that a tool answers, or the sentence in its place. */
    static String call(WireClient client, String tool) {
        return client.post("{'jsonrpc':'2.0','id':1,'method':'tools/call','params':{'name':'" + tool
                        + "','arguments':{}}}")
                .json()
                .at("/result/content/0/text")
                .asString("");
    }

    static boolean isAlive(String pid) {
        return ProcessHandle.of(Long.parseLong(pid))
                .filter(ProcessHandle::isAlive)
                .isPresent();
    }
}
