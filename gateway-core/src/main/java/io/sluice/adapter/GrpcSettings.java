package io.sluice.adapter;

import io.sluice.protocol.RawJson;
import io.sluice.registry.Transport;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * What is said of a gRPC service besides its address. Here, and not in the part that calls such services, so that the configuration can be read without loading it.
 *
 * @param services globs of the services to offer, by their full names; empty means all but reflection and health
 * @param interval how often the service is asked anew what it offers
 * @param maxMessageBytes longest message that is accepted from the service
 * @param maxMessages after how many messages of a stream the call ends with what there is
 */
public record GrpcSettings(List<String> services, Duration interval, int maxMessageBytes, int maxMessages) {
    public static final String KIND = "grpc";
    public static final GrpcSettings USUAL = new GrpcSettings(List.of(), Duration.ofSeconds(60), 4 << 20, 1000);
    private static final JsonMapper JSON = JsonMapper.shared();

    public GrpcSettings {
        services = List.copyOf(services);
    }

    public Transport transport() {
        ObjectNode json = JSON.createObjectNode();
        services.forEach(json.putArray("services")::add);
        json.put("intervalMs", interval.toMillis());
        json.put("maxMessageBytes", maxMessageBytes);
        json.put("maxMessages", maxMessages);
        return new Transport(KIND, RawJson.of(JSON.writeValueAsBytes(json)));
    }

    /** @throws IllegalArgumentException with a sentence when they are no such settings */
    public static GrpcSettings of(Transport transport) {
        try {
            JsonNode json = JSON.readTree(transport.settings().bytes());
            List<String> services = new ArrayList<>();
            json.path("services").forEach(name -> services.add(name.asString("")));
            return new GrpcSettings(
                    services,
                    Duration.ofMillis(json.path("intervalMs").asLong(USUAL.interval.toMillis())),
                    json.path("maxMessageBytes").asInt(USUAL.maxMessageBytes),
                    json.path("maxMessages").asInt(USUAL.maxMessages));
        } catch (JacksonException e) {
            throw new IllegalArgumentException("its gRPC settings cannot be read: " + e.getOriginalMessage(), e);
        }
    }
}
