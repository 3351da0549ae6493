package io.sluice.config;

import java.nio.file.Path;

/**
 * Where a value was written.
 *
 * @param source the file as it was named, or words such as {@code variable PORT} or {@code flag --port}
 * @param line from 1; 0 when the source has no lines
 * @param column from 1; 0 when the source has no lines
 * @param base what a relative path in the value is relative to
 * @param literal whether the value is taken as it is, without looking for <code>${…}</code>
 */
public record Location(String source, int line, int column, Path base, boolean literal) {

    static Location in(Path file, int line, int column) {
        Path base = file.toAbsolutePath().normalize().getParent();
        return new Location(file.toString(), line, column, base == null ? file : base, false);
    }

    static Location of(String words) {
        return new Location(words, 0, 0, Path.of("").toAbsolutePath(), true);
    }

    /** {@code file:line:col}, or the source's words. */
    @Override
    public String toString() {
        return line == 0 ? source : source + ":" + line + ":" + column;
    }
}
