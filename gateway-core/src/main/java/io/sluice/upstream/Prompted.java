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
 * A request that was sent at once, without a publisher: a small JSON answer is gathered and told as a whole, anything
 * else goes on as if it had been waited for. To be used on its event loop, and no more once the {@link Prompt} was
 * told.
 */
final class Prompted extends Sending {
    private final HttpAttempts attempts;
    private final Prompt prompt;
    private @Nullable HttpResponse small;
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
        HttpResponse head = small;
        return rest(head != null ? Mono.fromSupplier(() -> answer(head)) : Mono.create(this::tell));
    }

    private Mono<Answer> rest(Mono<Answer> first) {
        return attempts.outcome(first, ask, true, attempt, permit).doOnDiscard(Answer.class, Answer::close);
    }

    @Override
    void answered(HttpResponse head) {
        if (isAwaited()) {
            super.answered(head);
        } else if (isSmallJson(head)) {
            small = head;
            received.gather();
        } else if (!settled) {
            settled = true;
            prompt.otherwise(rest(Mono.fromSupplier(() -> answer(head))));
        }
    }

    private boolean isSmallJson(HttpResponse head) {
        HttpHeaders headers = head.headers();
        String type = headers.get(HttpHeaderNames.CONTENT_TYPE);
        String length = headers.get(HttpHeaderNames.CONTENT_LENGTH);
        return head.status().code() == 200
                && type != null
                && (type.equals(MediaTypes.JSON) || type.equals(MediaTypes.JSON_UTF_8))
                && length != null
                && length.length() <= 5
                && !length.equals("0")
                && Integer.parseInt(length) <= HttpAnswer.SMALL_BYTES
                && !headers.contains(HttpHeaderNames.CONTENT_ENCODING);
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
        HttpResponse head = small;
        if (settled || head == null) {
            return;
        }
        settled = true;
        if (received.isWhole()) {
            prompt.whole(received.gathered());
        } else {
            prompt.otherwise(rest(Mono.fromSupplier(() -> answer(head))));
        }
    }
}
