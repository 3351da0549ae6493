package io.sluice.session;

final class InMemorySessionStoreTest extends SessionStoreContract {
    private final SessionStore shared = SessionStore.inMemory();

    @Override
    protected SessionStore one() {
        return shared;
    }

    @Override
    protected SessionStore another() {
        return shared;
    }
}
