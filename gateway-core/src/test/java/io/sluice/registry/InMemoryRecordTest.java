package io.sluice.registry;

final class InMemoryRecordTest extends RecordContract {
    @Override
    protected Registry open() {
        return new InMemoryRegistry();
    }
}
