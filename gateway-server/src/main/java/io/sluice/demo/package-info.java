/**
 * {@code sluice demo}: a federation to look at, on one machine and from one jar. {@link io.sluice.demo.DemoCommand} starts two sample backends and the gateway as
 * child processes, calls each tool through the gateway in both eras and says what happened. The backends ({@link io.sluice.demo.SampleBackend}) share no code with
 * the gateway: they are small MCP servers as other people would write them, one that speaks both eras and one that knows only the older, with sessions.
 *
 * <p>Only threads and blocking calls here, and nothing of this package runs in the gateway's own process.
 */
@NullMarked
package io.sluice.demo;

import org.jspecify.annotations.NullMarked;
