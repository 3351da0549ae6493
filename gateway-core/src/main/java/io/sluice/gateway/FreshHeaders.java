package io.sluice.gateway;

import io.sluice.call.Call;
import io.sluice.catalog.Definition;
import io.sluice.catalog.ParamHeader;
import io.sluice.envelope.Envelope;
import io.sluice.envelope.MessageReader;
import io.sluice.envelope.Span;
import io.sluice.protocol.ErrorCodes;
import io.sluice.protocol.HeaderValue;
import io.sluice.protocol.McpHeaders;
import io.sluice.protocol.McpMethod;
import io.sluice.upstream.Reply;
import io.sluice.upstream.Upstream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import reactor.core.publisher.Mono;

/**
 * The headers that mirror arguments of a call to a modern backend, where the client does not know of such headers and
 * the gateway computes them. A tool's definition may have changed since it was read: then the backend refuses the call
 * with -32020 before it does anything, and the definition is read anew, once.
 */
final class FreshHeaders {
    private FreshHeaders() {}

    static List<Map.Entry<String, String>> of(Call call, List<ParamHeader> params) {
        List<Map.Entry<String, String>> headers = new ArrayList<>(params.size());
        for (ParamHeader param : params) {
            String value = ModernChecks.argument(call.envelope(), param.path());
            if (value != null) {
                headers.add(Map.entry(McpHeaders.PARAM_PREFIX + param.name(), HeaderValue.encode(value)));
            }
        }
        return headers;
    }

    /** Whether the reply says that the headers are not those of the tool's definition. */
    static boolean areMissed(Call call, Reply reply) {
        return call.method() == McpMethod.TOOLS_CALL
                && reply instanceof Reply.Refused refused
                && refused.json()
                && MessageReader.read(refused.body())
                        .filter(message -> Replies.errorCode(message) == ErrorCodes.HEADER_MISMATCH)
                        .isPresent();
    }

    /** By the definition that the backend gives now; empty when it gives none that can be read. */
    static Mono<List<Map.Entry<String, String>>> ask(Call call, String tool, Upstream upstream) {
        upstream.suspectTools();
        return upstream.ask(McpMethod.TOOLS_LIST, "")
                .mapNotNull(list -> definition(list, tool))
                .map(definition -> of(call, ParamHeader.of(definition)))
                .onErrorComplete(IllegalArgumentException.class);
    }

    private static @org.jspecify.annotations.Nullable Definition definition(Envelope list, String tool) {
        for (Span each : list.elements(list.member(list.result(), "tools"))) {
            Span name = list.member(each, "name");
            if (list.isString(name) && list.text(name).equals(tool)) {
                return new Definition(tool, list.raw(each));
            }
        }
        return null;
    }
}
