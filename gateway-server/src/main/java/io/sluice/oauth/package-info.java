/**
 * The gateway as a client of OAuth 2.1 towards its backends: tokens by client credentials, or by a person who agrees once (authorization code with PKCE). {@link io.sluice.oauth.OAuthKeepers} keeps one
 * {@code TokenKeeper} for each backend that asks for it. Start reading there; {@code CodeFlow} takes people to their authorization server and back, {@code Discovered} finds it, and {@code SharedTokens}
 * is what all replicas have in common: one fetches, all use.
 */
@NullMarked
package io.sluice.oauth;

import org.jspecify.annotations.NullMarked;
