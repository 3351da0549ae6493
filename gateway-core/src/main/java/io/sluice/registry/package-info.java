/**
 * Who stands behind the gateway, and what else its replicas must agree on. {@link io.sluice.registry.Registry} is the
 * port through which backends come and go, whether a file, an API call, a peer or the service itself names them: for
 * good, or under a {@link io.sluice.registry.Lease} that ends unless it is renewed. {@link
 * io.sluice.registry.SharedRecord} is anything small besides. {@link io.sluice.registry.InMemoryRegistry} serves a
 * single replica.
 */
@NullMarked
package io.sluice.registry;

import org.jspecify.annotations.NullMarked;
