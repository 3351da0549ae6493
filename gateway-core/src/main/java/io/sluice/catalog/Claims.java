package io.sluice.catalog;

import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Who may use which exposed name, in one name space of the aggregate, while a catalog is being built. A name belongs to
 * the backend that first exposed it for as long as that registration lasts, even while the backend does not list it.
 * For one thread.
 */
final class Claims {
    /**
     * Names that a backend keeps though it does not list them at the moment. More would let one backend fill the memory
     * by renaming its tools for ever.
     */
    static final int MOST_DORMANT = 1_000;

    /**
     * A backend that owns a name.
     *
     * @param since tells its registration from a later one of the same name
     * @param turn grows with each claim; earlier claims have precedence
     */
    record Owner(String backend, long since, long turn) {}

    private final Map<String, Owner> owners;
    private final Set<String> used = new HashSet<>();
    private long turn;
    private boolean forgot;

    /**
     * @param recorded claims that all replicas agreed on, which come before those of this one
     * @param before owners in the catalog to be replaced, earliest claim first
     * @param since the present registrations, by backend
     */
    Claims(Map<String, NameClaims.Claim> recorded, Map<String, Owner> before, Map<String, Long> since) {
        owners = new LinkedHashMap<>(before.size() * 4 / 3 + 16);
        before.forEach((name, owner) -> {
            if (isOf(owner.since(), since.get(owner.backend()))) {
                owners.put(name, owner);
            }
            turn = Math.max(turn, owner.turn());
        });
        recorded.forEach((name, claim) -> {
            Long now = since.get(claim.backend());
            Owner known = owners.get(name);
            if (now != null
                    && isOf(claim.since(), now)
                    && (known == null || !known.backend().equals(claim.backend()))) {
                owners.put(name, new Owner(claim.backend(), now, ++turn));
            }
        });
    }

    /** A configuration file has one registration for each name, which the order in the file numbers anew at each start. */
    private static boolean isOf(long claimed, @Nullable Long now) {
        return now != null && (claimed == now || claimed < 0 && now < 0);
    }

    /**
     * Takes the name for one target of a backend, if it is free or the backend's own and no other target of this build
     * has it.
     */
    boolean take(String name, String backend, long since) {
        if (used.contains(name)) {
            return false;
        }
        Owner owner = owners.get(name);
        if (owner == null) {
            owners.put(name, new Owner(backend, since, ++turn));
        } else if (!owner.backend().equals(backend)) {
            return false;
        }
        return used.add(name);
    }

    /** Names of one backend that it had in the catalog before and has still. */
    void keep(List<String> names) {
        used.addAll(names);
    }

    boolean owns(String backend, String name) {
        Owner owner = owners.get(name);
        return owner != null && owner.backend().equals(backend);
    }

    long turn(String name) {
        Owner owner = owners.get(name);
        return owner == null ? Long.MAX_VALUE : owner.turn();
    }

    /** Who owns what so far; only to be read. */
    Map<String, Owner> known() {
        return Collections.unmodifiableMap(owners);
    }

    /** Who owns what in the end, when all names are taken or kept: of the others, the oldest are forgotten. */
    Map<String, Owner> owners() {
        if (owners.size() > used.size()) {
            forgetOldestDormant();
        }
        return known();
    }

    /** Whether {@link #owners()} left some out. */
    boolean forgot() {
        return forgot;
    }

    private void forgetOldestDormant() {
        Map<String, Integer> dormant = new HashMap<>();
        owners.forEach((name, owner) -> {
            if (!used.contains(name)) {
                dormant.merge(owner.backend(), 1, Integer::sum);
            }
        });
        owners.entrySet().removeIf(entry -> {
            String backend = entry.getValue().backend();
            if (used.contains(entry.getKey()) || dormant.getOrDefault(backend, 0) <= MOST_DORMANT) {
                return false;
            }
            dormant.merge(backend, -1, Integer::sum);
            forgot = true;
            return true;
        });
    }
}
