package io.sluice.egress;

import inet.ipaddr.IPAddress;
import inet.ipaddr.IPAddressString;
import inet.ipaddr.ipv4.IPv4Address;
import inet.ipaddr.ipv6.IPv6Address;
import java.util.Arrays;
import java.util.List;

/**
 * How far away an address is, from the most ordinary to the one nobody may dial. The order of the constants counts: an
 * address that carries another inside is as far as the farther of the two.
 */
enum Reach {
    /** Routed on the Internet. */
    PUBLIC,
    /** This machine, this site, or a range that no public backend can have. */
    PRIVATE,
    /** Link-local, metadata of a cloud, multicast, unspecified, reserved. */
    NEVER;

    // RFC 6890 and its IANA registries, and the metadata addresses that lie outside link-local.
    private static final List<IPAddress> NEVER_BLOCKS = blocks(
            "0.0.0.0/8", // this network
            "100.100.100.200", // metadata, Alibaba Cloud
            "168.63.129.16", // host channel, Azure
            "169.254.0.0/16", // link-local; metadata almost everywhere
            "192.0.0.192", // metadata, Oracle Cloud classic
            "224.0.0.0/4", // multicast
            "240.0.0.0/4", // reserved, broadcast
            "::/128", // unspecified
            "64:ff9b:1::/48", // local NAT64: where the IPv4 address sits is the site's secret
            "100::/64", // discard
            "fd00:ec2::254", // metadata, AWS
            "fd20:ce::254", // metadata, Google Cloud
            "fe80::/10", // link-local
            "ff00::/8"); // multicast

    private static final List<IPAddress> PRIVATE_BLOCKS = blocks(
            "10.0.0.0/8",
            "100.64.0.0/10", // carrier-grade NAT
            "127.0.0.0/8",
            "172.16.0.0/12",
            "192.0.0.0/24", // IETF assignments
            "192.0.2.0/24", // documentation
            "192.88.99.0/24", // 6to4 relays
            "192.168.0.0/16",
            "198.18.0.0/15", // benchmarks
            "198.51.100.0/24",
            "203.0.113.0/24",
            "::1/128",
            "2001::/23", // IETF assignments, Teredo among them
            "2001:db8::/32",
            "2002::/16", // 6to4
            "3fff::/20", // documentation
            "5f00::/16", // segment routing
            "fc00::/7", // unique local
            "fec0::/10"); // site-local, deprecated

    static Reach of(IPAddress address) {
        Reach reach = in(NEVER_BLOCKS, address) ? NEVER : in(PRIVATE_BLOCKS, address) ? PRIVATE : PUBLIC;
        if (address instanceof IPv6Address v6) {
            for (IPv4Address inside : inside(v6)) {
                Reach other = of(inside);
                reach = other.compareTo(reach) > 0 ? other : reach;
            }
        }
        return reach;
    }

    /** The IPv4 address meant by an IPv6 address that only wraps one (RFC 4291 §2.5.5, RFC 6052), else the address. */
    static IPAddress unwrapped(IPAddress address) {
        if (address instanceof IPv6Address v6 && wraps(v6)) {
            return v6.getEmbeddedIPv4Address();
        }
        return address;
    }

    private static List<IPv4Address> inside(IPv6Address v6) {
        if (wraps(v6)) {
            return List.of(v6.getEmbeddedIPv4Address());
        }
        if (v6.is6To4()) {
            return List.of(v6.get6To4IPv4Address());
        }
        if (v6.isTeredo()) {
            // RFC 4380 §4: the server in clear, the client with every bit flipped
            byte[] bytes = v6.getBytes();
            byte[] client = new byte[4];
            for (int i = 0; i < client.length; i++) {
                client[i] = (byte) ~bytes[12 + i];
            }
            return List.of(v6.getEmbeddedIPv4Address(4), new IPv4Address(client));
        }
        // RFC 5214 §6.1, under any prefix: ISATAP interface identifiers
        boolean isatap = (v6.getSegment(4).getSegmentValue() & ~0x200) == 0
                && v6.getSegment(5).getSegmentValue() == 0x5efe;
        return isatap ? List.of(v6.getEmbeddedIPv4Address()) : List.of();
    }

    private static boolean wraps(IPv6Address v6) {
        return v6.isIPv4Mapped()
                || v6.isWellKnownIPv4Translatable()
                || v6.isIPv4Translatable()
                || (v6.isIPv4Compatible() && !v6.isLoopback() && !v6.isZero());
    }

    private static boolean in(List<IPAddress> blocks, IPAddress address) {
        for (IPAddress block : blocks) {
            if (block.contains(address)) {
                return true;
            }
        }
        return false;
    }

    private static List<IPAddress> blocks(String... texts) {
        return Arrays.stream(texts)
                .map(text -> new IPAddressString(text).getAddress().toPrefixBlock())
                .toList();
    }
}
