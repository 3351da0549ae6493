package io.sluice.gateway;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.auth.Caller;
import io.sluice.protocol.ClientFeatures;
import io.sluice.protocol.ProtocolVersion;
import io.sluice.seal.Keyring;
import io.sluice.seal.SeededRandom;
import io.sluice.session.SessionIds;
import io.sluice.session.SessionStore;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.time.Instant;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

/**
 * Asks whether a refusal tells by its bytes or by its time why a session id was refused: ids of another caller, ended,
 * changed, made up and sealed with a key that is gone are presented in turns, in random order, over one connection.
 *
 * <p>Bytes must be the same. Times of two kinds must not differ more than those of one kind do from one half of the run
 * to the other, and a little: the Kolmogorov-Smirnov distance of the two distributions is compared. {@code
 * -Dsluice.refusals} is the number of requests of each kind. Not part of the usual tests, which measure no time.
 */
final class RefusalTimes {
    private static final int EACH = Integer.getInteger("sluice.refusals", 20_000);
    private static final String MINE = "wZ8-one-token-of-many-letters-17";
    private static final String OTHERS = "kP3-some-other-token-of-letters-42";

    /** Above this nobody can tell two distributions apart by chance at 20,000 samples each: see Smirnov's 0.1 % point, 0.0195. */
    private static final double SAME = 0.05;

    private enum Kind {
        OTHER_CALLER,
        ENDED,
        BIT_FLIPPED,
        MADE_UP,
        KEY_THAT_IS_GONE
    }

    @Test
    void refusalDoesNotTellWhy() throws IOException {
        Keyring keys = Keyring.random();
        Random random = new Random(11);
        try (TestGateway gateway = TestGateway.setUp()
                        .sharing(keys, SessionStore.ofOneReplica())
                        .token("me", MINE)
                        .token("other", OTHERS)
                        .start();
                TestGateway formerly = TestGateway.setUp().token("me", MINE).start()) {
            Map<Kind, String> ids = new EnumMap<>(Kind.class);
            ids.put(Kind.OTHER_CALLER, session(gateway, OTHERS));
            ids.put(Kind.ENDED, ended(keys));
            ids.put(Kind.BIT_FLIPPED, flipped(session(gateway, MINE)));
            ids.put(Kind.MADE_UP, madeUp(session(gateway, MINE), random));
            ids.put(Kind.KEY_THAT_IS_GONE, session(formerly, MINE));
            compare(gateway.port(), ids, random);
        }
    }

    private static String ended(Keyring keys) {
        GatewaySettings settings = GatewaySettings.of("test");
        SessionIds ids = new SessionIds(
                keys.sealer("session"), settings.cluster(), settings.sessionLife(), SeededRandom.create());
        return ids.seal(ids.issue(
                new Caller("me", "", false),
                "",
                ProtocolVersion.V2025_11_25,
                ClientFeatures.ofBits(0),
                Optional.of("t"),
                Optional.of("1"),
                Instant.now().minus(settings.sessionLife()).minusSeconds(1)));
    }

    private static String session(TestGateway gateway, String token) {
        return gateway.client()
                .with("Authorization", "Bearer " + token)
                .post("{'jsonrpc':'2.0','id':1,'method':'initialize','params':{'protocolVersion':'2025-11-25',"
                        + "'capabilities':{},'clientInfo':{'name':'t','version':'1'}}}")
                .header("Mcp-Session-Id");
    }

    private static String flipped(String id) {
        char[] chars = id.toCharArray();
        int middle = chars.length / 2;
        chars[middle] = chars[middle] == 'A' ? 'B' : 'A';
        return new String(chars);
    }

    /** Of the form of a real one, its letters in another order. */
    private static String madeUp(String id, Random random) {
        int body = id.lastIndexOf('.') + 1;
        List<String> letters = Arrays.asList(id.substring(body).split(""));
        Collections.shuffle(letters, random);
        return id.substring(0, body) + String.join("", letters);
    }

