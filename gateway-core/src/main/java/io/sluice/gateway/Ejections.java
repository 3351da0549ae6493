package io.sluice.gateway;

import io.sluice.replica.Message;
import io.sluice.replica.Messages;
import io.sluice.upstream.Upstream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.Disposable;
import reactor.core.Disposables;

/**
 * Tells the other replicas which endpoints this one has ejected, and hears it from them. A hint: each replica decides by
 * what it sees itself ({@link io.sluice.balance.Endpoints#doubt}), and a message that is lost or comes twice does no harm.
 */
final class Ejections implements Disposable {
    private static final Logger log = LoggerFactory.getLogger(Ejections.class);
    private static final String TOPIC = "ejections";

    private final Messages messages;
    private final Supplier<View> views;
    private final Disposable.Swap listening = Disposables.swap();
    private final Disposable asking;
    private Map<String, Upstream> known = Map.of();

    Ejections(Messages messages, Supplier<View> views) {
        this.messages = messages;
        this.views = views;
        this.asking = messages.listen(TOPIC, this::heard)
                .subscribe(
                        listening::update,
                        away -> log.warn("Ejections of other replicas are not heard: {}", away.getMessage()));
    }

    /** Listens to the endpoints of these. Called for one after the other. */
    void follow(Map<String, Upstream> upstreams) {
        upstreams.forEach((name, upstream) -> {
            if (known.get(name) != upstream) {
                upstream.endpoints().listener((endpoint, out) -> tell(name, endpoint.url(), out));
            }
        });
        known = upstreams;
    }

    private void tell(String backend, URI url, Duration out) {
        byte[] body = (backend + "\n" + out.toMillis() + "\n" + url).getBytes(StandardCharsets.UTF_8);
        messages.publish(TOPIC, body)
                .subscribe(heard -> {}, away -> log.debug("An ejection could not be told: {}", away.getMessage()));
    }

    /** What it says was said by a replica, but perhaps by one of another version. */
    private void heard(Message message) {
        if (message.from().equals(messages.self())) {
            return;
        }
        String[] parts = new String(message.body(), StandardCharsets.UTF_8).split("\n", 3);
        if (parts.length < 3 || !parts[1].matches("\\d{1,12}")) {
            return;
        }
        Upstream upstream = views.get().upstreams().get(parts[0]);
        if (upstream != null) {
            try {
                upstream.endpoints().doubt(URI.create(parts[2]), Duration.ofMillis(Long.parseLong(parts[1])));
            } catch (IllegalArgumentException noAddress) {
                log.debug("A replica spoke of an endpoint that is none");
            }
        }
    }

    @Override
    public void dispose() {
        asking.dispose();
        listening.dispose();
    }
}
