package io.sluice.gateway;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** One HTTP exchange on a socket of its own. What is sent goes out byte for byte, what comes back is kept so. */
final class RawExchange implements AutoCloseable {
    private static final int PATIENCE_MILLIS = 10_000;

    private final Socket socket;
    private final InputStream in;
    private int status;
    private final List<String> headers = new ArrayList<>();

    private RawExchange(int port) throws IOException {
        socket = new Socket(InetAddress.getLoopbackAddress(), port);
        socket.setTcpNoDelay(true);
        socket.setSoTimeout(PATIENCE_MILLIS);
        in = new BufferedInputStream(socket.getInputStream(), 64 * 1024);
    }

    /** A whole answer. Header lines are as they came. */
    record Got(int status, List<String> headers, byte[] body) {
        String text() {
            return new String(body, StandardCharsets.UTF_8);
        }

        JsonNode json() {
            return JsonMapper.shared().readTree(body.length == 0 ? "null".getBytes(StandardCharsets.UTF_8) : body);
        }

        /** The JSON-RPC messages, in whichever form they came: one, or events. */
        List<JsonNode> messages() {
            if (!header("Content-Type").startsWith("text/event-stream")) {
                return List.of(json());
            }
            return text().lines()
                    .filter(line -> line.startsWith("data: "))
                    .map(line -> JsonMapper.shared().readTree(line.substring(6)))
                    .toList();
        }

        /** The value of a header, or empty. */
        String header(String name) {
            return value(headers, name);
        }

        int code() {
            return json().path("error").path("code").asInt(0);
        }

        @Override
        public String toString() {
            return status + " " + headers + " " + text();
        }
    }

    private static String value(List<String> headers, String name) {
        return headers.stream()
                .filter(line -> line.regionMatches(true, 0, name + ":", 0, name.length() + 1))
                .map(line -> line.substring(name.length() + 1).strip())
                .findFirst()
                .orElse("");
    }

    /**
     * Sends a request and reads the whole answer.
     *
     * @param headerLines without {@code Host}, {@code Content-Length} and {@code Connection}, which are added
     */
    static Got send(int port, String method, String path, List<String> headerLines, byte[] body) {
        try (RawExchange exchange = open(port, method, path, headerLines, body)) {
            return new Got(exchange.status, List.copyOf(exchange.headers), exchange.rest());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Sends a request and reads the head of the answer. */
    static RawExchange open(int port, String method, String path, List<String> headerLines, byte[] body)
            throws IOException {
        RawExchange exchange = sent(port, method, path, headerLines, body);
        exchange.readHead();
        return exchange;
    }

    /** Sends a request and reads nothing. */
    static RawExchange sent(int port, String method, String path, List<String> headerLines, byte[] body)
            throws IOException {
        RawExchange exchange = new RawExchange(port);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes((method + " " + path + " HTTP/1.1\r\nHost: 127.0.0.1:" + port + "\r\nConnection: close\r\n")
                .getBytes(StandardCharsets.ISO_8859_1));
        for (String line : headerLines) {
            out.writeBytes((line + "\r\n").getBytes(StandardCharsets.ISO_8859_1));
        }
        if (body.length > 0 || method.equals("POST")) {
            out.writeBytes(("Content-Length: " + body.length + "\r\n").getBytes(StandardCharsets.ISO_8859_1));
        }
        out.writeBytes("\r\n".getBytes(StandardCharsets.ISO_8859_1));
        out.writeBytes(body);
        try {
            exchange.socket.getOutputStream().write(out.toByteArray());
        } catch (IOException refusedBeforeTheEnd) {
            // the answer says why
        }
        return exchange;
    }

    private void readHead() throws IOException {
        String first = line();
        status = Integer.parseInt(first.split(" ")[1]);
        for (String line = line(); !line.isEmpty(); line = line()) {
            headers.add(line);
        }
    }

    int status() {
        return status;
    }

    String header(String name) {
        return value(headers, name);
    }

    private String line() throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        for (int b = in.read(); b != '\n'; b = in.read()) {
            if (b < 0) {
                throw new IOException("closed within the head: " + line);
            }
            if (b != '\r') {
                line.write(b);
            }
        }
        return line.toString(StandardCharsets.ISO_8859_1);
    }

    private boolean chunked() {
        return header("Transfer-Encoding").equalsIgnoreCase("chunked");
    }

    /** The next chunk's content; an empty array after the last. */
    private byte[] chunk() throws IOException {
        int size = Integer.parseInt(line(), 16);
        byte[] content = in.readNBytes(size);
        line();
        return content;
    }

    /** The answer to what was {@link #sent}, to its end. */
    Got got() throws IOException {
        readHead();
        return new Got(status, List.copyOf(headers), rest());
    }

    /** All that is left of the body. */
    byte[] rest() throws IOException {
        if (!chunked()) {
            String length = header("Content-Length");
            return length.isEmpty() ? in.readAllBytes() : in.readNBytes(Integer.parseInt(length));
        }
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        for (byte[] part = chunk(); part.length > 0; part = chunk()) {
            body.writeBytes(part);
        }
        return body.toByteArray();
    }

    /** The body as far as the text, which it must contain. For chunked answers. */
    String until(String text) throws IOException {
        StringBuilder seen = new StringBuilder();
        while (seen.indexOf(text) < 0) {
            byte[] part = chunk();
            if (part.length == 0) {
                throw new AssertionError("the body ended without '" + text + "': " + seen);
            }
            seen.append(new String(part, StandardCharsets.UTF_8));
        }
        return seen.toString();
    }

    /** Leaves: closes the socket. */
    @Override
    public void close() throws IOException {
        socket.close();
    }
}
