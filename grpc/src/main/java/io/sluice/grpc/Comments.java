package io.sluice.grpc;

import com.google.protobuf.DescriptorProtos.DescriptorProto;
import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.DescriptorProtos.ServiceDescriptorProto;
import com.google.protobuf.DescriptorProtos.SourceCodeInfo.Location;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.Descriptors.MethodDescriptor;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What the authors of a service wrote beside its parts, where the service sends that along: many leave it out of what they are built with. */
final class Comments {
    private static final int LONGEST = 2000;

    private final Map<FileDescriptor, Map<List<Integer>, String>> byFile = new HashMap<>();

    String of(MethodDescriptor method) {
        return of(
                method.getFile(),
                List.of(
                        FileDescriptorProto.SERVICE_FIELD_NUMBER,
                        method.getService().getIndex(),
                        ServiceDescriptorProto.METHOD_FIELD_NUMBER,
                        method.getIndex()));
    }

    String of(Descriptor message) {
        return of(message.getFile(), path(message));
    }

    String of(FieldDescriptor field) {
        List<Integer> path = path(field.getContainingType());
        path.add(DescriptorProto.FIELD_FIELD_NUMBER);
        path.add(field.getIndex());
        return of(field.getFile(), path);
    }

    private String of(FileDescriptor file, List<Integer> path) {
        return byFile.computeIfAbsent(file, Comments::read).getOrDefault(path, "");
    }

    private static Map<List<Integer>, String> read(FileDescriptor file) {
        Map<List<Integer>, String> comments = new HashMap<>();
        for (Location location : file.toProto().getSourceCodeInfo().getLocationList()) {
            String text = (location.hasLeadingComments()
                            ? location.getLeadingComments()
                            : location.getTrailingComments())
                    .strip();
            if (!text.isEmpty()) {
                comments.putIfAbsent(
                        location.getPathList(), text.length() > LONGEST ? text.substring(0, LONGEST) + "…" : text);
            }
        }
        return comments;
    }

    /** Where a message stands in its file: numbers of fields and places in them, in turn. */
    private static List<Integer> path(Descriptor message) {
        Descriptor outer = message.getContainingType();
        List<Integer> path = outer == null ? new ArrayList<>() : path(outer);
        path.add(
                outer == null
                        ? FileDescriptorProto.MESSAGE_TYPE_FIELD_NUMBER
                        : DescriptorProto.NESTED_TYPE_FIELD_NUMBER);
        path.add(message.getIndex());
        return path;
    }
}
