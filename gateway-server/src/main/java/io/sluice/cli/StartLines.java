package io.sluice.cli;

import io.sluice.auth.NamedToken;
import io.sluice.config.ConfigSources;
import io.sluice.config.GatewayConfig;
import io.sluice.config.StartCheck;
import io.sluice.registry.Backend;
import io.sluice.server.Version;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.slf4j.event.Level;

/** What a person wants to know when the gateway has started. */
final class StartLines {
    private StartLines() {}

    /** One line of the log. */
    record Line(Level level, String text) {}

    static List<Line> of(GatewayConfig config, InetSocketAddress address, ConfigSources sources, Duration took) {
        List<Line> lines = new ArrayList<>();
        String base = base(config, address);
        lines.add(info("Sluice " + Version.current() + " listens on " + base + "/mcp, started in "
                + String.format(Locale.ROOT, "%.1f s", took.toMillis() / 1000.0)));
        lines.add(info(backends(config, sources, base)));
        lines.addAll(callers(config));
        if (!sources.files().isEmpty()) {
            lines.add(info("Changes of " + names(sources) + " are applied while running"));
        }
        return lines;
    }

    private static String base(GatewayConfig config, InetSocketAddress address) {
        String host = config.server().host();
        String shown = host.contains(":") && !host.startsWith("[") ? "[" + host + "]" : host;
        return (config.server().tls().isPresent() ? "https://" : "http://") + shown + ":" + address.getPort();
    }

    private static String backends(GatewayConfig config, ConfigSources sources, String base) {
        List<String> names = config.backends().stream().map(Backend::name).toList();
        String from = sources.files().isEmpty() ? "" : " from " + names(sources);
        return switch (names.size()) {
            case 0 -> "No backend yet" + from + "; one can be registered: POST " + base + "/register";
            case 1 -> "1 backend" + from + ": " + names.get(0) + ", alone on " + base + "/mcp/" + names.get(0);
            default ->
                names.size() + " backends" + from + ": " + String.join(", ", names) + ", each alone on " + base
                        + "/mcp/{name}";
        };
    }

    private static List<Line> callers(GatewayConfig config) {
        List<NamedToken> tokens = config.auth().tokens();
        if (tokens.isEmpty()) {
            return List.of(new Line(Level.WARN, "Every caller is 'local' with all rights: no token is configured"));
        }
        List<Line> lines = new ArrayList<>();
        String names = tokens.stream().map(NamedToken::name).distinct().collect(Collectors.joining(", "));
        lines.add(info("Every call needs a bearer token; callers known: " + names));
        if (config.server().tls().isEmpty()
                && !StartCheck.isLoopback(config.server().host())) {
            lines.add(new Line(
                    Level.WARN, "Tokens travel in clear text: put a proxy with TLS in front, or configure server.tls"));
        }
        return lines;
    }

    private static String names(ConfigSources sources) {
        return sources.files().stream().map(Path::toString).collect(Collectors.joining(", "));
    }

    private static Line info(String text) {
        return new Line(Level.INFO, text);
    }
}
