/**
 * The registry, the session store and shared limits over Redis, for gateways of more than one replica. The only package
 * that knows Lettuce.
 */
@NullMarked
package io.sluice.registry.redis;

import org.jspecify.annotations.NullMarked;
