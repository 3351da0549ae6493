package io.sluice.grpc;

import com.google.api.FieldBehavior;
import com.google.api.FieldBehaviorProto;
import com.google.protobuf.AnyProto;
import com.google.protobuf.DescriptorProtos.DescriptorProto;
import com.google.protobuf.DescriptorProtos.EnumDescriptorProto;
import com.google.protobuf.DescriptorProtos.EnumValueDescriptorProto;
import com.google.protobuf.DescriptorProtos.FieldDescriptorProto;
import com.google.protobuf.DescriptorProtos.FieldDescriptorProto.Label;
import com.google.protobuf.DescriptorProtos.FieldDescriptorProto.Type;
import com.google.protobuf.DescriptorProtos.FieldOptions;
import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.DescriptorProtos.MessageOptions;
import com.google.protobuf.DescriptorProtos.MethodDescriptorProto;
import com.google.protobuf.DescriptorProtos.MethodOptions;
import com.google.protobuf.DescriptorProtos.MethodOptions.IdempotencyLevel;
import com.google.protobuf.DescriptorProtos.OneofDescriptorProto;
import com.google.protobuf.DescriptorProtos.ServiceDescriptorProto;
import com.google.protobuf.Descriptors.DescriptorValidationException;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.DurationProto;
import com.google.protobuf.EmptyProto;
import com.google.protobuf.FieldMaskProto;
import com.google.protobuf.StructProto;
import com.google.protobuf.TimestampProto;
import com.google.protobuf.WrappersProto;
import java.util.List;

/** Two files as protoc would compile them: a shop that uses everything a message can hold, and a type that it imports. */
@SuppressWarnings("BadImport") // all of it is about descriptors: Type and Label are theirs
final class Protos {
    static final FileDescriptor MONEY = file(money(), List.of());
    static final FileDescriptor SHOP = file(
            shop().build(),
            List.of(
                    MONEY,
                    AnyProto.getDescriptor(),
                    DurationProto.getDescriptor(),
                    EmptyProto.getDescriptor(),
                    FieldMaskProto.getDescriptor(),
                    StructProto.getDescriptor(),
                    TimestampProto.getDescriptor(),
                    WrappersProto.getDescriptor(),
                    FieldBehaviorProto.getDescriptor()));

    private Protos() {}

    private static FileDescriptor file(FileDescriptorProto proto, List<FileDescriptor> imports) {
        try {
            return FileDescriptor.buildFrom(proto, imports.toArray(FileDescriptor[]::new));
        } catch (DescriptorValidationException e) {
            throw new AssertionError(e);
        }
    }

    private static FileDescriptorProto money() {
        return FileDescriptorProto.newBuilder()
                .setName("shop/money.proto")
                .setPackage("shop.common")
                .setSyntax("proto3")
                .addMessageType(DescriptorProto.newBuilder()
                        .setName("Money")
                        .addField(field("currency", 1, Type.TYPE_STRING))
                        .addField(field("units", 2, Type.TYPE_INT64)))
                .build();
    }

    private static FileDescriptorProto.Builder shop() {
        return FileDescriptorProto.newBuilder()
                .setName("shop/v1/shop.proto")
                .setPackage("shop.v1")
                .setSyntax("proto3")
                .addDependency("shop/money.proto")
                .addDependency("google/protobuf/any.proto")
                .addDependency("google/protobuf/duration.proto")
                .addDependency("google/protobuf/empty.proto")
                .addDependency("google/protobuf/field_mask.proto")
                .addDependency("google/protobuf/struct.proto")
                .addDependency("google/protobuf/timestamp.proto")
                .addDependency("google/protobuf/wrappers.proto")
                .addDependency("google/api/field_behavior.proto")
                .addEnumType(EnumDescriptorProto.newBuilder()
                        .setName("Color")
                        .addValue(EnumValueDescriptorProto.newBuilder()
                                .setName("COLOR_UNSPECIFIED")
                                .setNumber(0))
                        .addValue(EnumValueDescriptorProto.newBuilder()
                                .setName("RED")
                                .setNumber(1)))
                .addMessageType(everything())
                .addMessageType(DescriptorProto.newBuilder()
                        .setName("GetItemRequest")
                        .addField(field("item_id", 1, Type.TYPE_INT32)
                                .setOptions(FieldOptions.newBuilder()
                                        .addExtension(FieldBehaviorProto.fieldBehavior, FieldBehavior.REQUIRED)))
                        .addField(field("fail_with", 2, Type.TYPE_STRING)))
                .addMessageType(DescriptorProto.newBuilder()
                        .setName("Item")
                        .addField(field("item_id", 1, Type.TYPE_INT32))
                        .addField(field("name", 2, Type.TYPE_STRING))
                        .addField(field("seen", 3, Type.TYPE_STRING)))
                .addMessageType(DescriptorProto.newBuilder()
                        .setName("WatchRequest")
                        .addField(field("count", 1, Type.TYPE_INT32))
                        .addField(field("fail_with", 2, Type.TYPE_STRING)))
                .addService(ServiceDescriptorProto.newBuilder()
                        .setName("Shop")
                        .addMethod(method("GetItem", ".shop.v1.GetItemRequest", ".shop.v1.Item")
                                .setOptions(MethodOptions.newBuilder()
                                        .setIdempotencyLevel(IdempotencyLevel.NO_SIDE_EFFECTS)))
                        .addMethod(method("Echo", ".shop.v1.Everything", ".shop.v1.Everything"))
                        .addMethod(method("Later", ".google.protobuf.Timestamp", ".google.protobuf.Timestamp"))
                        .addMethod(method("Ping", ".google.protobuf.Empty", ".google.protobuf.Empty"))
                        .addMethod(method("Watch", ".shop.v1.WatchRequest", ".shop.v1.Item")
                                .setServerStreaming(true))
                        .addMethod(method("Upload", ".shop.v1.Item", ".shop.v1.Item")
                                .setClientStreaming(true))
                        .addMethod(method("Silent", ".google.protobuf.Empty", ".google.protobuf.Empty")));
    }

