/**
 * Keeps answers of backends for as long as they may be used again, and has one request to a backend answer all who ask the same at the same time. Start at {@link
 * io.sluice.cache.ResultCache}; one call's use of it is its {@link io.sluice.cache.Place}. What is kept is what the backend said, in its own words and before any translation, so that
 * every pairing of eras goes the same way with it as with a fresh answer.
 */
@NullMarked
package io.sluice.cache;

import org.jspecify.annotations.NullMarked;
