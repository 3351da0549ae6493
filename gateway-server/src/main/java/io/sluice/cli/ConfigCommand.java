package io.sluice.cli;

import io.sluice.config.ConfigSchema;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code sluice config}: about the configuration file's form. */
@Command(
        name = "config",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND",
        description = "About the form of the configuration file.")
@SuppressWarnings("NullAway.Init") // picocli sets the annotated fields
final class ConfigCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "Say what to do: one of the commands below.");
    }

    /** {@code sluice config schema}. */
    @Command(
            name = "schema",
            mixinStandardHelpOptions = true,
            description = "Prints the JSON Schema of the file, from which editors complete and check.",
            footerHeading = "%nExamples:%n",
            footer = {
                "  sluice config schema > sluice.schema.json",
                "  and as the first line of sluice.yaml:",
                "  # yaml-language-server: $schema=./sluice.schema.json"
            })
    @SuppressWarnings("NullAway.Init") // picocli sets the annotated fields
    static final class Schema implements Runnable {
        @Spec
        private CommandSpec spec;

        @Override
        public void run() {
            spec.commandLine().getOut().println(ConfigSchema.json());
        }
    }
}
