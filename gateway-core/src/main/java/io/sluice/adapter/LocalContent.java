package io.sluice.adapter;

import io.sluice.envelope.Envelope;
import io.sluice.protocol.Era;
import io.sluice.protocol.McpMethod;
import io.sluice.protocol.RawJson;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** What a {@link LocalServer} offers. Neither method may block. */
public interface LocalContent {
    /** What is offered now; asked anew for each list. Fails with a backend failure while that cannot be said. */
    Mono<Offering> offering();

    /**
     * Does what a client asks for: {@code tools/call}, {@code resources/read}, {@code prompts/get} or {@code completion/complete}. Ends with one {@link Step.Result} or {@link Step.Refusal}, or fails
     * with a rejection. Cancelling means that nobody waits any more.
     */
    Flux<Step> perform(Asked asked);

    /** Signals that the offering is another one; never ends. */
    default Flux<Offering> changes() {
        return Flux.never();
    }

    /** As {@link Adapter#remarks}. */
    default Optional<String> remarks() {
        return Optional.empty();
    }

    /** Frees what it holds; never fails. */
    default Mono<Void> close() {
        return Mono.empty();
    }

    /**
     * @param serverInfo an {@code Implementation} object
     * @param instructions for the model, or null
     * @param tools each a whole tool definition
     */
    record Offering(
            RawJson serverInfo,
            @Nullable String instructions,
            List<RawJson> tools,
            List<RawJson> prompts,
            List<RawJson> resources,
            List<RawJson> resourceTemplates) {
        public Offering {
            tools = List.copyOf(tools);
            prompts = List.copyOf(prompts);
            resources = List.copyOf(resources);
            resourceTemplates = List.copyOf(resourceTemplates);
        }

        /** Tools and nothing else. */
        public static Offering ofTools(RawJson serverInfo, List<RawJson> tools) {
            return new Offering(serverInfo, null, tools, List.of(), List.of(), List.of());
        }
    }

    /**
     * @param request the whole request; its {@code params} are the client's, with the target's name as this content offers it
     * @param traceparent W3C trace context of this hop, or null
     */
    record Asked(
            McpMethod method,
            Envelope request,
            Era era,
            @Nullable String traceparent) {}

    /** What happens during a call. */
    sealed interface Step {
        /**
         * Told to a client that asked for it.
         *
         * @param total how much there is, or null
         * @param message for people, or null
         */
        record Progress(
                double progress,
                @Nullable Double total,
                @Nullable String message) implements Step {}

        /** The result object, as 2025-11-25 knows it; what the modern era adds is added. */
        record Result(RawJson json) implements Step {}

        /** A JSON-RPC error. */
        record Refusal(int code, String message) implements Step {}
    }
}
