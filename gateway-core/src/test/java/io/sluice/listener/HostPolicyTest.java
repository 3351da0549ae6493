package io.sluice.listener;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.HttpHeaders;
import io.sluice.rejection.Rejection;
import java.util.Set;
import org.junit.jupiter.api.Test;

final class HostPolicyTest {

    @Test
    void starLetsEveryHostInButVouchesForNoOrigin() {
        HostPolicy any = new HostPolicy(ListenerSettings.of("127.0.0.1", 0).withHosts(Set.of("*")));

        assertThatCode(() -> any.check(host("anything.example:8080"))).doesNotThrowAnyException();
        assertThatThrownBy(() -> any.check(host("evil.example").add("Origin", "http://evil.example")))
                .isInstanceOf(Rejection.Forbidden.class);
    }

    @Test
    void loopbackKnowsOnlyItsOwnNamesWithoutIt() {
        HostPolicy loopback = new HostPolicy(ListenerSettings.of("127.0.0.1", 0));

        assertThatCode(() -> loopback.check(host("localhost:8080"))).doesNotThrowAnyException();
        assertThatThrownBy(() -> loopback.check(host("anything.example"))).isInstanceOf(Rejection.Forbidden.class);
    }

    private static HttpHeaders host(String name) {
        return new DefaultHttpHeaders().add("Host", name);
    }
}
