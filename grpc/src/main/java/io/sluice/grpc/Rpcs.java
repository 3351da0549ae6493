package io.sluice.grpc;

import com.google.protobuf.DescriptorProtos.MethodOptions.IdempotencyLevel;
import com.google.protobuf.Descriptors.MethodDescriptor;
import com.google.protobuf.Descriptors.ServiceDescriptor;
import com.google.protobuf.DynamicMessage;
import io.grpc.protobuf.ProtoUtils;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.zip.CRC32;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * A tool for each method of a backend's services that takes one message. Its name is {@code Service_Method}, or with the package before it where two services share their name.
 *
 * @param byTool in the order of services and methods
 * @param left methods that are no tools, because they take a stream
 */
record Rpcs(Map<String, Rpc> byTool, List<String> left) {
    private static final JsonMapper JSON = JsonMapper.shared();
    private static final int LONGEST_NAME = 64;
    private static final int LONGEST_SCHEMA = 256 << 10;

    static Rpcs of(List<ServiceDescriptor> services) {
        Map<String, Integer> sharing = new HashMap<>();
        services.forEach(service -> sharing.merge(service.getName(), 1, Integer::sum));
        Comments comments = new Comments();
        Map<String, Rpc> byTool = new LinkedHashMap<>();
        Set<String> taken = new HashSet<>();
        List<String> left = new ArrayList<>();
        for (ServiceDescriptor service : services) {
            boolean alone = sharing.getOrDefault(service.getName(), 0) == 1;
            for (MethodDescriptor method : service.getMethods()) {
                if (method.isClientStreaming()) {
                    left.add(method.getFullName());
                    continue;
                }
                String name = name((alone ? service.getName() : service.getFullName()) + "_" + method.getName());
                if (!taken.add(name)) {
                    name = hashed(name, method.getFullName());
                }
                byTool.put(name, rpc(name, method, comments));
            }
        }
        return new Rpcs(byTool, left);
    }

    private static String name(String text) {
        String name = text.replaceAll("[^A-Za-z0-9_-]", "_");
        return name.length() <= LONGEST_NAME ? name : hashed(name, text);
    }

    private static String hashed(String name, String text) {
        CRC32 hash = new CRC32();
        hash.update(text.getBytes(StandardCharsets.UTF_8));
        return name.substring(0, Math.min(name.length(), LONGEST_NAME - 9)) + String.format("_%08x", hash.getValue());
    }

    private static Rpc rpc(String tool, MethodDescriptor method, Comments comments) {
        boolean streams = method.isServerStreaming();
        String path = method.getService().getFullName() + "/" + method.getName();
        ObjectNode output = streams
                ? MessageSchemas.printedStream(method.getOutputType(), comments)
                : MessageSchemas.printed(method.getOutputType(), comments);
        boolean structured = (streams || MessageSchemas.isObject(method.getOutputType()))
                && output.toString().length() <= LONGEST_SCHEMA;
        ObjectNode input = MessageSchemas.read(method.getInputType(), comments);

        ObjectNode definition = JSON.createObjectNode().put("name", tool);
        String comment = comments.of(method);
        definition.put(
                "description",
                (method.getOptions().getDeprecated() ? "Deprecated. " : "")
                        + (comment.isEmpty() ? "" : comment + "\n\n")
                        + "gRPC " + path + (streams ? ", a stream of messages" : ""));
        definition.set("inputSchema", input);
        if (structured) {
            definition.set("outputSchema", output);
        }
        IdempotencyLevel level = method.getOptions().getIdempotencyLevel();
        boolean reads = level == IdempotencyLevel.NO_SIDE_EFFECTS;
        if (level != IdempotencyLevel.IDEMPOTENCY_UNKNOWN) {
            definition
                    .putObject("annotations")
                    .put("readOnlyHint", reads)
                    .put("idempotentHint", true)
                    .put("openWorldHint", true);
        }
        return new Rpc(
                tool,
                io.grpc.MethodDescriptor.<DynamicMessage, DynamicMessage>newBuilder()
                        .setType(
                                streams
                                        ? io.grpc.MethodDescriptor.MethodType.SERVER_STREAMING
                                        : io.grpc.MethodDescriptor.MethodType.UNARY)
                        .setFullMethodName(path)
                        .setRequestMarshaller(
                                ProtoUtils.marshaller(DynamicMessage.getDefaultInstance(method.getInputType())))
                        .setResponseMarshaller(
                                ProtoUtils.marshaller(DynamicMessage.getDefaultInstance(method.getOutputType())))
                        .setIdempotent(level != IdempotencyLevel.IDEMPOTENCY_UNKNOWN)
                        .setSafe(reads)
                        .build(),
                method.getInputType(),
                structured,
                definition);
    }
}
