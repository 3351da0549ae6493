package io.sluice.session;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * How {@link SessionNews} are written. A replica of another version may say what this one cannot read; that is the same
 * as not having heard it.
 */
final class NewsCodec {
    private static final byte ENDED = 1;
    private static final byte CANCELLED = 2;
    private static final byte LEVEL_SET = 3;
    private static final byte WANTS = 4;
    private static final byte HOLDING = 5;
    private static final byte LEAVING = 6;
    private static final byte HANDED_OVER = 7;
    private static final byte SAID = 8;
    private static final byte ANSWERED = 9;
    private static final byte RESUME = 10;
    private static final byte TOOK = 11;
    private static final byte LEFT = 12;
    private static final byte NEXT = 13;
    private static final byte OVER = 14;

    private NewsCodec() {}

    static byte[] write(SessionNews news) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream(128);
        try (DataOutputStream out = new DataOutputStream(bytes)) {
            if (news instanceof SessionNews.Ended said) {
                head(out, ENDED, said);
                out.writeLong(said.expiresAtMillis());
            } else if (news instanceof SessionNews.Cancelled said) {
                head(out, CANCELLED, said);
                text(out, said.requestId());
                optional(out, said.reason());
            } else if (news instanceof SessionNews.LevelSet said) {
                head(out, LEVEL_SET, said);
                text(out, said.level());
            } else if (news instanceof SessionNews.Wants said) {
                head(out, WANTS, said);
                text(out, said.uri());
                out.writeBoolean(said.wanted());
            } else if (news instanceof SessionNews.Holding said) {
                head(out, HOLDING, said);
                out.writeLong(said.question());
                optional(out, said.after());
            } else if (news instanceof SessionNews.Leaving said) {
                head(out, LEAVING, said);
            } else if (news instanceof SessionNews.HandedOver said) {
                head(out, HANDED_OVER, said);
                handedOver(out, said);
            } else if (news instanceof SessionNews.Said said) {
                head(out, SAID, said);
                bytes(out, said.json());
            } else if (news instanceof SessionNews.Answered said) {
                head(out, ANSWERED, said);
                text(out, said.id());
                bytes(out, said.json());
            } else if (news instanceof SessionNews.Resume said) {
                head(out, RESUME, said);
                text(out, said.stream());
                text(out, said.after());
                out.writeLong(said.reader());
            } else if (news instanceof SessionNews.Took said) {
                head(out, TOOK, said);
                text(out, said.stream());
                out.writeLong(said.reader());
                out.writeInt(said.count());
            } else if (news instanceof SessionNews.Left said) {
                head(out, LEFT, said);
                text(out, said.stream());
                out.writeLong(said.reader());
            } else if (news instanceof SessionNews.Next said) {
                head(out, NEXT, said);
                out.writeLong(said.reader());
                optional(out, said.eventId());
                out.writeBoolean(said.json().isPresent());
                if (said.json().isPresent()) {
                    bytes(out, said.json().get());
                }
                out.writeLong(said.retryMillis());
            } else if (news instanceof SessionNews.Over said) {
                head(out, OVER, said);
                out.writeLong(said.reader());
                out.writeBoolean(said.known());
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e); // memory does not fail
        }
        return bytes.toByteArray();
    }

    private static void handedOver(DataOutputStream out, SessionNews.HandedOver said) throws IOException {
        out.writeLong(said.question());
        out.writeBoolean(said.held());
        out.writeBoolean(said.found());
        out.writeInt(said.events().size());
        for (StoredEvents.Event event : said.events()) {
            text(out, event.id());
            bytes(out, event.json());
        }
        out.writeInt(said.subscriptions().size());
        for (String uri : said.subscriptions()) {
            text(out, uri);
        }
        out.writeInt(said.changedLists());
    }

    private static void head(DataOutputStream out, byte kind, SessionNews news) throws IOException {
        out.writeByte(kind);
        text(out, news.session());
    }

    private static void text(DataOutputStream out, String text) throws IOException {
        bytes(out, text.getBytes(StandardCharsets.UTF_8));
    }

    private static void optional(DataOutputStream out, Optional<String> text) throws IOException {
        out.writeBoolean(text.isPresent());
        if (text.isPresent()) {
            text(out, text.get());
        }
    }

    private static void bytes(DataOutputStream out, byte[] bytes) throws IOException {
        out.writeInt(bytes.length);
        out.write(bytes);
    }

    /** Empty for what cannot be read. */
    static Optional<SessionNews> read(byte[] written) {
        try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(written))) {
            byte kind = in.readByte();
            String session = text(in);
            return Optional.ofNullable(
                    switch (kind) {
                        case ENDED -> new SessionNews.Ended(session, in.readLong());
                        case CANCELLED -> new SessionNews.Cancelled(session, text(in), optional(in));
                        case LEVEL_SET -> new SessionNews.LevelSet(session, text(in));
                        case WANTS -> new SessionNews.Wants(session, text(in), in.readBoolean());
                        case HOLDING -> new SessionNews.Holding(session, in.readLong(), optional(in));
                        case LEAVING -> new SessionNews.Leaving();
                        case HANDED_OVER -> handedOver(in, session);
                        case SAID -> new SessionNews.Said(session, bytes(in));
                        case ANSWERED -> new SessionNews.Answered(session, text(in), bytes(in));
                        case RESUME -> new SessionNews.Resume(session, text(in), text(in), in.readLong());
                        case TOOK -> new SessionNews.Took(session, text(in), in.readLong(), in.readInt());
                        case LEFT -> new SessionNews.Left(session, text(in), in.readLong());
                        case NEXT ->
                            new SessionNews.Next(
                                    session,
                                    in.readLong(),
                                    optional(in),
                                    in.readBoolean() ? Optional.of(bytes(in)) : Optional.empty(),
                                    in.readLong());
                        case OVER -> new SessionNews.Over(session, in.readLong(), in.readBoolean());
                        default -> null;
                    });
        } catch (IOException cutOff) {
            return Optional.empty();
        }
    }

    private static SessionNews handedOver(DataInputStream in, String session) throws IOException {
        long question = in.readLong();
        boolean held = in.readBoolean();
        boolean found = in.readBoolean();
        List<StoredEvents.Event> events = new ArrayList<>();
        for (int left = in.readInt(); left > 0; left--) {
            events.add(new StoredEvents.Event(text(in), bytes(in)));
        }
        List<String> subscriptions = new ArrayList<>();
        for (int left = in.readInt(); left > 0; left--) {
            subscriptions.add(text(in));
        }
        return new SessionNews.HandedOver(session, question, held, found, events, subscriptions, in.readInt());
    }

    private static String text(DataInputStream in) throws IOException {
        return new String(bytes(in), StandardCharsets.UTF_8);
    }

    private static Optional<String> optional(DataInputStream in) throws IOException {
        return in.readBoolean() ? Optional.of(text(in)) : Optional.empty();
    }

    private static byte[] bytes(DataInputStream in) throws IOException {
        int length = in.readInt();
        if (length < 0 || length > in.available()) {
            throw new IOException("a length of " + length);
        }
        byte[] bytes = new byte[length];
        in.readFully(bytes);
        return bytes;
    }
}
