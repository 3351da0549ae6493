package io.sluice.benchmarks.load;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.Optional;
import java.util.function.Supplier;

/** What one connection says, and what it must hear. Not for use by two threads. */
interface Conversation {
    /** What comes next before the first call, if anything; each is answered to {@link #opened} before it is asked again. */
    default Optional<byte[]> opening() {
        return Optional.empty();
    }

    default void opened(HttpReader answer) {}

    /** A whole request. */
    byte[] call(long id);

    /** What is wrong with the answer to the call of that id, or empty. */
    Optional<String> fault(long id, HttpReader answer);

    /** Calls of one tool, of either era. The id and a text made of it must come back. */
    final class Calls implements Conversation {
        private final Scenario scenario;
        private final String path;
        private final Supplier<String> tools;
        private final byte[] end = "\"isError\":false}}".getBytes(UTF_8);
        private final String ballast;
        private String session = "";
        private boolean ready;

        Calls(Scenario scenario, String path, String tool) {
            this(scenario, path, () -> tool);
        }

        /** @param tools asked for each call */
        Calls(Scenario scenario, String path, Supplier<String> tools) {
            this.scenario = scenario;
            this.path = path;
            this.tools = tools;
            this.ballast = scenario.ballast();
        }

        @Override
        public Optional<byte[]> opening() {
            if (scenario.modern() || ready) {
                return Optional.empty();
            }
            if (session.isEmpty()) {
                return Optional.of(Requests.legacy(path, "", Requests.INITIALIZE));
            }
            ready = true;
            return Optional.of(Requests.legacy(path, session, Requests.INITIALIZED));
        }

        @Override
        public void opened(HttpReader answer) {
            if (session.isEmpty()) {
                session = answer.header("Mcp-Session-Id");
            }
            if (session.isEmpty()) {
                throw new IllegalStateException("no session was opened: " + answer.status() + " " + answer.body());
            }
        }

        @Override
        public byte[] call(long id) {
            String tool = tools.get();
            String argument = "\"text\":\"asked in " + id + "\"" + ballast;
            if (scenario.modern()) {
                return Requests.post(
                        path,
                        "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: " + tool + "\r\n",
                        Requests.modernBody(
                                id, "tools/call", "\"name\":\"" + tool + "\",\"arguments\":{" + argument + "}"));
            }
            return Requests.legacy(
                    path,
                    session,
                    "{\"jsonrpc\":\"2.0\",\"id\":" + id + ",\"method\":\"tools/call\",\"params\":{\"name\":\"" + tool
                            + "\",\"arguments\":{" + argument + "}}}");
        }

        @Override
        public Optional<String> fault(long id, HttpReader answer) {
            if (answer.status() != 200) {
                return Optional.of("status " + answer.status() + ": " + answer.body());
            }
            if (answer.bodyLength() < scenario.leastBytes()) {
                return Optional.of("only " + answer.bodyLength() + " bytes: " + answer.body());
            }
            int from = Math.max(0, answer.bodyLength() - scenario.leastBytes());
            boolean whole = answer.indexOf(end, Math.max(0, answer.bodyLength() - 40)) >= 0;
            boolean ours =
                    answer.indexOf(("\"id\":" + id + ",\"result\"").getBytes(UTF_8), scenario.events() ? from : 0) >= 0
                            && answer.indexOf(
                                            ("\"text\":\"asked in " + id + "\"").getBytes(UTF_8),
                                            scenario.events() ? from : 0)
                                    >= 0;
            return whole && ours ? Optional.empty() : Optional.of("not the answer to " + id + ": " + answer.body());
        }
    }
}
