/**
 * Backends that are programs: MCP over stdin and stdout. {@link io.sluice.stdio.StdioAdapters} makes an adapter for each; one process serves all callers, is started when it is first needed and stopped
 * when it is not. Start reading at {@code StdioAdapter}, which answers messages; {@code Program} starts and stops processes,
 * each of which is a {@code ProgramRun}, and {@code ProgramMemory} and {@code ProgramFeeds} outlive them. Only {@code StdioProcess} touches the operating system. Nothing outside of this package and the demo starts a process.
 */
@NullMarked
package io.sluice.stdio;

import org.jspecify.annotations.NullMarked;
