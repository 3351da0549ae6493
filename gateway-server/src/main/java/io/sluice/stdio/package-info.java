/**
 * Backends that are programs: MCP over stdin and stdout. {@link io.sluice.stdio.StdioAdapters} makes an adapter for each; one process serves all callers, is started when it is first needed and stopped
 * when it is not. Start reading at {@code StdioAdapter}; only {@code StdioProcess} touches the operating system. Nothing outside of this package and the demo starts a process.
 */
@NullMarked
package io.sluice.stdio;

import org.jspecify.annotations.NullMarked;
