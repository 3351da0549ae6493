/**
 * What is no Streamable HTTP server, made to look like one: {@link io.sluice.adapter.Adapter} is the seam. {@code upstream} asks an adapter where it would otherwise send an HTTP request, so that
 * discovery, sessions, streams, cancelling and the bridge between the eras work as for any backend. {@link io.sluice.adapter.Switchboard} does the common part for servers that exchange messages over
 * one channel; {@link io.sluice.adapter.LocalServer} for tools that are code or plain HTTP services, of which {@link io.sluice.adapter.KeptOffering} keeps what they say of themselves. A {@link
 * io.sluice.adapter.Part} of the distribution makes backends of a kind whose libraries are loaded only when one is used.
 */
@NullMarked
package io.sluice.adapter;

import org.jspecify.annotations.NullMarked;
