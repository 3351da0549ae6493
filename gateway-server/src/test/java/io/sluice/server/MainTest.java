package io.sluice.server;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

final class MainTest {

    @Test
    void versionIsKnownEvenWithoutAManifest() {
        assertThat(Main.version()).isNotBlank();
    }
}
