package io.sluice.upstream;

import io.sluice.adapter.Adapters;
import io.sluice.egress.EgressPolicy;
import io.sluice.egress.EgressTls;
import io.sluice.protocol.RawJson;
import java.time.Clock;
import java.time.Duration;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;
import reactor.netty.resources.LoopResources;

/**
 * What all backends of one gateway are reached with.
 *
 * @param loops the event loops of the listener, so that a call stays on its thread
 * @param egress which addresses may be dialled
 * @param tls what is trusted on {@code https}
 * @param clientInfo the gateway's own {@code Implementation} object
 * @param userAgent for the {@code User-Agent} header
 * @param policies how each backend is guarded and its endpoints are chosen
 * @param maxConnections exchanges with one backend at a time, long-lived streams not counted
 * @param maxPending calls that may wait for a connection of one backend
 * @param maxReplyBytes largest body that is held as a whole: lists, handshakes
 * @param maxEventBytes largest event of a stream
 * @param probeTimeout longest wait for the answer to a probe or a handshake; the backend's own timeout when that is
 *     shorter
 * @param failureMemory how long a failed probe answers later askers without a new attempt
 * @param legacyVerdictLife how long "speaks a legacy revision" is believed; it would otherwise never be found wrong
 * @param timer runs retries, pauses and time limits
 * @param clock names the time in sentences and verdicts
 * @param random spreads retries
 * @param credentials who keeps the credentials that change
 * @param adapters what reaches the backends that do not speak Streamable HTTP
 * @param gatewayId by which other gateways know this one; empty keeps it to itself
 */
public record UpstreamSettings(
        LoopResources loops,
        EgressPolicy egress,
        EgressTls tls,
        RawJson clientInfo,
        String userAgent,
        Policies policies,
        int maxConnections,
        int maxPending,
        int maxReplyBytes,
        int maxEventBytes,
        Duration probeTimeout,
        Duration failureMemory,
        Duration legacyVerdictLife,
        Scheduler timer,
        Clock clock,
        RandomGenerator random,
        Adapters adapters,
        String gatewayId,
        Credentials credentials) {

    /** The usual limits. {@code version} is the gateway's own. */
    public static UpstreamSettings of(
            LoopResources loops, EgressPolicy egress, String version, RandomGenerator random) {
        return new UpstreamSettings(
                loops,
                egress,
                EgressTls.PLATFORM,
                RawJson.of("{\"name\":\"sluice\",\"version\":\"" + version + "\"}"),
                "sluice/" + version,
                Policies.STANDARD,
                500,
                1000,
                64 << 20,
                16 << 20,
                Duration.ofSeconds(10),
                Duration.ofSeconds(1),
                Duration.ofHours(24),
                Schedulers.parallel(),
                Clock.systemUTC(),
                random,
                Adapters.NONE,
                "",
                Credentials.NONE);
    }

    public UpstreamSettings withProbeTimeout(Duration timeout) {
        return with(draft -> draft.probeTimeout = timeout);
    }

    public UpstreamSettings withFailureMemory(Duration memory) {
        return with(draft -> draft.failureMemory = memory);
    }

    public UpstreamSettings withClock(Clock other) {
        return with(draft -> draft.clock = other);
    }

    public UpstreamSettings withConnections(int most, int pending) {
        return with(draft -> {
            draft.maxConnections = most;
            draft.maxPending = pending;
        });
    }

    public UpstreamSettings withTimer(Scheduler other) {
        return with(draft -> draft.timer = other);
    }

    public UpstreamSettings withLimits(int replyBytes, int eventBytes) {
        return with(draft -> {
            draft.maxReplyBytes = replyBytes;
            draft.maxEventBytes = eventBytes;
        });
    }

    public UpstreamSettings withAdapters(Adapters other) {
        return with(draft -> draft.adapters = other);
    }

    public UpstreamSettings withGatewayId(String id) {
        return with(draft -> draft.gatewayId = id);
    }

    public UpstreamSettings withPolicies(Policies other) {
        return with(draft -> draft.policies = other);
    }

    public UpstreamSettings withCredentials(Credentials keepers) {
        return with(draft -> draft.credentials = keepers);
    }

    private UpstreamSettings with(Consumer<Draft> change) {
        Draft draft = new Draft(this);
        change.accept(draft);
        return draft.done();
    }

    /** What a changed copy is made in: the one place that knows the order of all parts. */
    private static final class Draft {
        private LoopResources loops;
        private EgressPolicy egress;
        private EgressTls tls;
        private RawJson clientInfo;
        private String userAgent;
        private Policies policies;
        private int maxConnections;
        private int maxPending;
        private int maxReplyBytes;
        private int maxEventBytes;
        private Duration probeTimeout;
        private Duration failureMemory;
        private Duration legacyVerdictLife;
        private Scheduler timer;
        private Clock clock;
        private RandomGenerator random;
        private Adapters adapters;
        private String gatewayId;
        private Credentials credentials;

        private Draft(UpstreamSettings from) {
            loops = from.loops;
            egress = from.egress;
            tls = from.tls;
            clientInfo = from.clientInfo;
            userAgent = from.userAgent;
            policies = from.policies;
            maxConnections = from.maxConnections;
            maxPending = from.maxPending;
            maxReplyBytes = from.maxReplyBytes;
            maxEventBytes = from.maxEventBytes;
            probeTimeout = from.probeTimeout;
            failureMemory = from.failureMemory;
            legacyVerdictLife = from.legacyVerdictLife;
            timer = from.timer;
            clock = from.clock;
            random = from.random;
            adapters = from.adapters;
            gatewayId = from.gatewayId;
            credentials = from.credentials;
        }

        private UpstreamSettings done() {
            return new UpstreamSettings(
                    loops,
                    egress,
                    tls,
                    clientInfo,
                    userAgent,
                    policies,
                    maxConnections,
                    maxPending,
                    maxReplyBytes,
                    maxEventBytes,
                    probeTimeout,
                    failureMemory,
                    legacyVerdictLife,
                    timer,
                    clock,
                    random,
                    adapters,
                    gatewayId,
                    credentials);
        }
    }
}
