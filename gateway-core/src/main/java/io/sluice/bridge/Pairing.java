package io.sluice.bridge;

import io.sluice.protocol.Era;

/** Which era the client speaks, and which the backend. */
public enum Pairing {
    OLD_OLD("old client, old backend", Era.LEGACY, Era.LEGACY),
    OLD_NEW("old client, new backend", Era.LEGACY, Era.MODERN),
    NEW_OLD("new client, old backend", Era.MODERN, Era.LEGACY),
    NEW_NEW("new client, new backend", Era.MODERN, Era.MODERN);

    private final String title;
    private final Era client;
    private final Era backend;

    Pairing(String title, Era client, Era backend) {
        this.title = title;
        this.client = client;
        this.backend = backend;
    }

    public String title() {
        return title;
    }

    public Era client() {
        return client;
    }

    public Era backend() {
        return backend;
    }
}
