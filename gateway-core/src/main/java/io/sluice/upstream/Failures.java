package io.sluice.upstream;

import io.netty.channel.ConnectTimeoutException;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.timeout.ReadTimeoutException;
import io.sluice.egress.EgressDenied;
import io.sluice.envelope.MessageReader;
import io.sluice.registry.Backend;
import io.sluice.rejection.Rejection;
import io.sluice.rejection.Rejection.BackendFailure;
import io.sluice.wire.Lost;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.URI;
import java.net.UnknownHostException;
import java.security.cert.CertificateException;
import java.time.Duration;
import java.util.Optional;
import javax.net.ssl.SSLException;

/** Says in a sentence what went wrong between this gateway and one backend. */
final class Failures {
    private static final int LONGEST_QUOTE = 200;
    private static final Duration SOON = Duration.ofSeconds(1);

    private final Backend backend;

    Failures(Backend backend) {
        this.backend = backend;
    }

    BackendFailure unavailable(String what) {
        return unavailable(what, SOON);
    }

    private BackendFailure unavailable(String what, Duration retryAfter) {
        return BackendFailure.unavailable(backend.name(), subject(backend.name()) + what, retryAfter);
    }

    private static String subject(String name) {
        return "Backend '" + name + "' is unavailable: ";
    }

    /** How a sentence begins that goes on with a time, a colon and {@link #detail}. */
    static String troubled(String name) {
        return "Backend '" + name + "' has been unavailable since ";
    }

    /** What is wrong, without whose fault it is. */
    static String detail(BackendFailure failure) {
        String reason = failure.reason();
        String subject = subject(failure.backend());
        String since = troubled(failure.backend());
        if (reason.startsWith(since)) {
            return reason.substring(reason.indexOf(": ", since.length()) + 2);
        }
        String name = "Backend '" + failure.backend() + "' ";
        return reason.startsWith(subject)
                ? reason.substring(subject.length())
                : reason.startsWith(name) ? "it " + reason.substring(name.length()) : reason;
    }

    BackendFailure silent(Duration waited) {
        return BackendFailure.timeout(
                backend.name(), "Backend '" + backend.name() + "' did not answer within " + seconds(waited));
    }

    /** The stream of a call said nothing for so long, or went on for so long in all. */
    BackendFailure stalled(Duration late) {
        return BackendFailure.timeout(
                backend.name(), "Backend '" + backend.name() + "' did not finish its answer within " + seconds(late));
    }

    /** What kept the head of an answer from arriving, as a refusal. */
    Rejection beforeAnswer(Throwable error, URI url, Duration waited) {
        if (error instanceof Rejection already) {
            return already;
        }
        if (error instanceof ReadTimeoutException) {
            return silent(waited);
        }
        return unavailable(reason(error) + " (" + shown(url) + ")");
    }

    /** Whether there was not even a connection: then the backend is away, and not just in trouble with one request. */
    static boolean preventsConnection(Throwable error) {
        return error instanceof ConnectException
                || error instanceof UnknownHostException
                || error instanceof SSLException
                || error instanceof NoRouteToHostException
                || error.getCause() instanceof UnknownHostException;
    }

    /** What broke an answer off after it had begun. */
    Rejection duringAnswer(Throwable error, Duration waited) {
        if (error instanceof Rejection already) {
            return already;
        }
        if (error instanceof ReadTimeoutException) {
            return BackendFailure.timeout(
                    backend.name(),
                    "Backend '" + backend.name() + "' fell silent for " + seconds(waited)
                            + " in the middle of its answer");
        }
        if (error instanceof SseReader.EventTooLargeException) {
            return unavailable(plain(error));
        }
        return unavailable("it broke off in the middle of its answer, " + plain(error));
    }

    /**
     * Whether an answer is about the gateway or the backend's health, and not about the request; then it must not be
     * relayed.
     */
    static boolean concernsBackend(int status) {
        return status == 401
                || status == 403
                || status == 407
                || status == 408
                || status == 425
                || status == 429
                || status >= 500
                || (status >= 300 && status < 400);
    }

