package io.sluice.bridge;

/** What becomes of a message in one {@link Pairing}. */
public sealed interface Fate {
    /** The cell of the table in docs/bridging.md. */
    String cell();

    /** It arrives as it is; what belongs to a hop, such as ids and headers, is the hop's. */
    record Exact() implements Fate {
        @Override
        public String cell() {
            return "exact";
        }
    }

    /** It arrives in the other's words. */
    record Mapped(String how) implements Fate {
        @Override
        public String cell() {
            return "mapped: " + how;
        }
    }

    /** The gateway answers it, or takes it, without asking the backend. */
    record Here(String how) implements Fate {
        @Override
        public String cell() {
            return "here: " + how;
        }
    }

    /** It is answered with this error. */
    record Refused(int status, int code) implements Fate {
        @Override
        public String cell() {
            return "refused: HTTP " + status + ", " + code;
        }
    }

    /** Nobody gets it, and nobody waits for it. */
    record Dropped(String why) implements Fate {
        @Override
        public String cell() {
            return "dropped: " + why;
        }
    }

    /** There is no such message between these two. */
    record Absent() implements Fate {
        @Override
        public String cell() {
            return "–";
        }
    }
}
