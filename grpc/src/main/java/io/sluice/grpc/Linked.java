package io.sluice.grpc;

import com.google.protobuf.AnyProto;
import com.google.protobuf.ApiProto;
import com.google.protobuf.DescriptorProtos;
import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.Descriptors.DescriptorValidationException;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.Descriptors.ServiceDescriptor;
import com.google.protobuf.DurationProto;
import com.google.protobuf.EmptyProto;
import com.google.protobuf.FieldMaskProto;
import com.google.protobuf.SourceContextProto;
import com.google.protobuf.StructProto;
import com.google.protobuf.TimestampProto;
import com.google.protobuf.TypeProto;
import com.google.protobuf.TypeRegistry;
import com.google.protobuf.WrappersProto;
import com.google.rpc.ErrorDetailsProto;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The descriptors of a service, linked to each other. The files of protobuf itself are taken from the library, whatever the service says they are.
 *
 * @param services those that could be linked, in the order of their names
 * @param types all messages, for {@code google.protobuf.Any}
 * @param broken services that could not be linked, with the reason
 */
record Linked(List<ServiceDescriptor> services, TypeRegistry types, Map<String, String> broken) {
    private static final Map<String, FileDescriptor> BUNDLED = Stream.of(
                    AnyProto.getDescriptor(),
                    ApiProto.getDescriptor(),
                    DescriptorProtos.getDescriptor(),
                    DurationProto.getDescriptor(),
                    EmptyProto.getDescriptor(),
                    FieldMaskProto.getDescriptor(),
                    SourceContextProto.getDescriptor(),
                    StructProto.getDescriptor(),
                    TimestampProto.getDescriptor(),
                    TypeProto.getDescriptor(),
                    WrappersProto.getDescriptor())
            .collect(Collectors.toUnmodifiableMap(FileDescriptor::getName, Function.identity()));

    static boolean isBundled(String file) {
        return BUNDLED.containsKey(file);
    }

    static Linked of(Reflection.Described described) {
        Linker linker = new Linker(described.files());
        Map<String, String> homes = new HashMap<>();
        described.files().forEach((name, file) -> {
            String scope = file.getPackage().isEmpty() ? "" : file.getPackage() + ".";
            file.getServiceList().forEach(service -> homes.put(scope + service.getName(), name));
        });
        List<ServiceDescriptor> services = new ArrayList<>();
        Map<String, String> broken = new LinkedHashMap<>(described.unknown());
        described.services().stream().sorted().forEach(name -> {
            String home = homes.get(name);
            if (home == null) {
                broken.put(name, "no file describes it");
                return;
            }
            try {
                FileDescriptor file = linker.file(home, 0);
                file.getServices().stream()
                        .filter(service -> service.getFullName().equals(name))
                        .forEach(services::add);
            } catch (DescriptorValidationException | Unreadable e) {
                broken.put(name, String.valueOf(e.getMessage()));
            }
        });
        TypeRegistry.Builder types = TypeRegistry.newBuilder();
        BUNDLED.values().forEach(file -> types.add(file.getMessageTypes()));
        types.add(ErrorDetailsProto.getDescriptor().getMessageTypes());
        linker.done.values().forEach(file -> types.add(file.getMessageTypes()));
        return new Linked(List.copyOf(services), types.build(), broken);
    }

    /** Links files after those that they import. */
    private static final class Linker {
        private static final int DEEPEST = 500;

        private final Map<String, FileDescriptorProto> files;
        private final Map<String, FileDescriptor> done = new HashMap<>();
        private final Set<String> under = new HashSet<>();

        Linker(Map<String, FileDescriptorProto> files) {
            this.files = files;
        }

        FileDescriptor file(String name, int depth) throws DescriptorValidationException {
            FileDescriptor known = BUNDLED.getOrDefault(name, done.get(name));
            if (known != null) {
                return known;
            }
            FileDescriptorProto proto = files.get(name);
            if (proto == null) {
                throw new Unreadable("the file " + name + " is missing");
            }
            if (depth > DEEPEST || !under.add(name)) {
                throw new Unreadable("its files import each other in a circle");
            }
            try {
                List<FileDescriptor> imports = new ArrayList<>();
                for (String imported : proto.getDependencyList()) {
                    imports.add(file(imported, depth + 1));
                }
                FileDescriptor linked = FileDescriptor.buildFrom(proto, imports.toArray(FileDescriptor[]::new));
                done.put(name, linked);
                return linked;
            } finally {
                under.remove(name);
            }
        }
    }
}
