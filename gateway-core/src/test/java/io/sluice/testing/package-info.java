/**
 * What tests of every module share, through the test-jar of gateway-core.
 */
@NullMarked
package io.sluice.testing;

import org.jspecify.annotations.NullMarked;
