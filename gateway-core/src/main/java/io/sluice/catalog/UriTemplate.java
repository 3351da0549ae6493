package io.sluice.catalog;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;

/**
 * Tells whether a URI could be an expansion of a URI template (RFC 6570). Read as a row of literals and holes; a simple
 * hole is at least one character other than {@code /}, a reserved one ({@code {+path}}) at least one of any, and those
 * with another operator may be absent. The set of places where a prefix of the row can end is moved along the URI,
 * piece by piece, so there is no going back: the time is bounded by the product of the lengths, both of which are
 * limited.
 */
final class UriTemplate {
    static final int LONGEST = 2_048;
    private static final int MOST_HOLES = 32;

    private final String text;
    private final String prefix;
    private final List<Piece> pieces;

    private UriTemplate(String text, String prefix, List<Piece> pieces) {
        this.text = text;
        this.prefix = prefix;
        this.pieces = pieces;
    }

    /**
     * @param text the literal, or for a hole the operator's character, empty for a simple hole
     * @param slashes whether a hole may contain {@code /}
     */
    private record Piece(boolean literal, String text, boolean slashes) {}

    /** The template, or empty when it is too long or its braces do not pair: such a one matches nothing. */
    static Optional<UriTemplate> of(String text) {
        if (text.length() > LONGEST) {
            return Optional.empty();
        }
        List<Piece> pieces = new ArrayList<>();
        int holes = 0;
        int at = 0;
        while (at < text.length()) {
            int open = text.indexOf('{', at);
            String literal = text.substring(at, open < 0 ? text.length() : open);
            if (literal.indexOf('}') >= 0) {
                return Optional.empty();
            }
            if (!literal.isEmpty()) {
                pieces.add(new Piece(true, literal, false));
            }
            if (open < 0) {
                break;
            }
            int close = text.indexOf('}', open);
            if (close <= open + 1 || ++holes > MOST_HOLES || text.lastIndexOf('{', close) != open) {
                return Optional.empty();
            }
            pieces.add(hole(text.substring(open + 1, close)));
            at = close + 1;
        }
        String prefix =
                !pieces.isEmpty() && pieces.get(0).literal() ? pieces.get(0).text() : "";
        return Optional.of(new UriTemplate(text, prefix, List.copyOf(pieces)));
    }

    private static Piece hole(String expression) {
        char first = expression.charAt(0);
        boolean exploded = expression.indexOf('*') >= 0;
        return switch (first) {
            case '+' -> new Piece(false, "", true);
            case '#', '?', '&' -> new Piece(false, String.valueOf(first), true);
            case '.', '/', ';' -> new Piece(false, String.valueOf(first), exploded || expression.indexOf(',') >= 0);
            default -> new Piece(false, "", exploded);
        };
    }

    String text() {
        return text;
    }

    /** What every match begins with. */
    String prefix() {
        return prefix;
    }

    /** Whether the scheme is part of the literal beginning; else the template matches URIs of any scheme. */
    boolean hasScheme() {
        return prefix.indexOf(':') >= 0;
    }

    boolean matches(String uri) {
        if (uri.length() > LONGEST || !uri.startsWith(prefix)) {
            return false;
        }
        BitSet ends = new BitSet(uri.length() + 1);
        ends.set(0);
        for (Piece piece : pieces) {
            ends = piece.literal() ? afterLiteral(ends, piece.text(), uri) : afterHole(ends, piece, uri);
            if (ends.isEmpty()) {
                return false;
            }
        }
        return ends.get(uri.length());
    }

    private static BitSet afterLiteral(BitSet starts, String literal, String uri) {
        BitSet ends = new BitSet(uri.length() + 1);
        for (int i = starts.nextSetBit(0); i >= 0; i = starts.nextSetBit(i + 1)) {
            if (uri.startsWith(literal, i)) {
                ends.set(i + literal.length());
            }
        }
        return ends;
    }

    private static BitSet afterHole(BitSet starts, Piece hole, String uri) {
        BitSet ends = new BitSet(uri.length() + 1);
        boolean optional = !hole.text().isEmpty();
        boolean open = false;
        for (int i = 0; i <= uri.length(); i++) {
            if (open) {
                ends.set(i);
            }
            boolean start = starts.get(i);
            if (start && optional) {
                ends.set(i);
            }
            if (i == uri.length()) {
                break;
            }
            char c = uri.charAt(i);
            boolean begins = start && (!optional || c == hole.text().charAt(0));
            boolean carries = hole.slashes() || c != '/';
            open = begins && (optional || carries) || open && carries;
        }
        return ends;
    }

    @Override
    public String toString() {
        return text;
    }
}
