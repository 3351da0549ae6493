package io.sluice.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Writes real files and reads them back as a configuration. */
final class ConfigFiles {
    private final Path directory;
    private final Map<String, String> variables = new HashMap<>();

    ConfigFiles(Path directory) {
        this.directory = directory;
    }

    ConfigFiles variable(String name, String value) {
        variables.put(name, value);
        return this;
    }

    Path write(String name, String content) {
        return write(directory.resolve(name), content);
    }

    static Path write(Path file, String content) {
        try {
            return Files.writeString(file, content);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    ConfigSources sources(Path... files) {
        return new ConfigSources(List.of(files), variables, List.of());
    }

    Reading reading(String name, String content) {
        return ConfigReader.read(sources(write(name, content)));
    }

    GatewayConfig yaml(String content) {
        return good(reading("sluice.yaml", content));
    }

    GatewayConfig json(String content) {
        return good(reading("mcp.json", content));
    }

    /** The faults of a YAML file, with the directory's name left out. */
    List<String> faults(String content) {
        return faultsOf(reading("sluice.yaml", content));
    }

    List<String> faultsOf(Reading reading) {
        return reading.faults().stream()
                .map(fault -> fault.toString().replace(directory + "/", ""))
                .toList();
    }

    static GatewayConfig good(Reading reading) {
        assertThat(reading.faults()).isEmpty();
        return reading.config().orElseThrow();
    }
}
