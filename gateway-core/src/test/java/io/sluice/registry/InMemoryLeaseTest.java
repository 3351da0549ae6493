package io.sluice.registry;

final class InMemoryLeaseTest extends LeaseContract {
    @Override
    protected Registry open() {
        return new InMemoryRegistry();
    }
}
