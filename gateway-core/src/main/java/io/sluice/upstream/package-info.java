/**
 * Reaching a backend. {@link io.sluice.upstream.Upstream} is everything one replica keeps about it: the connections,
 * what era it speaks, the session all callers may share, and the feed of its changes. A request goes out as {@link
 * io.sluice.upstream.Upstream#postModern} or over a {@link io.sluice.upstream.LegacySession}, and what comes back is a
 * {@link io.sluice.upstream.Reply}. Start reading at {@code Upstream}.
 *
 * <p>In {@code Upstream} the pieces meet: {@code Verdicts} knows what the backend speaks, {@code ModernExchanges} sends
 * modern requests, {@code SharedSession} and {@code Leases} keep sessions that are no one client's own, {@code Changes}
 * has the feed.
 *
 * <p>A {@code LegacySession} decides where each of its requests goes. {@code SessionLife} is what stands for it at the
 * backend, opened by {@code Handshake} and replaced when it is forgotten; {@code AgreedHandle} is this replica's part in
 * what the replicas agree on about it; {@code SessionStream} is its GET stream; {@code SessionHttp} writes its messages and
 * {@code SessionReplies} reads the answers.
 *
 * <p>Below both, every request is an {@code Ask} and what comes back an {@code Answer}: {@code BackendHttp} finds it
 * credentials and a place, {@code HttpAttempts} decides how often and to which endpoint it is sent, {@code HttpExchanges}
 * sends it ({@code Sending} is one time that it does), and {@code AdapterExchanges} asks an {@link
 * io.sluice.adapter.Adapter} instead.
 */
@NullMarked
package io.sluice.upstream;

import org.jspecify.annotations.NullMarked;
