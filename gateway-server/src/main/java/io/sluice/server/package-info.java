/**
 * The process: reads the command line and the configuration, starts the gateway and stops it. Start reading at
 * {@link io.sluice.server.Main}.
 */
@NullMarked
package io.sluice.server;

import org.jspecify.annotations.NullMarked;
