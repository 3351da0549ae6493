package io.sluice.grpc;

import com.google.protobuf.DynamicMessage;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.util.JsonFormat;
import io.grpc.CallOptions;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusException;
import io.sluice.adapter.GrpcSettings;
import io.sluice.adapter.KeptOffering;
import io.sluice.adapter.LocalContent;
import io.sluice.adapter.Part;
import io.sluice.catalog.Glob;
import io.sluice.envelope.Envelope;
import io.sluice.protocol.ErrorCodes;
import io.sluice.protocol.McpMethod;
import io.sluice.protocol.RawJson;
import io.sluice.registry.Backend;
import io.sluice.rejection.Rejection;
import io.sluice.rejection.Rejection.BackendFailure;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** One gRPC service: what it says of itself, asked again now and then, and its methods as tools. */
final class GrpcService implements LocalContent {
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final Duration ASKING = Duration.ofSeconds(20);
    private static final String BINARY = Metadata.BINARY_HEADER_SUFFIX;

    private final Backend backend;
    private final GrpcSettings settings;
    private final Channels channels;
    private final KeptOffering<Reflection.Described, Known> kept;

    /** What a service said last, and what it came to. */
    private record Known(
            Rpcs rpcs,
            JsonFormat.Parser parser,
            JsonFormat.Printer printer,
            Map<String, String> broken,
            Offering offering) {}

    GrpcService(Backend backend, GrpcSettings settings, Part.Surroundings surroundings) {
        this.backend = backend;
        this.settings = settings;
        headers(null); // those that cannot be sent are told of now
        this.channels = new Channels(backend, settings, surroundings);
        this.kept = new KeptOffering<>(
                backend.name(),
                Mono.defer(() -> Reflection.ask(channels.next(), headers(null), ASKING, this::isWanted)),
                Reflection.Described::equals,
                this::made,
                Known::offering,
                settings.interval(),
                surroundings.timer());
    }

    // ---- what it offers

    @Override
    public Mono<Offering> offering() {
        return kept.offering().onErrorMap(error -> !(error instanceof Rejection), this::unasked);
    }

    @Override
    public Flux<Offering> changes() {
        return kept.changes();
    }

    @Override
    public Optional<String> remarks() {
        return kept.now()
                .map(now -> {
                    List<String> lines = new ArrayList<>();
                    now.broken().forEach((service, why) -> lines.add("service " + service + " is left out: " + why));
                    now.rpcs()
                            .left()
                            .forEach(method -> lines.add("method " + method + " is left out: it takes a stream"));
                    return String.join("\n", lines);
                })
                .filter(lines -> !lines.isEmpty());
    }

    private boolean isWanted(String service) {
        if (settings.services().isEmpty()) {
            return !service.startsWith("grpc.reflection.") && !service.equals("grpc.health.v1.Health");
        }
        return Glob.anyMatches(settings.services(), service);
    }

    private Known made(Reflection.Described described) {
        Linked linked = Linked.of(described);
        Rpcs rpcs = Rpcs.of(linked.services());
        List<RawJson> tools = rpcs.byTool().values().stream()
                .map(rpc -> RawJson.of(JSON.writeValueAsBytes(rpc.definition())))
                .toList();
        ObjectNode info = JSON.createObjectNode().put("name", backend.name()).put("version", "0");
        return new Known(
                rpcs,
                JsonFormat.parser().usingTypeRegistry(linked.types()),
                JsonFormat.printer()
                        .usingTypeRegistry(linked.types())
                        .alwaysPrintFieldsWithNoPresence()
                        .omittingInsignificantWhitespace(),
                linked.broken(),
                Offering.ofTools(RawJson.of(JSON.writeValueAsBytes(info)), tools));
    }

    private BackendFailure unasked(Throwable error) {
        if (error instanceof StatusException status) {
            Status.Code code = status.getStatus().getCode();
            if (code == Status.Code.UNIMPLEMENTED) {
                return unavailable("it offers no server reflection (neither grpc.reflection.v1 nor v1alpha)");
            }
            if (code == Status.Code.DEADLINE_EXCEEDED) {
                return unavailable("it did not say what it offers within " + ASKING.toSeconds() + " s");
            }
            return unavailable(unreached(status.getStatus())
                    .orElseGet(() -> "its server reflection answered " + words(status.getStatus())));
        }
        return unavailable(String.valueOf(error.getMessage()));
    }

    // ---- calls

