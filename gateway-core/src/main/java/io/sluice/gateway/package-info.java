/**
 * The life of a call. Start at {@link io.sluice.gateway.RequestPath}; {@link io.sluice.gateway.Gateway} puts it behind a listener. The stages decide with plain functions over one immutable
 * {@link io.sluice.gateway.View}; publishers appear where something really waits.
 */
@NullMarked
package io.sluice.gateway;

import org.jspecify.annotations.NullMarked;
