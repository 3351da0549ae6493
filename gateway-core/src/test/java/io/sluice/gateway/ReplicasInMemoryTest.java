package io.sluice.gateway;

import io.sluice.replica.InMemoryMessages;
import io.sluice.session.SessionStore;

final class ReplicasInMemoryTest extends ReplicasContract {
    private final SessionStore store = SessionStore.inMemory();
    private final InMemoryMessages first = InMemoryMessages.alone();

    @Override
    protected Shared share() {
        return new Shared(store, first.another());
    }
}
