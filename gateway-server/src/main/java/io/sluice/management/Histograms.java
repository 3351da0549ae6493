package io.sluice.management;

import io.prometheus.metrics.model.registry.MultiCollector;
import io.prometheus.metrics.model.snapshots.ClassicHistogramBuckets;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot.HistogramDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import io.sluice.guard.Durations;
import io.sluice.upstream.Upstream;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;

/** How long calls take, as Prometheus wants it: counts by bounds, which Micrometer has no way to take from others. */
final class Histograms implements MultiCollector {
    private static final double[] BOUNDS = bounds();

    private final Supplier<List<Upstream>> upstreams;

    Histograms(Supplier<List<Upstream>> upstreams) {
        this.upstreams = upstreams;
    }

    private static double[] bounds() {
        double[] finite = Durations.bounds();
        double[] all = java.util.Arrays.copyOf(finite, finite.length + 1);
        all[finite.length] = Double.POSITIVE_INFINITY;
        return all;
    }

    @Override
    public MetricSnapshots collect() {
        List<Upstream> now = upstreams.get();
        return MetricSnapshots.of(
                histogram(
                        "sluice_call_duration_seconds",
                        "How long calls took, from when they got a place to the last byte of the answer",
                        now,
                        upstream -> upstream.gate().tally().calls()),
                histogram(
                        "sluice_call_wait_seconds",
                        "How long calls waited for a place that were given none at once",
                        now,
                        upstream -> upstream.gate().tally().waits()),
                histogram(
                        "sluice_upstream_duration_seconds",
                        "How long attempts at an endpoint took until the head of the answer came",
                        now,
                        upstream -> upstream.endpoints().attempts()));
    }

    private static HistogramSnapshot histogram(
            String name, String help, List<Upstream> upstreams, Function<Upstream, Durations> of) {
        HistogramSnapshot.Builder histogram =
                HistogramSnapshot.builder().name(name).help(help);
        for (Upstream upstream : upstreams) {
            Durations durations = of.apply(upstream);
            histogram.dataPoint(HistogramDataPointSnapshot.builder()
                    .labels(Labels.of("backend", upstream.backend().name()))
                    .classicHistogramBuckets(ClassicHistogramBuckets.of(BOUNDS, durations.counts()))
                    .sum(durations.sumSeconds())
                    .build());
        }
        return histogram.build();
    }
}
