/**
 * Reaching a backend. {@link io.sluice.upstream.Upstream} is everything one replica keeps about it: the connections,
 * what era it speaks, the session all callers may share, and the feed of its changes. A request goes out as {@link
 * io.sluice.upstream.Upstream#postModern} or over a {@link io.sluice.upstream.LegacySession}, and what comes back is a
 * {@link io.sluice.upstream.Reply}. Start reading at {@code Upstream}; {@code BackendHttp} below it is the only place
 * that touches HTTP, and {@code AdapterExchanges} beside it the only one that asks an {@link io.sluice.adapter.Adapter} instead.
 */
@NullMarked
package io.sluice.upstream;

import org.jspecify.annotations.NullMarked;
