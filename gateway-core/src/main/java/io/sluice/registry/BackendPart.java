package io.sluice.registry;

import java.util.Optional;

/**
 * What one registrar said about a backend: whoever registered it for good, or one of the instances that hold a lease.
 *
 * @param backend as that registrar described it, with its own endpoints only
 * @param revision the registry's revision at which this part last changed
 * @param since the revision since which the name has been registered without a break
 * @param lease empty for the part that stays until it is removed
 */
public record BackendPart(Backend backend, long revision, long since, Optional<Lease> lease) {
    /** The instance that holds the lease, or the empty string for the lasting part; tells parts of one name apart. */
    public String instance() {
        return lease.map(Lease::instance).orElse("");
    }
}
