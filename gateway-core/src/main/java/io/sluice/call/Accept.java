package io.sluice.call;

import java.util.List;
import java.util.Locale;

/**
 * What kinds of answer a client takes, from its {@code Accept} header.
 *
 * @param json whether {@code application/json} is acceptable
 * @param events whether {@code text/event-stream} was asked for by name; a wildcard does not count, so that a bare curl gets JSON
 * @param wildcard whether the header is absent or contains a wildcard
 */
public record Accept(boolean json, boolean events, boolean wildcard) {
    private static final Accept ABSENT = new Accept(true, false, true);
    private static final Accept BOTH = new Accept(true, true, false);

    public static Accept of(List<String> headers) {
        if (headers.isEmpty()) {
            return ABSENT;
        }
        if (headers.size() == 1 && "application/json, text/event-stream".equals(headers.get(0))) {
            return BOTH;
        }
        boolean json = false;
        boolean events = false;
        boolean wildcard = false;
        for (String header : headers) {
            for (String range : header.toLowerCase(Locale.ROOT).split(",")) {
                int parameters = range.indexOf(';');
                String type = (parameters < 0 ? range : range.substring(0, parameters)).strip();
                json |= type.equals("application/json") || type.equals("application/*");
                events |= type.equals("text/event-stream") || type.equals("text/*");
                wildcard |= type.equals("*/*");
            }
        }
        return new Accept(json || wildcard, events, wildcard);
    }
}
