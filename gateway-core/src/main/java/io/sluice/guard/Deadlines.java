package io.sluice.guard;

import io.sluice.catalog.Glob;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** Which rule says how long a call may take; what was found for a tool is remembered. Safe for use by many threads. */
final class Deadlines {
    private static final int MOST_REMEMBERED = 10_000;

    private final List<DeadlineRule> rules;
    private final Map<String, Map<String, Optional<DeadlineRule>>> found = new ConcurrentHashMap<>();

    Deadlines(List<DeadlineRule> rules) {
        this.rules = rules;
    }

    List<DeadlineRule> rules() {
        return rules;
    }

    /** @param tool empty for what is no tool */
    @Nullable
    DeadlineRule of(String backend, String tool) {
        if (rules.isEmpty()) {
            return null;
        }
        Map<String, Optional<DeadlineRule>> ofBackend = found.get(backend);
        Optional<DeadlineRule> rule = ofBackend == null ? null : ofBackend.get(tool);
        if (rule == null) {
            rule = rules.stream().filter(each -> matches(each, backend, tool)).findFirst();
            Map<String, Optional<DeadlineRule>> tools =
                    found.computeIfAbsent(backend, name -> new ConcurrentHashMap<>());
            if (tools.size() < MOST_REMEMBERED) {
                tools.put(tool, rule);
            }
        }
        return rule.orElse(null);
    }

    private static boolean matches(DeadlineRule rule, String backend, String tool) {
        return Glob.matches(rule.backend(), backend)
                && rule.tool()
                        .filter(glob -> tool.isEmpty()
                                || !(Glob.matches(glob, tool) || Glob.matches(glob, backend + "__" + tool)))
                        .isEmpty();
    }
}
