package io.sluice.gateway;

import io.sluice.call.Answer;
import reactor.core.publisher.Mono;

/** A call that began on the lane and goes on the general way. */
interface Ahead {
    /** Its answer; subscribed to once. */
    Mono<Answer> rest();
}
