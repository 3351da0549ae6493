package io.sluice.protocol;

import java.util.EnumSet;
import java.util.Set;
import java.util.StringJoiner;
import tools.jackson.databind.JsonNode;

/**
 * What a client can be asked for: its declared capabilities, reduced to the ones the protocol defines. Small enough to
 * be sealed into a session id as one number.
 */
public record ClientFeatures(Set<Feature> features) {
    public static final ClientFeatures NONE = new ClientFeatures(Set.of());

    public ClientFeatures {
        features = Set.copyOf(features);
    }

    /** One thing a client may declare (<em>client</em> section of 2025-11-25 and 2026-07-28). */
    public enum Feature {
        ROOTS(1),
        ROOTS_LIST_CHANGED(1 << 1),
        SAMPLING(1 << 2),
        SAMPLING_TOOLS(1 << 3),
        SAMPLING_CONTEXT(1 << 4),
        ELICITATION_FORM(1 << 5),
        ELICITATION_URL(1 << 6);

        /** Written into session ids that outlive this process: never renumbered. */
        private final int bit;

        Feature(int bit) {
            this.bit = bit;
        }
    }

    /** Reads a {@code ClientCapabilities} object. {@code elicitation: {}} means form mode; unknown members are ignored. */
    public static ClientFeatures of(JsonNode capabilities) {
        EnumSet<Feature> found = EnumSet.noneOf(Feature.class);
        JsonNode roots = capabilities.path("roots");
        if (roots.isObject()) {
            found.add(Feature.ROOTS);
            if (roots.path("listChanged").booleanValue(false)) {
                found.add(Feature.ROOTS_LIST_CHANGED);
            }
        }
        JsonNode sampling = capabilities.path("sampling");
        if (sampling.isObject()) {
            found.add(Feature.SAMPLING);
            if (sampling.has("tools")) {
                found.add(Feature.SAMPLING_TOOLS);
            }
            if (sampling.has("context")) {
                found.add(Feature.SAMPLING_CONTEXT);
            }
        }
        JsonNode elicitation = capabilities.path("elicitation");
        if (elicitation.isObject()) {
            if (elicitation.has("url")) {
                found.add(Feature.ELICITATION_URL);
            }
            if (elicitation.has("form") || !elicitation.has("url")) {
                found.add(Feature.ELICITATION_FORM);
            }
        }
        return new ClientFeatures(found);
    }

    /** The inverse of {@link #bits()}; unknown bits are ignored. */
    public static ClientFeatures ofBits(int bits) {
        EnumSet<Feature> found = EnumSet.noneOf(Feature.class);
        for (Feature feature : Feature.values()) {
            if ((bits & feature.bit) != 0) {
                found.add(feature);
            }
        }
        return new ClientFeatures(found);
    }

    public int bits() {
        int bits = 0;
        for (Feature feature : features) {
            bits |= feature.bit;
        }
        return bits;
    }

    public boolean has(Feature feature) {
        return features.contains(feature);
    }

    /** Whether a backend could ask this client anything. */
    public boolean interactive() {
        return has(Feature.ROOTS)
                || has(Feature.SAMPLING)
                || has(Feature.ELICITATION_FORM)
                || has(Feature.ELICITATION_URL);
    }

    /** The {@code ClientCapabilities} object to declare to a backend that speaks {@code version}. */
    public String toJson(ProtocolVersion version) {
        StringJoiner json = new StringJoiner(",", "{", "}");
        if (has(Feature.ROOTS)) {
            boolean listChanged = has(Feature.ROOTS_LIST_CHANGED) && version.era() == Era.LEGACY;
            json.add(listChanged ? "\"roots\":{\"listChanged\":true}" : "\"roots\":{}");
        }
        boolean modes = version.isAtLeast(ProtocolVersion.V2025_11_25);
        if (has(Feature.SAMPLING)) {
            StringJoiner sampling = new StringJoiner(",", "\"sampling\":{", "}");
            if (modes && has(Feature.SAMPLING_TOOLS)) {
                sampling.add("\"tools\":{}");
            }
            if (modes && has(Feature.SAMPLING_CONTEXT)) {
                sampling.add("\"context\":{}");
            }
            json.add(sampling.toString());
        }
        if (modes && (has(Feature.ELICITATION_FORM) || has(Feature.ELICITATION_URL))) {
            StringJoiner elicitation = new StringJoiner(",", "\"elicitation\":{", "}");
            if (has(Feature.ELICITATION_FORM)) {
                elicitation.add("\"form\":{}");
            }
            if (has(Feature.ELICITATION_URL)) {
                elicitation.add("\"url\":{}");
            }
            json.add(elicitation.toString());
        } else if (version == ProtocolVersion.V2025_06_18 && has(Feature.ELICITATION_FORM)) {
            json.add("\"elicitation\":{}");
        }
        return json.toString();
    }
}
