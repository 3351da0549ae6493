package io.sluice.management;

import io.sluice.management.Operation.Answer;
import io.sluice.management.Operation.Question;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.Map;
import reactor.core.publisher.Mono;

/** What probes and people ask: {@code /livez}, {@code /readyz}, {@code /health}. */
final class Health {
    private final About about;
    private final Readiness readiness;
    private final InstantSource clock;

    Health(About about, Readiness readiness, InstantSource clock) {
        this.about = about;
        this.readiness = readiness;
        this.clock = clock;
    }

    /** The process answers, which is all that is asked: no backend and no store has a say here. */
    Mono<Answer> live(Question question) {
        return Mono.just(new Answer(200, Map.of("status", "live")));
    }

    Mono<Answer> ready(Question question) {
        return Mono.fromSupplier(() -> {
            boolean ready = readiness.ready();
            Map<String, Object> body = new LinkedHashMap<>();
            body.put("status", ready ? "ready" : "not ready");
            if (asks(question.query(), "verbose")) {
                body.put("checks", readiness.checks());
            }
            return new Answer(ready ? 200 : 503, body);
        });
    }

    Mono<Answer> health(Question question) {
        return Mono.fromSupplier(() -> {
            String status = readiness.draining() ? "draining" : "healthy";
            Map<String, Object> data = new LinkedHashMap<>();
            data.put("status", status);
            data.put("environment", about.environment());
            data.put("version", about.version());
            Map<String, Object> body = new LinkedHashMap<>();
            body.put("success", true);
            body.put("data", data);
            body.put("status", status);
            body.put("timestamp", clock.instant().toString());
            body.put("active_clients", about.activeClients().getAsInt());
            body.put("version", about.version());
            return new Answer(200, body);
        });
    }

    private static boolean asks(String query, String flag) {
        for (String part : query.split("&", -1)) {
            if (part.equals(flag)
                    || part.equals(flag + "=")
                    || part.equals(flag + "=true")
                    || part.equals(flag + "=1")) {
                return true;
            }
        }
        return false;
    }
}
