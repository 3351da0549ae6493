package io.sluice.gateway;

import io.sluice.bridge.OldToNew;
import io.sluice.bridge.Revisions;
import io.sluice.cache.Place;
import io.sluice.call.Call;
import io.sluice.catalog.Target;
import io.sluice.envelope.Envelope;
import io.sluice.envelope.Patch;
import io.sluice.protocol.ClientFeatures;
import io.sluice.session.LiveSession;
import io.sluice.upstream.ModernHead;
import io.sluice.upstream.Reply;
import io.sluice.upstream.Terms;
import io.sluice.upstream.Upstream;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;

/** A legacy client's call of a modern backend: what is sent, and what the client sees of what comes back. */
final class OldCall {
    private final Call call;
    private final Target target;
    private final Upstream upstream;
    private final Terms terms;
    private final GatewaySettings settings;
    private final Optional<LiveSession> asking;
    private final Optional<String> level;
    private final boolean earlier;

    /** @param own the client's session, if it has one */
    OldCall(
            Call call,
            @Nullable LiveSession own,
            Target target,
            Upstream upstream,
            Terms terms,
            GatewaySettings settings) {
        this.call = call;
        this.target = target;
        this.upstream = upstream;
        this.terms = terms;
        this.settings = settings;
        this.asking = Optional.ofNullable(own)
                .filter(session -> session.ticket().features().interactive()
                        && call.inbound().accept().events());
        this.earlier = LegacyCalls.isEarlier(call, own);
        this.level = Optional.ofNullable(own).flatMap(LiveSession::logLevel);
    }

    /** What of the client the answer may depend on, beside who it is; null for nothing. */
    @Nullable
    String variant() {
        return asking.map(session -> session.ticket().features().toString()).orElse(null);
    }

    /**
     * Sends it, and plays the rounds in which the backend asks the client.
     *
     * @param place where the answer may be found, or null
     * @param alone whether the client is heard on the way
     */
    Mono<Reply> send(@Nullable Place place, boolean alone) {
        Supplier<Mono<Reply>> plain = () -> send(patch());
        Mono<Reply> first = place == null ? plain.get() : place.reply(alone, plain, plain);
        return asking.map(session -> new InputRounds(call, upstream.backend().name(), session, this::again).play(first))
                .orElse(first);
    }

    /** What is changed in any case: a task is not offered to legacy clients. */
    Patch patch() {
        return new Patch(call.envelope()).removeMember(call.envelope().task());
    }

    private Mono<Reply> send(Patch patch) {
        byte[] body = body(patch);
        return secondTry(upstream.postModern(body, head(), terms), body);
    }

    /** A further round. */
    private Mono<Reply> again(Patch patch) {
        return upstream.postModern(body(patch), head(), terms.renewed());
    }

    /** The request in the backend's words, with changes collected so far. */
    byte[] body(Patch patch) {
        ClientFeatures features =
                asking.map(session -> session.ticket().features()).orElse(ClientFeatures.NONE);
        return OldToNew.request(Targets.rename(call, target, patch), settings.implementation(), features, level)
                .toBytes();
    }

    ModernHead head() {
        return head(FreshHeaders.of(call, target.paramHeaders()));
    }

    private ModernHead head(List<Map.Entry<String, String>> params) {
        return new ModernHead(
                call.envelope().method(),
                Targets.nameUpstream(call, target),
                Targets.mirrored(params, target),
                null,
                Hops.before(call.inbound()));
    }

    /** With other headers, when those of the first are refused. */
    Mono<Reply> secondTry(Mono<Reply> first, byte[] body) {
        return first.flatMap(got -> FreshHeaders.areMissed(call, got)
                ? FreshHeaders.ask(call, target.originalName(), upstream)
                        .flatMap(fresh -> upstream.postModern(body, head(fresh), terms))
                        .defaultIfEmpty(got)
                : Mono.just(got));
    }

    private byte[] response(Envelope message) {
        String backend = upstream.backend().name();
        byte[] response = OldToNew.response(message, call.id(), call.method(), backend);
        return earlier ? Revisions.response(Replies.read(response, backend)) : response;
    }

    byte @Nullable [] towardsClient(Envelope message) {
        return switch (message.kind()) {
            case RESPONSE -> response(message);
            case NOTIFICATION -> message.body();
            case REQUEST -> asking.isPresent() ? message.body() : null;
        };
    }
}
