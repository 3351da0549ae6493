/**
 * Reads and edits JSON-RPC messages as bytes. A message is scanned once, without a tree, and afterwards is still the
 * bytes that came, with offsets to the members that routing and bridging look at; a change is a splice. What agents
 * send is read strictly, so that no backend can understand the forwarded bytes otherwise than we did; what backends
 * send is read leniently. Start at {@link io.sluice.envelope.EnvelopeReader}; edit with
 * {@link io.sluice.envelope.Patch}; change a response that streams by with {@link io.sluice.envelope.ResponseFilter}. A
 * large request is read in the buffers it arrived in, {@link io.sluice.envelope.Segments}.
 */
@NullMarked
package io.sluice.envelope;

import org.jspecify.annotations.NullMarked;
