package io.sluice.upstream;

import io.sluice.envelope.Envelope;
import io.sluice.envelope.Kind;
import io.sluice.envelope.Span;
import io.sluice.protocol.ClientFeatures;
import io.sluice.protocol.McpMethod;
import io.sluice.protocol.RawJson;
import java.util.EnumSet;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Reads {@code tools/list} as a client sees it that can be asked for everything: some backends list more tools to those.
 * On a leased session, which declines whatever is asked meanwhile.
 */
final class ToolsAsAsked {
    private static final ClientFeatures EVERYTHING =
            new ClientFeatures(EnumSet.complementOf(EnumSet.of(ClientFeatures.Feature.ROOTS_LIST_CHANGED)));

    private final BackendHttp http;
    private final Leases leases;

    ToolsAsAsked(BackendHttp http, Leases leases) {
        this.http = http;
        this.leases = leases;
    }

    /** The pages, one after the other. */
    Flux<Envelope> pages(int most) {
        AtomicReference<@Nullable LegacySession> own = new AtomicReference<>();
        return leases.take("", EVERYTHING, declining(own)).flatMapMany(lease -> {
            own.set(lease.session());
            return page(lease.session(), "")
                    .expand(page -> cursor(page).isEmpty() ? Mono.empty() : page(lease.session(), cursor(page)))
                    .take(most)
                    .doFinally(end -> lease.giveBack());
        });
    }

    private Mono<Envelope> page(LegacySession session, String cursor) {
        RawJson params = cursor.isEmpty() ? null : RawJson.of("{\"cursor\":" + cursor + "}");
        return session.call(McpMethod.TOOLS_LIST.wire(), params).flatMap(reply -> Replies.response(reply, http));
    }

    /** As JSON; empty on the last page. */
    private static String cursor(Envelope page) {
        Span cursor = page.member(page.result(), "nextCursor");
        return page.isString(cursor) ? page.raw(cursor).toString() : "";
    }

    /** Nobody is there who could answer what is asked while lists are read. */
    private static Inbox declining(AtomicReference<@Nullable LegacySession> session) {
        return new Inbox() {
            @Override
            public void onMessage(byte[] json, Envelope message) {
                LegacySession on = session.get();
                if (message.kind() == Kind.REQUEST && on != null) {
                    on.decline(message);
                }
            }

            @Override
            public void onClosed() {}
        };
    }
}
