/**
 * One call on its way through the gateway, as values: an {@link io.sluice.call.Inbound} head, the {@link io.sluice.call.Call} it becomes once its caller and envelope are known, and the
 * {@link io.sluice.call.Answer} that goes back. Nothing here performs I/O.
 */
@NullMarked
package io.sluice.call;

import org.jspecify.annotations.NullMarked;
