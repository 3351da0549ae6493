/**
 * REST services as backends, by their OpenAPI document. {@link io.sluice.openapi.OpenApiAdapters} makes an adapter for each; {@code OpenApiReader} turns a document into operations, each of which is a
 * tool; {@code RequestWriter} puts a call's arguments where the operation says, and nowhere else; {@code RestService} fetches, calls and answers. Nothing here is fetched from an address that a
 * document names: a reference to another document is left open, but for files beside one that the configuration names ({@code DocumentFiles}).
 */
@NullMarked
package io.sluice.openapi;

import org.jspecify.annotations.NullMarked;
