package io.sluice.upstream;

import io.netty.channel.EventLoop;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpResponse;
import io.sluice.balance.Attempt;
import io.sluice.guard.Outcome;
import io.sluice.guard.Permit;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/**
 * A request that was sent at once, without a publisher: a small JSON answer is gathered and told as a whole, a large
 * one flows to whoever takes it, anything else goes on as if it had been waited for. To be used on its event loop, and no
 * more once the {@link Prompt} was told.
 */
final class Prompted extends Sending {
    private final HttpAttempts attempts;
    private final Prompt prompt;
    private @Nullable HttpResponse small;

    /** Of an answer that flows, or will when enough of it is there. */
    private @Nullable HttpResponse large;

    private boolean settled;

    Prompted(
            HttpAttempts attempts,
            HttpExchanges exchanges,
            Ask ask,
            Attempt attempt,
            Permit permit,
            EventLoop eventLoop,
            Prompt prompt) {
        super(exchanges, ask, attempt, permit, eventLoop);
        this.attempts = attempts;
        this.prompt = prompt;
    }

    /** Nobody wants the answer any more. */
    void abandon() {
        settled = true;
        received.giveUp();
        HttpAttempts.end(permit, Outcome.IGNORED);
    }

    /** Instead of what the {@link Prompt} would be told: the same for somebody who can wait. */
    Mono<Answer> handOver() {
        settled = true;
        received.keep();
        HttpResponse head = small != null ? small : large;
        return rest(head != null ? Mono.fromSupplier(() -> answer(head)) : Mono.create(this::tell));
    }

    private Mono<Answer> rest(Mono<Answer> first) {
        return attempts.outcome(first, ask, true, attempt, permit).doOnDiscard(Answer.class, Answer::close);
    }

    @Override
    void answered(HttpResponse head) {
        if (isAwaited()) {
            super.answered(head);
            return;
        }
        long length = lengthOfJson(head);
        Direct.Flow flow = length > HttpAnswer.SMALL_BYTES && !settled ? prompt.flow() : null;
        if (length > 0 && length <= HttpAnswer.SMALL_BYTES) {
            small = head;
            received.gather();
        } else if (flow != null) {
            large = head;
            received.flow(flow, HttpAnswer.SMALL_BYTES);
        } else if (!settled) {
            settled = true;
            prompt.otherwise(rest(Mono.fromSupplier(() -> answer(head))));
        }
    }

    /** Of an answer that is plain JSON and says how long it is; else -1. */
    private static long lengthOfJson(HttpResponse head) {
        HttpHeaders headers = head.headers();
        String type = headers.get(HttpHeaderNames.CONTENT_TYPE);
        String length = headers.get(HttpHeaderNames.CONTENT_LENGTH);
        return head.status().code() == 200
                        && type != null
                        && (type.equals(MediaTypes.JSON) || type.equals(MediaTypes.JSON_UTF_8))
                        && length != null
                        && length.length() <= 18
                        && !headers.contains(HttpHeaderNames.CONTENT_ENCODING)
                ? Long.parseLong(length)
                : -1;
    }

    /** Whether more of what flows is wanted for now. */
    void reading(boolean on) {
        if (on) {
            received.resume();
        } else {
            received.pause();
        }
    }

    @Override
    void failed(Throwable error) {
        if (isAwaited()) {
            super.failed(error);
        } else if (!settled) {
            settled = true;
            prompt.otherwise(rest(Mono.error(error)));
        }
    }

    @Override
    public void over() {
        super.over();
        HttpResponse head = small != null ? small : large;
        if (settled || head == null || received.isFlowing()) {
            return;
        }
        settled = true;
        received.keep();
        if (received.isWhole() && small != null) {
            prompt.whole(received.gathered());
        } else {
            prompt.otherwise(rest(Mono.fromSupplier(() -> answer(head))));
        }
    }
}
