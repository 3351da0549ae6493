package io.sluice.gateway;

import io.netty.buffer.ByteBuf;
import io.sluice.call.Call;
import io.sluice.catalog.Mount;
import io.sluice.catalog.Target;
import io.sluice.envelope.Envelope;
import io.sluice.envelope.UriRewriter;
import io.sluice.protocol.McpMethod;
import io.sluice.upstream.Event;
import io.sluice.upstream.Reply;
import java.util.function.UnaryOperator;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * The URIs by which a result speaks of resources, as the client of an aggregate can use them: one that would lead to
 * another backend there is qualified, and a resource that was read by its qualified URI is returned under it. Where
 * neither can be, replies are not even looked at.
 */
final class ExposedUris {
    private ExposedUris() {}

    /** The reply with its URIs as {@code call}'s mount exposes them. */
    static Reply in(Reply reply, Call call, Target target) {
        UnaryOperator<String> rename = renaming(call, target);
        if (rename == null) {
            return reply;
        }
        if (reply instanceof Reply.Json json) {
            return new Reply.Json(json.status(), rewritten(json, rename), json.small());
        }
        if (reply instanceof Reply.Events events) {
            return new Reply.Events(events.events().map(event -> rewritten(event, rename)));
        }
        return reply;
    }

    /** Whether URIs in the answer to a call may have to be changed. */
    static boolean change(Call call, Target target) {
        return renaming(call, target) != null;
    }

    /** The same of a whole message; its own bytes when nothing changes. */
    static byte[] in(byte[] json, Call call, Target target) {
        UnaryOperator<String> rename = renaming(call, target);
        return rename == null ? json : UriRewriter.rewrite(json, rename);
    }

    /** The URI under which the client knows each; null when none changes. */
    static @org.jspecify.annotations.Nullable UnaryOperator<String> renaming(Call call, Target target) {
        Mount mount = call.mount();
        McpMethod method = call.method();
        boolean read = method == McpMethod.RESOURCES_READ;
        if (!mount.aggregate() || !read && method != McpMethod.TOOLS_CALL && method != McpMethod.PROMPTS_GET) {
            return null;
        }
        String backend = target.backend();
        Envelope envelope = call.envelope();
        String asked = read ? envelope.text(envelope.uri()) : "";
        boolean qualified = read && !asked.equals(target.originalName());
        if (!qualified && !mount.ambiguousUris(backend)) {
            return null;
        }
        return uri -> read && uri.equals(target.originalName()) ? asked : mount.linkedUri(backend, uri);
    }

    private static Flux<ByteBuf> rewritten(Reply.Json json, UnaryOperator<String> rename) {
        return Flux.defer(() -> {
            UriRewriter rewriter = new UriRewriter(rename);
            Flux<ByteBuf> body = json.body().map(rewriter::push);
            return json.small() ? body : body.concatWith(Mono.fromSupplier(rewriter::rest));
        });
    }

    @SuppressWarnings("ReferenceEquality") // the same bytes mean the same event
    private static Event rewritten(Event event, UnaryOperator<String> rename) {
        if (!(event instanceof Event.Message message)) {
            return event;
        }
        byte[] changed = UriRewriter.rewrite(message.json(), rename);
        return changed == message.json() ? event : new Event.Message(changed);
    }
}
