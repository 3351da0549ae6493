package io.sluice.gateway;

import io.sluice.catalog.CatalogSettings;
import io.sluice.listener.Limits;
import io.sluice.parking.ParkingSettings;
import io.sluice.protocol.RawJson;
import java.time.Duration;
import java.util.UUID;
import java.util.function.Consumer;

/**
 * What can be chosen about the data plane.
 *
 * @param cluster name shared by the replicas of one gateway
 * @param version of this program, as clients and backends are told
 * @param names how targets are listed on the aggregate
 * @param sessionless whether legacy requests without a session are served
 * @param maxBodyBytes largest request body
 * @param sessionLife how long a legacy session lasts at most
 * @param sessionIdle how long a session's streams and upstream sessions are kept while nothing happens
 * @param heartbeat how often an open stream carries a comment
 * @param gatewayId by which other gateways know this one: its replicas share it, and no other gateway has it
 * @param parking how many calls may wait for input of their clients, and how long
 */
public record GatewaySettings(
        String cluster,
        String version,
        CatalogSettings.Names names,
        boolean sessionless,
        long maxBodyBytes,
        Duration sessionLife,
        Duration sessionIdle,
        Duration heartbeat,
        String gatewayId,
        ParkingSettings parking) {
    /** The usual settings for a program of this version. */
    public static GatewaySettings of(String version) {
        return new GatewaySettings(
                "sluice",
                version,
                CatalogSettings.DEFAULT.names(),
                true,
                Limits.BODY_BYTES,
                Duration.ofHours(24),
                Duration.ofMinutes(30),
                Duration.ofSeconds(15),
                UUID.randomUUID().toString(),
                ParkingSettings.DEFAULT);
    }

    public GatewaySettings withCluster(String replacement) {
        return with(draft -> draft.cluster = replacement);
    }

    public GatewaySettings withNames(CatalogSettings.Names replacement) {
        return with(draft -> draft.names = replacement);
    }

    public GatewaySettings withSessionless(boolean replacement) {
        return with(draft -> draft.sessionless = replacement);
    }

    public GatewaySettings withMaxBodyBytes(long replacement) {
        return with(draft -> draft.maxBodyBytes = replacement);
    }

    public GatewaySettings withSessionIdle(Duration replacement) {
        return with(draft -> draft.sessionIdle = replacement);
    }

    public GatewaySettings withHeartbeat(Duration replacement) {
        return with(draft -> draft.heartbeat = replacement);
    }

    public GatewaySettings withGatewayId(String replacement) {
        return with(draft -> draft.gatewayId = replacement);
    }

    public GatewaySettings withParking(ParkingSettings replacement) {
        return with(draft -> draft.parking = replacement);
    }

    /** This gateway as an {@code Implementation} object. */
    RawJson implementation() {
        return RawJson.of("{\"name\":\"sluice\",\"version\":\"" + version + "\"}");
    }

    private GatewaySettings with(Consumer<Draft> change) {
        Draft draft = new Draft(this);
        change.accept(draft);
        return draft.done();
    }

    /** What a changed copy is made in: the one place that knows the order of all parts. */
    private static final class Draft {
        private String cluster;
        private String version;
        private CatalogSettings.Names names;
        private boolean sessionless;
        private long maxBodyBytes;
        private Duration sessionLife;
        private Duration sessionIdle;
        private Duration heartbeat;
        private String gatewayId;
        private ParkingSettings parking;

        private Draft(GatewaySettings from) {
            cluster = from.cluster;
            version = from.version;
            names = from.names;
            sessionless = from.sessionless;
            maxBodyBytes = from.maxBodyBytes;
            sessionLife = from.sessionLife;
            sessionIdle = from.sessionIdle;
            heartbeat = from.heartbeat;
            gatewayId = from.gatewayId;
            parking = from.parking;
        }

        private GatewaySettings done() {
            return new GatewaySettings(
                    cluster,
                    version,
                    names,
                    sessionless,
                    maxBodyBytes,
                    sessionLife,
                    sessionIdle,
                    heartbeat,
                    gatewayId,
                    parking);
        }
    }
}
