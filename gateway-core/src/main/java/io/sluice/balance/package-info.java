/**
 * Picks the endpoint of a backend that serves the next attempt, and keeps what this replica knows about each: load,
 * latency, ejections, its own breaker. Plain functions over state without locks; nothing here waits, knows HTTP or
 * Reactor, or reads a clock of its own on the path of a call. Start with {@link io.sluice.balance.Endpoints}.
 */
@NullMarked
package io.sluice.balance;

import org.jspecify.annotations.NullMarked;
