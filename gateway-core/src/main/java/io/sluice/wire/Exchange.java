package io.sluice.wire;

import io.netty.buffer.ByteBuf;
import io.netty.handler.codec.http.HttpResponse;
import org.jspecify.annotations.Nullable;

/**
 * One request and its answer. What arrives is told by calls of the protected methods, all on the event loop that the
 * exchange was given to, in this order: {@link #head}, any number of {@link #part}, then {@link #end}; or {@link #failed}
 * at any point, and nothing after it. The other methods are to be called on that event loop too.
 *
 * <p>After {@link #abandon} nothing more is told, and the connection is closed unless the exchange had ended.
 */
public abstract class Exchange {
    /** Nanoseconds without a byte after which the exchange fails; 0 for no limit. */
    long patience;

    long silentSince;

    @Nullable
    Line line;

    boolean over;
    boolean paused;

    /** The head of the answer; never one of the 1xx. */
    protected abstract void head(HttpResponse head);

    /** A piece of the body, which the receiver releases. */
    protected abstract void part(ByteBuf part);

    /** Everything that has arrived for now was told: a good time to flush what was made of it. */
    protected void pauseInArrival() {}

    /** The answer is complete. */
    protected abstract void end();

    /**
     * What kept the rest of the answer from arriving: a {@link Lost}, a {@link java.net.ConnectException}, a
     * {@link java.net.UnknownHostException}, a {@link javax.net.ssl.SSLException}, or
     * {@link io.netty.handler.timeout.ReadTimeoutException}.
     */
    protected abstract void failed(Throwable error);

    /** Gives the answer up. */
    public final void abandon() {
        if (over) {
            return;
        }
        over = true;
        Line on = line;
        if (on != null) {
            on.abandoned();
        }
    }

    /** Whether it has ended, failed or been given up. */
    public final boolean isOver() {
        return over;
    }

    /** Reads no more for the time being; what has been read already is still told. */
    public final void pause() {
        if (!paused) {
            paused = true;
            Line on = line;
            if (on != null && !over) {
                on.reading(false);
            }
        }
    }

    public final void resume() {
        if (paused) {
            paused = false;
            silentSince = System.nanoTime();
            Line on = line;
            if (on != null && !over) {
                on.reading(true);
            }
        }
    }

    /** From now on the other end may be silent for as long as it likes. */
    public final void waitForever() {
        patience = 0;
    }
}
