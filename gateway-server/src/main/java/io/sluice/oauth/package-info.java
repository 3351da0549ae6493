/**
 * The gateway as a client of OAuth 2.1 towards its backends: tokens by client credentials, or by a person who agrees once (authorization code with PKCE). {@link io.sluice.oauth.OAuthKeepers} keeps one
 * {@code TokenKeeper} for each backend that asks for it. Start reading at {@code TokenKeeper}; {@code Discovered} finds the authorization server.
 */
@NullMarked
package io.sluice.oauth;

import org.jspecify.annotations.NullMarked;
