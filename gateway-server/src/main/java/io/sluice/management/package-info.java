/**
 * The management API: backends come and go over HTTP, and probes ask how the gateway is. Start reading at
 * {@link io.sluice.management.ManagementApi}. Every route is one {@link io.sluice.management.Operation} in a table, from
 * which follow who may call it, what is refused with 404, 405 and {@code Allow}, and what the API's description says.
 * Refusals are {@link io.sluice.management.Problem}s (RFC 9457).
 */
@NullMarked
package io.sluice.management;

import org.jspecify.annotations.NullMarked;
