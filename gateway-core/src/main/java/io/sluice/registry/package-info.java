/**
 * Who stands behind the gateway. {@link io.sluice.registry.Registry} is the port through which backends come and go, whether a file, an API call or a peer names
 * them; {@link io.sluice.registry.InMemoryRegistry} serves a single replica.
 */
@NullMarked
package io.sluice.registry;

import org.jspecify.annotations.NullMarked;
