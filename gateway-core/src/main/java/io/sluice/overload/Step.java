package io.sluice.overload;

/** How far the gateway has gone in sparing itself. Each step does what the ones before it do as well. */
public enum Step {
    /** Nothing is refused. */
    CALM("nothing is refused"),
    /** Connections that nobody uses are closed. */
    EASE("idle connections are closed"),
    /** Lists, new event streams without a call, and calls of background callers are refused. */
    SHED("lists, new subscriptions and calls of background callers are refused"),
    /** Connections are closed after each answer, and the streams whose clients are furthest behind are cut. */
    CUT("connections are closed after each answer, and the streams furthest behind are cut"),
    /** Everything is refused but health checks and management. */
    REFUSE("everything is refused but health checks and management");

    private final String words;

    Step(String words) {
        this.words = words;
    }

    /** What it means for clients. */
    String words() {
        return words;
    }

    boolean isAtLeast(Step other) {
        return compareTo(other) >= 0;
    }

    @SuppressWarnings("EnumOrdinal") // the order is what steps are
    Step lower() {
        return switch (this) {
            case CALM, EASE -> CALM;
            case SHED -> EASE;
            case CUT -> SHED;
            case REFUSE -> CUT;
        };
    }
}
