package io.sluice.replica;

/**
 * What one replica said to a topic.
 *
 * @param from the replica that said it, as its {@link Messages#self()}; authenticated
 * @param body shared, never written
 */
public record Message(String topic, String from, byte[] body) {}
