/**
 * Every way the gateway itself says no. A {@link io.sluice.rejection.Rejection} knows its HTTP status, its JSON-RPC code and a sentence that names the thing and
 * the number; how it is written on the wire is decided where replies are written.
 */
@NullMarked
package io.sluice.rejection;

import org.jspecify.annotations.NullMarked;
