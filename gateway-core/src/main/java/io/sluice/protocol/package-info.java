/**
 * The vocabulary of the wire: revisions and eras, methods, header names, {@code _meta} keys, error codes, and the encoding of mirrored header values. Pure values,
 * no I/O. Start at {@link io.sluice.protocol.ProtocolVersion} and {@link io.sluice.protocol.McpMethod}.
 */
@NullMarked
package io.sluice.protocol;

import org.jspecify.annotations.NullMarked;
