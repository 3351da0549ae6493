package io.sluice.gateway;

import com.sun.management.UnixOperatingSystemMXBean;
import io.netty.util.internal.PlatformDependent;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;

/** What this process holds: heap that a collection leaves, and memory of buffers. */
final class Memory {
    private Memory() {}

    /** Bytes. Collects garbage, twice: some of it lets go of more only when it is finalized. */
    static long held() {
        System.gc();
        System.gc();
        Runtime runtime = Runtime.getRuntime();
        return runtime.totalMemory() - runtime.freeMemory() + buffers();
    }

    private static long buffers() {
        long direct = ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
                .filter(pool -> pool.getName().equals("direct"))
                .mapToLong(BufferPoolMXBean::getMemoryUsed)
                .sum();
        return Math.max(direct, PlatformDependent.usedDirectMemory());
    }

    /** Files and sockets that are open, or 0 where that is not told. */
    static long openFiles() {
        return ManagementFactory.getOperatingSystemMXBean() instanceof UnixOperatingSystemMXBean unix
                ? unix.getOpenFileDescriptorCount()
                : 0;
    }

    static double mebibytes(long bytes) {
        return Math.round(bytes / 1024.0 / 102.4) / 10.0;
    }
}
