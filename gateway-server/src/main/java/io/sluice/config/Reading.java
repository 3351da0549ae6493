package io.sluice.config;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What came of one reading.
 *
 * @param config empty exactly when there are faults
 * @param faults everything that is wrong, in the order of the files
 * @param notes what is right but worth knowing: entries left out, keys that mean nothing here
 * @param files every file that was looked at, those named by <code>${file:…}</code> and other keys included
 * @param hash SHA-256 over those files, in hexadecimal
 */
public record Reading(
        Optional<GatewayConfig> config, List<Fault> faults, List<Fault> notes, Set<Path> files, String hash) {
    public Reading {
        faults = List.copyOf(faults);
        notes = List.copyOf(notes);
        files = Set.copyOf(files);
    }
}
