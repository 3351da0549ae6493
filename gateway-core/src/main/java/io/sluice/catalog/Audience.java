package io.sluice.catalog;

import java.util.List;

/**
 * Whom a list is for, as far as the aggregate differs.
 *
 * @param managing whether the gateway's own tools are shown
 * @param gateway whether it is another gateway that asks: it is not shown what this one has from gateways, or two that
 *     know each other would pass the same tools to and fro, under longer and longer names
 */
public record Audience(boolean managing, boolean gateway) {
    /** Who sees everything. */
    public static final Audience ALL = new Audience(true, false);

    static final List<Audience> OTHERS =
            List.of(new Audience(false, false), new Audience(true, true), new Audience(false, true));

    boolean sees(Share share) {
        return (managing || !share.builtIn()) && !(gateway && share.gateway());
    }
}
