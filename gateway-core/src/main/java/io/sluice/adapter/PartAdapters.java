package io.sluice.adapter;

import io.sluice.registry.Backend;
import io.sluice.rejection.Rejection.BackendFailure;
import java.time.Duration;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/** Makes the adapters of one kind out of a {@link Part}, which is looked for and loaded when a backend is asked for the first time, on a thread that may wait for a disk. */
public final class PartAdapters implements Adapters {
    private final String kind;
    private final Part.Surroundings surroundings;

    public PartAdapters(String kind, Part.Surroundings surroundings) {
        this.kind = kind;
        this.surroundings = surroundings;
    }

    @Override
    public Adapter open(Backend backend) {
        return new LocalServer(new Loaded(backend));
    }

    private Part part() {
        return ServiceLoader.load(Part.class, Part.class.getClassLoader()).stream()
                .map(ServiceLoader.Provider::get)
                .filter(part -> part.kind().equals(kind))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException(
                        "this distribution was put together without its part for '" + kind + "'"));
    }

    /** What a part makes of a backend, once it is there. */
    private final class Loaded implements LocalContent {
        private final AtomicReference<@Nullable LocalContent> known = new AtomicReference<>();
        private final Mono<LocalContent> content;

        private Loaded(Backend backend) {
            this.content = Mono.fromCallable(() -> part().open(backend, surroundings))
                    .subscribeOn(Schedulers.boundedElastic())
                    .doOnNext(known::set)
                    .onErrorMap(
                            IllegalArgumentException.class,
                            e -> BackendFailure.unavailable(
                                    backend.name(),
                                    "Backend '" + backend.name() + "' is unavailable: " + e.getMessage(),
                                    Duration.ofSeconds(1)))
                    .cache();
        }

        @Override
        public Mono<Offering> offering() {
            return content.flatMap(LocalContent::offering);
        }

        @Override
        public Flux<Step> perform(Asked asked) {
            return content.flatMapMany(it -> it.perform(asked));
        }

        @Override
        public Flux<Offering> changes() {
            return content.flatMapMany(LocalContent::changes);
        }

        @Override
        public Optional<String> remarks() {
            LocalContent now = known.get();
            return now == null ? Optional.empty() : now.remarks();
        }

        @Override
        public Mono<Void> close() {
            return Mono.defer(() -> {
                LocalContent now = known.get();
                return now == null ? Mono.empty() : now.close();
            });
        }
    }
}
