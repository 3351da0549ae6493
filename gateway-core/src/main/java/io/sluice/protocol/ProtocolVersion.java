package io.sluice.protocol;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;

/** A revision of MCP that Sluice speaks, on either side. Declared oldest first, so {@link #compareTo} orders by age. */
public enum ProtocolVersion {
    V2025_03_26("2025-03-26", Era.LEGACY),
    V2025_06_18("2025-06-18", Era.LEGACY),
    V2025_11_25("2025-11-25", Era.LEGACY),
    V2026_07_28("2026-07-28", Era.MODERN);

    /** What a client that asks for something unknown in {@code initialize} is offered. */
    public static final ProtocolVersion LATEST_LEGACY = V2025_11_25;

    /** What is spoken to a backend that passed the probe. */
    public static final ProtocolVersion LATEST_MODERN = V2026_07_28;

    /** Assumed when a legacy request names no revision (2025-06-18, Transports, <em>Protocol Version Header</em>). */
    public static final ProtocolVersion ASSUMED = V2025_03_26;

    private static final Map<String, ProtocolVersion> BY_WIRE =
            Arrays.stream(values()).collect(Collectors.toUnmodifiableMap(ProtocolVersion::wire, Function.identity()));

    private final String wire;
    private final Era era;

    ProtocolVersion(String wire, Era era) {
        this.wire = wire;
        this.era = era;
    }

    /** The revision as it stands in headers and bodies, for example {@code 2025-11-25}. */
    public String wire() {
        return wire;
    }

    public Era era() {
        return era;
    }

    public boolean isAtLeast(ProtocolVersion other) {
        return compareTo(other) >= 0;
    }

    /** The revision of that name, or empty when Sluice does not speak it. */
    public static Optional<ProtocolVersion> of(String wire) {
        return Optional.ofNullable(BY_WIRE.get(wire));
    }

    /** Every revision, newest first: the order in which {@code server/discover} and {@code -32022} list them. */
    public static List<String> supported() {
        return Arrays.stream(values())
                .sorted(java.util.Comparator.reverseOrder())
                .map(ProtocolVersion::wire)
                .toList();
    }
}
