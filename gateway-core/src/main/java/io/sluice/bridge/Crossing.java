package io.sluice.bridge;

import io.sluice.bridge.Fate.Absent;
import io.sluice.bridge.Fate.Dropped;
import io.sluice.bridge.Fate.Exact;
import io.sluice.bridge.Fate.Here;
import io.sluice.bridge.Fate.Mapped;
import io.sluice.bridge.Fate.Refused;
import io.sluice.protocol.ErrorCodes;
import java.util.List;

/**
 * Every method and notification, and what becomes of it in each {@link Pairing}. The one place where that is said: the
 * table in docs/bridging.md is written from it, and a test sends each message in each pairing and looks.
 *
 * @param method as on the wire
 * @param sender who sends it
 */
public record Crossing(String method, Sender sender, Fate oldOld, Fate oldNew, Fate newOld, Fate newNew) {
    /** Who begins. */
    public enum Sender {
        CLIENT,
        BACKEND
    }

    private static final Fate EXACT = new Exact();
    private static final Fate ABSENT = new Absent();

    /** A method that the client's revision does not have, or that belongs to a capability that is not offered. */
    private static final Fate UNKNOWN_OLD = new Refused(200, ErrorCodes.METHOD_NOT_FOUND);

    private static final Fate UNKNOWN_NEW = new Refused(404, ErrorCodes.METHOD_NOT_FOUND);

    private static final Fate FROM_MEMORY = new Here("from the catalog");
    private static final Fate TAKEN = new Here("accepted");
    private static final Fate NO_SUCH_NOTIFICATION = new Dropped("accepted; the modern era has none over HTTP");
    private static final Fate NO_RECEIVER = new Dropped("accepted; modern backends ask again each time");
    private static final Fate NAMED = new Mapped("under the backend's own id of the task");
    private static final Fate TO_LISTEN = new Mapped("on `subscriptions/listen`");
    private static final Fate TO_GET = new Mapped("on the GET stream");
    private static final Fate AS_REQUEST = new Mapped("from `input_required`, a request on the call's stream");
    private static final Fate AS_RESULT = new Mapped("`input_required`; the call waits for the retry");

