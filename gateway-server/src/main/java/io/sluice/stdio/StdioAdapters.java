package io.sluice.stdio;

import io.sluice.adapter.Adapter;
import io.sluice.adapter.Adapters;
import io.sluice.registry.Backend;
import java.util.function.Supplier;
import reactor.core.scheduler.Scheduler;

/** Makes the adapters of backends that are programs. */
public final class StdioAdapters implements Adapters {
    private final Supplier<CommandAllowList> allowed;
    private final int maxMessageBytes;
    private final Scheduler timer;

    /**
     * @param allowed what may be started for backends that the configuration file does not name; asked each time
     * @param maxMessageBytes largest message that a program may send
     * @param timer for time limits
     */
    public StdioAdapters(Supplier<CommandAllowList> allowed, int maxMessageBytes, Scheduler timer) {
        this.allowed = allowed;
        this.maxMessageBytes = maxMessageBytes;
        this.timer = timer;
    }

    @Override
    public Adapter open(Backend backend) {
        StdioSettings settings = StdioSettings.of(backend.transport());
        // Checked here as well as where it was asked for: a registration may have come by another way.
        if (backend.source() != Backend.Source.FILE && !allowed.get().permits(settings.commandLine())) {
            throw new IllegalArgumentException("its command is not on the list stdio.allow of the configuration file");
        }
        return new StdioAdapter(backend.name(), settings, maxMessageBytes, timer);
    }

    /** How many programs run in this process now. */
    public static int running() {
        return StdioProcess.running();
    }
}
