/**
 * The data plane of the gateway, embeddable: a call enters, a reply leaves. Its packages are named after the stages of a
 * call and form a ladder; each says in its own paragraph where to start reading.
 */
@NullMarked
package io.sluice;

import org.jspecify.annotations.NullMarked;
