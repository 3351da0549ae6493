package io.sluice.parking;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.sluice.bridge.NewToOld;
import io.sluice.bridge.Question;
import io.sluice.call.Call;
import io.sluice.call.JsonRpc;
import io.sluice.envelope.Envelope;
import io.sluice.envelope.Span;
import io.sluice.protocol.ClientFeatures;
import io.sluice.protocol.ClientFeatures.Feature;
import io.sluice.protocol.McpMethod;
import io.sluice.protocol.RawJson;
import io.sluice.rejection.Rejection;
import io.sluice.replica.Messages;
import io.sluice.seal.Sealer;
import io.sluice.upstream.Event;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.scheduler.Scheduler;

/**
 * The calls of this replica that wait for what their backend asked, and the states under which their clients come back.
 * A state is sealed, and opens only for the caller, mount, method and parameters it was given for; it says which
 * replica holds the call and until when. Safe for use by many threads.
 */
public final class ParkedCalls {
    private static final int ID_BYTES = 16;
    private static final String EXPIRED = "request state expired, call again";
    private static final String USED = "request state was used before, call again";

    private final ParkingSettings settings;
    private final Sealer sealer;
    private final String cluster;
    private final String replica;
    private final SecureRandom random;
    private final Scheduler timer;
    private final Clock clock;
    private final FarCalls far;
    private final Map<String, Conversation> conversations = new ConcurrentHashMap<>();
    private final Map<String, Integer> parkedOfCaller = new ConcurrentHashMap<>();
    private final AtomicInteger parked = new AtomicInteger();

    /**
     * @param sealer for this purpose alone, such as {@code keyring.sealer("request-state")}
     * @param cluster the name that all replicas of this gateway share
     * @param messages the way to the other replicas
     * @param random one that does not block
     */
    public ParkedCalls(
            ParkingSettings settings,
            Sealer sealer,
            String cluster,
            Messages messages,
            SecureRandom random,
            Scheduler timer,
            Clock clock) {
        this.settings = settings;
        this.sealer = sealer;
        this.cluster = cluster;
        this.replica = messages.self();
        this.random = random;
        this.timer = timer;
        this.clock = clock;
        this.far = new FarCalls(messages, timer, this::resume);
    }

    /** A call about to be sent on a session that is leased for it. */
    public Conversation conversation(Call call, String backend, ClientFeatures features) {
        return new Conversation(this, call, backend, features, id());
    }

    private String id() {
        byte[] id = new byte[ID_BYTES];
        random.nextBytes(id);
        return HexFormat.of().formatHex(id);
    }

    // ---- coming back

    /** How a request with a state of ours goes on. */
    public sealed interface Return {
        /** Its call waits, here or at another replica: the rest of the answer. */
        record Continued(Flux<Event> events) implements Return {}

        /** No call waits: the request is to be sent to the backend again, as new. */
        record Again() implements Return {}

        /** The person would not do what the backend needs. */
        record Declined(byte[] response) implements Return {}
    }

    /**
     * What becomes of a request that brings a {@code requestState}.
     *
     * @return empty when the state is none that this gateway gave this caller for this request
     * @throws Rejection.InvalidParams if it was, but leads to nothing any more
     */
    public Optional<Return> comeBack(Call call) {
        Span given = call.envelope().requestState();
        if (!call.envelope().isString(given)) {
            return Optional.empty();
        }
        return sealer.open(call.envelope().text(given), binding(call))
                .flatMap(RequestState::decode)
                .map(state -> comeBack(call, state));
    }

    private Return comeBack(Call call, RequestState state) {
        if (!clock.instant().isBefore(state.expiresAt())) {
            throw expired();
        }
        Map<String, RawJson> answers = answers(call.envelope());
        if (state.call().isEmpty()) {
            return pagesOpened(call, answers);
        }
        Parcel.Resume parcel = new Parcel.Resume(state.call(), state.round(), Asker.of(call.envelope()), answers);
        return new Return.Continued(state.owner().equals(replica) ? resume(parcel) : far.resume(state.owner(), parcel));
    }

    private Flux<Event> resume(Parcel.Resume parcel) {
        Conversation waiting = conversations.get(parcel.call());
        return waiting == null
                ? Flux.error(expired())
                : waiting.resume(parcel.asker(), parcel.answers(), parcel.round());
    }

    /** The answers of a request by key; a copy. */
    static Map<String, RawJson> answers(Envelope request) {
        Span given = request.inputResponses();
        if (given.isPresent() && !request.isObject(given)) {
            throw new Rejection.InvalidParams("params.inputResponses must be an object of answers by key");
        }
        Map<String, RawJson> answers = new LinkedHashMap<>();
        request.members(given).forEach((key, value) -> {
            if (!request.isObject(value)) {
                throw new Rejection.InvalidParams("params.inputResponses must be an object of answers by key");
            }
            answers.put(key, request.raw(value));
        });
        return answers;
    }

