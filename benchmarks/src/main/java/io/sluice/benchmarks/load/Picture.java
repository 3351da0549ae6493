package io.sluice.benchmarks.load;

import java.util.Locale;
import java.util.Map;

/** Bars as an SVG. */
final class Picture {
    private Picture() {}

    /** @param bars by what is written before them, in order */
    static String bars(String title, Map<String, Double> bars) {
        double most = bars.values().stream()
                .filter(Double::isFinite)
                .mapToDouble(Double::doubleValue)
                .max()
                .orElse(1);
        StringBuilder svg = new StringBuilder("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"720\" height=\""
                + (50 + 30 * bars.size()) + "\" font-family=\"sans-serif\" font-size=\"13\">\n"
                + "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n<text x=\"10\" y=\"24\" font-size=\"15\">"
                + title.replace("`", "").replace("&", "&amp;").replace("<", "&lt;") + "</text>\n");
        int y = 40;
        for (Map.Entry<String, Double> bar : bars.entrySet()) {
            double value = Double.isFinite(bar.getValue()) ? bar.getValue() : 0;
            double width = Math.max(0, 420 * value / Math.max(most, 1e-9));
            svg.append(String.format(
                    Locale.ROOT,
                    "<text x=\"10\" y=\"%d\">%s</text><rect x=\"200\" y=\"%d\" width=\"%.0f\" height=\"20\" fill=\"%s\"/>"
                            + "<text x=\"%.0f\" y=\"%d\">%.2f</text>%n",
                    y + 15,
                    bar.getKey().replace("&", "&amp;").replace("<", "&lt;"),
                    y,
                    width,
                    bar.getKey().startsWith("sluice") ? "#2b6cb0" : "#a0aec0",
                    208 + width,
                    y + 15,
                    value));
            y += 30;
        }
        return svg.append("</svg>\n").toString();
    }
}
