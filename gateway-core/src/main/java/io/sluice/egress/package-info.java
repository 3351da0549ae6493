/**
 * The only way out to backends: HTTP clients that dial nothing but what their source may reach. Start reading at
 * {@link io.sluice.egress.EgressClient}; what may be reached is decided by {@link io.sluice.egress.EgressPolicy} at the
 * moment of {@code connect}, on the address actually dialled, so that neither spellings, redirects nor a name that
 * resolves differently the second time get around it.
 */
@NullMarked
package io.sluice.egress;

import org.jspecify.annotations.NullMarked;
