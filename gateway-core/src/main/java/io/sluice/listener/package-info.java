/**
 * The only way in: an HTTP server that hands on nothing it has not checked. Start reading at
 * {@link io.sluice.listener.HttpListener}. A request passes, in this order, the byte-level codec
 * ({@link io.sluice.listener.StrictHttpCodec}), the rules for a decoded head ({@link io.sluice.listener.HeadRules}), the
 * address, host and origin of the client, and only then the {@link io.sluice.listener.HttpHandler}. Slow peers are cut
 * off in every direction, bodies are bounded, and a drain lets what is in flight finish.
 */
@NullMarked
package io.sluice.listener;

import org.jspecify.annotations.NullMarked;
