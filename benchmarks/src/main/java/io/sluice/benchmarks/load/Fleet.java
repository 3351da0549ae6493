package io.sluice.benchmarks.load;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Many backends in one process, told apart by their path: {@code /fleet/<tools>/<delay in ms>/<number>} speaks 2026-07-28, {@code /old-fleet/…} 2025-11-25. Each has so many tools, answers what is
 * not a call after the delay, and tells on its streams when its list has changed. {@code POST /control/change/<number>} gives one a further tool, {@code /control/hang/<number>} lets one answer nothing
 * any more, {@code /control/streams} says how many streams are open to all of them. Everything happens on the backend's one event loop.
 */
final class Fleet {
    private final Map<String, Integer> changes = new HashMap<>();
    private final Set<String> hung = new HashSet<>();
    private final List<Stream> streams = new ArrayList<>();

    private record Stream(ChannelHandlerContext context, String number) {}

    /** One backend of it. */
    record Member(int tools, int delayMillis, String number, boolean modern) {}

    /** Whose path that is. */
    static Member member(String path) {
        String[] parts = path.split("/");
        return new Member(Integer.parseInt(parts[2]), Integer.parseInt(parts[3]), parts[4], parts[1].equals("fleet"));
    }

    /** What a control request is answered with. */
    String control(String path) {
        String[] parts = path.split("/");
        switch (parts[2]) {
            case "change" -> {
                changes.merge(parts[3], 1, Integer::sum);
                streams.removeIf(stream -> !stream.context().channel().isActive());
                streams.stream()
                        .filter(stream -> stream.number().equals(parts[3]))
                        .forEach(
                                stream -> stream.context()
                                        .writeAndFlush(
                                                event(
                                                        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\",\"params\":{}}")));
            }
            case "hang" -> hung.add(parts[3]);
            default -> streams.removeIf(stream -> !stream.context().channel().isActive());
        }
        return Integer.toString(streams.size());
    }

    boolean hangs(Member member) {
        return hung.contains(member.number());
    }

    /** The members of a {@code tools/list} result. */
    String tools(Member member) {
        StringBuilder tools = new StringBuilder("\"tools\":[");
        for (int i = 0; i < member.tools(); i++) {
            tools.append(i == 0 ? "" : ",").append(tool("tool-" + i));
        }
        int changed = changes.getOrDefault(member.number(), 0);
        if (changed > 0) {
            tools.append(',').append(tool("change-" + changed));
        }
        return tools.append(']').toString();
    }

    private static String tool(String name) {
        return "{\"name\":\"" + name
                + "\",\"description\":\"Does what its name says, for one city at a time, and says so here.\","
                + "\"inputSchema\":{\"type\":\"object\",\"properties\":{\"text\":{\"type\":\"string\",\"description\":"
                + "\"What to look for, by name or by code\"}},\"required\":[\"text\"]}}";
    }

    /** Opens a stream that stays open; a modern one begins with the acknowledgement. */
    void open(ChannelHandlerContext context, Member member) {
        context.writeAndFlush(Unpooled.wrappedBuffer(
                "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
                        .getBytes(UTF_8)));
        if (member.modern()) {
            context.writeAndFlush(
                    event("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/subscriptions/acknowledged\",\"params\":"
                            + "{\"notifications\":{\"toolsListChanged\":true}}}"));
        }
        streams.add(new Stream(context, member.number()));
    }

    private static ByteBuf event(String message) {
        String text = "event: message\ndata: " + message + "\n\n";
        return Unpooled.wrappedBuffer((Integer.toHexString(text.length()) + "\r\n" + text + "\r\n").getBytes(UTF_8));
    }
}
