/**
 * Between the eras: turns a request of one era into one of the other and the reply back. Functions over messages; who sends what to whom is decided in the gateway package. What needs a conversation
 * with the client is refused with a sentence.
 */
@NullMarked
package io.sluice.bridge;

import org.jspecify.annotations.NullMarked;
