package io.sluice.catalog;

import static io.sluice.catalog.Fleet.backend;
import static io.sluice.catalog.Fleet.catalog;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.CompositeByteBuf;
import io.sluice.protocol.McpMethod;
import io.sluice.protocol.ProtocolVersion;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class SharedListTest {
    private static final byte[] BEFORE = "{\"id\":\"ü\",\"result\":".getBytes(UTF_8);
    private static final byte[] AFTER = "}".getBytes(UTF_8);

    private static RenderedList list(int tools, ProtocolVersion version) {
        Fleet many = backend("a", 1);
        for (int i = 0; i < tools; i++) {
            many.tools("tool-with-a-name-of-some-length-" + i);
        }
        return catalog(many).aggregate().list(McpMethod.TOOLS_LIST, version);
    }

    @ParameterizedTest
    @EnumSource(
            value = ProtocolVersion.class,
            names = {"V2026_07_28", "V2025_11_25"})
    void largeListIsNotCopiedForEachAnswer(ProtocolVersion version) {
        RenderedList list = list(1000, version);
        ByteBuf one = list.bufferBetween(BEFORE, AFTER);
        ByteBuf other = list.bufferBetween(AFTER, BEFORE);

        assertThat(one.toString(UTF_8)).isEqualTo(new String(list.between(BEFORE, AFTER), UTF_8));
        assertThat(other.toString(UTF_8)).isEqualTo(new String(list.between(AFTER, BEFORE), UTF_8));
        assertThat(one.isDirect()).isTrue();
        assertThat(((CompositeByteBuf) one).internalComponent(1).memoryAddress())
                .isEqualTo(((CompositeByteBuf) other).internalComponent(1).memoryAddress());
        assertThat(one.release()).isTrue();
        assertThat(other.toString(UTF_8)).isEqualTo(new String(list.between(AFTER, BEFORE), UTF_8));
        assertThat(other.release()).isTrue();
    }

    @ParameterizedTest
    @EnumSource(
            value = ProtocolVersion.class,
            names = {"V2026_07_28", "V2025_11_25"})
    void smallListIsOneBuffer(ProtocolVersion version) {
        RenderedList list = list(10, version);
        ByteBuf answer = list.bufferBetween(BEFORE, AFTER);

        assertThat(answer.toString(UTF_8)).isEqualTo(new String(list.between(BEFORE, AFTER), UTF_8));
        assertThat(answer.nioBufferCount()).isEqualTo(1);
        assertThat(answer.release()).isTrue();
    }
}
