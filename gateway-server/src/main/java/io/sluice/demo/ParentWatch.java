package io.sluice.demo;

import java.io.IOException;

/** Ends a child process when its parent is gone, however that came about. */
final class ParentWatch {
    private ParentWatch() {}

    /** The parent holds the other end of standard input and writes nothing: it ends when the parent stops or is killed. */
    static void exitWithParent() {
        Thread watch = new Thread(
                () -> {
                    try {
                        while (System.in.read() >= 0) {
                            // nothing is expected, and nothing is meant by it
                        }
                    } catch (IOException closed) {
                        // as good as its end
                    }
                    System.exit(0);
                },
                "parent-watch");
        watch.setDaemon(true);
        watch.start();
    }
}
