package io.sluice.demo;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;

/** How backends of the demo listen: with the JDK's server, which must be told something before its first use. */
final class DemoServer {
    static {
        // Without it the JDK's server waits 40 ms for the client's acknowledgement on kept connections.
        System.setProperty("sun.net.httpserver.nodelay", "true");
    }

    private DemoServer() {}

    static HttpServer at(InetSocketAddress address) throws IOException {
        return HttpServer.create(address, 0);
    }
}
