package io.sluice.protocol;

/**
 * The two families of protocol revisions (specification, <em>Versioning</em>): {@code LEGACY} revisions open with an {@code initialize} handshake and may keep a
 * session; {@code MODERN} ones carry their metadata with each request and keep nothing.
 */
public enum Era {
    LEGACY,
    MODERN
}
