package io.sluice.bridge;

import io.sluice.envelope.Envelope;
import io.sluice.envelope.Span;
import io.sluice.protocol.McpMethod;
import io.sluice.rejection.Rejection;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** The severity of log messages, from the least to the most severe (2025-11-25, <em>Logging</em>; RFC 5424). */
public enum LogLevel {
    DEBUG,
    INFO,
    NOTICE,
    WARNING,
    ERROR,
    CRITICAL,
    ALERT,
    EMERGENCY;

    private static final List<String> WORDS =
            Arrays.stream(values()).map(LogLevel::wire).toList();

    public String wire() {
        return name().toLowerCase(Locale.ROOT);
    }

    /**
     * What a modern request asks for; empty when it asks for no log at all.
     *
     * @throws Rejection.InvalidParams if it is no level
     */
    public static Optional<LogLevel> wantedBy(Envelope request) {
        Span wanted = request.metaLogLevel();
        if (!wanted.isPresent()) {
            return Optional.empty();
        }
        int level = request.isString(wanted) ? WORDS.indexOf(request.text(wanted)) : -1;
        if (level < 0) {
            throw new Rejection.InvalidParams("The log level in params._meta is none of " + String.join(", ", WORDS));
        }
        return Optional.of(values()[level]);
    }

    /** Whether a {@code notifications/message} is at least this severe; one that names no level of these is. */
    public boolean admits(Envelope notification) {
        if (!notification.method().equals(McpMethod.NOTIFICATION_MESSAGE.wire())) {
            return false;
        }
        Span level = notification.level();
        return !notification.isString(level) || WORDS.indexOf(notification.text(level)) >= WORDS.indexOf(wire());
    }
}
