package io.sluice.demo;

import java.util.Map;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** The two services of the sample federation. */
enum SampleService {
    /** Speaks both eras: 2026-07-28, and the older revisions without sessions. */
    SHOPPING(
            "shopping",
            3002,
            true,
            new SampleTool(
                    "getProductById",
                    "Get product",
                    "product",
                    Map.of(
                            "123", product("123", "Mechanical keyboard", "89.00", 12),
                            "124", product("124", "Trackball", "54.50", 3),
                            "200", product("200", "Desk lamp", "39.90", 0)))),

    /** Knows the older revisions only, with sessions, and answers as a stream when it may: what most servers in the field do. */
    USER(
            "user",
            3003,
            false,
            new SampleTool(
                    "getUserById",
                    "Get user",
                    "user",
                    Map.of(
                            "456", user("456", "Ada Lovelace", "ada@example.com"),
                            "457", user("457", "Alan Turing", "alan@example.com"))));

    private final String id;
    private final int port;
    private final boolean modern;

    @SuppressWarnings("ImmutableEnumChecker") // nobody changes the JSON in it
    private final SampleTool tool;

    SampleService(String id, int port, boolean modern, SampleTool tool) {
        this.id = id;
        this.port = port;
        this.modern = modern;
        this.tool = tool;
    }

    /** Its name as a backend of the gateway, and on the command line. */
    String id() {
        return id;
    }

    /** Where it listens unless told otherwise. */
    int port() {
        return port;
    }

    /** Whether it speaks 2026-07-28 too. */
    boolean modern() {
        return modern;
    }

    SampleTool tool() {
        return tool;
    }

    /** The server's name as it introduces itself. */
    String serverName() {
        return id + "-service";
    }

    static SampleService of(String id) {
        for (SampleService service : values()) {
            if (service.id.equals(id) || service.serverName().equals(id)) {
                return service;
            }
        }
        throw new IllegalArgumentException("'" + id + "' is not a sample backend; there are shopping and user");
    }

    private static ObjectNode product(String id, String name, String price, int stock) {
        return JsonNodeFactory.instance
                .objectNode()
                .put("id", id)
                .put("name", name)
                .put("price", price)
                .put("currency", "EUR")
                .put("stock", stock);
    }

    private static ObjectNode user(String id, String name, String email) {
        return JsonNodeFactory.instance
                .objectNode()
                .put("id", id)
                .put("name", name)
                .put("email", email);
    }
}
