package io.sluice.gateway;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import io.netty.handler.codec.http.DefaultHttpHeadersFactory;
import io.netty.handler.codec.http.HttpHeaders;
import io.sluice.call.Inbound;
import io.sluice.catalog.Definition;
import io.sluice.catalog.ParamHeader;
import io.sluice.catalog.Target;
import io.sluice.envelope.Envelope;
import io.sluice.envelope.EnvelopeReader;
import io.sluice.envelope.Kind;
import io.sluice.protocol.Era;
import io.sluice.protocol.HeaderValue;
import io.sluice.protocol.RawJson;
import io.sluice.rejection.Rejection;
import java.util.List;
import java.util.Map;

/**
 * Heads and bodies of any kind at the classifier and at the comparison of the headers that mirror a body: nothing but a
 * refusal may come out, and what passes must say the same twice. {@link MirrorFuzzTest} runs the kept inputs, and many
 * by chance, in every build. A minute of fuzzing:
 *
 * <pre>{@code
 * mkdir -p gateway-core/target/fuzz/corpus && ./mvnw -Pfuzz -Dfuzz.target=io.sluice.gateway.MirrorFuzz \
 *     -Dfuzz.seeds=fuzz/mirror -pl gateway-core test-compile exec:exec
 * }</pre>
 */
public final class MirrorFuzz {
    private static final Target TARGET = new Target(
            "up",
            "echo",
            "echo",
            new Definition("echo", RawJson.EMPTY_OBJECT),
            List.of(
                    new ParamHeader("Region", List.of("region"), ParamHeader.Type.STRING),
                    new ParamHeader("Count", List.of("count"), ParamHeader.Type.INTEGER),
                    new ParamHeader("Rate", List.of("rate"), ParamHeader.Type.INTEGER),
                    new ParamHeader("Flag", List.of("flag"), ParamHeader.Type.BOOLEAN),
                    new ParamHeader("City", List.of("where", "city"), ParamHeader.Type.STRING)),
            false,
            false,
            io.sluice.catalog.FixedArguments.NONE,
            io.sluice.catalog.TaskSupport.FORBIDDEN);

    private MirrorFuzz() {}

    /** The entry point that Jazzer looks for: header lines, an empty line, a body. */
    public static void fuzzerTestOneInput(byte[] data) {
        String text = new String(data, ISO_8859_1);
        int empty = text.indexOf("\n\n");
        String head = empty < 0 ? "" : text.substring(0, empty);
        byte[] body = (empty < 0 ? text : text.substring(empty + 2)).getBytes(ISO_8859_1);
        Inbound inbound = Inbound.of("", headers(head));
        try {
            passes(inbound, EnvelopeReader.read(body));
        } catch (Rejection refused) {
            assertThat(refused.status()).isIn(200, 400, 404);
            assertThat(refused.code()).isNegative();
        }
    }

    private static HttpHeaders headers(String head) {
        HttpHeaders headers =
                DefaultHttpHeadersFactory.headersFactory().withValidation(false).newHeaders();
        head.lines().forEach(line -> {
            int colon = line.indexOf(':');
            if (colon > 0) {
                headers.add(line.substring(0, colon), line.substring(colon + 1));
            }
        });
        return headers;
    }

    private static void passes(Inbound inbound, Envelope envelope) {
        if (Classifier.classify(inbound, envelope) == Era.LEGACY) {
            assertThat(envelope.metaProtocolVersion().isPresent()).isFalse();
            assertThat(Classifier.legacyVersion(inbound, null).era()).isEqualTo(Era.LEGACY);
            return;
        }
        if (envelope.kind() != Kind.REQUEST) {
            return;
        }
        assertThat(ModernChecks.check(inbound, envelope).wire())
                .isEqualTo(envelope.text(envelope.metaProtocolVersion()))
                .isEqualTo(inbound.versionHeader());
        assertThat(inbound.single("Mcp-Method")).isEqualTo(envelope.method());
        if (envelope.method().equals("tools/call")) {
            String name = envelope.text(envelope.name());
            assertThat(HeaderValue.decode(String.valueOf(inbound.single("Mcp-Name"))))
                    .contains(name);
            assertThat(HeaderValue.decode(HeaderValue.encode(name))).contains(name);
        }
        List<Map.Entry<String, String>> sent = ModernChecks.checkParams(inbound, envelope, TARGET);
        for (ParamHeader param : TARGET.paramHeaders()) {
            boolean given = ModernChecks.argument(envelope, param.path()) != null;
            assertThat(sent.stream().filter(header -> header.getKey().equalsIgnoreCase("Mcp-Param-" + param.name())))
                    .hasSize(given ? 1 : 0);
        }
    }
}
