/**
 * Reaching a backend. {@link io.sluice.upstream.Upstream} is everything one replica keeps about it: the connections,
 * what era it speaks, the session all callers may share, and the feed of its changes. A request goes out as {@link
 * io.sluice.upstream.Upstream#postModern} or over a {@link io.sluice.upstream.LegacySession}, and what comes back is a
 * {@link io.sluice.upstream.Reply}. Start reading at {@code Upstream}.
 *
 * <p>Below it every request is an {@code Ask} and what comes back an {@code Answer}: {@code BackendHttp} finds it
 * credentials and a place, {@code HttpAttempts} decides how often and to which endpoint it is sent, {@code HttpExchanges}
 * sends it ({@code Sending} is one time that it does), and {@code AdapterExchanges} asks an {@link
 * io.sluice.adapter.Adapter} instead.
 */
@NullMarked
package io.sluice.upstream;

import org.jspecify.annotations.NullMarked;
