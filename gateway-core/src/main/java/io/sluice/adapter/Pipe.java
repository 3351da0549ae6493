package io.sluice.adapter;

/** A channel to a server, on which messages go both ways: the pipes of a process, or a POST and an event stream. */
public interface Pipe {
    /**
     * Sends one message. Never blocks; false when it cannot be sent because the channel is closed or its server reads nothing.
     *
     * @param json one line of JSON at most; not to be changed afterwards
     */
    boolean send(byte[] json);
}
