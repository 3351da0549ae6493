package io.sluice.replica;

import java.util.function.Consumer;
import java.util.regex.Pattern;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;

/**
 * Messages between replicas. Each reaches every replica that listens to its topic at that moment, the sender included,
 * at most once and in the order of its sender; while replicas cannot reach each other messages are lost without a sign.
 * Whoever needs an answer therefore asks again, and acts on a message in a way that does no harm twice.
 *
 * <p>What arrives was said by a replica that holds the same secret key, on this topic, and is not a copy of an earlier
 * message: whoever can write to the transport can drop messages, but neither forge nor read nor repeat them. (One hole
 * is left: a replica that has never heard from a sender cannot tell a repeated message of it from a new one. A topic
 * that only one replica listens to carries that replica's {@link #self()} in its name, which ends with the process.)
 *
 * <p>Safe for use by many threads, never blocks.
 */
public interface Messages {
    int MOST_BODY_BYTES = 1 << 20;

    /** What the name of a topic looks like. */
    Pattern TOPIC = Pattern.compile("[A-Za-z0-9._:/-]{1,200}");

    /** This replica: up to 32 characters of {@code [A-Za-z0-9_-]}, new with each start of the process. */
    String self();

    /**
     * Says something. Completes when the transport has taken it, with the number of replicas that were listening as far
     * as the transport can tell; fails when there is no transport now.
     *
     * @param body at most {@link #MOST_BODY_BYTES}; not to be written to any more
     */
    Mono<Long> publish(String topic, byte[] body);

    /**
     * Listens. The value comes once it is certain that messages said from now on are heard, and ends the listening when
     * disposed; cancelling before it comes does so too. Loss of the transport does not end it: once the transport is
     * back, messages are heard again.
     *
     * @param listener called in the order of each sender, on a thread that it must not keep waiting
     */
    Mono<Disposable> listen(String topic, Consumer<Message> listener);

    /** Refuses what no topic is called. */
    static String checkTopic(String topic) {
        if (!TOPIC.matcher(topic).matches()) {
            throw new IllegalArgumentException("'" + topic + "' is not the name of a topic");
        }
        return topic;
    }

    /** Refuses what is too long to be said. */
    static void checkBody(byte[] body) {
        if (body.length > MOST_BODY_BYTES) {
            throw new IllegalArgumentException(
                    "a message of " + body.length + " bytes is longer than " + MOST_BODY_BYTES);
        }
    }
}
