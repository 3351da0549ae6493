package io.sluice.seal;

import java.security.DrbgParameters;
import java.security.DrbgParameters.Capability;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;

/**
 * Makes random sources for event loops. The platform's default one reads a device file whenever it is asked, which
 * blocks; these read it once, here, and go on from that seed with the Hash_DRBG of NIST SP 800-90A, which no observer
 * of its output can predict.
 */
public final class SeededRandom {
    private static final int STRENGTH_BITS = 256;

    private SeededRandom() {}

    /**
     * A source for use by any thread that never touches the system again. Reads the seed now: call it at start-up, not
     * on an event loop.
     */
    public static SecureRandom create() {
        try {
            SecureRandom random = SecureRandom.getInstance(
                    "DRBG", DrbgParameters.instantiation(STRENGTH_BITS, Capability.NONE, null));
            random.nextBytes(new byte[1]);
            return random;
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("this Java platform has no DRBG", e);
        }
    }
}
