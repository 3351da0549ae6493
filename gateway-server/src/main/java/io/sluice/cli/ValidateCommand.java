package io.sluice.cli;

import io.sluice.catalog.Listing;
import io.sluice.config.ConfigReader;
import io.sluice.config.ConfigSources;
import io.sluice.config.GatewayConfig;
import io.sluice.config.Reading;
import io.sluice.config.StartCheck;
import io.sluice.registry.Backend;
import io.sluice.server.OnlineCheck;
import io.sluice.server.Version;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code sluice validate}: every fault of the files, without starting anything. */
@Command(
        name = "validate",
        mixinStandardHelpOptions = true,
        description = {
            "Checks configuration files, merged in their order, with the variables of this environment.",
            "Prints file:line:column and a sentence for each fault. Connects to nothing, unless --online says so."
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:no fault", "1:at least one fault, or with --online a backend that cannot be used", "2:usage"
        },
        footerHeading = "%nExamples:%n",
        footer = {
            "  sluice validate mcp.json",
            "  sluice validate base.yaml production.yaml",
            "  sluice validate --online mcp.json"
        })
@SuppressWarnings("NullAway.Init") // picocli sets the annotated fields
final class ValidateCommand implements Callable<Integer> {
    private final Map<String, String> environment;

    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "FILE", arity = "1..*", description = "JSON or YAML; later files win.")
    private List<Path> files;

    @Option(names = "--online", description = "Also ask each server what it speaks and offers, as the gateway would.")
    private boolean online;

    ValidateCommand(Map<String, String> environment) {
        this.environment = Map.copyOf(environment);
    }

    @Override
    public Integer call() {
        PrintWriter out = spec.commandLine().getOut();
        Reading reading = ConfigReader.read(new ConfigSources(files, environment, List.of()));
        List<String> faults = new ArrayList<>();
        reading.faults().forEach(fault -> faults.add(fault.toString()));
        reading.config()
                .ifPresent(config -> StartCheck.faults(config, RunCommand.isDemo(environment))
                        .forEach(sentence -> faults.add(names() + ": " + sentence)));
        reading.notes().forEach(note -> out.println(note.at() + ": note: " + note.sentence()));
        faults.forEach(out::println);
        if (!faults.isEmpty()) {
            out.println(faults.size() == 1 ? "1 fault" : faults.size() + " faults");
            return 1;
        }
        out.println(names() + ": good, "
                + reading.config().map(ValidateCommand::summary).orElse(""));
        return online ? reading.config().map(config -> ask(config, out)).orElse(0) : 0;
    }

    private static int ask(GatewayConfig config, PrintWriter out) {
        Logging.quiet();
        int broken = 0;
        int width = config.backends().stream()
                .mapToInt(backend -> backend.name().length())
                .max()
                .orElse(0);
        for (OnlineCheck.Found found :
                new OnlineCheck(Version.current(), config).run().toIterable()) {
            broken += found.usable() ? 0 : 1;
            String name = String.format("  %-" + width + "s  ", found.backend().name());
            out.println(name
                    + found.trouble()
                            .or(() -> found.listing().map(ValidateCommand::offers))
                            .orElse(""));
            out.flush();
        }
        if (broken > 0) {
            out.println(broken + " of " + config.backends().size() + " cannot be used");
        }
        return broken > 0 ? 1 : 0;
    }

    private static String offers(Listing listing) {
        return "ok, speaks " + listing.version().wire() + ": "
                + counted(listing.tools().size(), "tool") + ", "
                + counted(listing.prompts().size(), "prompt") + ", "
                + counted(
                        listing.resources().size() + listing.resourceTemplates().size(), "resource");
    }

    private static String counted(int number, String noun) {
        return number + " " + noun + (number == 1 ? "" : "s");
    }

    private String names() {
        return files.stream().map(Path::toString).collect(Collectors.joining(", "));
    }

    private static String summary(GatewayConfig config) {
        List<String> names = config.backends().stream().map(Backend::name).toList();
        return switch (names.size()) {
            case 0 -> "no backend";
            case 1 -> "1 backend (" + names.get(0) + ")";
            default -> names.size() + " backends (" + String.join(", ", names) + ")";
        };
    }
}
