package io.sluice.grpc;

import com.google.protobuf.Any;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.Descriptors.MethodDescriptor;
import com.google.protobuf.Descriptors.ServiceDescriptor;
import com.google.protobuf.DynamicMessage;
import com.google.rpc.ErrorInfo;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.protobuf.ProtoServiceDescriptorSupplier;
import io.grpc.protobuf.ProtoUtils;
import io.grpc.protobuf.StatusProto;
import io.grpc.protobuf.services.ProtoReflectionService;
import io.grpc.protobuf.services.ProtoReflectionServiceV1;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import io.sluice.registry.Backend;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;

/** The shop of {@link Protos} on a port of its own, as grpc-java serves it, with the reflection of grpc-services. */
final class ShopServer implements AutoCloseable {
    /** Which versions of server reflection are spoken. */
    enum Speaks {
        V1,
        V1ALPHA,
        NEITHER
    }

    private static final ServiceDescriptor SHOP = Protos.SHOP.findServiceByName("Shop");

    final List<Metadata> seen = new CopyOnWriteArrayList<>();
    final AtomicInteger cancelled = new AtomicInteger();
    final List<Long> deadlines = new CopyOnWriteArrayList<>();
    private final Server server;

    ShopServer(Speaks speaks) {
        this(speaks, 0, builder -> builder);
    }

    @SuppressWarnings("deprecation") // the older form of reflection is what many servers still speak
    ShopServer(Speaks speaks, int port, UnaryOperator<NettyServerBuilder> change) {
        NettyServerBuilder builder = NettyServerBuilder.forAddress(
                        new InetSocketAddress(InetAddress.getLoopbackAddress(), port))
                .addService(shop())
                .intercept(new Watch());
        switch (speaks) {
            case V1 -> builder.addService(ProtoReflectionServiceV1.newInstance());
            case V1ALPHA -> builder.addService(ProtoReflectionService.newInstance());
            case NEITHER -> {}
        }
        try {
            server = change.apply(builder).build().start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    int port() {
        return server.getPort();
    }

    Backend backend(String name) {
        return Backend.of(name, "http://127.0.0.1:" + port() + "/", Backend.Source.FILE)
                .via(io.sluice.adapter.GrpcSettings.USUAL.transport());
    }

    @Override
    public void close() {
        server.shutdownNow();
        try {
            server.awaitTermination(5, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private final class Watch implements ServerInterceptor {
        @Override
        public <Q, A> ServerCall.Listener<Q> interceptCall(
                ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
            if ("shop.v1.Shop".equals(call.getMethodDescriptor().getServiceName())) {
                seen.add(headers);
                if (Context.current().getDeadline() != null) {
                    deadlines.add(Context.current().getDeadline().timeRemaining(TimeUnit.MILLISECONDS));
                }
                Context.current()
                        .addListener(
                                context -> {
                                    if (context.cancellationCause() != null) {
                                        cancelled.incrementAndGet();
                                    }
                                },
                                Runnable::run);
            }
            return Contexts.interceptCall(Context.current(), call, headers, next);
        }
    }

    /** What a generated service says of itself, where reflection looks for it. */
    private record Described() implements ProtoServiceDescriptorSupplier {
        @Override
        public ServiceDescriptor getServiceDescriptor() {
            return SHOP;
        }

        @Override
        public FileDescriptor getFileDescriptor() {
            return Protos.SHOP;
        }
    }

    private ServerServiceDefinition shop() {
        io.grpc.ServiceDescriptor.Builder described =
                io.grpc.ServiceDescriptor.newBuilder(SHOP.getFullName()).setSchemaDescriptor(new Described());
        Map<String, io.grpc.MethodDescriptor<DynamicMessage, DynamicMessage>> methods = new java.util.LinkedHashMap<>();
        for (MethodDescriptor method : SHOP.getMethods()) {
            io.grpc.MethodDescriptor<DynamicMessage, DynamicMessage> made =
                    io.grpc.MethodDescriptor.<DynamicMessage, DynamicMessage>newBuilder()
                            .setFullMethodName(SHOP.getFullName() + "/" + method.getName())
                            .setType(
                                    method.isServerStreaming()
                                            ? io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING
                                            : method.isClientStreaming()
                                                    ? io.grpc.MethodDescriptor.MethodType.CLIENT_STREAMING
                                                    : io.grpc.MethodDescriptor.MethodType.UNARY)
                            .setRequestMarshaller(
                                    ProtoUtils.marshaller(DynamicMessage.getDefaultInstance(method.getInputType())))
                            .setResponseMarshaller(
                                    ProtoUtils.marshaller(DynamicMessage.getDefaultInstance(method.getOutputType())))
                            .build();
            methods.put(method.getName(), made);
            described.addMethod(made);
        }
        ServerServiceDefinition.Builder service = ServerServiceDefinition.builder(described.build());
        methods.forEach((name, method) -> service.addMethod(
                method,
                switch (name) {
                    case "GetItem" -> ServerCalls.asyncUnaryCall(ShopServer::item);
                    case "Watch" -> ServerCalls.asyncServerStreamingCall(this::watch);
                    case "Upload" -> ServerCalls.asyncClientStreamingCall(answer -> answer);
                    case "Silent" -> ServerCalls.asyncUnaryCall((request, answer) -> {});
                    default ->
                        ServerCalls.asyncUnaryCall((request, answer) -> {
                            answer.onNext(request);
                            answer.onCompleted();
                        });
                }));
        return service.build();
    }

    private static void item(DynamicMessage request, StreamObserver<DynamicMessage> answer) {
        String fail = text(request, "fail_with");
        if (!fail.isEmpty()) {
            answer.onError(failure(fail));
            return;
        }
        Object id = request.getField(request.getDescriptorForType().findFieldByName("item_id"));
        answer.onNext(item((Integer) id, "thing"));
        answer.onCompleted();
    }

    private void watch(DynamicMessage request, StreamObserver<DynamicMessage> answer) {
        ServerCallStreamObserver<DynamicMessage> out = (ServerCallStreamObserver<DynamicMessage>) answer;
        int count = (Integer) request.getField(request.getDescriptorForType().findFieldByName("count"));
        String fail = text(request, "fail_with");
        int[] next = {1};
        Runnable push = () -> {
            while (out.isReady() && next[0] >= 0) {
                if (count >= 0 && next[0] > count) {
                    next[0] = -1;
                    if (fail.isEmpty()) {
                        out.onCompleted();
                    } else {
                        out.onError(failure(fail));
                    }
                } else {
                    out.onNext(item(next[0]++, "thing"));
                }
            }
        };
        out.setOnReadyHandler(push);
        push.run();
    }

    private static StatusRuntimeException failure(String code) {
        return StatusProto.toStatusRuntimeException(com.google.rpc.Status.newBuilder()
                .setCode(Status.Code.valueOf(code).value())
                .setMessage("as you wished")
                .addDetails(Any.pack(ErrorInfo.newBuilder().setReason("WISHED").build()))
                .build());
    }

    private static String text(DynamicMessage message, String field) {
        return (String) message.getField(message.getDescriptorForType().findFieldByName(field));
    }

    private static DynamicMessage item(int id, String name) {
        var type = Protos.SHOP.findMessageTypeByName("Item");
        return DynamicMessage.newBuilder(type)
                .setField(type.findFieldByName("item_id"), id)
                .setField(type.findFieldByName("name"), name)
                .build();
    }
}
