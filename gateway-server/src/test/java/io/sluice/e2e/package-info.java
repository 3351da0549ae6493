/**
 * The whole gateway, as the process puts it together, between clients and servers that know nothing of it. Start at
 * {@link io.sluice.e2e.JavaSdkIT}.
 */
@NullMarked
package io.sluice.e2e;

import org.jspecify.annotations.NullMarked;
