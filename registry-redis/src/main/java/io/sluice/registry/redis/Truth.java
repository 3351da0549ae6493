package io.sluice.registry.redis;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.sluice.registry.RecordKind;
import io.sluice.registry.RegistrySnapshot;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What Redis holds as far as this replica has been told: the records as they are kept there, and the snapshot they
 * amount to. For one thread.
 */
final class Truth {
    private static final Logger log = LoggerFactory.getLogger(Truth.class);
    private static final long SUM = 1L << 48;

    private final RecordCodec codec;
    private final Map<String, String> records = new HashMap<>();
    private RegistrySnapshot snapshot = RegistrySnapshot.EMPTY;
    private String epoch = "";
    private String operation = "";

    Truth(RecordCodec codec) {
        this.codec = codec;
    }

    String epoch() {
        return epoch;
    }

    long revision() {
        return snapshot.revision();
    }

    /** The one that made the revision. */
    String operation() {
        return operation;
    }

    RegistrySnapshot snapshot() {
        return snapshot;
    }

    Map<String, String> records() {
        return records;
    }

    /** Whether anything was ever heard. */
    boolean isBlank() {
        return epoch.isEmpty();
    }

    /** Takes everything anew. */
    void replace(String newEpoch, long revision, String newOperation, Map<String, String> all) {
        RegistrySnapshot.Edit edit = snapshot.edit();
        Set<String> gone = new HashSet<>(records.keySet());
        gone.removeAll(all.keySet());
        gone.forEach(id -> remove(edit, id));
        all.forEach((id, value) -> {
            if (!value.equals(records.get(id))) {
                put(edit, id, value);
            }
        });
        records.keySet().removeAll(gone);
        records.putAll(all);
        epoch = newEpoch;
        operation = newOperation;
        snapshot = edit.at(revision);
    }

    /**
     * Takes a run of changes.
     *
     * @param changes three words each: how it changed, id, value now or nothing
     * @return the backends that somebody removed on purpose
     */
    Set<String> apply(long revision, String newOperation, List<String> changes) {
        Set<String> removed = new HashSet<>();
        RegistrySnapshot.Edit edit = snapshot.edit();
        for (int i = 0; i + 2 < changes.size(); i += 3) {
            String how = changes.get(i);
            String id = changes.get(i + 1);
            String value = changes.get(i + 2);
            if (!value.isEmpty()) {
                put(edit, id, value);
                records.put(id, value);
                continue;
            }
            if (!how.equals("3") && RecordCodec.isBackend(id)) {
                removed.add(RecordCodec.name(id));
            }
            if (how.equals("2")) {
                records.keySet().removeIf(each -> {
                    boolean part = each.equals(id) || each.startsWith(id + "/");
                    if (part) {
                        remove(edit, each);
                    }
                    return part;
                });
            } else {
                remove(edit, id);
                records.remove(id);
            }
        }
        operation = newOperation;
        snapshot = edit.at(revision);
        return removed;
    }

    /** As digest.lua sums it up. */
    String sum() {
        try {
            MessageDigest sha = MessageDigest.getInstance("SHA-1");
            long sum = 0;
            for (Map.Entry<String, String> each : records.entrySet()) {
                byte[] digest = sha.digest((each.getKey() + "\n" + each.getValue()).getBytes(UTF_8));
                sum = (sum + HexFormat.fromHexDigitsToLong(HexFormat.of().formatHex(digest, 0, 6))) % SUM;
            }
            return Long.toString(sum);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private void put(RegistrySnapshot.Edit edit, String id, String value) {
        try {
            if (RecordCodec.isBackend(id)) {
                edit.put(codec.part(id, Kept.of(value)));
                return;
            }
            Optional<RecordKind> kind = RecordCodec.kind(id);
            if (kind.isPresent()) {
                edit.put(codec.record(kind.get(), id, Kept.of(value)));
            } // else a newer version wrote it, which is its own business
        } catch (IllegalArgumentException e) {
            log.error("The registry's record '{}' is left out: {}", id, e.getMessage());
            remove(edit, id);
        }
    }

    private static void remove(RegistrySnapshot.Edit edit, String id) {
        if (RecordCodec.isBackend(id)) {
            edit.remove(RecordCodec.name(id), RecordCodec.instance(id));
        } else {
            RecordCodec.kind(id).ifPresent(kind -> edit.remove(kind, RecordCodec.recordId(id)));
        }
    }
}
