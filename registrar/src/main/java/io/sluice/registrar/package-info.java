/**
 * Keeps a Java service registered with a Sluice gateway for as long as it runs. Start reading at
 * {@link io.sluice.registrar.Registrar}. Depends on nothing but the JDK.
 */
@NullMarked
package io.sluice.registrar;

import org.jspecify.annotations.NullMarked;
