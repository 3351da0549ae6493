package io.sluice.registry;

import java.time.Duration;

/** Why a change was not made. The message is a sentence for the reader. Carries no stack trace: it is an answer. */
public abstract sealed class RegistryRefusal extends RuntimeException {
    private RegistryRefusal(String message) {
        super(message, null, false, false);
    }

    /** The thing is not at the expected revision any more; nothing was changed. */
    public static final class Conflict extends RegistryRefusal {
        private final long current;

        public Conflict(String thing, long expected, long current) {
            super("%s is at revision %d, not at %d as expected; read it again".formatted(thing, current, expected));
            this.current = current;
        }

        /** The revision it has now, 0 when it does not exist. */
        public long current() {
            return current;
        }
    }

    /** Another replica does the job by now; nothing was changed. */
    public static final class Fenced extends RegistryRefusal {
        public Fenced(Fence fence, long newest) {
            super("another replica does '%s' now: token %d is newer than %d"
                    .formatted(fence.job(), newest, fence.token()));
        }
    }

    /**
     * The registry takes no changes now, or did not answer. Nothing was changed, or, when no answer came, it is unknown
     * whether it was: asking again under the same operation id does it at most once.
     */
    public static final class Unavailable extends RegistryRefusal {
        private final Duration retryAfter;

        public Unavailable(String sentence, Duration retryAfter) {
            super(sentence);
            this.retryAfter = retryAfter;
        }

        /** When it is worth asking again. */
        public Duration retryAfter() {
            return retryAfter;
        }
    }
}
