package io.sluice.auth;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.netty.util.concurrent.FastThreadLocal;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.security.GeneralSecurityException;
import java.security.InvalidKeyException;
import java.security.SecureRandom;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import javax.crypto.Mac;
import javax.crypto.SecretKey;
import javax.crypto.spec.SecretKeySpec;

/**
 * The tokens that are valid at the moment. It keeps no token, only its HMAC-SHA-256 under a pepper that is random for
 * each table, and compares nothing but those: how long a look-up takes says nothing about how much of a guess was
 * right, and no two tokens share an entry, however alike they begin. Immutable.
 *
 * <p>The HMAC is computed for every look-up. A memory of verified tokens would have to be keyed by a hash of the whole
 * token too; what {@link BearerTokens} remembers is which string object it has looked up.
 */
public final class TokenTable {
    private static final String HMAC = "HmacSHA256";
    private static final VarHandle LONGS = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);
    private static final FastThreadLocal<Mac> MAC = new FastThreadLocal<>() {
        @Override
        protected Mac initialValue() throws GeneralSecurityException {
            return Mac.getInstance(HMAC);
        }
    };

    private final SecretKey pepper;
    private final Map<Digest, Caller> callers;

    private TokenTable(SecretKey pepper, Collection<NamedToken> tokens) {
        this.pepper = pepper;
        Map<Digest, Caller> byDigest = new HashMap<>();
        for (NamedToken token : tokens) {
            Caller caller = new Caller(token.name(), "", token.managing());
            Caller other = byDigest.putIfAbsent(digest(token.secret()), caller);
            if (other != null && !other.equals(caller)) {
                throw new IllegalArgumentException("the token named '" + caller.subject() + "' is also given as '"
                        + other.subject() + "', with another name or other rights");
            }
        }
        this.callers = Map.copyOf(byDigest);
    }

    /**
     * Blocks for the system's randomness: not for event loops.
     *
     * @throws IllegalArgumentException when one token is given with two names, or with and without rights
     */
    public static TokenTable of(Collection<NamedToken> tokens) {
        byte[] pepper = new byte[32];
        new SecureRandom().nextBytes(pepper);
        return new TokenTable(new SecretKeySpec(pepper, HMAC), tokens);
    }

    /** Whom the token stands for, or empty when it is not valid. */
    public Optional<Caller> caller(String token) {
        return Optional.ofNullable(callers.get(digest(token)));
    }

    /** Whether no token at all is valid, so that everyone is refused. */
    public boolean isEmpty() {
        return callers.isEmpty();
    }

    /** The names, which are not secret. */
    @Override
    public String toString() {
        TreeSet<String> names = new TreeSet<>();
        callers.values().forEach(caller -> names.add(caller.subject()));
        return "TokenTable[" + callers.size() + " tokens of " + names + "]";
    }

    private Digest digest(String token) {
        try {
            Mac mac = MAC.get();
            mac.init(pepper);
            byte[] hmac = mac.doFinal(token.getBytes(UTF_8));
            return new Digest(
                    (long) LONGS.get(hmac, 0), (long) LONGS.get(hmac, 8),
                    (long) LONGS.get(hmac, 16), (long) LONGS.get(hmac, 24));
        } catch (InvalidKeyException e) {
            throw new IllegalStateException("every key fits " + HMAC, e);
        }
    }

    /** The 32 bytes of an HMAC, comparable. */
    private record Digest(long a, long b, long c, long d) {
        @Override
        public int hashCode() {
            return (int) a;
        }
    }
}
