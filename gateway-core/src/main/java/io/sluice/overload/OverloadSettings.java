package io.sluice.overload;

import java.time.Duration;

/**
 * When the gateway is pressed.
 *
 * @param enabled whether it looks at all
 * @param ease percentage of memory in use at which {@link Step#EASE} begins, and so on
 * @param lag how late the event loops may be, all the time, before {@link Step#SHED} begins
 * @param streams most event streams towards clients; further ones are refused
 */
public record OverloadSettings(boolean enabled, int ease, int shed, int cut, int refuse, Duration lag, int streams) {
    public static final OverloadSettings STANDARD =
            new OverloadSettings(true, 70, 85, 92, 95, Duration.ofMillis(250), 15_000);

    public OverloadSettings {
        if (ease < 1 || ease > shed || shed > cut || cut > refuse || refuse > 100) {
            throw new IllegalArgumentException("ease " + ease + ", shed " + shed + ", cut " + cut + " and refuse "
                    + refuse + " must be percentages in this order");
        }
        if (lag.isZero() || lag.isNegative()) {
            throw new IllegalArgumentException("lag " + lag + " is not positive");
        }
    }

    /** The step that this much memory in use calls for. */
    Step step(double percent) {
        return percent >= refuse
                ? Step.REFUSE
                : percent >= cut ? Step.CUT : percent >= shed ? Step.SHED : percent >= ease ? Step.EASE : Step.CALM;
    }
}
