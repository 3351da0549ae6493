/**
 * How replicas of one gateway talk to each other. Start at {@link io.sluice.replica.Messages}: a way to say something to
 * whoever listens to a topic, authenticated, and without a promise that it arrives.
 */
@NullMarked
package io.sluice.replica;

import org.jspecify.annotations.NullMarked;
