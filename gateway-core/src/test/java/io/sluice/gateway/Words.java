package io.sluice.gateway;

import io.sluice.testing.FakeBackend;

/** The stream of a call that says numbers, so that one that is lost, doubled or out of order is seen. */
final class Words {
    private Words() {}

    static String word(int number) {
        return "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"level\":\"info\",\"data\":"
                + number + "}}";
    }

    static void words(FakeBackend.Stream stream, int from, int to) {
        for (int i = from; i <= to; i++) {
            stream.message(word(i));
        }
    }

    /** The last message, and the end of the stream. */
    static void result(FakeBackend.Received request, FakeBackend.Stream stream) {
        stream.message("{\"jsonrpc\":\"2.0\",\"id\":" + request.id() + ",\"result\":{\"content\":[]}}");
        stream.end();
    }
}
