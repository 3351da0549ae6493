package io.sluice.demo;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StaleFoldersTest {
    @TempDir
    Path parent;

    private Path folder(String name) throws Exception {
        Path folder = Files.createDirectory(parent.resolve(name));
        Files.writeString(Files.createDirectory(folder.resolve("in")).resolve("gateway.log"), "");
        return folder;
    }

    @Test
    void onlyFoldersOfProcessesThatAreGoneAreDeleted() throws Exception {
        Process gone = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(), "--version")
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        gone.waitFor();
        Path stale = folder("sluice-demo-" + gone.pid() + "-17");
        List<Path> kept = List.of(
                folder("sluice-demo-" + ProcessHandle.current().pid() + "-18"),
                folder("sluice-demo-mine"),
                folder("other-" + gone.pid() + "-17"));

        StaleFolders.clean(parent);

        assertThat(stale).doesNotExist();
        assertThat(kept).allMatch(Files::exists);
    }

    @Test
    void newFolderIsOfThisProcess() throws Exception {
        Path folder = StaleFolders.create();

        assertThat(folder.getFileName().toString())
                .startsWith("sluice-demo-" + ProcessHandle.current().pid() + "-");
        StaleFolders.delete(folder);
        assertThat(folder).doesNotExist();
    }
}
