package io.sluice.catalog;

import io.sluice.protocol.RawJson;

/**
 * One tool, prompt, resource or resource template as its backend describes it.
 *
 * @param key the tool's or prompt's {@code name}, the resource's {@code uri}, the template's {@code uriTemplate}
 * @param json the whole definition object, byte for byte
 */
public record Definition(String key, RawJson json) {}
