package io.sluice.auth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

final class CallerTest {
    @Test
    void fingerprintIsTheHeadOfTheHashOverLengthPrefixedNames() {
        // printf '\0\0\0\5alice\0\0\0\4acme' | sha256sum
        assertThat(new Caller("alice", "acme", false).fingerprint()).isEqualTo("ae9057c52877034dfb0c2e42ff0de6eb");
    }

    @Test
    void movingTheBoundaryBetweenSubjectAndTenantChangesTheFingerprint() {
        Set<String> fingerprints = new HashSet<>();
        for (Caller caller : new Caller[] {
            new Caller("ab", "c", false), new Caller("a", "bc", false), new Caller("abc", "", false), Caller.LOCAL
        }) {
            fingerprints.add(caller.fingerprint());
        }
        assertThat(fingerprints).hasSize(4);
    }

    @Test
    void rightsDoNotChangeTheFingerprint() {
        assertThat(new Caller("alice", "", true).fingerprint()).isEqualTo(new Caller("alice", "", false).fingerprint());
    }

    @Test
    void callerWithoutANameCannotBeMade() {
        assertThatIllegalArgumentException().isThrownBy(() -> new Caller("", "", false));
        assertThatIllegalArgumentException().isThrownBy(() -> new Caller("  ", "acme", false));
    }
}