    private static void compare(int port, Map<Kind, String> ids, Random random) throws IOException {
        Map<Kind, long[]> times = new EnumMap<>(Kind.class);
        for (Kind kind : Kind.values()) {
            times.put(kind, new long[EACH]);
        }
        Set<String> answers = new HashSet<>();
        try (Connection connection = new Connection(port)) {
            List<Kind> turn = Arrays.asList(Kind.values());
            int warmUp = EACH / 4;
            for (int i = -warmUp; i < EACH; i++) {
                Collections.shuffle(turn, random);
                for (Kind kind : turn) {
                    long begun = System.nanoTime();
                    String answer = connection.ask(requireNonNull(ids.get(kind)));
                    long took = System.nanoTime() - begun;
                    answers.add(answer);
                    if (i >= 0) {
                        requireNonNull(times.get(kind))[i] = took;
                    }
                }
            }
        }
        System.out.printf("RefusalTimes: %d requests of each kind, %d different answers%n", EACH, answers.size());
        for (Kind kind : Kind.values()) {
            long[] all = requireNonNull(times.get(kind));
            double apart = distance(requireNonNull(times.get(Kind.OTHER_CALLER)), all);
            double itself = distance(Arrays.copyOfRange(all, 0, EACH / 2), Arrays.copyOfRange(all, EACH / 2, EACH));
            long[] sorted = all.clone();
            Arrays.sort(sorted);
            System.out.printf(
                    "RefusalTimes: %-17s median %7.1f us, distance to the first kind %.4f, of its own halves %.4f%n",
                    kind, sorted[EACH / 2] / 1e3, apart, itself);
            assertThat(apart).as("%s", kind).isLessThanOrEqualTo(itself + SAME);
        }
        assertThat(answers).hasSize(1);
    }

    /** The greatest difference of the two empirical distribution functions. */
    private static double distance(long[] one, long[] other) {
        long[] a = one.clone();
        long[] b = other.clone();
        Arrays.sort(a);
        Arrays.sort(b);
        double greatest = 0;
        int j = 0;
        for (int i = 0; i < a.length; i++) {
            while (j < b.length && b[j] <= a[i]) {
                j++;
            }
            greatest = Math.max(greatest, Math.abs((i + 1.0) / a.length - (double) j / b.length));
        }
        return greatest;
    }

    /** One connection that is kept, with nothing of a client library around the bytes. */
    private static final class Connection implements AutoCloseable {
        private final Socket socket;
        private final InputStream in;

        Connection(int port) throws IOException {
            socket = new Socket(InetAddress.getLoopbackAddress(), port);
            socket.setTcpNoDelay(true);
            in = new BufferedInputStream(socket.getInputStream());
        }

        String ask(String session) throws IOException {
            String body = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}";
            String request = "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                    + "Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2025-11-25\r\n"
                    + "Authorization: Bearer " + MINE + "\r\nMcp-Session-Id: " + session
                    + "\r\nContent-Length: " + body.length() + "\r\n\r\n" + body;
            socket.getOutputStream().write(request.getBytes(ISO_8859_1));
            StringBuilder answer = new StringBuilder();
            int length = 0;
            for (String line = line(); !line.isEmpty(); line = line()) {
                if (line.regionMatches(true, 0, "content-length:", 0, 15)) {
                    length = Integer.parseInt(line.substring(15).strip());
                }
                answer.append(line).append('\n');
            }
            return answer.append(new String(in.readNBytes(length), ISO_8859_1)).toString();
        }

        private String line() throws IOException {
            StringBuilder line = new StringBuilder();
            for (int next = in.read(); next != '\n'; next = in.read()) {
                if (next < 0) {
                    throw new IOException("the connection was closed");
                }
                if (next != '\r') {
                    line.append((char) next);
                }
            }
            return line.toString();
        }

        @Override
        public void close() throws IOException {
            socket.close();
        }
    }
}