    private static Return pagesOpened(Call call, Map<String, RawJson> answers) {
        Envelope request = call.envelope();
        boolean refused = answers.keySet().stream()
                .map(key -> request.member(request.member(request.inputResponses(), key), "action"))
                .anyMatch(action ->
                        request.isString(action) && !request.text(action).equals("accept"));
        if (!refused) {
            return new Return.Again();
        }
        String sentence = "The page that this call needs was not opened";
        return new Return.Declined(
                call.method() == McpMethod.TOOLS_CALL
                        ? JsonRpc.toolFailure(call.id(), call.version().era(), sentence, null)
                        : JsonRpc.error(call.id(), io.sluice.protocol.ErrorCodes.INTERNAL_ERROR, sentence, null));
    }

    static Rejection expired() {
        return new Rejection.InvalidParams(EXPIRED);
    }

    static Rejection used() {
        return new Rejection.InvalidParams(USED);
    }

    // ---- going away

    /**
     * The pages that a backend's error wants opened, put to the client; empty for any other response. Nothing waits
     * here for the client to come back.
     *
     * @throws Rejection.MissingClientCapability if the client cannot be asked to open pages
     */
    public Optional<byte[]> pages(Call call, Envelope response) {
        List<Question> pages = Question.ofError(response);
        if (pages.isEmpty() || call.method() == McpMethod.COMPLETION_COMPLETE) {
            return Optional.empty();
        }
        if (!NewToOld.features(call.envelope()).has(Feature.ELICITATION_URL)) {
            throw new Rejection.MissingClientCapability(
                    "The backend wants a page opened, which this client does not offer",
                    "{\"elicitation\":{\"url\":{}}}");
        }
        return Optional.of(Question.inputRequired(call.id(), pages, seal(call, "", 0)));
    }

    /**
     * A call failed whose backend was refused an answer, because the client had not declared that it could give one:
     * that is what the client must hear (2026-07-28, <em>basic/index</em>, capabilities).
     *
     * @param capabilities what the client lacks; null when the backend was refused nothing
     */
    public static void checkLacking(@Nullable String capabilities, Envelope response) {
        if (capabilities != null && NewToOld.failed(response)) {
            throw new Rejection.MissingClientCapability(
                    "The call needs something of the client that the client did not declare", capabilities);
        }
    }

    /** The state under which a client comes back, good for as long as the call will wait. */
    String seal(Call call, String conversation, int round) {
        Instant expiresAt = clock.instant().plus(settings.patience());
        return sealer.seal(new RequestState(replica, conversation, round, expiresAt).encode(), binding(call));
    }

    private byte[] binding(Call call) {
        ByteArrayOutputStream data = new ByteArrayOutputStream(192);
        for (String part : new String[] {
            "request-state",
            cluster,
            call.mount().name(),
            call.caller().fingerprint(),
            call.method().wire()
        }) {
            byte[] bytes = part.getBytes(UTF_8);
            data.writeBytes(
                    ByteBuffer.allocate(Integer.BYTES).putInt(bytes.length).array());
            data.writeBytes(bytes);
        }
        data.writeBytes(ParamsDigest.of(call.envelope()));
        return data.toByteArray();
    }

    // ---- who waits

    Duration patience() {
        return settings.patience();
    }

    Scheduler timer() {
        return timer;
    }

    /** Takes a place for one more call that waits; false when there is none. */
    boolean enter(Conversation conversation, String caller) {
        if (parked.incrementAndGet() > settings.total()) {
            parked.decrementAndGet();
            return false;
        }
        boolean[] admitted = new boolean[1];
        parkedOfCaller.compute(caller, (key, count) -> {
            int before = count == null ? 0 : count;
            admitted[0] = before < settings.perCaller();
            return admitted[0] ? Integer.valueOf(before + 1) : count;
        });
        if (!admitted[0]) {
            parked.decrementAndGet();
            return false;
        }
        conversations.put(conversation.id(), conversation);
        return true;
    }

    void leave(String caller) {
        parked.decrementAndGet();
        parkedOfCaller.computeIfPresent(caller, (key, count) -> count == 1 ? null : Integer.valueOf(count - 1));
    }

    void forget(Conversation conversation) {
        conversations.remove(conversation.id(), conversation);
    }

    String full(String caller) {
        return parkedOfCaller.getOrDefault(caller, 0) >= settings.perCaller()
                ? "this caller already has " + settings.perCaller() + " calls that wait for input"
                : "this gateway already has " + settings.total() + " calls that wait for input";
    }

    /** Calls that wait for their clients now. */
    public int parked() {
        return parked.get();
    }

    /** Calls that wait or have waited, and are not over. */
    public int open() {
        return conversations.size();
    }

    /** Gives up every call that waits, as if its time were over. */
    public void close() {
        far.dispose();
        conversations.values().forEach(Conversation::expire);
    }
}
