/**
 * Calls of modern clients that a legacy backend interrupted with a question. The client gets the question as the answer to its request, and the call waits here, with its session at the backend, for
 * the client to come back with what was asked. Start at {@link io.sluice.parking.ParkedCalls}; one such call is a {@link io.sluice.parking.Conversation}.
 */
@NullMarked
package io.sluice.parking;

import org.jspecify.annotations.NullMarked;
