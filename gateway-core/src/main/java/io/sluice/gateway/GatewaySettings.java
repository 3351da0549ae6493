package io.sluice.gateway;

import io.sluice.catalog.CatalogSettings;
import io.sluice.listener.Limits;
import io.sluice.parking.ParkingSettings;
import io.sluice.protocol.RawJson;
import java.time.Duration;
import java.util.UUID;

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
        return new GatewaySettings(
                replacement,
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

    public GatewaySettings withNames(CatalogSettings.Names replacement) {
        return new GatewaySettings(
                cluster,
                version,
                replacement,
                sessionless,
                maxBodyBytes,
                sessionLife,
                sessionIdle,
                heartbeat,
                gatewayId,
                parking);
    }

    public GatewaySettings withSessionless(boolean replacement) {
        return new GatewaySettings(
                cluster,
                version,
                names,
                replacement,
                maxBodyBytes,
                sessionLife,
                sessionIdle,
                heartbeat,
                gatewayId,
                parking);
    }

    public GatewaySettings withMaxBodyBytes(long replacement) {
        return new GatewaySettings(
                cluster,
                version,
                names,
                sessionless,
                replacement,
                sessionLife,
                sessionIdle,
                heartbeat,
                gatewayId,
                parking);
    }

    public GatewaySettings withSessionIdle(Duration replacement) {
        return new GatewaySettings(
                cluster,
                version,
                names,
                sessionless,
                maxBodyBytes,
                sessionLife,
                replacement,
                heartbeat,
                gatewayId,
                parking);
    }

    public GatewaySettings withHeartbeat(Duration replacement) {
        return new GatewaySettings(
                cluster,
                version,
                names,
                sessionless,
                maxBodyBytes,
                sessionLife,
                sessionIdle,
                replacement,
                gatewayId,
                parking);
    }

    public GatewaySettings withGatewayId(String replacement) {
        return new GatewaySettings(
                cluster,
                version,
                names,
                sessionless,
                maxBodyBytes,
                sessionLife,
                sessionIdle,
                heartbeat,
                replacement,
                parking);
    }

    public GatewaySettings withParking(ParkingSettings replacement) {
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
                replacement);
    }

    /** This gateway as an {@code Implementation} object. */
    RawJson implementation() {
        return RawJson.of("{\"name\":\"sluice\",\"version\":\"" + version + "\"}");
    }
}
