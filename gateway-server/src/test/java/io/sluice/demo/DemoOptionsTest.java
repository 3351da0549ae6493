package io.sluice.demo;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

class DemoOptionsTest {
    @ParameterizedTest
    @CsvSource({
        "--replicas, 0, --replicas is 0; give a number from 1 to 9",
        "--replicas, -3, --replicas is -3; give a number from 1 to 9",
        "--replicas, 10, --replicas is 10; give a number from 1 to 9",
        "--port, 99999, '--port is 99999, but ports go from 1 to 65535'",
        "--port, -1, '--port is -1, but ports go from 1 to 65535'",
        "--shopping-port, 65536, '--shopping-port is 65536, but'",
        "--user-port, 70000, '--user-port is 70000, but'"
    })
    void optionThatMakesNoSenseIsNamedAndNothingStarts(String option, String value, String sentence) {
        StringWriter said = new StringWriter();
        CommandLine demo = new CommandLine(DemoCommand.verbs(DemoOptionsTest.class)[0]).setErr(new PrintWriter(said));

        int code = demo.execute(option, value);

        assertThat(code).isEqualTo(2);
        assertThat(said.toString()).contains(sentence);
    }
}
