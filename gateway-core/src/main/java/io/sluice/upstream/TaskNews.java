package io.sluice.upstream;

import io.sluice.envelope.Envelope;
import java.util.Set;

/** What is heard of tasks that somebody watches: see {@link Upstream#tasks}. */
public sealed interface TaskNews {
    /** From now on changes of these are told. */
    record Watched(Set<String> taskIds) implements TaskNews {
        public Watched {
            taskIds = Set.copyOf(taskIds);
        }
    }

    /**
     * A task is no longer as it was.
     *
     * @param notification of the backend's era
     */
    record Changed(String taskId, Envelope notification) implements TaskNews {}
}
