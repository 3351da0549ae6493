package io.sluice.management;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A path whose segments are fixed, or variables as in <code>/register/{name}</code>. */
record PathPattern(List<String> segments) {
    PathPattern {
        segments = List.copyOf(segments);
    }

    static PathPattern of(String template) {
        if (!template.startsWith("/")) {
            throw new IllegalArgumentException("'" + template + "' does not begin with '/'");
        }
        return new PathPattern(split(template));
    }

    /** The values of the variables, as they stand in the path, if the path matches. A variable is never empty. */
    Optional<Map<String, String>> match(String path) {
        return match(split(path));
    }

    /** As the other form, of a path that has been {@link #split}. */
    Optional<Map<String, String>> match(List<String> parts) {
        if (!fits(parts)) {
            return Optional.empty();
        }
        Map<String, String> variables = new LinkedHashMap<>();
        for (int i = 0; i < parts.size(); i++) {
            String segment = segments.get(i);
            if (segment.startsWith("{")) {
                variables.put(segment.substring(1, segment.length() - 1), parts.get(i));
            }
        }
        return Optional.of(variables);
    }

    private boolean fits(List<String> parts) {
        if (parts.size() != segments.size()) {
            return false;
        }
        for (int i = 0; i < parts.size(); i++) {
            String segment = segments.get(i);
            boolean fits = segment.startsWith("{") ? !parts.get(i).isEmpty() : segment.equals(parts.get(i));
            if (!fits) {
                return false;
            }
        }
        return true;
    }

    static List<String> split(String path) {
        return List.of(path.split("/", -1));
    }

    @Override
    public String toString() {
        return String.join("/", segments);
    }
}