    /** The refusal for an answer that {@link #concernsBackend} or that is no answer of an MCP server at all. */
    Rejection answered(Reply.Refused refused, URI url) {
        int status = refused.status();
        Duration retryAfter = retryAfter(refused).orElse(SOON);
        String name = "Backend '" + backend.name() + "' ";
        if (status == 401 || status == 403 || status == 407) {
            return unavailable(
                    "it refused the gateway's own credentials with " + reason(status) + " (" + shown(url)
                            + "); check the headers configured for it",
                    Duration.ZERO);
        }
        if (status == 429) {
            return BackendFailure.limited(
                    backend.name(), name + "is limiting its callers (429)" + quoted(refused), retryAfter);
        }
        if (status >= 300 && status < 400) {
            return unavailable("it answered with a redirect (" + status + "), and redirects are not followed ("
                    + shown(url) + ")");
        }
        if (status < 300) {
            String type = refused.headers().getOrDefault("content-type", "nothing");
            return unavailable("it answered with " + type + " where JSON was due (" + shown(url) + ")");
        }
        return unavailable("it answered " + reason(status) + quoted(refused) + " (" + shown(url) + ")", retryAfter);
    }

    private static String reason(int status) {
        String phrase = HttpResponseStatus.valueOf(status).reasonPhrase();
        return status + (phrase.startsWith("Unknown") ? "" : " " + phrase);
    }

    /** Only the message of a JSON-RPC error is quoted: anything else may be a stack trace or a page. */
    private static String quoted(Reply.Refused refused) {
        return errorMessage(refused.body())
                .map(text -> ": " + (text.length() > LONGEST_QUOTE ? text.substring(0, LONGEST_QUOTE) + "…" : text))
                .orElse("");
    }

    /** The {@code error.message} of a JSON-RPC body, if it is one. */
    static Optional<String> errorMessage(byte[] body) {
        return MessageReader.read(body).flatMap(envelope -> {
            var message = envelope.member(envelope.error(), "message");
            return envelope.isString(message) ? Optional.of(envelope.text(message)) : Optional.empty();
        });
    }

    static Optional<Duration> retryAfter(Reply.Refused refused) {
        String value = refused.headers().get("retry-after");
        if (value == null
                || value.isEmpty()
                || value.length() > 6
                || !value.chars().allMatch(Character::isDigit)) {
            return Optional.empty();
        }
        return Optional.of(Duration.ofSeconds(Long.parseLong(value)));
    }

    private static String reason(Throwable error) {
        if (error instanceof EgressDenied) {
            return String.valueOf(error.getMessage());
        }
        if (error instanceof UnknownHostException || error.getCause() instanceof UnknownHostException) {
            return "its host name does not resolve";
        }
        if (error instanceof ConnectTimeoutException) {
            return "connecting took too long";
        }
        if (error instanceof NoRouteToHostException || error.getCause() instanceof NoRouteToHostException) {
            return "there is no route to its host";
        }
        if (error instanceof ConnectException) {
            return "connection refused";
        }
        if (error instanceof Lost lost) {
            return lost.way() == Lost.Way.RESET
                    ? "it reset the connection before it answered"
                    : "it closed the connection before it answered";
        }
        if (error instanceof SSLException || error.getCause() instanceof CertificateException) {
            return "TLS failed, " + plain(error);
        }
        return "the request failed, " + plain(error);
    }

    private static String plain(Throwable error) {
        String text = error.getMessage();
        return text == null ? error.getClass().getSimpleName() : text;
    }

    /** Without the query, which may carry a key. */
    static String shown(URI url) {
        String text = url.toString();
        int query = text.indexOf('?');
        return query < 0 ? text : text.substring(0, query);
    }

    static String seconds(Duration time) {
        return time.toMillis() % 1000 == 0 ? time.toSeconds() + " s" : time.toMillis() + " ms";
    }
}
