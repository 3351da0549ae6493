package io.sluice.oauth;

import io.sluice.protocol.RawJson;
import io.sluice.registry.Backend.Source;
import java.net.URI;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * That a person was sent to an authorization server: all that the replica has to know to which the browser comes back. Secret as a whole.
 *
 * @param record where the token goes
 * @param issuer who must have answered; empty when it was not said
 * @param issuerInResponse whether its answers always say so
 * @param methods how the server is told who asks
 */
record Consent(
        String backend,
        Source source,
        String record,
        String server,
        Optional<String> issuer,
        boolean issuerInResponse,
        URI token,
        List<String> methods,
        ClientIdentity client,
        String redirect,
        String verifier,
        String resource,
        List<String> scopes) {
    private static final JsonMapper JSON = JsonMapper.shared();

    RawJson json() {
        ObjectNode json = JSON.createObjectNode();
        json.put("backend", backend).put("source", source.name()).put("record", record);
        json.put("server", server).put("issuerInResponse", issuerInResponse).put("token", token.toString());
        issuer.ifPresent(value -> json.put("issuer", value));
        methods.forEach(json.putArray("methods")::add);
        client.writeTo(json.putObject("client"));
        json.put("redirect", redirect).put("verifier", verifier).put("resource", resource);
        scopes.forEach(json.putArray("scopes")::add);
        return RawJson.of(JSON.writeValueAsBytes(json));
    }

    static Consent of(RawJson body) {
        JsonNode json = JSON.readTree(body.bytes());
        return new Consent(
                json.path("backend").asString(""),
                Source.valueOf(json.path("source").asString("")),
                json.path("record").asString(""),
                json.path("server").asString(""),
                ClientIdentity.text(json, "issuer"),
                json.path("issuerInResponse").asBoolean(false),
                URI.create(json.path("token").asString("")),
                Kept.texts(json.path("methods")),
                ClientIdentity.of(json.path("client")),
                json.path("redirect").asString(""),
                json.path("verifier").asString(""),
                json.path("resource").asString(""),
                Kept.texts(json.path("scopes")));
    }

    /** Without what is secret. */
    @Override
    public String toString() {
        return "Consent[" + backend + "]";
    }
}
