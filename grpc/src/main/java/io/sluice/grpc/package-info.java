/**
 * gRPC services as backends, by server reflection. {@link io.sluice.grpc.GrpcPart} is found when a backend of that kind is used; {@code GrpcService} is one such backend. {@code Reflection} asks a
 * service for its descriptors, {@code Linked} puts them together, {@code Rpcs} makes a tool of each method, {@code MessageSchemas} writes their schemas, {@code RpcCall} is one call. Connections are
 * made by {@code Channels}, behind the same gate as everything else that leaves the gateway.
 */
@NullMarked
package io.sluice.grpc;

import org.jspecify.annotations.NullMarked;
