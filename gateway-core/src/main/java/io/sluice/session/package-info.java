/**
 * Sessions of the legacy era. What is fixed at {@code initialize} is a {@link io.sluice.session.SessionTicket}, which
 * travels inside the session id itself, so that every replica knows every session; {@link io.sluice.session.SessionIds}
 * makes and opens such ids.
 */
@NullMarked
package io.sluice.session;

import org.jspecify.annotations.NullMarked;
