package io.sluice.demo;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where a person asks for trouble: {@code POST /demo/kill}, {@code /demo/slow} and {@code /demo/flood} on a port of the
 * loopback, and on a terminal the first letter of each and Enter. Threads of its own, until {@link #close()}.
 */
final class TroubleDoor implements AutoCloseable {
    static final int SECONDS = 5;
    private static final int MOST_SECONDS = 60;
    private static final Pattern QUERY = Pattern.compile("seconds=(\\d{1,2})");

    /** Plays it to the end. */
    interface Stage {
        void play(TroubleScene.Verb verb, int seconds, PrintWriter out) throws IOException, InterruptedException;
    }

    private final Stage stage;
    private final HttpServer server;
    private final ExecutorService threads = Executors.newCachedThreadPool(task -> {
        Thread thread = new Thread(task, "demo-door");
        thread.setDaemon(true);
        return thread;
    });

    private TroubleDoor(Stage stage, HttpServer server) {
        this.stage = stage;
        this.server = server;
    }

    static TroubleDoor open(Stage stage) throws IOException {
        HttpServer server = DemoServer.at(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        TroubleDoor door = new TroubleDoor(stage, server);
        server.createContext("/demo/", door::serve);
        server.setExecutor(door.threads);
        server.start();
        return door;
    }

    int port() {
        return server.getAddress().getPort();
    }

    /** Listens to keys as well, where there is somebody to press them. */
    @SuppressWarnings("SystemConsoleNull") // where it is never null, what is read ends at once
    void keys(PrintWriter out) {
        if (System.console() != null) {
            threads.execute(() -> read(out));
        }
    }

    private void read(PrintWriter out) {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        try {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                Optional<TroubleScene.Verb> verb = verb(line.strip());
                if (verb.isPresent()) {
                    stage.play(verb.get(), SECONDS, out);
                } else if (!line.isBlank()) {
                    out.println("  k kills one, s makes one slow, f floods; Ctrl-C stops everything.");
                }
                out.flush();
            }
        } catch (IOException closed) {
            // nobody presses keys any more
        } catch (InterruptedException stopping) {
            Thread.currentThread().interrupt();
        }
    }

    /** By its word or the first letter of it. */
    private static Optional<TroubleScene.Verb> verb(String word) {
        for (TroubleScene.Verb verb : TroubleScene.Verb.values()) {
            if (!word.isEmpty() && verb.word().startsWith(word.toLowerCase(java.util.Locale.ROOT))) {
                return Optional.of(verb);
            }
        }
        return Optional.empty();
    }

    private void serve(HttpExchange exchange) throws IOException {
        try (exchange) {
            Optional<TroubleScene.Verb> verb =
                    verb(exchange.getRequestURI().getPath().substring("/demo/".length()));
            String query = String.valueOf(exchange.getRequestURI().getQuery());
            Matcher seconds = QUERY.matcher(query);
            int many = seconds.matches() ? Integer.parseInt(seconds.group(1)) : query.equals("null") ? SECONDS : 0;
            if (exchange.getRequestHeaders().containsKey("Origin")) {
                say(exchange, 403, "No web page may do this.\n");
            } else if (verb.isEmpty()) {
                say(exchange, 404, "Use /demo/kill, /demo/slow or /demo/flood.\n");
            } else if (!exchange.getRequestMethod().equals("POST")) {
                exchange.getResponseHeaders().set("Allow", "POST");
                say(exchange, 405, "Use POST.\n");
            } else if (many < 1 || many > MOST_SECONDS) {
                say(exchange, 400, "Give ?seconds= from 1 to " + MOST_SECONDS + ".\n");
            } else {
                exchange.getResponseHeaders().set("Content-Type", "text/plain; charset=utf-8");
                exchange.sendResponseHeaders(200, 0);
                PrintWriter out = new PrintWriter(exchange.getResponseBody(), false, StandardCharsets.UTF_8);
                stage.play(verb.get(), many, out);
                out.close();
            }
        } catch (InterruptedException stopping) {
            Thread.currentThread().interrupt();
        }
    }

    private static void say(HttpExchange exchange, int status, String text) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", "text/plain; charset=utf-8");
        exchange.sendResponseHeaders(status, bytes.length);
        exchange.getResponseBody().write(bytes);
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }
}
