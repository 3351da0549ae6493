/**
 * What all backends offer together, as one immutable snapshot. {@link io.sluice.catalog.Catalog} answers look-ups and
 * holds the lists already rendered to bytes; it is replaced as a whole when a backend or what it offers changes, never
 * edited. Start at {@link io.sluice.catalog.Catalog#build}; how names are settled is in {@code Aggregation} and
 * {@code Claims}, what a definition is read for in {@code EntryReader}.
 */
@NullMarked
package io.sluice.catalog;

import org.jspecify.annotations.NullMarked;
