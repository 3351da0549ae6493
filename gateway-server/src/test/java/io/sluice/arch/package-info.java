/**
 * What the whole of Sluice promises about itself, whatever package a class is in. Start at
 * {@link io.sluice.arch.ArchitectureTest}.
 */
@NullMarked
package io.sluice.arch;

import org.jspecify.annotations.NullMarked;
