package io.sluice.benchmarks.load;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;

/** What several stretches say together. */
final class Statistics {
    private Statistics() {}

    static double median(List<Double> values) {
        List<Double> sorted = values.stream().sorted().toList();
        if (sorted.isEmpty()) {
            return Double.NaN;
        }
        int middle = sorted.size() / 2;
        return sorted.size() % 2 == 1 ? sorted.get(middle) : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
    }

    static List<Measured> of(List<Measured> measured, String contestant) {
        return measured.stream()
                .filter(one -> one.contestant().equals(contestant))
                .toList();
    }

    static double median(List<Measured> measured, String contestant, ToDoubleFunction<Measured> value) {
        return median(
                of(measured, contestant).stream().map(value::applyAsDouble).toList());
    }

    /** The median over the rounds of one scenario. */
    static double median(
            List<Measured> measured, String scenario, String contestant, ToDoubleFunction<Measured> value) {
        return median(
                measured.stream().filter(one -> one.scenario().equals(scenario)).toList(), contestant, value);
    }

    /** The median of the ratios within rounds. */
    static double ratio(
            List<Measured> measured, String contestant, String reference, ToDoubleFunction<Measured> value) {
        List<Double> ratios = new ArrayList<>();
        for (Measured one : of(measured, contestant)) {
            for (Measured other : of(measured, reference)) {
                if (other.round() == one.round() && value.applyAsDouble(other) != 0) {
                    ratios.add(value.applyAsDouble(one) / value.applyAsDouble(other));
                }
            }
        }
        return median(ratios);
    }
}
