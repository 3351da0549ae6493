package io.sluice.cli;

import io.sluice.server.GatewayLauncher;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The command {@code sluice}, which does nothing by itself and holds the verbs. */
@Command(
        name = "sluice",
        mixinStandardHelpOptions = true,
        versionProvider = VersionCommand.Line.class,
        synopsisSubcommandLabel = "COMMAND",
        description = "An MCP gateway: agents connect to one endpoint, behind which many MCP servers stand.",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:done", "1:failed", "2:wrongly asked for: usage, or a faulty or unsafe configuration"},
        footerHeading = "%nExamples:%n",
        footer = {
            "  sluice demo                   try it: sample servers and a few calls",
            "  sluice run mcp.json           run with the file your MCP client has",
            "  sluice validate sluice.yaml   find what is wrong with a file",
            "  sluice run --help             more about one command"
        })
@SuppressWarnings("NullAway.Init") // picocli sets the annotated fields
public final class Sluice implements Runnable {
    @Spec
    private CommandSpec spec;

    private Sluice() {}

    /**
     * The command with all its verbs.
     *
     * @param environment the process's variables
     * @param furtherVerbs picocli commands from elsewhere, such as the demonstration
     */
    public static CommandLine commandLine(
            GatewayLauncher launcher, Map<String, String> environment, Object... furtherVerbs) {
        CommandLine commandLine = new CommandLine(new Sluice());
        for (Object verb : furtherVerbs) {
            commandLine.addSubcommand(verb);
        }
        commandLine
                .addSubcommand(new RunCommand(launcher, environment))
                .addSubcommand(new ValidateCommand(environment))
                .addSubcommand(new CommandLine(new ConfigCommand()).addSubcommand(new ConfigCommand.Schema()))
                .addSubcommand(new VersionCommand())
                .addSubcommand(new CommandLine.HelpCommand());
        return commandLine
                .setUsageHelpAutoWidth(true)
                .setAbbreviatedOptionsAllowed(false)
                .setExecutionExceptionHandler((failure, command, parsed) -> {
                    command.getErr()
                            .println(command.getCommandName() + ": "
                                    + (failure.getMessage() == null ? failure.toString() : failure.getMessage()));
                    return CommandLine.ExitCode.SOFTWARE;
                });
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "Say what to do: one of the commands below.");
    }
}
