package io.sluice.registry.redis;

import io.sluice.protocol.RawJson;
import io.sluice.registry.RecordKind;
import io.sluice.registry.RegistrySnapshot;
import io.sluice.registry.SharedRecord;
import io.sluice.registry.redis.History.Outcome;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** What {@link FaultRun} and the processes of its replicas say to each other. Their two ends are of one build. */
final class FaultWire {
    private FaultWire() {}

    /** What a client wants of its replica. */
    enum Wish {
        PUT,
        DELETE,
        LEAD
    }

    /**
     * A question.
     *
     * @param key of the record, or the name of the job
     * @param expected the revision that it is conditional on, or -1
     * @param token of the leadership that it is made under, or 0
     */
    record Ask(long id, Wish wish, RecordKind kind, String key, String value, long expected, long token) {
        void write(DataOutputStream out) throws IOException {
            out.writeLong(id);
            out.writeUTF(wish.name());
            out.writeUTF(kind.name());
            out.writeUTF(key);
            out.writeUTF(value);
            out.writeLong(expected);
            out.writeLong(token);
            out.flush();
        }

        static Ask read(DataInputStream in) throws IOException {
            return new Ask(
                    in.readLong(),
                    Wish.valueOf(in.readUTF()),
                    RecordKind.valueOf(in.readUTF()),
                    in.readUTF(),
                    in.readUTF(),
                    in.readLong(),
                    in.readLong());
        }
    }

    /** What a replica says. */
    sealed interface Word {
        static Word read(DataInputStream in) throws IOException {
            return in.readBoolean() ? Answer.readRest(in) : News.readRest(in);
        }
    }

    /**
     * What came of a question.
     *
     * @param number the revision of a change, the token of a job that was given, 1 for something removed; else 0
     */
    record Answer(long id, Outcome outcome, long number) implements Word {
        void write(DataOutputStream out) throws IOException {
            out.writeBoolean(true);
            out.writeLong(id);
            out.writeUTF(outcome.name());
            out.writeLong(number);
            out.flush();
        }

        private static Answer readRest(DataInputStream in) throws IOException {
            return new Answer(in.readLong(), Outcome.valueOf(in.readUTF()), in.readLong());
        }
    }

    /** How what a replica shows differs from what it showed before. */
    record News(long revision, List<SharedRecord> changed, List<SharedRecord> gone) implements Word {
        static News between(RegistrySnapshot before, RegistrySnapshot now) {
            return new News(now.revision(), others(now, before), missing(before, now));
        }

        private static List<SharedRecord> others(RegistrySnapshot all, RegistrySnapshot known) {
            List<SharedRecord> others = new ArrayList<>();
            all.records()
                    .forEach((kind, records) -> records.forEach((id, entry) -> {
                        if (!entry.equals(known.records(kind).get(id))) {
                            others.add(entry);
                        }
                    }));
            return others;
        }

        private static List<SharedRecord> missing(RegistrySnapshot before, RegistrySnapshot now) {
            List<SharedRecord> missing = new ArrayList<>();
            before.records()
                    .forEach((kind, records) -> records.forEach((id, entry) -> {
                        if (!now.records(kind).containsKey(id)) {
                            missing.add(entry);
                        }
                    }));
            return missing;
        }

        RegistrySnapshot after(RegistrySnapshot before) {
            RegistrySnapshot.Edit edit = before.edit();
            changed.forEach(edit::put);
            gone.forEach(entry -> edit.remove(entry.kind(), entry.id()));
            return edit.at(revision);
        }

        void write(DataOutputStream out) throws IOException {
            out.writeBoolean(false);
            out.writeLong(revision);
            write(changed, out);
            write(gone, out);
            out.flush();
        }

        private static News readRest(DataInputStream in) throws IOException {
            return new News(in.readLong(), readAll(in), readAll(in));
        }

        private static void write(List<SharedRecord> records, DataOutputStream out) throws IOException {
            out.writeInt(records.size());
            for (SharedRecord each : records) {
                out.writeUTF(each.kind().name());
                out.writeUTF(each.id());
                out.writeUTF(each.body().toString());
                out.writeLong(each.revision());
                out.writeLong(each.since());
            }
        }

        private static List<SharedRecord> readAll(DataInputStream in) throws IOException {
            List<SharedRecord> records = new ArrayList<>();
            for (int left = in.readInt(); left > 0; left--) {
                records.add(new SharedRecord(
                        RecordKind.valueOf(in.readUTF()),
                        in.readUTF(),
                        RawJson.of(in.readUTF()),
                        in.readLong(),
                        in.readLong(),
                        Optional.empty()));
            }
            return records;
        }
    }
}
