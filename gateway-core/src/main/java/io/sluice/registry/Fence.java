package io.sluice.registry;

/**
 * Proof of being the one replica that does a job. A change that carries it is refused once another replica has been given
 * the job, even if the former holder was asleep and never noticed.
 *
 * @param token grows each time the job changes hands
 */
public record Fence(String job, long token) {}
