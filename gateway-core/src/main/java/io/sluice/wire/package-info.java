/**
 * HTTP/1.1 towards backends, on the event loop that a call arrived on: connections that are kept for the next request,
 * one exchange on each at a time, told of by plain calls instead of publishers. Knows nothing of MCP. Start reading at
 * {@link io.sluice.wire.Connections}.
 */
@NullMarked
package io.sluice.wire;

import org.jspecify.annotations.NullMarked;
