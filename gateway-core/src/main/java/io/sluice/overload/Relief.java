package io.sluice.overload;

/** What can be done about connections of clients. Called by one thread, not an event loop. */
public interface Relief {
    /** Closes connections on which nothing has happened since it was last called. */
    void closeIdle();

    /** Whether connections are closed after each answer from now on. */
    void closeAfterAnswers(boolean close);

    /** Closes the connections of the clients that are furthest behind in reading: a tenth of those that are; says how many. */
    int cutFurthestBehind();
}
