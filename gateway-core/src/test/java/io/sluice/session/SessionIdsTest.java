package io.sluice.session;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.auth.Caller;
import io.sluice.protocol.ClientFeatures;
import io.sluice.protocol.ClientFeatures.Feature;
import io.sluice.protocol.ProtocolVersion;
import io.sluice.seal.Keyring;
import io.sluice.seal.SeededRandom;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

final class SessionIdsTest {
    private static final Instant NOW = Instant.parse("2026-11-21T12:00:00.987Z");
    private static final Duration LIFETIME = Duration.ofHours(24);
    private static final Caller ALICE = new Caller("alice", "", false);
    private static final SecureRandom RANDOM = SeededRandom.create();

    private final SessionIds ids = ids(Keyring.of(key(1)), "east");

    @Test
    void ownerFindsTheTicketAgain() {
        SessionTicket ticket = issue();

        Optional<SessionTicket> opened = ids.open(ids.seal(ticket), ALICE, "weather", NOW);

        assertThat(opened).hasValue(ticket);
        assertThat(ticket.id()).matches("[0-9a-f]{32}");
        assertThat(ticket.issuedAt()).isEqualTo("2026-11-21T12:00:00.987Z");
        assertThat(ticket.expiresAt()).isEqualTo("2026-11-22T12:00:00Z");
        assertThat(ticket.callerFingerprint()).isEqualTo(ALICE.fingerprint());
        assertThat(ticket.features().has(Feature.SAMPLING)).isTrue();
        assertThat(ticket.clientName()).hasValue("inspector");
        assertThat(ticket.clientVersion()).isEmpty();
    }

    @Test
    void everyRevisionAndFeatureSurvives() {
        for (ProtocolVersion version : ProtocolVersion.values()) {
            for (int bits = 0; bits < 1 << Feature.values().length; bits++) {
                SessionTicket ticket = ids.issue(
                        ALICE, "", version, ClientFeatures.ofBits(bits), Optional.empty(), Optional.of(""), NOW);

                assertThat(ids.open(ids.seal(ticket), ALICE, "", NOW)).hasValue(ticket);
            }
        }
    }

    @Test
    void anyReplicaWithTheKeyOpensIt() {
        SessionTicket ticket = issue();

        assertThat(ids(Keyring.of(key(1)), "east").open(ids.seal(ticket), ALICE, "weather", NOW))
                .hasValue(ticket);
    }

    @Test
    void otherCallersAreRefused() {
        String id = ids.seal(issue());

        for (Caller other : new Caller[] {
            new Caller("bob", "", false),
            new Caller("bob", "", true),
            new Caller("Alice", "", false),
            new Caller("alice", "acme", false),
            new Caller("alic", "e", false),
            Caller.LOCAL
        }) {
            assertThat(ids.open(id, other, "weather", NOW)).as("%s", other).isEmpty();
        }
    }

    @Test
    void callerWhoseRightsChangedKeepsTheSession() {
        assertThat(ids.open(ids.seal(issue()), new Caller("alice", "", true), "weather", NOW))
                .isPresent();
    }

    @Test
    void otherMountsAreRefused() {
        String id = ids.seal(issue());

        for (String mount : new String[] {"", "weathe", "weather2", "WEATHER", "clock"}) {
            assertThat(ids.open(id, ALICE, mount, NOW)).isEmpty();
        }
    }

    @Test
    void otherClustersAreRefusedEvenWithTheSameKey() {
        assertThat(ids(Keyring.of(key(1)), "west").open(ids.seal(issue()), ALICE, "weather", NOW))
                .isEmpty();
        assertThat(ids(Keyring.of(key(1)), "").open(ids.seal(issue()), ALICE, "weather", NOW))
                .isEmpty();
    }

    @Test
    void boundariesBetweenClusterMountAndCallerCannotBeMoved() {
        SessionIds one = ids(Keyring.of(key(1)), "east");
        SessionIds other = ids(Keyring.of(key(1)), "eastw");
        String id = one.seal(issue());

        assertThat(other.open(id, ALICE, "eather", NOW)).isEmpty();
    }

    @Test
    void sealOfAnotherPurposeIsRefused() {
        SessionIds cursors = new SessionIds(Keyring.of(key(1)).sealer("cursor"), "east", LIFETIME, RANDOM);

        assertThat(ids.open(cursors.seal(issue()), ALICE, "weather", NOW)).isEmpty();
    }

    @Test
    void sessionEndsAtItsExpiry() {
        String id = ids.seal(issue());
        Instant expiry = Instant.parse("2026-11-22T12:00:00Z");

        assertThat(ids.open(id, ALICE, "weather", expiry.minusMillis(1))).isPresent();
        assertThat(ids.open(id, ALICE, "weather", expiry)).isEmpty();
        assertThat(ids.open(id, ALICE, "weather", expiry.plusSeconds(1))).isEmpty();
    }

    @Test
    void rotationLosesNoSession() {
        SessionTicket ticket = issue();
        String old = ids.seal(ticket);
        SessionIds during = ids(Keyring.of(key(2), key(1)), "east");
        SessionIds after = ids(Keyring.of(key(2)), "east");

        assertThat(during.open(old, ALICE, "weather", NOW)).hasValue(ticket);
        assertThat(after.open(during.seal(ticket), ALICE, "weather", NOW)).hasValue(ticket);
        assertThat(after.open(old, ALICE, "weather", NOW)).isEmpty();
        assertThat(ids.open(during.seal(ticket), ALICE, "weather", NOW)).isEmpty();
    }

