package io.sluice.envelope;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import io.sluice.envelope.JacksonReference.Refused;
import io.sluice.envelope.JacksonReference.Scalar;
import io.sluice.protocol.RawJson;
import io.sluice.rejection.Rejection;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * The readers and the patch against Jackson on messages made by chance. A failure names its seed; {@code -Dsluice.seed}
 * repeats it, {@code -Dsluice.rounds} makes more of them.
 */
class AgainstJacksonTest {
    private static final int ROUNDS = Integer.getInteger("sluice.rounds", 6_000);

    private final long seed = RandomJson.seed();
    private final Random random = new Random(seed);
    private final RandomJson json = new RandomJson(random);

    /** Counts what happened, so that a generator that only makes rubbish is noticed. */
    private final Map<String, Integer> outcomes = new HashMap<>();

    private byte[] messageOfRound(int round) {
        byte[] message = json.message();
        return round % 2 == 0 ? message : json.broken(message);
    }

    private String says(byte[] message) {
        return "-Dsluice.seed=" + seed + " on " + new String(message, UTF_8);
    }

    @Test
    void strictReaderAgrees() throws Exception {
        for (int round = 0; round < ROUNDS; round++) {
            byte[] message = messageOfRound(round);
            try {
                compareStrict(message);
            } catch (RuntimeException e) {
                throw new AssertionError(says(message), e);
            }
        }
        assertThat(outcomes.get("read")).as("seed %d: %s", seed, outcomes).isGreaterThan(ROUNDS / 20);
        assertThat(outcomes.get("parse error")).isGreaterThan(ROUNDS / 20);
        assertThat(outcomes.get("duplicate key")).isGreaterThan(ROUNDS / 200);
        assertThat(outcomes.get("invalid request")).isGreaterThan(ROUNDS / 20);
    }

    private void compareStrict(byte[] message) {
        Object tree;
        try {
            tree = JacksonReference.strict().read(message);
        } catch (Refused e) {
            count(e.onlyForDuplicateKey() ? "duplicate key" : "parse error");
            Rejection refusal = refusal(message);
            if (!(refusal instanceof Rejection.ParseError)) {
                // A key twice may come before the fault that Jackson names.
                assertThat(refusal.reason()).as(says(message)).contains("same key twice");
            }
            return;
        }
        Optional<String> fault = fault(tree);
        if (fault.isPresent()) {
            count("invalid request");
            Class<?> expected =
                    fault.get().equals("surrogate") ? Rejection.ParseError.class : Rejection.InvalidRequest.class;
            assertThat(refusal(message)).as(says(message) + fault).isInstanceOf(expected);
            return;
        }
        count("read");
        assertSame(EnvelopeReader.read(message), tree);
    }

    private void count(String outcome) {
        outcomes.merge(outcome, 1, Integer::sum);
    }

    private Rejection refusal(byte[] message) {
        try {
            EnvelopeReader.read(message);
        } catch (Rejection e) {
            return e;
        }
        return fail("accepted: " + says(message));
    }

    /** What the strict reader has against a tree, written out plainly. */
    private static Optional<String> fault(Object tree) {
        if (!(tree instanceof Map<?, ?> message)) {
            return Optional.of("no object");
        }
        for (Member member : Member.values()) {
            Optional<Object> value = JacksonReference.at(tree, path(member));
            if (value.isPresent() && value.get() instanceof String text && JacksonReference.hasLoneSurrogate(text)) {
                return Optional.of("surrogate");
            }
        }
        if (!List.of("jsonrpc", "id", "method", "params", "result", "error").containsAll(message.keySet())) {
            return Optional.of("unknown member");
        }
        if (!"2.0".equals(message.get("jsonrpc"))) {
            return Optional.of("version");
        }
        Object id = message.get("id");
        boolean validId = id instanceof String text
                ? text.length() <= 128
                : id instanceof Scalar scalar && scalar.text().matches("-?[0-9]+");
        if (message.containsKey("method")) {
            boolean valid = message.get("method") instanceof String
                    && !message.containsKey("result")
                    && !message.containsKey("error")
                    && (!message.containsKey("params") || message.get("params") instanceof Map)
                    && (id == null || validId);
            return valid ? Optional.empty() : Optional.of("call");
        }
        boolean result = message.get("result") instanceof Map && !message.containsKey("error") && validId;
        boolean error = message.get("error") instanceof Map
                && !message.containsKey("result")
                && (validId || new Scalar("null").equals(id));
        return (result || error) && !message.containsKey("params") ? Optional.empty() : Optional.of("response");
    }

