package io.sluice.benchmarks.load;

import reactor.core.publisher.Flux;
import reactor.netty.http.client.HttpClient;
import reactor.netty.http.server.HttpServer;

/**
 * What is written first when a proxy is wanted on Reactor Netty: a server that passes bodies on to a client as a {@link Flux} and back. It knows nothing of MCP. Arguments are its own port and the
 * backend's.
 */
public final class ReactorProxy {
    private ReactorProxy() {}

    /** Listens until killed. */
    public static void main(String[] args) {
        HttpClient client = HttpClient.create().baseUrl("http://127.0.0.1:" + args[1]);
        HttpServer.create()
                .host("127.0.0.1")
                .port(Integer.parseInt(args[0]))
                .handle((request, response) -> client.headers(
                                headers -> headers.set(request.requestHeaders()).remove("Host"))
                        .request(request.method())
                        .uri(request.uri())
                        .send((outgoing, outbound) ->
                                outbound.send(request.receive().retain()))
                        .response((answer, body) -> {
                            response.status(answer.status());
                            response.headers(answer.responseHeaders());
                            return response.send(body.retain()).then().thenMany(Flux.empty());
                        }))
                .bindNow()
                .onDispose()
                .block();
    }
}
