package io.sluice.demo;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The demo's folders for temporary files: each bears the number of its process, so that those of killed ones can go. */
final class StaleFolders {
    private static final String PREFIX = "sluice-demo-";
    private static final Pattern OWNED = Pattern.compile(PREFIX + "(\\d{1,9})-\\d+");

    private StaleFolders() {}

    /** A new folder of this process. */
    static Path create() throws IOException {
        return Files.createTempDirectory(PREFIX + ProcessHandle.current().pid() + "-");
    }

    /** Deletes, in {@code parent}, those whose process is gone. */
    static void clean(Path parent) {
        try (DirectoryStream<Path> all = Files.newDirectoryStream(parent, PREFIX + "*")) {
            for (Path folder : all) {
                Matcher name = OWNED.matcher(folder.getFileName().toString());
                if (name.matches()
                        && Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)
                        && ProcessHandle.of(Long.parseLong(name.group(1))).isEmpty()) {
                    delete(folder);
                }
            }
        } catch (IOException unreadable) {
            // a few kilobytes stay where they are
        }
    }

    static void delete(Path folder) {
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(path);
            }
        } catch (IOException | UncheckedIOException leftBehind) {
            // a few kilobytes in the folder for such things
        }
    }
}
