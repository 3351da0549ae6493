package io.sluice.benchmarks.load;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.socket.SocketChannel;
import java.util.concurrent.TimeUnit;

/**
 * An MCP server that does nothing but answer, so that a run measures what stands before it: {@code /modern} speaks 2026-07-28, {@code /legacy} 2025-11-25 with sessions. A call's id and the text of
 * its argument come back, so that a generator can tell its own answer from others'.
 *
 * <p>Tools: {@code echo} answers with about 500 bytes, {@code large-100k} and {@code large-10m} with so much, {@code events} with a stream of a hundred events;
 * {@code slow-events} and {@code slow-10m} hold back the second half of their answers. Other paths are those of a {@link Fleet}.
 */
public final class FixedBackend {
    private static final byte[] ID = "\"id\":".getBytes(UTF_8);
    private static final byte[] METHOD = "\"method\":\"".getBytes(UTF_8);
    private static final byte[] NAME = "\"name\":\"".getBytes(UTF_8);
    private static final byte[] TEXT = "\"text\":\"".getBytes(UTF_8);
    private static final String PADDING = "The quick brown fox jumps over the lazy dog. ".repeat(6);
    private static final String TOOLS = tools();
    private static final String CHANGES = "{\"listChanged\":true}";

    /** How long the tools {@code slow-events} and {@code slow-10m} hold back the second half of their answers. */
    static final int PAUSE_MILLIS = 300;

    private FixedBackend() {}

    /** Listens on the loopback ports given until killed. */
    public static void main(String[] args) throws InterruptedException {
        EventLoopGroup loop = Wire.loop();
        Fleet fleet = new Fleet();
        ServerBootstrap server = new ServerBootstrap()
                .group(loop)
                .channel(Wire.server())
                .option(ChannelOption.SO_BACKLOG, 4096)
                .childOption(ChannelOption.TCP_NODELAY, true)
                .childHandler(new ChannelInitializer<SocketChannel>() {
                    @Override
                    protected void initChannel(SocketChannel channel) {
                        channel.pipeline().addLast(new Answering(fleet));
                    }
                });
        for (String port : args) {
            server.bind("127.0.0.1", Integer.parseInt(port)).sync();
        }
        System.out.println("ready");
        Thread.currentThread().join();
    }

    private static String tools() {
        StringBuilder tools = new StringBuilder();
        for (String name : new String[] {"echo", "large-100k", "large-10m", "events", "slow-events", "slow-10m"}) {
            tools.append(tools.isEmpty() ? "" : ",")
                    .append("{\"name\":\"")
                    .append(name)
                    .append("\",\"description\":\"Answers\",\"inputSchema\":{\"type\":\"object\"}}");
        }
        return "\"tools\":[" + tools + "]";
    }

    private static final class Answering extends ChannelInboundHandlerAdapter {
        private final HttpReader reader = new HttpReader();
        private final Fleet fleet;

        /** The id of a request that is answered late, when the reader is about another one. */
        private String given = "";

        Answering(Fleet fleet) {
            this.fleet = fleet;
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            ByteBuf in = (ByteBuf) message;
            reader.add(in);
            in.release();
            while (reader.whole()) {
                answer(context);
                reader.next();
            }
        }

        @Override
        public void channelReadComplete(ChannelHandlerContext context) {
            context.flush();
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            context.close();
        }

        private void answer(ChannelHandlerContext context) {
            String path = reader.path();
            if (path.startsWith("/fleet/") || path.startsWith("/old-fleet/")) {
                member(context, Fleet.member(path));
                return;
            }
            if (!reader.begins("POST /")) {
                write(context, reader.begins("GET ") ? "405 Method Not Allowed" : "200 OK", "", "");
                return;
            }
            if (path.startsWith("/control/")) {
                write(context, "200 OK", "", fleet.control(path));
                return;
            }
            answer(context, value(METHOD), path.startsWith("/modern"), "{}", TOOLS);
        }

        private void member(ChannelHandlerContext context, Fleet.Member member) {
            String method = reader.begins("POST /") ? value(METHOD) : "";
            if (fleet.hangs(member)) {
                return;
            }
            if (method.equals("subscriptions/listen") || reader.begins("GET ")) {
                fleet.open(context, member);
            } else if (method.isEmpty()) {
                write(context, "200 OK", "", "");
            } else if (method.equals("tools/call") || member.delayMillis() == 0) {
                answer(
                        context,
                        method,
                        member.modern(),
                        CHANGES,
                        method.equals("tools/list") ? fleet.tools(member) : "");
            } else {
                String id = id();
                context.executor()
                        .schedule(
                                () -> {
                                    given = id;
                                    answer(context, method, member.modern(), CHANGES, fleet.tools(member));
                                    given = "";
                                    context.flush();
                                },
                                member.delayMillis(),
                                TimeUnit.MILLISECONDS);
            }
        }

