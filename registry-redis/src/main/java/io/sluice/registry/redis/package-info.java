/**
 * The registry, messages and session state of gateways of more than one replica, over Redis. The only package that knows
 * Lettuce. {@link io.sluice.registry.redis.RedisConnections} is how everything here reaches Redis; start at {@link
 * io.sluice.registry.redis.RedisRegistry}, whose writing is in the scripts beside this file and whose reading is in
 * {@code Follower}.
 */
@NullMarked
package io.sluice.registry.redis;

import org.jspecify.annotations.NullMarked;
