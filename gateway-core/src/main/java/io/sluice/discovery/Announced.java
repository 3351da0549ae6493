package io.sluice.discovery;

/**
 * A backend said that lists of its changed; they were read again and are what they were. Those that differ are told by
 * the state.
 *
 * @param resources whether resources or resource templates
 */
public record Announced(String backend, boolean tools, boolean prompts, boolean resources) {}