    @Override
    public Flux<Step> perform(Asked asked) {
        return Flux.defer(() -> {
            Envelope request = asked.request();
            if (asked.method() != McpMethod.TOOLS_CALL || !request.isString(request.name())) {
                return Flux.just(new Step.Refusal(ErrorCodes.INVALID_PARAMS, "There are tools here and nothing else"));
            }
            String tool = request.text(request.name());
            return kept.known()
                    .onErrorMap(error -> !(error instanceof Rejection), this::unasked)
                    .publishOn(Schedulers.boundedElastic()) // the first call of a kind loads classes
                    .flatMapMany(read -> {
                        Rpc rpc = read.rpcs().byTool().get(tool);
                        return rpc == null
                                ? Flux.just(new Step.Refusal(ErrorCodes.INVALID_PARAMS, "Unknown tool: " + tool))
                                : call(rpc, read, request, asked.traceparent());
                    });
        });
    }

    private Flux<Step> call(Rpc rpc, Known read, Envelope request, @Nullable String traceparent) {
        DynamicMessage.Builder message = DynamicMessage.newBuilder(rpc.input());
        try {
            read.parser().merge(argument(rpc, request), message);
        } catch (InvalidProtocolBufferException e) {
            return Flux.just(RpcCall.failed(
                    "The arguments are no " + rpc.input().getFullName() + ": " + e.getMessage(), List.of()));
        }
        DynamicMessage built = message.buildPartial();
        if (!built.isInitialized()) {
            return Flux.just(RpcCall.failed(
                    "The arguments are no " + rpc.input().getFullName() + ": missing "
                            + String.join(", ", built.findInitializationErrors()),
                    List.of()));
        }
        // A stream may go on for as long as it says something; who waits for that is decided above.
        CallOptions options = rpc.streams()
                ? CallOptions.DEFAULT
                : CallOptions.DEFAULT.withDeadlineAfter(backend.timeout().toMillis(), TimeUnit.MILLISECONDS);
        return Flux.create(sink -> new RpcCall(
                        rpc,
                        channels.next().newCall(rpc.method(), options),
                        read.printer(),
                        settings.maxMessages(),
                        sink,
                        status -> unreached(status).map(this::unavailable).orElse(null))
                .start(built, headers(traceparent)));
    }

    /** The message as its JSON; what is not written as an object is the argument {@code value}. */
    private static String argument(Rpc rpc, Envelope request) throws InvalidProtocolBufferException {
        if (!request.isObject(request.arguments())) {
            return MessageSchemas.isObject(rpc.input()) ? "{}" : "null";
        }
        String given = request.raw(request.arguments()).toString();
        if (MessageSchemas.isObject(rpc.input())) {
            return given;
        }
        JsonNode value;
        try {
            value = JSON.readTree(given).path("value");
        } catch (JacksonException e) {
            throw new InvalidProtocolBufferException(e.getOriginalMessage());
        }
        if (value.isMissingNode()) {
            throw new InvalidProtocolBufferException("the argument 'value' is missing");
        }
        return value.toString();
    }

    /** The backend's own, and the trace; nothing of the client's. */
    private Metadata headers(@Nullable String traceparent) {
        Metadata headers = new Metadata();
        if (traceparent != null) {
            headers.put(Metadata.Key.of("traceparent", Metadata.ASCII_STRING_MARSHALLER), traceparent);
        }
        backend.headers().forEach((name, value) -> {
            if (name.regionMatches(true, 0, "grpc-", 0, 5)) {
                throw new IllegalArgumentException("the header '" + name + "' belongs to gRPC itself; leave it out");
            }
            try {
                if (name.endsWith(BINARY)) {
                    byte[] bytes = Base64.getDecoder().decode(value);
                    headers.put(Metadata.Key.of(name, Metadata.BINARY_BYTE_MARSHALLER), bytes);
                } else {
                    headers.put(Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER), value);
                }
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException("the header '" + name + "' cannot be sent with gRPC", e);
            }
        });
        return headers;
    }

    // ---- trouble

    /** Why the service could not be asked; empty when it was, and answered with this status itself. */
    private static Optional<String> unreached(Status status) {
        Throwable cause = status.getCause();
        if (status.getCode() != Status.Code.UNAVAILABLE || cause == null) {
            return Optional.empty();
        }
        for (Throwable inner = cause.getCause(); inner != null; inner = inner.getCause()) {
            cause = inner;
        }
        String why = cause.getMessage();
        return Optional.of("it cannot be reached, " + (why == null ? words(status) : why));
    }

    private static String words(Status status) {
        String description = status.getDescription();
        return status.getCode().name() + (description == null ? "" : ": " + description);
    }

    private BackendFailure unavailable(String what) {
        return BackendFailure.unavailable(
                backend.name(), "Backend '" + backend.name() + "' is unavailable: " + what, Duration.ofSeconds(1));
    }

    @Override
    public Mono<Void> close() {
        return Mono.defer(() -> {
            kept.dispose();
            return channels.close();
        });
    }
}
