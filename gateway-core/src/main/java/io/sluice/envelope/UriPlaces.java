package io.sluice.envelope;

import java.util.ArrayList;
import java.util.List;

/**
 * Where in a response one stands, as far as URIs of resources are concerned: told of brackets, commas and keys between
 * strings, it says what the next string is. Used by one response, by one thread at a time.
 */
final class UriPlaces {
    /** No spelling of "contents", the longest of the keys, is longer, even if every letter is an escape. */
    static final int LONGEST_KEY = 48;

    /** A longer one names no resource of ours. */
    static final int LONGEST_URI = 16 * 1024;

    /** What a string is. */
    enum Text {
        /** To be told by {@link #key}. */
        KEY,
        URI,
        OTHER
    }

    /** What an object or array, or the next value, is. */
    private enum Place {
        /** Of no concern, and so is everything in it. */
        ELSEWHERE,
        MESSAGE,
        RESULT,
        /** An array of resources. */
        RESOURCES,
        RESOURCE,
        /** A content block, or an array of them. */
        BLOCKS,
        /** An array of prompt messages. */
        PROMPTS,
        PROMPT,
        URI;

        Place member(String key) {
            return switch (this) {
                case MESSAGE -> key.equals("result") ? RESULT : ELSEWHERE;
                case RESULT ->
                    switch (key) {
                        case "contents" -> RESOURCES;
                        case "content" -> BLOCKS;
                        case "messages" -> PROMPTS;
                        default -> ELSEWHERE;
                    };
                case BLOCKS ->
                    switch (key) {
                        case "uri" -> URI;
                        case "resource" -> RESOURCE;
                        default -> ELSEWHERE;
                    };
                case RESOURCE -> key.equals("uri") ? URI : ELSEWHERE;
                case PROMPT -> key.equals("content") ? BLOCKS : ELSEWHERE;
                default -> ELSEWHERE;
            };
        }

        Place element() {
            return switch (this) {
                case RESOURCES -> RESOURCE;
                case PROMPTS -> PROMPT;
                case BLOCKS -> BLOCKS;
                default -> ELSEWHERE;
            };
        }
    }

    private final List<Place> open = new ArrayList<>(8);
    private final List<Boolean> objects = new ArrayList<>(8);

    /** How many brackets are open inside of the first that is of no concern. */
    private int elsewhere;

    private boolean beforeKey;

    /** What the next value of the innermost object is. */
    private Place value = Place.MESSAGE;

    void open(boolean object) {
        if (elsewhere > 0) {
            elsewhere++;
            return;
        }
        Place place = placeOfValue(object);
        if (place == Place.ELSEWHERE || place == Place.URI) {
            elsewhere = 1;
            return;
        }
        open.add(place);
        objects.add(object);
        beforeKey = object;
        value = Place.ELSEWHERE;
    }

    private Place placeOfValue(boolean object) {
        if (open.isEmpty()) {
            return object ? value : Place.ELSEWHERE;
        }
        Place place = isObject() ? value : innermost().element();
        boolean list = place == Place.RESOURCES || place == Place.PROMPTS;
        boolean either = place == Place.BLOCKS;
        return either || list != object ? place : Place.ELSEWHERE;
    }

    void close() {
        if (elsewhere > 0) {
            elsewhere--;
            return;
        }
        if (!open.isEmpty()) {
            open.remove(open.size() - 1);
            objects.remove(objects.size() - 1);
        }
        beforeKey = false;
        value = Place.ELSEWHERE;
    }

    void comma() {
        if (elsewhere == 0 && !open.isEmpty() && isObject()) {
            beforeKey = true;
        }
    }

    /** A string begins. */
    Text string() {
        if (elsewhere > 0 || open.isEmpty()) {
            return Text.OTHER;
        }
        if (beforeKey) {
            beforeKey = false;
            return Text.KEY;
        }
        return isObject() && value == Place.URI ? Text.URI : Text.OTHER;
    }

    /** @param name of the innermost object's next member, decoded */
    void key(String name) {
        value = innermost().member(name);
    }

    /** The URI that {@link #string} spoke of has ended. */
    void uriEnded() {
        value = Place.ELSEWHERE;
    }

    /** Whether the innermost thing that is open is the response's result, an object. */
    boolean inResult() {
        return elsewhere == 0 && !open.isEmpty() && innermost() == Place.RESULT;
    }

    private Place innermost() {
        return open.get(open.size() - 1);
    }

    private boolean isObject() {
        return objects.get(objects.size() - 1);
    }
}
