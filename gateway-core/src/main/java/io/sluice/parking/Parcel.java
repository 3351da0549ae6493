package io.sluice.parking;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.sluice.bridge.LogLevel;
import io.sluice.envelope.RequestId;
import io.sluice.protocol.ErrorCodes;
import io.sluice.protocol.RawJson;
import io.sluice.rejection.Rejection;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** What replicas tell each other about calls that wait, in bytes. Both ends are of one gateway and believe each other. */
sealed interface Parcel {
    /** A client has come back: go on with its call. */
    record Resume(String call, int round, Asker asker, Map<String, RawJson> answers) implements Parcel {
        public Resume {
            answers = new LinkedHashMap<>(answers);
        }
    }

    /** There is room for more events. */
    record Room(long events) implements Parcel {}

    /** The client has left. */
    record Left() implements Parcel {}

    /** A message for the client; a sign of life when it is empty. */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    record Said(byte[] json) implements Parcel {}

    /** There will be no more. */
    record Done() implements Parcel {}

    /** There will be no more, and this is why. */
    record Refused(Rejection why) implements Parcel {}

    default byte[] encode() {
        Writer out = new Writer();
        if (this instanceof Resume resume) {
            out.number('R').text(resume.call()).number(resume.round());
            out.text(resume.asker().id().rawJson());
            out.text(resume.asker().progressToken().map(RawJson::toString).orElse(""));
            out.text(resume.asker().logLevel().map(LogLevel::name).orElse(""));
            out.number(resume.answers().size());
            resume.answers().forEach((key, answer) -> out.text(key).bytes(answer.bytes()));
        } else if (this instanceof Room room) {
            out.number('T').number((int) Math.min(room.events(), Integer.MAX_VALUE));
        } else if (this instanceof Left) {
            out.number('L');
        } else if (this instanceof Said said) {
            out.number('N').bytes(said.json());
        } else if (this instanceof Done) {
            out.number('E');
        } else if (this instanceof Refused refused) {
            Rejection why = refused.why();
            String backend = why instanceof Rejection.BackendFailure failure ? failure.backend() : "";
            out.number('F').number(why.code()).text(why.reason()).text(backend);
            out.text(why.data().orElse(""));
        }
        return out.bytes.toByteArray();
    }

    /** What {@link #encode} wrote. */
    static Parcel decode(byte[] encoded) {
        ByteBuffer in = ByteBuffer.wrap(encoded);
        return switch (in.getInt()) {
            case 'R' -> {
                String call = text(in);
                int round = in.getInt();
                RequestId id = RequestId.parse(text(in)).orElseThrow();
                Optional<RawJson> token =
                        Optional.of(text(in)).filter(json -> !json.isEmpty()).map(RawJson::of);
                Optional<LogLevel> level =
                        Optional.of(text(in)).filter(name -> !name.isEmpty()).map(LogLevel::valueOf);
                Map<String, RawJson> answers = new LinkedHashMap<>();
                for (int left = in.getInt(); left > 0; left--) {
                    answers.put(text(in), RawJson.of(bytes(in)));
                }
                yield new Resume(call, round, new Asker(id, token, level), answers);
            }
            case 'T' -> new Room(in.getInt());
            case 'L' -> new Left();
            case 'N' -> new Said(bytes(in));
            case 'E' -> new Done();
            case 'F' -> new Refused(rejection(in.getInt(), text(in), text(in), text(in)));
            default -> throw new IllegalArgumentException("no parcel");
        };
    }

    private static Rejection rejection(int code, String sentence, String backend, String data) {
        return switch (code) {
            case ErrorCodes.INVALID_PARAMS -> new Rejection.InvalidParams(sentence);
            case ErrorCodes.MISSING_CLIENT_CAPABILITY ->
                new Rejection.MissingClientCapability(
                        sentence, data.substring("{\"requiredCapabilities\":".length(), data.length() - 1));
            case ErrorCodes.LIMITED -> Rejection.BackendFailure.limited(backend, sentence, Duration.ofSeconds(5));
            case ErrorCodes.BACKEND_TIMEOUT -> Rejection.BackendFailure.timeout(backend, sentence);
            default -> Rejection.BackendFailure.unavailable(backend, sentence, Duration.ZERO);
        };
    }

    private static String text(ByteBuffer in) {
        return new String(bytes(in), UTF_8);
    }

    private static byte[] bytes(ByteBuffer in) {
        byte[] bytes = new byte[in.getInt()];
        in.get(bytes);
        return bytes;
    }

    /** Numbers, and texts behind their lengths. */
    final class Writer {
        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

        private Writer() {}

        private Writer number(int number) {
            bytes.writeBytes(ByteBuffer.allocate(Integer.BYTES).putInt(number).array());
            return this;
        }

        private Writer text(String text) {
            return bytes(text.getBytes(UTF_8));
        }

        private Writer bytes(byte[] content) {
            number(content.length);
            bytes.writeBytes(content);
            return this;
        }
    }
}
