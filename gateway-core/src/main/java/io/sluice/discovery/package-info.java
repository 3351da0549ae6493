/**
 * Learns what the registered backends offer, and keeps learning. {@link io.sluice.discovery.Discovery} follows the
 * registry, keeps one {@link io.sluice.upstream.Upstream} for each backend, reads its lists, reads them again when they
 * change or the backend comes back, and announces the sum as one immutable {@link io.sluice.discovery.DiscoveryState},
 * from which the catalog is built.
 */
@NullMarked
package io.sluice.discovery;

import org.jspecify.annotations.NullMarked;
