package io.sluice.registry;

final class InMemoryRegistryTest extends RegistryContract {
    @Override
    protected Registry open() {
        return new InMemoryRegistry();
    }
}
