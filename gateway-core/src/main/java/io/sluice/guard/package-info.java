/**
 * Decides whether a call may go to a backend, and learns from how it went: circuit breakers, places, rate limits. Plain
 * functions over state without locks or allocation; nothing here waits, knows HTTP or Reactor, or reads a clock of its
 * own on the path of a call. Start with {@link io.sluice.guard.Breaker}.
 */
@NullMarked
package io.sluice.guard;

import org.jspecify.annotations.NullMarked;