    @Test
    void flippedBitsTruncationsAndForgeriesAreRefused() {
        String id = ids.seal(issue());
        for (int bit = 0; bit < id.length() * 8; bit++) {
            char[] chars = id.toCharArray();
            chars[bit / 8] ^= (char) (1 << bit % 8);
            assertThat(ids.open(new String(chars), ALICE, "weather", NOW))
                    .as("bit %d", bit)
                    .isEmpty();
        }
        for (int length = 0; length < id.length(); length++) {
            assertThat(ids.open(id.substring(0, length), ALICE, "weather", NOW))
                    .as("length %d", length)
                    .isEmpty();
        }
        for (String forged : new String[] {
            "",
            ".",
            "..",
            "v1",
            "v1..",
            "v1.AAAAAAAA.",
            "00000000-0000-0000-0000-000000000000",
            issue().id(),
            issue().toString(),
            "v1." + "A".repeat(508),
            "A".repeat(511),
            "A".repeat(100_000)
        }) {
            assertThat(ids.open(forged, ALICE, "weather", NOW)).as(forged).isEmpty();
        }
    }

    @Test
    void arbitraryTextIsRefusedWithoutAnException() {
        long seed = System.nanoTime();
        System.out.println("SessionIdsTest seed " + seed);
        Random random = new Random(seed);
        String id = ids.seal(issue());
        for (int i = 0; i < 20_000; i++) {
            char[] chars = Arrays.copyOf(id.toCharArray(), random.nextInt(8) == 0 ? random.nextInt(600) : id.length());
            for (int edits = random.nextInt(5); edits > 0 && chars.length > 0; edits--) {
                chars[random.nextInt(chars.length)] = (char) random.nextInt(random.nextBoolean() ? 0x80 : 0x10000);
            }
            String text = new String(chars);

            if (!text.equals(id)) {
                assertThat(ids.open(text, ALICE, "weather", NOW)).as(text).isEmpty();
            }
        }
    }

    @Test
    void idsAreVisibleAsciiBelowTheLimitWhateverTheClientIsCalled() {
        for (String hostile : new String[] {
            "",
            "x",
            "x".repeat(64),
            "x".repeat(100_000),
            "é".repeat(1000),
            "漢".repeat(1000),
            "🚰".repeat(1000),
            "\uD800".repeat(1000),
            "a\uD800b\uDC00",
            "\r\nSet-Cookie: a=b",
            "\0".repeat(64)
        }) {
            SessionTicket ticket = ids.issue(
                    ALICE,
                    "m".repeat(64),
                    ProtocolVersion.V2025_11_25,
                    ClientFeatures.ofBits(-1),
                    Optional.of(hostile),
                    Optional.of(hostile),
                    NOW);
            String id = ids.seal(ticket);

            assertThat(id).matches("[\\x21-\\x7E]+").hasSizeLessThan(SessionIds.LIMIT_CHARS);
            assertThat(ids.open(id, ALICE, "m".repeat(64), NOW)).hasValue(ticket);
            assertThat(ticket.clientName().orElseThrow().length()).isLessThanOrEqualTo(64);
            assertThat(UTF_8.newEncoder().canEncode(ticket.clientName().orElseThrow()))
                    .isTrue();
        }
    }

    @Test
    void longNamesKeepTheirBeginning() {
        SessionTicket ticket = ids.issue(
                ALICE,
                "",
                ProtocolVersion.V2025_11_25,
                ClientFeatures.NONE,
                Optional.of("n".repeat(63) + "🚰"),
                Optional.of("v".repeat(62) + "🚰!"),
                NOW);

        assertThat(ticket.clientName()).hasValue("n".repeat(63));
        assertThat(ticket.clientVersion()).hasValue("v".repeat(62) + "🚰");
    }

    @Test
    void noTwoSessionsShareAnId() {
        Set<String> keys = new HashSet<>();
        Set<String> sealed = new HashSet<>();
        for (int i = 0; i < 10_000; i++) {
            SessionTicket ticket = issue();
            keys.add(ticket.id());
            sealed.add(ids.seal(ticket));
        }
        assertThat(keys).hasSize(10_000);
        assertThat(sealed).hasSize(10_000);
    }

    @Test
    void eventLoopsMayIssueAndOpen() {
        Boolean opened = Mono.fromCallable(
                        () -> ids.open(ids.seal(issue()), ALICE, "weather", NOW).isPresent())
                .subscribeOn(Schedulers.parallel())
                .block();

        assertThat(opened).isTrue();
    }

    private SessionTicket issue() {
        return ids.issue(
                ALICE,
                "weather",
                ProtocolVersion.V2025_11_25,
                new ClientFeatures(Set.of(Feature.SAMPLING, Feature.ROOTS)),
                Optional.of("inspector"),
                Optional.empty(),
                NOW);
    }

    private static SessionIds ids(Keyring keyring, String cluster) {
        return new SessionIds(keyring.sealer("session"), cluster, LIFETIME, RANDOM);
    }

    private static byte[] key(int seed) {
        byte[] key = new byte[32];
        new Random(seed).nextBytes(key);
        return key;
    }
}
