/**
 * Knows how pressed this process is for memory, time and streams, and refuses the least important first, so that the rest
 * is still served. {@link io.sluice.overload.Watch} looks, {@link io.sluice.overload.Ladder} decides,
 * {@link io.sluice.overload.Overload} is what the path of a call asks. Start with {@link io.sluice.overload.Step}.
 */
@NullMarked
package io.sluice.overload;

import org.jspecify.annotations.NullMarked;
