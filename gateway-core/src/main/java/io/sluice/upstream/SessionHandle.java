package io.sluice.upstream;

import java.net.URI;
import java.util.Optional;

/**
 * What it takes to go on with a client's session at a backend from another replica. Never changed; a session that is
 * opened anew has another handle.
 *
 * @param endpoint where the backend keeps it; only used while it is an endpoint of the registered backend
 * @param revision of the protocol, in the backend's own words
 * @param id as the backend calls it. Secret: who has it may speak for the client.
 * @param keeper the replica that reads the session's own stream, empty when it has left
 * @param lastEventId up to which the keeper that left has read that stream
 * @param told whether the client was told something by the backend that it would miss if the session began anew
 */
public record SessionHandle(
        URI endpoint, String revision, String id, String keeper, Optional<String> lastEventId, boolean told) {
    /** Whether both are about the same session at the backend, whatever became of it. */
    public boolean sameSession(SessionHandle other) {
        return id.equals(other.id) && endpoint.equals(other.endpoint);
    }

    public SessionHandle keptBy(String replica) {
        return new SessionHandle(endpoint, revision, id, replica, Optional.empty(), told);
    }

    /** Left behind by its keeper. */
    public SessionHandle left(Optional<String> readUpTo) {
        return new SessionHandle(endpoint, revision, id, "", readUpTo, told);
    }

    public SessionHandle tellingClient() {
        return new SessionHandle(endpoint, revision, id, keeper, lastEventId, true);
    }

    /** Without the id, which is secret. */
    @Override
    public String toString() {
        return "SessionHandle[" + endpoint + " keeper=" + keeper + " told=" + told + "]";
    }
}
