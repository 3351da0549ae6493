package io.sluice.stdio;

import io.sluice.envelope.Envelope;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * What a program said and was told, and what outlives its processes: which era it speaks, its handshake, its lists, the
 * log level and subscriptions that each new process has to be told of.
 *
 * <p>State is owned by this object's monitor, inside of which nothing is done but looking and writing down; lists and
 * subscriptions are concurrent collections.
 */
final class ProgramMemory {
    private final Map<String, Envelope> answers = new ConcurrentHashMap<>();
    private final Set<String> subscribed = ConcurrentHashMap.newKeySet();
    private @Nullable Envelope hello;
    private @Nullable Envelope welcome;
    private @Nullable Envelope logLevel;
    private boolean legacy;
    private boolean probing;

    // ---- the era

    /** Whether it does not know the modern era. */
    synchronized boolean isLegacy() {
        return legacy;
    }

    synchronized void speaksLegacy(boolean found) {
        legacy = found;
    }

    /** Whether it is being asked at the moment which era it speaks. */
    synchronized void probing(boolean now) {
        probing = now;
    }

    /**
     * A process ended: whether that is how it answered the probe. Then the program is a legacy one.
     *
     * @param answered whether the process ever said something
     */
    synchronized boolean endedInsteadOfAnswering(boolean answered) {
        boolean instead = probing && !answered && !legacy;
        legacy |= instead;
        return instead;
    }

    // ---- the handshake

    /** The {@code initialize} that each process is sent; null while none is due. */
    synchronized @Nullable Envelope hello() {
        return hello;
    }

    /** Unless another is being sent already. */
    synchronized void greetWith(Envelope initialize) {
        if (hello == null) {
            hello = initialize;
        }
    }

    /** How it was answered; null before. */
    synchronized @Nullable Envelope welcome() {
        return welcome;
    }

    synchronized void welcomed(Envelope answer) {
        welcome = answer;
    }

    /** It may have been too slow for the probe: the next one decides anew. */
    synchronized void refusedHandshake() {
        legacy = false;
        hello = null;
    }

    // ---- what each process is told

    /** The last {@code logging/setLevel}; null before the first. */
    synchronized @Nullable Envelope logLevel() {
        return logLevel;
    }

    synchronized void logLevel(Envelope request) {
        logLevel = request;
    }

    /** The resources whose changes somebody wants to hear of; may be changed. */
    Set<String> subscribed() {
        return subscribed;
    }

    // ---- what it said

    /** How it answered a question before; null when it was not asked. */
    @Nullable
    Envelope answer(String question) {
        return answers.get(question);
    }

    void answered(String question, Envelope answer) {
        answers.put(question, answer);
    }
}
