/**
 * The command line: {@code run}, {@code validate}, {@code config} and {@code version}, each a class, under the one that
 * {@link io.sluice.cli.Sluice} assembles. Exit codes are 0 for done, 1 for failed and 2 for what was wrongly asked for,
 * an unsafe or faulty configuration included.
 */
@NullMarked
package io.sluice.cli;

import org.jspecify.annotations.NullMarked;
