package io.sluice.gateway;

import io.sluice.replica.InMemoryMessages;
import io.sluice.session.SessionStore;

final class ParkedElsewhereTest extends ParkedElsewhereContract {
    private final SessionStore store = SessionStore.inMemory();
    private final InMemoryMessages first = InMemoryMessages.alone();

    @Override
    protected ReplicasContract.Shared share() {
        return new ReplicasContract.Shared(store, first.another());
    }
}
