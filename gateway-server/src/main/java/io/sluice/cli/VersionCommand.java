package io.sluice.cli;

import io.sluice.protocol.ProtocolVersion;
import io.sluice.server.Version;
import java.util.LinkedHashMap;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/** {@code sluice version}: which one this is and what it speaks. */
@Command(
        name = "version",
        mixinStandardHelpOptions = true,
        description = "Prints the version, the protocol revisions and the Java it runs on.",
        footerHeading = "%nExamples:%n",
        footer = {"  sluice version", "  sluice version -o json"})
@SuppressWarnings("NullAway.Init") // picocli sets the annotated fields
final class VersionCommand implements Runnable {
    /** How to print it. */
    enum Output {
        text,
        json
    }

    @Spec
    private CommandSpec spec;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FORMAT",
            defaultValue = "text",
            description = "text or json; default: ${DEFAULT-VALUE}.")
    private Output output;

    @Override
    public void run() {
        Map<String, Object> facts = new LinkedHashMap<>();
        facts.put("name", "sluice");
        facts.put("version", Version.current());
        facts.put("protocolVersions", ProtocolVersion.supported());
        facts.put("java", Runtime.version().toString());
        facts.put("os", System.getProperty("os.name") + " " + System.getProperty("os.arch"));
        spec.commandLine().getOut().println(output == Output.json ? json(facts) : text(facts));
    }

    private static String json(Map<String, Object> facts) {
        return JsonMapper.builder()
                .enable(SerializationFeature.INDENT_OUTPUT)
                .build()
                .writeValueAsString(facts);
    }

    private static String text(Map<String, Object> facts) {
        return "Sluice " + facts.get("version") + "\nMCP    " + String.join(", ", ProtocolVersion.supported())
                + "\nJava   " + facts.get("java") + " on " + facts.get("os");
    }

    /** What {@code --version} prints. */
    static final class Line implements IVersionProvider {
        @Override
        public String[] getVersion() {
            return new String[] {"Sluice " + Version.current()};
        }
    }
}