        private void answer(
                ChannelHandlerContext context, String method, boolean modern, String toolsCapability, String tools) {
            switch (method) {
                case "tools/call" -> call(context, modern);
                case "server/discover" -> {
                    if (modern) {
                        result(
                                context,
                                "\"resultType\":\"complete\",\"supportedVersions\":[\"2026-07-28\"],\"ttlMs\":0,"
                                        + "\"cacheScope\":\"public\",\"capabilities\":{\"tools\":" + toolsCapability
                                        + "},"
                                        + "\"serverInfo\":{\"name\":\"fixed\",\"version\":\"1\"}",
                                "");
                    } else {
                        error(context);
                    }
                }
                case "initialize" -> {
                    if (modern) {
                        error(context);
                    } else {
                        result(
                                context,
                                "\"protocolVersion\":\"2025-11-25\",\"capabilities\":{\"tools\":" + toolsCapability
                                        + "}," + "\"serverInfo\":{\"name\":\"fixed\",\"version\":\"1\"}",
                                "Mcp-Session-Id: s-" + Long.toHexString(System.nanoTime()) + "\r\n");
                    }
                }
                case "tools/list" ->
                    result(
                            context,
                            (modern ? "\"resultType\":\"complete\",\"ttlMs\":0,\"cacheScope\":\"public\"," : "")
                                    + tools,
                            "");
                default -> {
                    if (method.startsWith("notifications/")) {
                        write(context, "202 Accepted", "", "");
                    } else {
                        error(context);
                    }
                }
            }
        }

        private void call(ChannelHandlerContext context, boolean modern) {
            String text = value(TEXT);
            String type = modern ? "\"resultType\":\"complete\"," : "";
            String content =
                    type + "\"content\":[{\"type\":\"text\",\"text\":\"" + text + "\"},{\"type\":\"text\",\"text\":\"";
            switch (value(NAME)) {
                case "large-100k" -> result(context, content + PADDING.repeat(380) + "\"}],\"isError\":false", "");
                case "large-10m" -> result(context, content + PADDING.repeat(38_836) + "\"}],\"isError\":false", "");
                case "events" -> events(context, content + "done\"}],\"isError\":false");
                case "slow-events" -> slowEvents(context, content + "done\"}],\"isError\":false");
                case "slow-10m" -> slowly(context, content + PADDING.repeat(38_836) + "\"}],\"isError\":false");
                default -> result(context, content + PADDING + "\"}],\"isError\":false", "");
            }
        }

        /** One write for each event, as a server has them that does not wait. */
        private void events(ChannelHandlerContext context, String result) {
            String id = id();
            context.write(
                    buffer("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"));
            for (int i = 1; i < 100; i++) {
                context.writeAndFlush(
                        chunk("event: message\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\","
                                + "\"params\":{\"level\":\"info\",\"data\":\"event " + i + " of a call\"}}\n\n"));
            }
            context.write(chunk(
                    "event: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":" + id + ",\"result\":{" + result + "}}\n\n"));
            context.write(buffer("0\r\n\r\n"));
        }

        private void slowEvents(ChannelHandlerContext context, String result) {
            String last =
                    "event: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":" + id() + ",\"result\":{" + result + "}}\n\n";
            context.write(
                    buffer("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"));
            context.writeAndFlush(
                    chunk("event: message\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\","
                            + "\"params\":{\"level\":\"info\",\"data\":\"first event\"}}\n\n"));
            later(context, () -> {
                context.write(chunk(last));
                context.writeAndFlush(buffer("0\r\n\r\n"));
            });
        }

        /** The second half of a body later than the first. */
        private void slowly(ChannelHandlerContext context, String result) {
            String body = "{\"jsonrpc\":\"2.0\",\"id\":" + id() + ",\"result\":{" + result + "}}";
            context.writeAndFlush(buffer("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
                    + body.length() + "\r\n\r\n" + body.substring(0, body.length() / 2)));
            later(context, () -> context.writeAndFlush(buffer(body.substring(body.length() / 2))));
        }

        private static void later(ChannelHandlerContext context, Runnable what) {
            context.executor().schedule(what, PAUSE_MILLIS, TimeUnit.MILLISECONDS);
        }

        private void result(ChannelHandlerContext context, String result, String headers) {
            write(context, "200 OK", headers, "{\"jsonrpc\":\"2.0\",\"id\":" + id() + ",\"result\":{" + result + "}}");
        }

        private void error(ChannelHandlerContext context) {
            write(
                    context,
                    "404 Not Found",
                    "",
                    "{\"jsonrpc\":\"2.0\",\"id\":" + id()
                            + ",\"error\":{\"code\":-32601,\"message\":\"Method not found\"}}");
        }

        private static void write(ChannelHandlerContext context, String status, String headers, String body) {
            String type = body.isEmpty() ? "" : "Content-Type: application/json\r\n";
            context.write(buffer("HTTP/1.1 " + status + "\r\n" + headers + type + "Content-Length: " + body.length()
                            + "\r\n\r\n" + body))
                    .addListener(ChannelFutureListener.CLOSE_ON_FAILURE);
        }

        private static ByteBuf chunk(String text) {
            return buffer(Integer.toHexString(text.length()) + "\r\n" + text + "\r\n");
        }

        private static ByteBuf buffer(String ascii) {
            return Unpooled.wrappedBuffer(ascii.getBytes(UTF_8));
        }

        private String id() {
            if (!given.isEmpty()) {
                return given;
            }
            int at = reader.indexOf(ID, 0);
            if (at < 0) {
                return "null";
            }
            int from = at + ID.length;
            int to = from;
            while (reader.bodyAt(to) != ',' && reader.bodyAt(to) != '}') {
                to++;
            }
            return reader.text(from, to);
        }

        private String value(byte[] key) {
            int at = reader.indexOf(key, 0);
            if (at < 0) {
                return "";
            }
            int from = at + key.length;
            int to = from;
            while (reader.bodyAt(to) != '"') {
                to++;
            }
            return reader.text(from, to);
        }
    }
}
