package io.sluice.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.HttpHeaders;
import io.sluice.call.Inbound;
import io.sluice.envelope.Envelope;
import io.sluice.envelope.EnvelopeReader;
import io.sluice.protocol.Era;
import io.sluice.protocol.ProtocolVersion;
import io.sluice.rejection.Rejection;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ClassifierTest {
    private static final String MODERN_META =
            "'_meta':{'io.modelcontextprotocol/protocolVersion':'2026-07-28','io.modelcontextprotocol/clientCapabilities':{}}";

    /** Each kind of message under each kind of version header; a number is the JSON-RPC code of the refusal. */
    @ParameterizedTest
    @CsvSource({
        "envelope,            ,                MODERN",
        "envelope,            2025-11-25,      MODERN",
        "envelope,            2026-07-28,      MODERN",
        "envelope,            1999-01-01,      MODERN",
        "initialize,          ,                LEGACY",
        "initialize,          2025-06-18,      LEGACY",
        "initialize,          2026-07-28,      -32020",
        "initialize,          1999-01-01,      LEGACY",
        "initializeEnvelope,  ,                MODERN",
        "initializeEnvelope,  2026-07-28,      MODERN",
        "request,             ,                LEGACY",
        "request,             2025-03-26,      LEGACY",
        "request,             2026-07-28,      -32602",
        "request,             1999-01-01,      LEGACY",
        "notification,        ,                LEGACY",
        "notification,        2025-11-25,      LEGACY",
        "notification,        2026-07-28,      MODERN",
        "notification,        1999-01-01,      LEGACY",
        "response,            ,                LEGACY",
        "response,            2025-11-25,      LEGACY",
        "response,            2026-07-28,      -32600",
        "response,            1999-01-01,      LEGACY",
    })
    void bodyDecidesTheEraAndAHeaderThatDisagreesIsReported(String kind, @Nullable String header, String expected) {
        Inbound inbound = inbound(header);
        Envelope envelope = message(kind);

        if (expected.startsWith("-")) {
            assertThatThrownBy(() -> Classifier.classify(inbound, envelope))
                    .isInstanceOfSatisfying(Rejection.class, rejection -> {
                        assertThat(rejection.code()).isEqualTo(Integer.parseInt(expected));
                        assertThat(rejection.status()).isEqualTo(400);
                    });
        } else {
            assertThat(Classifier.classify(inbound, envelope)).isEqualTo(Era.valueOf(expected));
        }
    }

    @Test
    void refusalForAMissingEnvelopeNamesTheMissingKeys() {
        assertThatThrownBy(() -> Classifier.classify(inbound("2026-07-28"), message("request")))
                .hasMessageContaining("io.modelcontextprotocol/protocolVersion")
                .hasMessageContaining("io.modelcontextprotocol/clientCapabilities");
    }

    @ParameterizedTest
    @CsvSource({
        ",            ,            2025-03-26",
        ",            2025-06-18,  2025-06-18",
        "2025-11-25,  2025-06-18,  2025-06-18",
        "2025-11-25,  ,            2025-11-25",
        "2024-11-05,  ,            2025-03-26",
    })
    void legacyRevisionIsTheNegotiatedOneElseTheNamedOneElseTheOldest(
            @Nullable String header, @Nullable String negotiated, String expected) {
        ProtocolVersion session =
                negotiated == null ? null : ProtocolVersion.of(negotiated).orElseThrow();

        assertThat(Classifier.legacyVersion(inbound(header), session).wire()).isEqualTo(expected);
    }

    @Test
    void unknownLegacyRevisionIsRefusedWithTheSupportedOnes() {
        assertThatThrownBy(() -> Classifier.legacyVersion(inbound("1999-01-01"), null))
                .isInstanceOfSatisfying(
                        Rejection.UnsupportedVersion.class,
                        rejection -> assertThat(rejection.data())
                                .hasValueSatisfying(data -> assertThat(data).contains("2025-11-25", "\"1999-01-01\"")));
    }

    @Test
    void doubledVersionHeaderIsRefused() {
        HttpHeaders headers = new DefaultHttpHeaders();
        headers.add("MCP-Protocol-Version", "2025-11-25").add("mcp-protocol-version", "2026-07-28");

        assertThatThrownBy(() -> Classifier.classify(Inbound.of("", headers), message("request")))
                .isInstanceOf(Rejection.HeaderMismatch.class);
    }

    private static Inbound inbound(@Nullable String version) {
        HttpHeaders headers = new DefaultHttpHeaders();
        if (version != null) {
            headers.add("MCP-Protocol-Version", version);
        }
        return Inbound.of("", headers);
    }

    private static Envelope message(String kind) {
        String json = switch (kind) {
            case "envelope" -> "{'jsonrpc':'2.0','id':1,'method':'tools/list','params':{" + MODERN_META + "}}";
            case "initialize" -> "{'jsonrpc':'2.0','id':1,'method':'initialize','params':{}}";
            case "initializeEnvelope" ->
                "{'jsonrpc':'2.0','id':1,'method':'initialize','params':{" + MODERN_META + "}}";
            case "request" -> "{'jsonrpc':'2.0','id':1,'method':'tools/list'}";
            case "notification" -> "{'jsonrpc':'2.0','method':'notifications/initialized'}";
            case "response" -> "{'jsonrpc':'2.0','id':1,'result':{}}";
            default -> throw new IllegalArgumentException(kind);
        };
        return EnvelopeReader.read(json.replace('\'', '"').getBytes(StandardCharsets.UTF_8));
    }
}
