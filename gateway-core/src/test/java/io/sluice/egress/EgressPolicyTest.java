package io.sluice.egress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.registry.Backend.Source;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class EgressPolicyTest {
    private static final EgressPolicy STRICT = EgressPolicy.of(false, List.of());
    private static final EgressPolicy LOOPBACK_BIND = EgressPolicy.of(true, List.of("::/0", "0.0.0.0/0"));

    @ParameterizedTest
    @ValueSource(
            strings = {
                "0.0.0.0",
                "0.1.2.3",
                "169.254.169.254",
                "169.254.0.1",
                "169.254.170.2",
                "100.100.100.200",
                "168.63.129.16",
                "192.0.0.192",
                "224.0.0.1",
                "239.255.255.250",
                "240.0.0.1",
                "255.255.255.255",
                "::",
                "fe80::1",
                "febf::1",
                "ff02::1",
                "ff0e::1",
                "100::1",
                "fd00:ec2::254",
                "fd20:ce::254",
                "::169.254.169.254",
                "64:ff9b::a9fe:a9fe",
                "64:ff9b:1::a9fe:a9fe",
                "2002:a9fe:a9fe::1",
                "2001:0:4136:e378:8000:63bf:5601:5601",
                "::ffff:0:169.254.169.254",
                "2001:db8::5efe:a9fe:a9fe",
                "::255.255.255.255",
                "64:ff9b::"
            })
    void neverReachableWhoeverAsks(String address) {
        for (Source source : Source.values()) {
            assertThat(LOOPBACK_BIND.denies(source, at(address)))
                    .as(source + " " + address)
                    .isTrue();
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "127.0.0.1",
                "127.255.255.254",
                "10.0.0.1",
                "10.255.255.255",
                "172.16.0.1",
                "172.31.255.255",
                "192.168.1.1",
                "100.64.0.1",
                "100.127.255.255",
                "192.0.0.8",
                "198.18.0.1",
                "198.19.255.255",
                "192.0.2.1",
                "198.51.100.1",
                "203.0.113.1",
                "192.88.99.1",
                "::1",
                "fc00::1",
                "fdff::1",
                "fec0::1",
                "2001:db8::1",
                "::127.0.0.1",
                "::10.0.0.1",
                "64:ff9b::7f00:1",
                "64:ff9b::a00:1",
                "2002:7f00:1::",
                "2002:808:808::1",
                "2001:0:4136:e378:8000:63bf:80ff:fffe",
                "::ffff:0:127.0.0.1"
            })
    void privateOnlyForThoseWhoMayNameIt(String address) {
        assertThat(STRICT.denies(Source.API, at(address))).isTrue();

        assertThat(LOOPBACK_BIND.denies(Source.API, at(address))).isFalse();
        assertThat(STRICT.denies(Source.FILE, at(address))).isFalse();
        assertThat(STRICT.denies(Source.DISCOVERED, at(address))).isFalse();
        assertThat(STRICT.denies(Source.BUILT_IN, at(address))).isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "8.8.8.8",
                "1.1.1.1",
                "9.255.255.255",
                "11.0.0.1",
                "172.15.255.255",
                "172.32.0.1",
                "100.63.255.255",
                "100.128.0.1",
                "169.253.0.1",
                "223.255.255.255",
                "2606:4700:4700::1111",
                "2a00:1450::1",
                "64:ff9b::808:808",
                "::8.8.8.8"
            })
    void publicForEverybody(String address) {
        for (Source source : Source.values()) {
            assertThat(STRICT.denies(source, at(address)))
                    .as(source + " " + address)
                    .isFalse();
        }
    }

    @Test
    void mappedAddressCountsAsTheOneInside() throws UnknownHostException {
        byte[] mapped = new byte[16];
        mapped[10] = mapped[11] = (byte) 0xff;
        mapped[12] = 127;
        mapped[15] = 1;
        InetSocketAddress address = new InetSocketAddress(Inet6Address.getByAddress(null, mapped, -1), 80);

        assertThat(STRICT.denies(Source.API, address)).isTrue();
        assertThat(EgressPolicy.of(false, List.of("127.0.0.0/8")).denies(Source.API, address))
                .isFalse();
    }

    @Test
    void allowedRangeOpensItsAddressesOnly() {
        EgressPolicy policy = EgressPolicy.of(false, List.of("10.1.0.0/16", "fd12::/32", "192.168.7.7"));

        assertThat(policy.denies(Source.API, at("10.1.2.3"))).isFalse();
        assertThat(policy.denies(Source.API, at("::10.1.2.3"))).isFalse();
        assertThat(policy.denies(Source.API, at("fd12::5"))).isFalse();
        assertThat(policy.denies(Source.API, at("192.168.7.7"))).isFalse();
        assertThat(policy.denies(Source.API, at("10.2.0.1"))).isTrue();
        assertThat(policy.denies(Source.API, at("192.168.7.8"))).isTrue();
        assertThat(policy.denies(Source.API, at("127.0.0.1"))).isTrue();
    }

    @Test
    void refusalNamesTheAddressAndTheWayOut() {
        assertThat(STRICT.refusal(Source.API, at("10.0.0.5")))
                .get()
                .asString()
                .contains("10.0.0.5:443", "allowPrivate: [\"10.0.0.5\"]", "configuration file");
        assertThat(STRICT.refusal(Source.FILE, at("169.254.169.254")))
                .get()
                .asString()
                .contains("169.254.169.254:443", "never reachable");
    }

    @ParameterizedTest
    @EnumSource(Source.class)
    void unresolvedAddressIsNeverDialled(Source source) {
        assertThat(LOOPBACK_BIND.denies(source, InetSocketAddress.createUnresolved("example.com", 80)))
                .isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "10.0.0.0/33",
                "ten",
                "10.0.*.1-5",
                "*",
                "10.0.0.1/8/8",
                "10.0.0.1/8",
                "10",
                "0x7f.1",
                "localhost"
            })
    void rangeThatIsNoneIsRefused(String range) {
        assertThatThrownBy(() -> EgressPolicy.of(false, List.of(range)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("'" + range + "'");
    }

    private static InetSocketAddress at(String literal) {
        try {
            return new InetSocketAddress(InetAddress.getByName(literal), 443);
        } catch (UnknownHostException e) {
            throw new AssertionError(e);
        }
    }
}
