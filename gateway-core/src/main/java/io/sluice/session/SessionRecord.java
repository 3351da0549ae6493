package io.sluice.session;

import io.sluice.upstream.SessionHandle;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What the replicas know of a legacy session beyond what its id says.
 *
 * @param handles sessions opened for it, by backend
 * @param subscriptions URIs it wants to hear of, as its client knows them
 * @param tasks names of tasks that it began
 * @param logLevel of {@code logging/setLevel}
 * @param holder the replica that holds its standing stream
 * @param used when it was last used, to about a minute; the epoch when nothing is known
 */
public record SessionRecord(
        Map<String, SessionHandle> handles,
        Set<String> subscriptions,
        Set<String> tasks,
        Optional<String> logLevel,
        Optional<String> holder,
        Instant used) {
    /** Of a session that has done no more than introduce itself. */
    public static final SessionRecord EMPTY =
            new SessionRecord(Map.of(), Set.of(), Set.of(), Optional.empty(), Optional.empty(), Instant.EPOCH);

    public SessionRecord {
        handles = Map.copyOf(handles);
        subscriptions = Set.copyOf(subscriptions);
        tasks = Set.copyOf(tasks);
    }
}
