/**
 * What serves: assembles a gateway from its settings, starts it and stops it. Start reading at
 * {@link io.sluice.server.GatewayLauncher}, the seam to the command line.
 */
@NullMarked
package io.sluice.server;

import org.jspecify.annotations.NullMarked;
