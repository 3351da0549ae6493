package io.sluice.grpc;

import com.google.api.FieldBehaviorProto;
import com.google.protobuf.ByteString;
import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.ExtensionRegistry;
import com.google.protobuf.ExtensionRegistryLite;
import com.google.protobuf.InvalidProtocolBufferException;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.reflection.v1.ErrorResponse;
import io.grpc.reflection.v1.ServerReflectionGrpc;
import io.grpc.reflection.v1.ServerReflectionRequest;
import io.grpc.reflection.v1.ServerReflectionResponse;
import io.grpc.reflection.v1.ServiceResponse;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import reactor.core.publisher.Mono;
import reactor.core.publisher.MonoSink;

/**
 * Asks a service what it offers, in one conversation: its services, the file of each, and what those files import. Version 1 of server reflection, and v1alpha, whose messages are the same, where the
 * service knows only that.
 */
final class Reflection {
    static final int MOST_FILES = 5000;
    static final int MOST_BYTES = 32 << 20;

    private static final String ALPHA = "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";
    private static final MethodDescriptor<ServerReflectionRequest, ServerReflectionResponse> V1 =
            ServerReflectionGrpc.getServerReflectionInfoMethod();
    private static final MethodDescriptor<ServerReflectionRequest, ServerReflectionResponse> V1ALPHA =
            V1.toBuilder().setFullMethodName(ALPHA).build();

    /** The options that say something about a tool. */
    private static final ExtensionRegistryLite KNOWN_OPTIONS = knownOptions();

    private Reflection() {}

    /**
     * What a service says of itself.
     *
     * @param files descriptors by the names of their files
     * @param unknown services it names and does not describe, with its reason
     */
    record Described(Set<String> services, Map<String, FileDescriptorProto> files, Map<String, String> unknown) {}

    private static ExtensionRegistryLite knownOptions() {
        ExtensionRegistry registry = ExtensionRegistry.newInstance();
        FieldBehaviorProto.registerAllExtensions(registry);
        return registry;
    }

    /** Fails with a {@link StatusException}, {@code UNIMPLEMENTED} where neither version is offered. */
    static Mono<Described> ask(Channel channel, Metadata headers, Duration patience, Predicate<String> wanted) {
        return ask(V1, channel, headers, patience, wanted)
                .onErrorResume(
                        error -> Status.fromThrowable(error).getCode() == Status.Code.UNIMPLEMENTED,
                        error -> ask(V1ALPHA, channel, headers, patience, wanted));
    }

    private static Mono<Described> ask(
            MethodDescriptor<ServerReflectionRequest, ServerReflectionResponse> method,
            Channel channel,
            Metadata headers,
            Duration patience,
            Predicate<String> wanted) {
        return Mono.create(sink -> {
            CallOptions options = CallOptions.DEFAULT.withDeadlineAfter(patience.toMillis(), TimeUnit.MILLISECONDS);
            ClientCall<ServerReflectionRequest, ServerReflectionResponse> call = channel.newCall(method, options);
            Metadata own = new Metadata();
            own.merge(headers);
            sink.onCancel(() -> call.cancel("Nobody waits any more", null));
            new Conversation(call, sink, wanted).start(own);
        });
    }

    /** One question at a time; told by one thread at a time. */
    private static final class Conversation extends ClientCall.Listener<ServerReflectionResponse> {
        private final ClientCall<ServerReflectionRequest, ServerReflectionResponse> call;
        private final MonoSink<Described> sink;
        private final Predicate<String> wanted;
        private final Set<String> services = new HashSet<>();
        private final Map<String, FileDescriptorProto> files = new TreeMap<>();
        private final Map<String, String> unknown = new LinkedHashMap<>();
        private final Deque<ServerReflectionRequest> questions = new ArrayDeque<>();
        private final Set<String> askedFiles = new HashSet<>();
        private ServerReflectionRequest asked = ServerReflectionRequest.getDefaultInstance();
        private long bytes;
        private boolean done;

        Conversation(
                ClientCall<ServerReflectionRequest, ServerReflectionResponse> call,
                MonoSink<Described> sink,
                Predicate<String> wanted) {
            this.call = call;
            this.sink = sink;
            this.wanted = wanted;
        }

        void start(Metadata headers) {
            questions.add(
                    ServerReflectionRequest.newBuilder().setListServices("*").build());
            call.start(this, headers);
            next();
        }

        private void next() {
            ServerReflectionRequest question = questions.poll();
            if (question != null) {
                asked = question;
                call.sendMessage(question);
                call.request(1);
                return;
            }
            done = true;
            call.halfClose();
            call.request(1);
            sink.success(new Described(Set.copyOf(services), files, unknown));
        }

        @Override
        public void onMessage(ServerReflectionResponse answer) {
            if (done) {
                return;
            }
            try {
                switch (answer.getMessageResponseCase()) {
                    case LIST_SERVICES_RESPONSE ->
                        answer.getListServicesResponse().getServiceList().forEach(this::service);
                    case FILE_DESCRIPTOR_RESPONSE -> {
                        for (ByteString file :
                                answer.getFileDescriptorResponse().getFileDescriptorProtoList()) {
                            file(file);
                        }
                    }
                    case ERROR_RESPONSE -> error(answer.getErrorResponse());
                    default -> throw new Unreadable("its server reflection answers what was not asked");
                }
            } catch (Unreadable | InvalidProtocolBufferException e) {
                done = true;
                call.cancel("Not understood", e);
                sink.error(e instanceof Unreadable ? e : new Unreadable("it sent a descriptor that is none"));
                return;
            }
            next();
        }

        private void service(ServiceResponse service) {
            String name = service.getName();
            if (wanted.test(name) && services.add(name)) {
                questions.add(ServerReflectionRequest.newBuilder()
                        .setFileContainingSymbol(name)
                        .build());
            }
        }

        private void file(ByteString serialized) throws InvalidProtocolBufferException {
            bytes += serialized.size();
            FileDescriptorProto file = FileDescriptorProto.parseFrom(serialized, KNOWN_OPTIONS);
            if (files.putIfAbsent(file.getName(), file) != null) {
                return;
            }
            if (files.size() > MOST_FILES || bytes > MOST_BYTES) {
                throw new Unreadable("its descriptors are more than " + MOST_FILES + " files or " + (MOST_BYTES >> 20)
                        + " MiB; name the services you need");
            }
            askedFiles.add(file.getName());
            for (String imported : file.getDependencyList()) {
                if (!Linked.isBundled(imported) && askedFiles.add(imported)) {
                    questions.add(ServerReflectionRequest.newBuilder()
                            .setFileByFilename(imported)
                            .build());
                }
            }
        }

        /** Costs what was asked for, and nothing else. */
        private void error(ErrorResponse error) {
            if (asked.hasFileContainingSymbol()) {
                unknown.put(asked.getFileContainingSymbol(), error.getErrorMessage());
                services.remove(asked.getFileContainingSymbol());
            } else if (!asked.hasFileByFilename()) {
                throw new Unreadable("its server reflection answers with an error: " + error.getErrorMessage());
            }
        }

        @Override
        public void onClose(Status status, Metadata trailers) {
            if (!done) {
                done = true;
                sink.error(
                        status.isOk()
                                ? new Unreadable("its server reflection ended in the middle")
                                : new StatusException(status, trailers));
            }
        }
    }
}
