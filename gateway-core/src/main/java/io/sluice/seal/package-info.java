/**
 * Hands state to clients and takes it back unharmed: session ids, request states, cursors. A {@link
 * io.sluice.seal.Keyring} holds the secret that the replicas share; a {@link io.sluice.seal.Sealer} made from it
 * encrypts and authenticates for one purpose. Start at {@link io.sluice.seal.Sealer}.
 */
@NullMarked
package io.sluice.seal;

import org.jspecify.annotations.NullMarked;