    private static String[] path(Member member) {
        return switch (member.parent()) {
            case MESSAGE -> new String[] {member.key()};
            case RESULT -> new String[] {"result", member.key()};
            case PARAMS -> new String[] {"params", member.key()};
            case META -> new String[] {"params", "_meta", member.key()};
        };
    }

    private void assertSame(Envelope envelope, Object tree) {
        Map<String, Span> found = found(envelope);
        for (Member member : Member.values()) {
            if (member == Member.JSONRPC || (member.parent() == Member.Parent.MESSAGE && isNull(tree, member))) {
                continue;
            }
            Span span = found.getOrDefault(String.join("/", path(member)), Span.NONE);
            Optional<Object> expected = JacksonReference.at(tree, path(member));
            assertThat(span.isPresent()).as(says(envelope.body()) + member).isEqualTo(expected.isPresent());
            if (span.isPresent()) {
                assertThat(parsed(envelope.raw(span).bytes()))
                        .as(says(envelope.body()) + member)
                        .isEqualTo(expected.get());
            }
            if (envelope.isString(span)) {
                assertThat(envelope.text(span)).isEqualTo(expected.get());
            }
        }
        if (envelope.kind() != Kind.RESPONSE) {
            assertThat(envelope.method())
                    .isEqualTo(JacksonReference.at(tree, "method").orElseThrow());
        }
        RequestId id = envelope.id();
        if (id != null) {
            Object expected = JacksonReference.at(tree, "id").orElseThrow();
            assertThat(id)
                    .as(says(envelope.body()))
                    .isEqualTo(expected instanceof String text ? RequestId.of(text) : id)
                    .hasToString(envelope.raw(envelope.idSpan()).toString());
            assertThat(id.isString()).isEqualTo(expected instanceof String);
        }
        if (envelope.isObject(envelope.params())) {
            Map<?, ?> params = (Map<?, ?>) JacksonReference.at(tree, "params").orElseThrow();
            assertThat(envelope.members(envelope.params()).keySet()).isEqualTo(params.keySet());
            params.forEach((key, value) -> assertThat(
                            parsed(envelope.raw(envelope.member(envelope.params(), (String) key))
                                    .bytes()))
                    .isEqualTo(value));
        }
    }

    private static boolean isNull(Object tree, Member member) {
        return JacksonReference.at(tree, member.key()).equals(Optional.of(new Scalar("null")));
    }

    private static Map<String, Span> found(Envelope envelope) {
        Map<String, Span> found = new LinkedHashMap<>();
        found.put("id", envelope.idSpan());
        found.put("method", envelope.methodSpan());
        found.put("params", envelope.params());
        found.put("result", envelope.result());
        found.put("error", envelope.error());
        found.put("result/resultType", envelope.resultType());
        Map<String, Span> params = Map.ofEntries(
                Map.entry("name", envelope.name()),
                Map.entry("uri", envelope.uri()),
                Map.entry("taskId", envelope.taskId()),
                Map.entry("cursor", envelope.cursor()),
                Map.entry("arguments", envelope.arguments()),
                Map.entry("_meta", envelope.meta()),
                Map.entry("requestState", envelope.requestState()),
                Map.entry("inputResponses", envelope.inputResponses()),
                Map.entry("level", envelope.level()),
                Map.entry("requestId", envelope.requestId()),
                Map.entry("progressToken", envelope.progressToken()),
                Map.entry("ref", envelope.ref()),
                Map.entry("argument", envelope.argument()),
                Map.entry("protocolVersion", envelope.protocolVersion()),
                Map.entry("capabilities", envelope.capabilities()),
                Map.entry("clientInfo", envelope.clientInfo()),
                Map.entry("notifications", envelope.notifications()),
                Map.entry("task", envelope.task()));
        params.forEach((key, span) -> found.put("params/" + key, span));
        String meta = "params/_meta/";
        found.put(meta + "io.modelcontextprotocol/protocolVersion", envelope.metaProtocolVersion());
        found.put(meta + "io.modelcontextprotocol/clientInfo", envelope.metaClientInfo());
        found.put(meta + "io.modelcontextprotocol/clientCapabilities", envelope.metaClientCapabilities());
        found.put(meta + "io.modelcontextprotocol/logLevel", envelope.metaLogLevel());
        found.put(meta + "progressToken", envelope.metaProgressToken());
        found.put(meta + "traceparent", envelope.metaTraceparent());
        return found;
    }

