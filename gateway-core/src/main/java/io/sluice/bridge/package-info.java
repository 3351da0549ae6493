/**
 * Between the eras: turns a request of one era into one of the other and the reply back. Functions over messages; who sends what to whom is decided in the gateway package. What becomes of each
 * message in each pairing of eras says {@link io.sluice.bridge.Crossing}.
 */
@NullMarked
package io.sluice.bridge;

import org.jspecify.annotations.NullMarked;