    private static DescriptorProto everything() {
        DescriptorProto.Builder all = DescriptorProto.newBuilder().setName("Everything");
        Type[] scalars = {
            Type.TYPE_DOUBLE, Type.TYPE_FLOAT, Type.TYPE_INT64, Type.TYPE_UINT64, Type.TYPE_INT32, Type.TYPE_FIXED64,
            Type.TYPE_FIXED32, Type.TYPE_BOOL, Type.TYPE_STRING, Type.TYPE_BYTES, Type.TYPE_UINT32, Type.TYPE_SFIXED32,
            Type.TYPE_SFIXED64, Type.TYPE_SINT32, Type.TYPE_SINT64
        };
        int number = 1;
        for (Type type : scalars) {
            all.addField(field("a_" + type.name().substring(5).toLowerCase(java.util.Locale.ROOT), number++, type));
        }
        all.addField(of("color", number++, Type.TYPE_ENUM, ".shop.v1.Color"));
        all.addField(of("price", number++, Type.TYPE_MESSAGE, ".shop.common.Money"));
        all.addField(of("child", number++, Type.TYPE_MESSAGE, ".shop.v1.Everything"));
        all.addField(of("children", number++, Type.TYPE_MESSAGE, ".shop.v1.Everything")
                .setLabel(Label.LABEL_REPEATED));
        all.addField(field("tags", number++, Type.TYPE_STRING).setLabel(Label.LABEL_REPEATED));
        map(all, "counts", "Counts", number++, Type.TYPE_INT32, field("value", 2, Type.TYPE_INT64));
        map(
                all,
                "prices",
                "Prices",
                number++,
                Type.TYPE_STRING,
                of("value", 2, Type.TYPE_MESSAGE, ".shop.common.Money"));
        all.addOneofDecl(OneofDescriptorProto.newBuilder().setName("contact"));
        all.addField(field("email", number++, Type.TYPE_STRING).setOneofIndex(0));
        all.addField(field("phone", number++, Type.TYPE_STRING).setOneofIndex(0));
        all.addField(
                of("post", number++, Type.TYPE_MESSAGE, ".shop.common.Money").setOneofIndex(0));
        for (String type : List.of(
                "Any",
                "Duration",
                "Empty",
                "FieldMask",
                "Struct",
                "Value",
                "ListValue",
                "Timestamp",
                "Int64Value",
                "StringValue",
                "BoolValue",
                "BytesValue")) {
            all.addField(of(
                    "wk_" + type.toLowerCase(java.util.Locale.ROOT),
                    number++,
                    Type.TYPE_MESSAGE,
                    ".google.protobuf." + type));
        }
        return all.build();
    }

    private static void map(
            DescriptorProto.Builder message,
            String name,
            String entry,
            int number,
            Type key,
            FieldDescriptorProto.Builder value) {
        message.addNestedType(DescriptorProto.newBuilder()
                .setName(entry + "Entry")
                .setOptions(MessageOptions.newBuilder().setMapEntry(true))
                .addField(field("key", 1, key))
                .addField(value));
        message.addField(of(name, number, Type.TYPE_MESSAGE, ".shop.v1.Everything." + entry + "Entry")
                .setLabel(Label.LABEL_REPEATED));
    }

    private static FieldDescriptorProto.Builder field(String name, int number, Type type) {
        return FieldDescriptorProto.newBuilder()
                .setName(name)
                .setNumber(number)
                .setLabel(Label.LABEL_OPTIONAL)
                .setType(type);
    }

    private static FieldDescriptorProto.Builder of(String name, int number, Type type, String typeName) {
        return field(name, number, type).setTypeName(typeName);
    }

    private static MethodDescriptorProto.Builder method(String name, String input, String output) {
        return MethodDescriptorProto.newBuilder()
                .setName(name)
                .setInputType(input)
                .setOutputType(output);
    }
}