    private static Object parsed(byte[] text) {
        try {
            return JacksonReference.lenient().read(text);
        } catch (Refused e) {
            throw new AssertionError(new String(text, UTF_8), e);
        }
    }

    @Test
    void lenientReaderAgrees() {
        int read = 0;
        for (int round = 0; round < ROUNDS; round++) {
            byte[] message = messageOfRound(round);
            Optional<Envelope> envelope = MessageReader.read(message);
            Object tree;
            try {
                tree = JacksonReference.lenient().read(message);
            } catch (Refused e) {
                // Jackson alone minds a lone surrogate in a key.
                if (!String.valueOf(e.getMessage()).contains("in property name")) {
                    assertThat(envelope).as(says(message) + e.getMessage()).isEmpty();
                }
                continue;
            }
            assertThat(envelope.isPresent()).as(says(message)).isEqualTo(isMessage(tree));
            envelope.ifPresent(found -> assertSame(found, tree));
            read += envelope.isPresent() ? 1 : 0;
        }
        assertThat(read).as("seed %d", seed).isGreaterThan(ROUNDS / 10);
    }

    private static boolean isMessage(Object tree) {
        Object method = JacksonReference.at(tree, "method").orElse(new Scalar("null"));
        boolean error = !isNull(tree, Member.ERROR)
                && JacksonReference.at(tree, "error").isPresent();
        boolean result = JacksonReference.at(tree, "result").isPresent();
        boolean answers = error || result;
        return method.equals(new Scalar("null")) ? answers : method instanceof String && !answers;
    }

    @Test
    void patchAgrees() {
        for (int round = 0; round < ROUNDS; round++) {
            byte[] message = json.message();
            Optional<Envelope> read = MessageReader.read(message);
            if (read.isEmpty() || !read.get().isObject(read.get().params())) {
                continue;
            }
            Envelope envelope = read.get();
            Map<String, Object> expected = new HashMap<>(members(parsed(message), "params"));
            Patch patch = new Patch(envelope);
            List<String> done = new ArrayList<>();
            for (Map.Entry<String, Span> member : uniqueMembers(envelope).entrySet()) {
                switch (random.nextInt(4)) {
                    case 0 -> {
                        patch.removeMember(member.getValue());
                        expected.remove(member.getKey());
                        done.add("remove " + member.getKey());
                    }
                    case 1 -> {
                        patch.replaceText(member.getValue(), "new");
                        expected.put(member.getKey(), "new");
                        done.add("replace " + member.getKey());
                    }
                    case 2 -> {
                        patch.putParamsMember(member.getKey(), RawJson.of("[]"));
                        expected.put(member.getKey(), List.of());
                        done.add("put " + member.getKey());
                    }
                    default -> done.add("keep " + member.getKey());
                }
            }
            if (random.nextBoolean()) {
                patch.putParamsMember("added", RawJson.of("{}"));
                expected.put("added", Map.of());
                done.add("add");
            }
            assertThat(members(parsed(patch.toBytes()), "params"))
                    .as(says(message) + done)
                    .isEqualTo(expected);
        }
    }

    /** A key that stands twice has two members of which only the last is seen: no patch can make sense of that. */
    private static Map<String, Span> uniqueMembers(Envelope envelope) {
        try {
            JacksonReference.strict().read(envelope.raw(envelope.params()).bytes());
            return envelope.members(envelope.params());
        } catch (Refused e) {
            return Map.of();
        }
    }

    private static Map<String, Object> members(Object tree, String... path) {
        Map<String, Object> members = new HashMap<>();
        ((Map<?, ?>) JacksonReference.at(tree, path).orElseThrow())
                .forEach((key, value) -> members.put((String) key, value));
        return members;
    }
}
