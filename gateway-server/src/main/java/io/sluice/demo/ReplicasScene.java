package io.sluice.demo;

import java.io.IOException;
import java.io.PrintWriter;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;

/**
 * What the demo shows with several replicas: one is killed between two calls of a session, one is stopped in the midst of
 * a call that reports progress, and the agent notices neither.
 */
final class ReplicasScene {
    private static final Duration STOPPED = Duration.ofSeconds(60);
    private static final int NUMBERS = 30;
    private static final int EVERY_MILLIS = 100;

    private final PrintWriter out;
    private final DemoHttp http;
    private final URI endpoint;
    private final String token;
    private final List<Replica> replicas;
    private boolean unnoticed = true;

    ReplicasScene(PrintWriter out, DemoHttp http, URI endpoint, String token, List<Replica> replicas) {
        this.out = out;
        this.http = http;
        this.endpoint = endpoint;
        this.token = token;
        this.replicas = replicas;
    }

    /** Whether the agent noticed nothing. */
    boolean play() throws IOException, InterruptedException {
        out.println();
        out.println("An agent opens a session and calls a tool that counts the calls of its session:");
        try {
            ReplicaAgent agent = new ReplicaAgent(endpoint, token);
            agent.initialize();
            killBetweenCalls(agent);
            stopDuringACall(agent);
            agent.leave();
        } catch (DemoFailure failure) {
            noticed(String.valueOf(failure.getMessage()));
        }
        out.println();
        out.println(unnoticed ? "What the agent noticed: nothing." : "The agent noticed, and should not have.");
        out.flush();
        return unnoticed;
    }

    private void killBetweenCalls(ReplicaAgent agent) throws DemoFailure, IOException, InterruptedException {
        for (int i = 1; i <= replicas.size(); i++) {
            count(agent, i);
        }
        Replica victim = of(agent.servedBy());
        victim.now().kill();
        say("kill -9 of " + victim);
        for (int i = replicas.size() + 1; i <= replicas.size() + 3; i++) {
            count(agent, i);
        }
        victim.start();
        victim.awaitReady(http);
        say(victim + " is back");
    }

    private void count(ReplicaAgent agent, int expected) throws DemoFailure {
        String counted = agent.tool("count");
        say("count → " + counted + "   (by " + of(agent.servedBy()) + ")");
        if (!counted.equals(Integer.toString(expected))) {
            noticed("it should have been " + expected + ": the session was not the same any more");
        }
    }

    private void stopDuringACall(ReplicaAgent agent) throws DemoFailure, InterruptedException {
        out.println();
        out.println("Then a tool that counts to " + NUMBERS + " aloud, one number every " + EVERY_MILLIS + " ms:");
        AtomicReference<Replica> stopped = new AtomicReference<>();
        ReplicaAgent.Counted counted = agent.count("countSlowly", NUMBERS, EVERY_MILLIS, number -> {
            if (number == NUMBERS / 3) {
                Replica serving = of(agent.servedBy());
                serving.now().terminate();
                stopped.set(serving);
                say("SIGTERM to " + serving + ", which serves the call, at number " + number);
            }
        });
        List<Integer> all = IntStream.rangeClosed(1, NUMBERS).boxed().toList();
        if (counted.numbers().equals(all)) {
            say("all " + NUMBERS + " numbers came once, and the result; the stream "
                    + (counted.resumptions() == 0 ? "ran to its end" : "was resumed by the client library"));
        } else {
            noticed("these numbers came: " + counted.numbers());
        }
        Replica serving = stopped.get();
        if (serving == null || !serving.now().awaitEnd(STOPPED)) {
            noticed("the replica did not stop");
        } else {
            say(serving + " has ended with exit code " + serving.now().exitCode());
        }
        count(agent, replicas.size() + 4);
    }

    private Replica of(String port) {
        return replicas.stream()
                .filter(replica -> Integer.toString(replica.port()).equals(port))
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("no replica listens on '" + port + "'"));
    }

    private void say(String line) {
        out.println("  " + line);
        out.flush();
    }

    private void noticed(String what) {
        unnoticed = false;
        say("FAILED: " + what);
    }
}
