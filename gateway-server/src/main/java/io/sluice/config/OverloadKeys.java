package io.sluice.config;

import io.sluice.overload.OverloadSettings;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** The keys of when the gateway spares itself. */
final class OverloadKeys {
    private OverloadKeys() {}

    private static final OverloadSettings STANDARD = OverloadSettings.STANDARD;

    private static final Key<Boolean> ENABLED = Key.of(
            "enabled",
            Shape.flag(),
            "true",
            "Whether the gateway looks how pressed it is, and refuses the least important first.");
    private static final Key<Integer> EASE = percent(
            "ease",
            STANDARD.ease(),
            "Percentage of heap or buffers in use at which connections nobody uses are closed.");
    private static final Key<Integer> SHED = percent(
            "shed",
            STANDARD.shed(),
            "… at which lists, subscriptions and calls of limits.background are refused with 503.");
    private static final Key<Integer> CUT = percent(
            "cut",
            STANDARD.cut(),
            "… at which connections are closed after each answer, and streams cut whose clients are furthest behind.");
    private static final Key<Integer> REFUSE =
            percent("refuse", STANDARD.refuse(), "… at which everything is refused but health and management.");
    private static final Key<Duration> LAG = Key.of(
            "lag",
            Shape.duration(),
            STANDARD.lag().toMillis() + "ms",
            "How late event loops may be, for three seconds without a break, before the same is refused as at shed.");
    private static final Key<Integer> STREAMS = Key.of(
            "streams",
            Shape.integer(1, 10_000_000),
            Integer.toString(STANDARD.streams()),
            "Most event streams open towards clients; further subscriptions are refused.");

    private static Key<Integer> percent(String name, int fallback, String description) {
        return Key.of(name, Shape.integer(1, 100), Integer.toString(fallback), description);
    }

    private static final Section<OverloadSettings> SECTION =
            new Section<>(List.of(ENABLED, EASE, SHED, CUT, REFUSE, LAG, STREAMS), OverloadKeys::settings);
    static final Key<OverloadSettings> OVERLOAD =
            Key.section("overload", SECTION, "When the gateway itself has too much to do.");

    private static Optional<OverloadSettings> settings(Section.Fields f) {
        boolean enabled = f.value(ENABLED);
        int ease = f.value(EASE);
        int shed = f.value(SHED);
        int cut = f.value(CUT);
        int refuse = f.value(REFUSE);
        Duration lag = f.value(LAG);
        int streams = f.value(STREAMS);
        if (ease > shed || shed > cut || cut > refuse) {
            f.in().fault(
                            f.at(),
                            f.path() + ": ease, shed, cut and refuse are " + ease + ", " + shed + ", " + cut + " and "
                                    + refuse + ", but each must be at least the one before it");
            return Optional.empty();
        }
        return Optional.of(new OverloadSettings(enabled, ease, shed, cut, refuse, lag, streams));
    }
}