    public static final List<Crossing> TABLE = List.of(
            fromClient("initialize", FROM_MEMORY, FROM_MEMORY, UNKNOWN_NEW, UNKNOWN_NEW),
            fromClient("server/discover", UNKNOWN_OLD, UNKNOWN_OLD, FROM_MEMORY, FROM_MEMORY),
            fromClient("ping", new Here("answered"), new Here("answered"), UNKNOWN_NEW, UNKNOWN_NEW),
            fromClient("tools/list", FROM_MEMORY, FROM_MEMORY, FROM_MEMORY, FROM_MEMORY),
            fromClient(
                    "tools/call",
                    EXACT,
                    new Mapped("envelope and headers added; structured content that is no object becomes text"),
                    new Mapped("envelope taken off, `resultType` added"),
                    EXACT),
            fromClient("prompts/list", FROM_MEMORY, FROM_MEMORY, FROM_MEMORY, FROM_MEMORY),
            fromClient(
                    "prompts/get",
                    EXACT,
                    new Mapped("envelope and headers added"),
                    new Mapped("envelope taken off, `resultType` added"),
                    EXACT),
            fromClient("resources/list", FROM_MEMORY, FROM_MEMORY, FROM_MEMORY, FROM_MEMORY),
            fromClient("resources/templates/list", FROM_MEMORY, FROM_MEMORY, FROM_MEMORY, FROM_MEMORY),
            fromClient(
                    "resources/read",
                    EXACT,
                    new Mapped("envelope and headers added; -32602 with a URI becomes -32002"),
                    new Mapped(
                            "envelope taken off, `resultType`, `ttlMs` and `cacheScope` added; -32002 becomes -32602"),
                    EXACT),
            fromClient(
                    "completion/complete",
                    EXACT,
                    new Mapped("envelope and headers added"),
                    new Mapped("envelope taken off, `resultType` added"),
                    EXACT),
            fromClient(
                    "resources/subscribe",
                    new Mapped("one subscription of the gateway's for all its clients"),
                    new Mapped("into the gateway's `subscriptions/listen`"),
                    UNKNOWN_NEW,
                    UNKNOWN_NEW),
            fromClient(
                    "resources/unsubscribe",
                    new Mapped("when the last of its clients leaves"),
                    new Mapped("out of the gateway's `subscriptions/listen`"),
                    UNKNOWN_NEW,
                    UNKNOWN_NEW),
            fromClient(
                    "subscriptions/listen",
                    UNKNOWN_OLD,
                    UNKNOWN_OLD,
                    new Mapped("fed by the GET stream and `resources/subscribe`"),
                    new Mapped("fed by the gateway's own `subscriptions/listen`")),
            fromClient(
                    "logging/setLevel",
                    new Mapped("on the sessions opened for this client"),
                    new Here("kept, and put into the metadata of each call"),
                    UNKNOWN_NEW,
                    UNKNOWN_NEW),
            fromClient(
                    "tasks/get",
                    NAMED,
                    UNKNOWN_OLD,
                    new Mapped("`tasks/get`, and `tasks/result` of one that is over"),
                    NAMED),
            fromClient(
                    "tasks/update",
                    UNKNOWN_OLD,
                    UNKNOWN_OLD,
                    new Here("acknowledged; such a task never waits for input"),
                    NAMED),
            fromClient("tasks/cancel", NAMED, UNKNOWN_OLD, new Mapped("acknowledged, whatever it is then"), NAMED),
            fromClient("tasks/result", NAMED, UNKNOWN_OLD, UNKNOWN_NEW, UNKNOWN_NEW),
            fromClient(
                    "tasks/list",
                    new Here("those that the session began, each asked for by `tasks/get`"),
                    UNKNOWN_OLD,
                    UNKNOWN_NEW,
                    UNKNOWN_NEW),
            fromClient("notifications/initialized", TAKEN, TAKEN, NO_SUCH_NOTIFICATION, NO_SUCH_NOTIFICATION),
            fromClient(
                    "notifications/cancelled",
                    new Mapped("under the id of the request at the backend"),
                    new Mapped("the exchange with the backend is closed"),
                    NO_SUCH_NOTIFICATION,
                    NO_SUCH_NOTIFICATION),
            fromClient("notifications/progress", EXACT, NO_RECEIVER, NO_SUCH_NOTIFICATION, NO_SUCH_NOTIFICATION),
            fromClient(
                    "notifications/roots/list_changed", EXACT, NO_RECEIVER, NO_SUCH_NOTIFICATION, NO_SUCH_NOTIFICATION),
            fromBackend("ping", new Here("answered"), ABSENT, new Here("answered"), ABSENT),
            fromBackend(
                    "elicitation/create",
                    new Mapped("under an id that names the backend"),
                    AS_REQUEST,
                    AS_RESULT,
                    EXACT),
            fromBackend(
                    "sampling/createMessage",
                    new Mapped("under an id that names the backend"),
                    AS_REQUEST,
                    AS_RESULT,
                    EXACT),
            fromBackend("roots/list", new Mapped("under an id that names the backend"), AS_REQUEST, AS_RESULT, EXACT),
            fromBackend(
                    "notifications/cancelled",
                    new Mapped("under an id that names the backend"),
                    ABSENT,
                    new Mapped("the question is withdrawn"),
                    ABSENT),
            fromBackend(
                    "notifications/progress", EXACT, EXACT, new Mapped("under the token of the open request"), EXACT),
            fromBackend(
                    "notifications/message",
                    EXACT,
                    EXACT,
                    new Mapped("on the stream of a call that asked for its level"),
                    EXACT),
            fromBackend("notifications/tools/list_changed", TO_GET, TO_GET, TO_LISTEN, TO_LISTEN),
            fromBackend("notifications/prompts/list_changed", TO_GET, TO_GET, TO_LISTEN, TO_LISTEN),
            fromBackend("notifications/resources/list_changed", TO_GET, TO_GET, TO_LISTEN, TO_LISTEN),
            fromBackend("notifications/resources/updated", TO_GET, TO_GET, TO_LISTEN, TO_LISTEN),
            fromBackend(
                    "notifications/elicitation/complete",
                    EXACT,
                    ABSENT,
                    new Dropped("the client's retry finds out"),
                    ABSENT),
            fromBackend(
                    "notifications/tasks/status",
                    new Mapped("on the GET stream, under the name that the gateway gave the task"),
                    ABSENT,
                    new Mapped("`notifications/tasks` on `subscriptions/listen`, with the result"),
                    ABSENT),
            fromBackend(
                    "notifications/tasks",
                    ABSENT,
                    ABSENT,
                    ABSENT,
                    new Mapped("on `subscriptions/listen`, under the name that the gateway gave the task")),
            fromBackend(
                    "notifications/subscriptions/acknowledged",
                    ABSENT,
                    new Here("read by the gateway"),
                    ABSENT,
                    new Here("read by the gateway, which acknowledges by itself")));

    private static Crossing fromClient(String method, Fate oldOld, Fate oldNew, Fate newOld, Fate newNew) {
        return new Crossing(method, Sender.CLIENT, oldOld, oldNew, newOld, newNew);
    }

    private static Crossing fromBackend(String method, Fate oldOld, Fate oldNew, Fate newOld, Fate newNew) {
        return new Crossing(method, Sender.BACKEND, oldOld, oldNew, newOld, newNew);
    }

    public Fate in(Pairing pairing) {
        return switch (pairing) {
            case OLD_OLD -> oldOld;
            case OLD_NEW -> oldNew;
            case NEW_OLD -> newOld;
            case NEW_NEW -> newNew;
        };
    }

    /** The rows of one sender as a table in Markdown. */
    public static String markdown(Sender sender) {
        StringBuilder table = new StringBuilder("| |");
        for (Pairing pairing : Pairing.values()) {
            table.append(' ').append(pairing.title()).append(" |");
        }
        table.append("\n|---").append("|---".repeat(Pairing.values().length)).append("|\n");
        for (Crossing row : TABLE) {
            if (row.sender() != sender) {
                continue;
            }
            table.append("| `").append(row.method()).append("` |");
            for (Pairing pairing : Pairing.values()) {
                table.append(' ').append(row.in(pairing).cell()).append(" |");
            }
            table.append('\n');
        }
        return table.toString();
    }
}
