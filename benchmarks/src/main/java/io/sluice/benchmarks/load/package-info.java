/**
 * Side-by-side runs: the gateway, nginx and HAProxy in front of one backend, driven by one generator, CPU measured from outside. Start reading at
 * {@link io.sluice.benchmarks.load.Run}; {@code benchmarks/run} starts it.
 */
@NullMarked
package io.sluice.benchmarks.load;

import org.jspecify.annotations.NullMarked;
