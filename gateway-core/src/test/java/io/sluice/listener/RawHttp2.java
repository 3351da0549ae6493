package io.sluice.listener;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;

/** An h2 client that writes frames by hand, so that it can write any. RFC 9113 §4 and §6. */
final class RawHttp2 implements AutoCloseable {
    static final int DATA = 0;
    static final int HEADERS = 1;
    static final int RST_STREAM = 3;
    static final int SETTINGS = 4;
    static final int PING = 6;
    static final int GOAWAY = 7;
    static final int WINDOW_UPDATE = 8;
    static final int CONTINUATION = 9;

    static final int END_STREAM = 1;
    static final int END_HEADERS = 4;

    static final int PROTOCOL_ERROR = 1;
    static final int REFUSED_STREAM = 7;
    static final int ENHANCE_YOUR_CALM = 11;

    /** @param payload of HEADERS: undecoded, but responses of this server hold their status in one of two known forms */
    record Frame(int type, int flags, int stream, byte[] payload) {
        boolean ends() {
            return type == RST_STREAM || ((type == DATA || type == HEADERS) && (flags & END_STREAM) != 0);
        }

        /** Of RST_STREAM and GOAWAY. */
        int errorCode() {
            return ByteBuffer.wrap(payload).getInt(type == GOAWAY ? 4 : 0);
        }

        String text() {
            return new String(payload, StandardCharsets.ISO_8859_1);
        }

        /** The status at the head of a header block: RFC 7541, appendix A, entries 8 to 14, or a literal value. */
        int status() {
            int first = payload[0] & 0xff;
            if (first >= 0x88 && first <= 0x8e) {
                return new int[] {200, 204, 206, 304, 400, 404, 500}[first - 0x88];
            }
            if ((first & 0xf0) == 0 || (first & 0xc0) == 0x40) {
                boolean huffman = (payload[1] & 0x80) != 0;
                int length = payload[1] & 0x7f;
                return huffman
                        ? digits(payload, 2, length)
                        : Integer.parseInt(new String(payload, 2, length, StandardCharsets.US_ASCII));
            }
            throw new AssertionError("no status first: " + first);
        }

        /** Huffman-coded digits, RFC 7541, appendix B: 0 to 2 have five bits, the others six. */
        private static int digits(byte[] bytes, int at, int length) {
            StringBuilder bits = new StringBuilder();
            for (int i = at; i < at + length; i++) {
                bits.append(String.format("%8s", Integer.toBinaryString(bytes[i] & 0xff))
                        .replace(' ', '0'));
            }
            int value = 0;
            int position = 0;
            for (int digit = 0; digit < 3; digit++) {
                int five = Integer.parseInt(bits.substring(position, position + 5), 2);
                if (five <= 2) {
                    value = value * 10 + five;
                    position += 5;
                } else {
                    value = value * 10 + Integer.parseInt(bits.substring(position, position + 6), 2) - 0x19 + 3;
                    position += 6;
                }
            }
            return value;
        }
    }

    private final SSLSocket socket;
    private final OutputStream out;
    private final DataInputStream in;

    RawHttp2(int port, SSLContext trust) throws IOException {
        this(port, trust, 65_535);
    }

    /** @param window of each stream, for what the server sends */
    RawHttp2(int port, SSLContext trust, int window) throws IOException {
        socket = tls(port, trust, "h2");
        out = socket.getOutputStream();
        in = new DataInputStream(socket.getInputStream());
        out.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
        send(
                SETTINGS,
                0,
                0,
                ByteBuffer.allocate(6).putShort((short) 4).putInt(window).array());
    }

    /** A TLS connection to the listener that offers these protocols by ALPN. */
    static SSLSocket tls(int port, SSLContext trust, String... protocols) throws IOException {
        Socket plain = new Socket(InetAddress.getLoopbackAddress(), port);
        SSLSocket socket = (SSLSocket) trust.getSocketFactory().createSocket(plain, "localhost", port, true);
        SSLParameters parameters = socket.getSSLParameters();
        parameters.setApplicationProtocols(protocols);
        socket.setSSLParameters(parameters);
        socket.setSoTimeout(5000);
        socket.startHandshake();
        return socket;
    }

    String protocol() {
        return socket.getApplicationProtocol();
    }

    RawHttp2 send(int type, int flags, int stream, byte[] payload) throws IOException {
        ByteBuffer frame = ByteBuffer.allocate(9 + payload.length);
        frame.put((byte) (payload.length >> 16)).putShort((short) payload.length);
        frame.put((byte) type).put((byte) flags).putInt(stream).put(payload);
        out.write(frame.array());
        return this;
    }

    /** A request without a body. */
    RawHttp2 get(int stream, String... headers) throws IOException {
        return send(HEADERS, END_STREAM | END_HEADERS, stream, block(headers));
    }

    /** Names and values in turn, as literals that enter no table. */
    static byte[] block(String... headers) {
        ByteArrayOutputStream block = new ByteArrayOutputStream();
        for (int i = 0; i < headers.length; i += 2) {
            block.write(0);
            literal(block, headers[i]);
            literal(block, headers[i + 1]);
        }
        return block.toByteArray();
    }

    private static void literal(ByteArrayOutputStream block, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
        int length = bytes.length;
        if (length < 127) {
            block.write(length);
        } else {
            block.write(127);
            for (length -= 127; length >= 128; length >>= 7) {
                block.write((length & 0x7f) | 0x80);
            }
            block.write(length);
        }
        block.writeBytes(bytes);
    }

    /** Frames as far as the first that is {@code last}, or as far as the end of the connection. */
    List<Frame> readUntil(Predicate<Frame> last) throws IOException {
        List<Frame> frames = new ArrayList<>();
        try {
            Frame frame;
            do {
                frame = read();
                frames.add(frame);
            } while (!last.test(frame));
        } catch (EOFException | SocketException | SSLException end) {
            // whoever expects more will miss it
        }
        return frames;
    }

    /** The answer on one stream: all its frames. */
    List<Frame> answer(int stream) throws IOException {
        return readUntil(frame -> frame.type() == GOAWAY || (frame.stream() == stream && frame.ends())).stream()
                .filter(frame -> frame.type() == GOAWAY || (frame.stream() == stream && frame.type() != WINDOW_UPDATE))
                .toList();
    }

    private Frame read() throws IOException {
        int length = (in.readUnsignedByte() << 16) | in.readUnsignedShort();
        int type = in.readUnsignedByte();
        int flags = in.readUnsignedByte();
        int stream = in.readInt() & Integer.MAX_VALUE;
        return new Frame(type, flags, stream, in.readNBytes(length));
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
