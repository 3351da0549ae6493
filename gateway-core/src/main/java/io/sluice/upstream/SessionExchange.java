package io.sluice.upstream;

import io.netty.channel.EventLoop;
import io.sluice.envelope.RequestId;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** A session's request that is sent without waiting. To be used on its event loop. */
final class SessionExchange implements Direct.SentOnSession, Prompt {
    private final LegacySession session;
    private final Established current;
    private final Established at;
    private final Way way;
    private final Relabel relabel;
    private final byte[] body;
    private final Direct direct;
    private @Nullable Prompted sent;
    private boolean told;

    /** @param at the session itself as it is now, {@code current}, or its counterpart at another endpoint */
    SessionExchange(
            LegacySession session,
            Established current,
            Established at,
            Way way,
            Relabel relabel,
            byte[] body,
            Direct direct) {
        this.session = session;
        this.current = current;
        this.at = at;
        this.way = way;
        this.relabel = relabel;
        this.body = body;
        this.direct = direct;
    }

    /** False when it would have to wait, and nothing was done. */
    boolean depart(EventLoop eventLoop) {
        sent = session.sendNow(body, at, way, eventLoop, this);
        if (sent != null && isOnBranch() && !told) {
            session.travels(upstreamId(), at, true);
        }
        return sent != null;
    }

    private boolean isOnBranch() {
        return at.number() != current.number();
    }

    @Override
    public RequestId upstreamId() {
        return relabel.upstream();
    }

    @Override
    public byte[] downstream(byte[] json) {
        return session.relabelled(json, relabel);
    }

    @Override
    public void whole(byte[] json) {
        told = true;
        if (isOnBranch()) {
            session.travels(upstreamId(), at, false);
        }
        direct.whole(json);
    }

    @Override
    public void otherwise(Mono<Answer> outcome) {
        told = true;
        direct.otherwise(reply(outcome));
    }

    @Override
    public void abandon() {
        if (sent != null) {
            sent.abandon();
        }
    }

    @Override
    public Mono<Reply> handOver() {
        return sent == null ? Mono.empty() : reply(sent.handOver());
    }

    private Mono<Reply> reply(Mono<Answer> outcome) {
        return session.reply(outcome, body, current, at, way, relabel);
    }
}
