package io.sluice.oauth;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What authorization servers may read of the gateway, whose id there is the address of this (OAuth Client ID Metadata Document). It must be reachable for them by https.
 */
public final class ClientDocument {
    /** Where it is, below the gateway's address. */
    public static final String PATH = "/client-metadata.json";

    static final String NAME = "Sluice";

    private ClientDocument() {}

    static String url(String gateway) {
        return gateway + PATH;
    }

    /** Whether it says that a browser may come back to this address. */
    static boolean covers(String gateway, String redirect) {
        return isOffered(gateway) && redirect.equals(gateway + "/callback");
    }

    /** Whether a gateway at this address can be told of in this way: authorization servers fetch it from there. */
    public static boolean isOffered(String gateway) {
        return gateway.startsWith("https://") && !gateway.startsWith("https://localhost");
    }

    /** The document of a gateway that is at this address. */
    public static Map<String, Object> of(String gateway) {
        Map<String, Object> document = new LinkedHashMap<>();
        document.put("client_id", url(gateway));
        document.put("client_uri", gateway);
        document.putAll(ClientIdentity.description(NAME, gateway + "/callback"));
        document.put("token_endpoint_auth_method", "none");
        return document;
    }
}
