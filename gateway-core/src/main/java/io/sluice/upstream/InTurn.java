package io.sluice.upstream;

import io.sluice.guard.Gate;
import io.sluice.guard.Outcome;
import io.sluice.guard.Permit;
import io.sluice.guard.Priority;
import io.sluice.rejection.Rejection.BackendFailure;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.MonoSink;
import reactor.core.scheduler.Scheduler;

/** Waits in the line of a gate. Whoever leaves it, at whatever moment, takes no place along. */
final class InTurn implements Gate.Waiting {
    private final MonoSink<Permit> sink;
    private volatile @Nullable Permit granted;
    private volatile Gate.@Nullable InLine place;
    private volatile boolean left;

    private InTurn(MonoSink<Permit> sink) {
        this.sink = sink;
    }

    /** A permit in time. Fails with a {@link BackendFailure}, at once or after {@code longest}. */
    static Mono<Permit> of(Gate gate, Priority priority, boolean own, Duration longest, Scheduler timer) {
        return Mono.create(sink -> {
            InTurn turn = new InTurn(sink);
            sink.onCancel(turn::leave);
            Gate.InLine place = gate.join(priority, own, System.nanoTime(), turn);
            turn.place = place;
            if (turn.left) {
                turn.leave();
            } else {
                sink.onDispose(timer.schedule(
                        () -> {
                            if (place.leave()) {
                                sink.error(gate.busy(longest));
                            }
                        },
                        longest.toMillis(),
                        TimeUnit.MILLISECONDS));
            }
        });
    }

    @Override
    public void admitted(Permit permit) {
        granted = permit;
        if (left) {
            permit.end(Outcome.IGNORED, System.nanoTime());
        } else {
            sink.success(permit);
        }
    }

    @Override
    public void refused(BackendFailure why) {
        sink.error(why);
    }

    /** Called when the wait is cancelled: before it began, during it, or after a place was granted but not delivered. */
    private void leave() {
        left = true;
        Gate.InLine line = place;
        if (line != null) {
            line.leave();
        }
        Permit permit = granted;
        if (permit != null) {
            permit.end(Outcome.IGNORED, System.nanoTime());
        }
    }
}
