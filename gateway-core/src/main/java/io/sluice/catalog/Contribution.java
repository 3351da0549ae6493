package io.sluice.catalog;

import io.sluice.registry.Registration;
import java.util.Optional;

/**
 * One backend's share of the catalog.
 *
 * @param registration the backend
 * @param listing the last good answer, stale or not; empty when it was never reached
 * @param trouble why the backend cannot be used at the moment and since when, as one sentence; empty when it is well
 */
public record Contribution(Registration registration, Optional<Listing> listing, Optional<String> trouble) {}
