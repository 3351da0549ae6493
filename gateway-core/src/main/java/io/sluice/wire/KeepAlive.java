package io.sluice.wire;

import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How long an idle connection is good for another request. A backend that closes it in the very moment it is used
 * again leaves a call of which nobody knows whether it arrived, so we let go first: a second before the time that the
 * backend names in its {@code Keep-Alive} header, or after four seconds when it names none. Node closes after five.
 */
final class KeepAlive {
    static final Duration UNSAID = Duration.ofSeconds(4);
    private static final Duration LONGEST = Duration.ofSeconds(30);
    private static final Pattern TIMEOUT = Pattern.compile("(?:^|[,;\\s])timeout=(\\d{1,6})", Pattern.CASE_INSENSITIVE);

    private KeepAlive() {}

    /** How long a connection may idle whose backend sends this header. */
    static Duration limit(String keepAliveHeader) {
        Matcher timeout = TIMEOUT.matcher(keepAliveHeader);
        if (!timeout.find()) {
            return UNSAID;
        }
        Duration said = Duration.ofSeconds(Long.parseLong(timeout.group(1)));
        Duration less = said.minusSeconds(1);
        if (less.isNegative() || less.isZero()) {
            return said.dividedBy(2);
        }
        return less.compareTo(LONGEST) < 0 ? less : LONGEST;
    }
}
