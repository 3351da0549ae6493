package io.sluice.discovery;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.test.scheduler.VirtualTimeScheduler;

class TurnsTest {
    private final VirtualTimeScheduler thread = VirtualTimeScheduler.create();
    private final Turns turns = new Turns(thread, 2, Duration.ofMillis(250));
    private final List<String> begun = new ArrayList<>();

    private Disposable take(String name) {
        return turns.take(() -> begun.add(name));
    }

    @Test
    void noMoreBeginThanThereAreTurns() {
        Disposable first = take("a");
        take("b");
        take("c");
        assertThat(begun).containsExactly("a", "b");
        first.dispose();
        first.dispose();
        take("d");

        assertThat(begun).containsExactly("a", "b", "c");
    }

    @Test
    void thoseThatHangKeepNobodyWaitingForLong() {
        for (String name : List.of("a", "b", "c", "d", "e")) {
            take(name);
        }
        assertThat(begun).hasSize(2);
        thread.advanceTimeBy(Duration.ofMillis(250));
        assertThat(begun).hasSize(4);
        thread.advanceTimeBy(Duration.ofMillis(250));

        assertThat(begun).containsExactly("a", "b", "c", "d", "e");
    }

    @Test
    void turnThatIsNotWantedAnyMoreIsPassedOn() {
        Disposable first = take("a");
        take("b");
        take("c").dispose();
        take("d");
        first.dispose();

        assertThat(begun).containsExactly("a", "b", "d");
    }

    @Test
    void endOfALostTurnGivesNoFurtherOne() {
        Disposable first = take("a");
        take("b");
        thread.advanceTimeBy(Duration.ofMillis(250));
        first.dispose();
        take("c");
        take("d");
        take("e");

        assertThat(begun).containsExactly("a", "b", "c", "d");
    }
}
