/**
 * Names who is asking. {@link io.sluice.auth.Authenticator} turns the head of a request into a {@link
 * io.sluice.auth.Caller} or refuses it; there is no anonymous caller to fall through to. Bearer tokens are looked up in
 * a {@link io.sluice.auth.TokenTable}, which {@link io.sluice.auth.TokensFile} keeps current.
 */
@NullMarked
package io.sluice.auth;

import org.jspecify.annotations.NullMarked;
