package io.sluice.grpc;

import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.DynamicMessage;
import io.grpc.MethodDescriptor;
import tools.jackson.databind.node.ObjectNode;

/**
 * One method of a service, as a tool and as a call.
 *
 * @param tool unique among those of the backend
 * @param input what it takes. Where it is not written as an object, the tool has one argument, {@code value}
 * @param structured whether the result is an object, and so has an {@code outputSchema}
 * @param definition the whole tool definition
 */
record Rpc(
        String tool,
        MethodDescriptor<DynamicMessage, DynamicMessage> method,
        Descriptor input,
        boolean structured,
        ObjectNode definition) {
    boolean streams() {
        return method.getType() == MethodDescriptor.MethodType.SERVER_STREAMING;
    }
}
