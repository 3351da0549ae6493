package io.sluice.catalog;

import java.nio.charset.StandardCharsets;

/**
 * Any text as a URI template and any as a URI: matching ends, soon, without a failure. Run with {@code -Dfuzz.target=io.sluice.catalog.UriTemplateFuzz -Dfuzz.seeds=fuzz/text}, see
 * {@code EnvelopeFuzz}.
 */
public final class UriTemplateFuzz {
    private UriTemplateFuzz() {}

    /** The entry point that Jazzer looks for. */
    public static void fuzzerTestOneInput(byte[] data) {
        String text = new String(data, StandardCharsets.UTF_8);
        int half = text.length() / 2;
        String uri = text.substring(half);
        UriTemplate.of(text.substring(0, half)).ifPresent(template -> template.matches(uri));
        if (uri.indexOf('{') < 0 && uri.indexOf('}') < 0 && !uri.isEmpty()) {
            UriTemplate.of(uri).ifPresent(literal -> {
                if (!literal.matches(uri)) {
                    throw new AssertionError("a template without holes does not match itself: " + uri);
                }
            });
        }
    }
}
