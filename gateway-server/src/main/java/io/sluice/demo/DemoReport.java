package io.sluice.demo;

import java.io.PrintWriter;
import java.util.List;

/** What the demo prints once the tour is over. */
final class DemoReport {
    private static final String GREEN = "\u001b[32m";
    private static final String RED = "\u001b[31m";
    private static final String PLAIN = "\u001b[0m";

    private final PrintWriter out;
    private final boolean colour;

    DemoReport(PrintWriter out, boolean colour) {
        this.out = out;
        this.colour = colour;
    }

    void table(List<GatewayTour.Stop> stops) {
        int result =
                stops.stream().mapToInt(stop -> stop.result().length()).max().orElse(0);
        String row = "  %-15s  %-8s  %-8s  %-6s  %-" + Math.max(result, 6) + "s  %6s%n";
        out.println();
        out.printf(row, "call", "backend", "era", "", "result", "ms");
        for (GatewayTour.Stop stop : stops) {
            String mark = stop.passed() ? "ok" : "FAILED";
            String line = String.format(
                    row,
                    stop.call(),
                    stop.backend(),
                    stop.era(),
                    mark,
                    stop.result(),
                    stop.took().toMillis());
            out.print(
                    colour
                            ? line.replaceFirst(
                                    " " + mark + " ", " " + (stop.passed() ? GREEN : RED) + mark + PLAIN + " ")
                            : line);
        }
        out.println();
        long failed = stops.stream().filter(stop -> !stop.passed()).count();
        out.println(
                failed == 0
                        ? "  All " + stops.size() + " calls did what they should."
                        : "  " + failed + " of " + stops.size() + " calls failed.");
    }

    /** The lines to try, with the ports and the token that are in use. */
    void invitation(int gateway, int shopping, int user, String token, long shoppingPid, int door) {
        String bearer = "-H \"Authorization: Bearer " + token + "\"";
        String json = "-H \"Content-Type: application/json\"";
        String mcp = "curl -X POST http://localhost:" + gateway + "/mcp " + json;
        out.printf("""

                Try it from another terminal.

                  Who is there:
                    curl http://localhost:%2$d/health
                    curl http://localhost:%3$d/health
                    curl http://localhost:%1$d/health
                    curl -X POST http://localhost:%1$d/services %4$s

                  What they offer, first without the token (401):
                    %6$s -d '{"jsonrpc":"2.0","id":1,"method":"tools/list"}'
                    %6$s %4$s -d '{"jsonrpc":"2.0","id":1,"method":"tools/list"}'

                  Call a tool of each:
                    %6$s %4$s -d '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"getProductById","arguments":{"id":"123"}}}'
                    %6$s %4$s -d '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"getUserById","arguments":{"id":"456"}}}'

                  Add a server of your own while it runs:
                    curl -X POST http://localhost:%1$d/register %5$s %4$s -d '{"name":"custom-service","url":"http://custom-service:3000"}'

                  Let an agent in:
                    claude mcp add --transport http sluice http://localhost:%1$d/mcp --header "Authorization: Bearer %7$s"

                  Break something, and call both tools again:
                    kill %8$d        # the shopping service

                  Or have something happen to a server with three endpoints, and see how its callers fare
                  (on a terminal: k, s or f, and Enter, here):
                    curl -N -X POST http://localhost:%9$d/demo/kill     # one endpoint dies, and comes back
                    curl -N -X POST http://localhost:%9$d/demo/slow     # one takes 20 times as long
                    curl -N -X POST http://localhost:%9$d/demo/flood    # three times as many calls as it can do

                Next: write your servers into mcp.json and run  ./sluice run mcp.json
                """, gateway, shopping, user, bearer, json, mcp, token, shoppingPid, door);
    }
}
