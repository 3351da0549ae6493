package io.sluice.demo;

import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code sluice demo-child -- VERB …}: any other verb, in a process that ends when the demo does. */
@Command(name = "demo-child", hidden = true, description = "Runs another command for as long as the demo runs.")
@SuppressWarnings("NullAway.Init") // picocli sets the annotated fields
final class DemoChildCommand implements Callable<Integer> {
    static final String NAME = "demo-child";

    @Spec
    private CommandSpec spec;

    @Parameters(arity = "1..*", description = "The command and its arguments.")
    private List<String> words;

    @Override
    public Integer call() {
        ParentWatch.exitWithParent();
        return spec.root().commandLine().execute(words.toArray(new String[0]));
    }
}
