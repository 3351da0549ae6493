package io.sluice.demo;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;

/** Finds ports for the demo's processes: the wanted one where it is free, else any. Not for several threads. */
final class DemoPorts {
    private static final int CONNECT_MILLIS = 200;
    private static final int LOWEST = 20_000;
    private static final int HIGHEST = 32_000;

    private final Set<Integer> given = new HashSet<>();

    /** Gives {@code wanted}, or another port when something else listens there. */
    int take(int wanted) throws IOException {
        int port = wanted > 0 && !given.contains(wanted) && free(wanted) ? wanted : any();
        given.add(port);
        return port;
    }

    /**
     * One below those that systems give out by themselves (from 32768 on Linux): what is given here is listened to only
     * seconds later, and must not have become some connection's meanwhile.
     */
    private int any() throws IOException {
        while (true) {
            int port = ThreadLocalRandom.current().nextInt(LOWEST, HIGHEST);
            if (!given.contains(port) && free(port)) {
                return port;
            }
        }
    }

    private static boolean free(int port) throws IOException {
        try (ServerSocket socket = bind(port)) {
            assert socket.isBound();
        } catch (IOException taken) {
            return false;
        }
        // Something may listen on the other family's loopback, and a client that says localhost would reach that.
        for (InetAddress address : InetAddress.getAllByName("localhost")) {
            if (answers(address, port)) {
                return false;
            }
        }
        return true;
    }

    private static boolean answers(InetAddress address, int port) {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(address, port), CONNECT_MILLIS);
            return true;
        } catch (IOException nobody) {
            return false;
        }
    }

    private static ServerSocket bind(int port) throws IOException {
        ServerSocket socket = new ServerSocket();
        try {
            socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
            return socket;
        } catch (IOException e) {
            socket.close();
            throw e;
        }
    }
}
